"""The extension as a package: what its zip carries, and that Blender can install, enable, disable and remove it."""

from __future__ import annotations

import ast
import functools
import http.server
import io
import json
import subprocess
import sys
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from resilver_server import __version__
from support.blender import VERSIONS, blender, extension_zip, load_builder, python, run
from support.shared import ROOT

EXTENSION = ROOT / "host_plugins" / "blender" / "resilver_blender"
BOUND = 0.050
"""CPU seconds that enabling may cost beyond what importing grpc costs."""
RUNS = 5
BUILDER = load_builder()


def _interpreter(version: str) -> str:
    return "3.13" if version == "5.2" else "3.11"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_package_comes_from_the_extensions_wheels(version: str) -> None:
    found = blender(version, "origins")
    assert ".".join(map(str, found["python"])) == _interpreter(version)
    wheels = f"/extensions/.local/lib/python{_interpreter(version)}/site-packages/"
    assert {name: file for name, file in found["files"].items() if wheels not in file} == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_installed_disabled_enabled_and_removed(version: str, tmp_path: Path) -> None:
    order = {"enable": False, "arguments": {"archive": extension_zip()}}
    found = run(python(version), "lifecycle", tmp_path, 120, {}, order)
    enabled, disabled, again = found["classes"]
    assert enabled
    assert (disabled, again) == ([], enabled)
    assert not found["enabled"]
    assert not found["left"]
    assert found["files_after"] == found["files"], "it writes beside its own files"
    assert len(found["modules"]) == len([path for path in EXTENSION.rglob("*.py") if path.stem != "__init__"])
    assert [path for path in found["path"] if not path.startswith(str(tmp_path / "extensions" / ".local"))] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_enabling_costs_little_beyond_grpc(version: str) -> None:
    program = python(version)
    costs = [_cost(version, ["grpc"])["seconds"] for _ in range(RUNS)]
    assert median(costs) < BOUND, f"CPU seconds in {RUNS} processes of {program}: {costs}"


@pytest.mark.parametrize("version", VERSIONS)
def test_enabling_imports_none_of_the_carried_packages(version: str) -> None:
    assert _cost(version, [])["imported"] == []


def _cost(version: str, before: list[str]) -> dict[str, object]:
    return blender(version, "import_cost", enable=False, before=before)


def test_the_extension_has_the_servers_version() -> None:
    assert _manifest()["version"] == __version__


def test_nobody_installs_packages_or_touches_the_search_path() -> None:
    for path in EXTENSION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not _imported(node) & {"pip", "ensurepip", "site"}, path
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"), path
            assert not (isinstance(node, ast.Name) and node.id == "__file__"), path


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def _manifest() -> dict[str, object]:
    return tomllib.loads((EXTENSION / "blender_manifest.toml").read_text())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of this platform and the index of its repository, built a second time."""
    if not any((ROOT / ".venv").glob("blender-*/.ready")):
        pytest.skip("no Blender here to pack the extension with")
    return BUILDER.build(["linux-x64"], tmp_path_factory.mktemp("dist"))[0]


def test_the_same_sources_give_the_same_bytes(built: Path) -> None:
    assert built.read_bytes() == extension_zip().read_bytes()


def test_the_index_lists_the_zip(built: Path) -> None:
    (listed,) = json.loads((built.parent / "index.json").read_text())["data"]
    assert listed["archive_url"] == f"./{built.name}"
    assert listed["archive_size"] == built.stat().st_size
    assert (listed["platforms"], listed["python_versions"]) == (["linux-x64"], ["3.11", "3.13"])


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    """The folder of the build behind a web server, as a studio would host it; the index's address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(built.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.json"
        server.shutdown()


@pytest.mark.parametrize("version", VERSIONS)
def test_blender_installs_it_from_the_repository(version: str, address: str, tmp_path: Path) -> None:
    order = {"enable": False, "arguments": {"address": address}}
    found = run(python(version), "from_repository", tmp_path, 120, {}, order)
    assert (found["synced"], found["installed"]) == (["FINISHED"], ["FINISHED"])
    assert "bl_ext.resilver.resilver_blender" in found["enabled"]


def test_the_zip_carries_what_is_pinned_for_both_pythons(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        wheels = [name.removeprefix("wheels/") for name in archive.namelist() if name.startswith("wheels/")]
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert sorted(manifest["wheels"]) == sorted(f"./wheels/{name}" for name in wheels)
    for package in ("grpcio", "opentimelineio"):
        assert {name.split("-")[2] for name in wheels if name.startswith(package)} == {"cp311", "cp313"}
    assert f"resilver_client-{__version__}-py3-none-any.whl" in wheels


def test_our_wheel_holds_exactly_what_the_build_watches(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        wheel = archive.read(f"wheels/resilver_client-{__version__}-py3-none-any.whl")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        packed = {name.split("/")[0] for name in archive.namelist() if ".dist-info" not in name}
    assert packed == {folder.name for folder in BUILDER.OURS}


def test_the_apache_distribution_holds_nothing_of_the_extension(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive, tarfile.open(source) as packed:
        names = archive.namelist() + packed.getnames()
    assert any("resilver_client" in name for name in names)
    assert [name for name in names if "resilver_blender" in name or "host_plugins/blender" in name] == []
