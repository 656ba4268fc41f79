"""Builds the extension: one zip a platform, and the index of a static repository that Blender can install it from.

``python host_plugins/blender/build.py`` (or ``make blender-extension``) writes to ``dist/blender``. The zips are packed
by Blender's own ``blender_ext.py``, a plain script that needs no Blender to run. They carry everything that the
extension imports as wheels, since it may neither call pip nor touch ``sys.path``. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXTENSION = HERE / "resilver_blender"
COMMON = ROOT / "host_plugins" / "common"
CONSTRAINTS = ROOT / "constraints.txt"
WHEELS = ROOT / "build" / "blender" / "wheels"
"""Downloaded wheels, kept by platform and by the versions asked for."""

CARRIED = (
    "grpcio",
    "protobuf",
    "googleapis-common-protos",
    "typing-extensions",
    "OpenTimelineIO",
    "pyblish-base",
)
"""What the extension carries beside our own client; the versions stand in constraints.txt."""
OURS = (
    COMMON / "resilver_client",
    COMMON / "resilver_publish",
    ROOT / "otio_adapters" / "resilver_otio",
    ROOT / "protos" / "python" / "resilver",
)
"""What our client's wheel is made of, as its pyproject.toml says."""
PYTHONS = ("3.11", "3.13")
"""Of Blender 4.2 to 5.0, and of 5.1 and 5.2."""
PLATFORMS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64", "macosx_11_0_universal2"),
}
"""Blender's name of a platform -> tags of the wheels that run there, on the oldest system that Blender supports."""
ONE_DATE = (2020, 2, 2, 0, 0, 0)
"""The date of every file in a zip, so that the same files make the same zip; wheels built by hatchling have it too."""


class BuildFailed(Exception):
    """Something that the build needs is missing, or a tool that it ran has failed."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Build the Blender extension, one zip a platform.")
    parser.add_argument("--platform", action="append", choices=PLATFORMS, help="only this one; may be repeated")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "blender", help="folder (dist/blender)")
    arguments = parser.parse_args()
    try:
        for built in build(arguments.platform or list(PLATFORMS), arguments.output.resolve()):
            print(f"{built}  {built.stat().st_size / 1e6:.1f} MB")
    except BuildFailed as error:
        sys.exit(f"error: {error}")


def build(platforms: Iterable[str], output: Path) -> list[Path]:
    """Build the zips of ``platforms`` and the index of all zips in ``output``.

    Returns:
        The zips, in the order of ``platforms``.

    Raises:
        BuildFailed: a wheel cannot be had, or Blender's packer refuses the extension.
    """
    output.mkdir(parents=True, exist_ok=True)
    for other in set(output.glob("*.zip")) - set(output.glob(f"*-{_version()}-*.zip")):
        other.unlink()  # the index may list only one version
    zips = [_zip(platform, output) for platform in platforms]
    _packer("server-generate", "--repo-dir", output, "--html")
    return zips


def sources() -> Iterator[Path]:
    """Every file that a zip is made from, except the downloaded wheels."""
    yield from (CONSTRAINTS, HERE / "LICENSE", HERE / "build.py", COMMON / "pyproject.toml")
    yield ROOT / "server" / "resilver_server" / "__init__.py"
    for folder in (EXTENSION, *OURS):
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")


def digest() -> str:
    """A short name for the present content of ``sources``."""
    seen = hashlib.sha256()
    for path in sources():
        seen.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return seen.hexdigest()[:16]


def _zip(platform: str, output: Path) -> Path:
    """Stage the extension with the wheels of one platform and let Blender's packer make the zip."""
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / EXTENSION.name
        shutil.copytree(EXTENSION, stage, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        shutil.copy(HERE / "LICENSE", stage)
        wheels = stage / "wheels"
        shutil.copytree(_downloaded(platform), wheels)
        _build_client(wheels)
        _complete_manifest(stage / "blender_manifest.toml", platform, sorted(path.name for path in wheels.iterdir()))
        packed = Path(scratch) / "packed"
        packed.mkdir()
        _packer("build", "--source-dir", stage, "--output-dir", packed, "--split-platforms")
        (made,) = packed.iterdir()
        _settle(made, output / made.name)
    return output / made.name


def _version() -> str:
    return str(tomllib.loads((EXTENSION / "blender_manifest.toml").read_text())["version"])


def _complete_manifest(manifest: Path, platform: str, wheels: Iterable[str]) -> None:
    """Write the two lines that the checked-in manifest leaves out, before its first table."""
    listed = [f"./wheels/{name}" for name in wheels]
    lines = f"platforms = {json.dumps([platform])}\nwheels = {json.dumps(listed)}\n"
    manifest.write_text(lines + manifest.read_text())


def _downloaded(platform: str) -> Path:
    """The folder with the wheels of ``CARRIED`` for a platform; downloads them where they are not there yet."""
    asked = [_pin(name) for name in CARRIED]
    key = hashlib.sha256(repr((asked, PYTHONS, PLATFORMS[platform])).encode()).hexdigest()[:12]
    folder = WHEELS / f"{platform}-{key}"
    if folder.exists():
        return folder
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for python in PYTHONS:
        _pip("download", *_target(platform, python), "--no-deps", "--only-binary=:all:", "-d", partial, *asked)
    partial.rename(folder)
    return folder


def _pin(name: str) -> str:
    found = re.search(rf"^{re.escape(name)}==\S+$", CONSTRAINTS.read_text(), re.MULTILINE)
    if not found:
        raise BuildFailed(f"{CONSTRAINTS.name} pins no version of {name}, which the extension carries")
    return found.group()


def _target(platform: str, python: str) -> list[str]:
    tags = [option for tag in PLATFORMS[platform] for option in ("--platform", tag)]
    return [*tags, "--implementation", "cp", "--python-version", python]


def _build_client(wheels: Path) -> None:
    """Our own client as a wheel. hatchling comes with the ``dev`` extra, so nothing is downloaded for this."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir", "-w", wheels, COMMON)


def _pip(*arguments: object) -> None:
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments)


def _packer(*arguments: object) -> None:
    """Run Blender's ``blender_ext.py``, which lies in every Blender and in the ``bpy`` module."""
    modules = ROOT.glob(".venv/blender-*/lib/python*/site-packages/bpy/*/scripts")
    scripts = sorted(folder / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py" for folder in modules)
    if not scripts:
        raise BuildFailed("no Blender here to pack the extension with; .ci/setup-blender 4.2 brings one")
    _run(sys.executable, scripts[-1], *arguments)


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def _settle(packed: Path, target: Path) -> None:
    """Write the zip again with one date and one order, so that its bytes depend on its files alone."""
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(partial, "w") as settled:
        for old in sorted(source.infolist(), key=lambda info: info.filename):
            new = zipfile.ZipInfo(old.filename, ONE_DATE)
            new.compress_type, new.external_attr = old.compress_type, 0o644 << 16
            settled.writestr(new, source.read(old), compresslevel=9)
    partial.replace(target)


if __name__ == "__main__":
    main()
