"""Python, libraries, devices, encoders, models, timelines, limits of the system, and what hosts have installed."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from resilver_client.errors import ResilverError

from .finding import Finding

_GIGABYTE = 1e9
_FEW_FILES = 1024
"""Open files: a server holds some for each client, each worker and each film."""
_LITTLE_SPACE = 8 * 10**9
"""Bytes of addresses: libraries of networks map more than they use."""
_LITTLE_SHARED = 16 * 10**6
_EXTRA = {"fcpx_xml": ".fcpxml", "fcp_xml": ".xml", "cmx_3600": ".edl", "AAF": ".aaf"}
"""Adapters of the extra ``timelines``, and what each reads."""


def python() -> Iterator[Finding]:
    yield Finding("Python", sys.version.split()[0])


def libraries() -> Iterator[Finding]:
    remedies = {"cv2": "sudo apt-get install -y libgl1 libglib2.0-0 libxcb1"}
    for name in ("torch", "cv2", "av", "opentimelineio", "grpc", "scenedetect", "safetensors"):
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            yield Finding(name, str(error), remedies.get(name, f"pip install {name}"))
        else:
            yield Finding(name, str(getattr(module, "__version__", "found")))


def devices() -> Iterator[Finding]:
    from resilver_server.engine.device import devices

    for device in devices():
        yield Finding(device.id, f"{device.name}, {device.free_memory / _GIGABYTE:.1f} GB free")


def encoders() -> Iterator[Finding]:
    from resilver_server.media.profiles import PROFILES, profile

    for entry in PROFILES:
        yield Finding(f"profile {entry.name}", f"{profile(entry.name).codec}, {entry.bit_depth} bit, {entry.suffix}")


def timelines() -> Iterator[Finding]:
    """Adapters of OpenTimelineIO: each that is installed can be loaded."""
    import opentimelineio as otio

    found = {adapter.name: adapter for adapter in otio.plugins.ActiveManifest().adapters}
    broken = False
    for name in sorted(found):
        try:
            found[name].module()
        except Exception as error:  # whatever a plug-in of somebody else does when it is imported
            broken = True
            what = f"{name} cannot be loaded: {type(error).__name__}: {error}"
            yield Finding("timelines", what, "install it again: pip install --force-reinstall 'resilver[timelines]'")
    absent = [suffix for name, suffix in _EXTRA.items() if name not in found]
    more = f"; for {', '.join(absent)} too: pip install 'resilver[timelines]'" if absent else ""
    if not broken:
        yield Finding("timelines", f"{', '.join(sorted(found))}{more}")


def models() -> Iterator[Finding]:
    """Those that are installed, and weights of which only a part is there."""
    from resilver_server.models.cards import all_cards
    from resilver_server.models.store import installed

    found = [(model.id, installed(model.id)) for model in all_cards()]
    names = [name for name, there in found if there is not None]
    yield Finding("models", ", ".join(names) or "none installed", "" if names else "resilver models pull all")
    for name, there in found:
        if there is not None and not is_whole(there.path):
            yield Finding("models", f"{name}: only a part of its file is there", f"resilver models pull {name}")


def is_whole(weights: Path) -> bool:
    """Whether a safetensors file is as long as its header says (8 bytes of length, JSON, the tensors)."""
    import json

    try:
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, 100 * 10**6)))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        return weights.stat().st_size == 8 + length + max(ends, default=0)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


def limits(shared: Path = Path("/dev/shm")) -> Iterator[Finding]:
    """Of this process, which a server that is started here inherits."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FEW_FILES:
        more = _FEW_FILES if hard < 0 else min(4 * _FEW_FILES, hard)
        yield Finding("open files", f"at most {soft}", f"ulimit -n {more}, or LimitNOFILE= of the service")
    else:
        yield Finding("open files", "no limit" if soft < 0 else f"at most {soft}")
    space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if 0 <= space < _LITTLE_SPACE:
        yield Finding("addresses", f"at most {space / _GIGABYTE:.1f} GB may be mapped", "ulimit -v unlimited")
    if sys.platform == "linux":
        yield from _shared_memory(shared)


def _shared_memory(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        yield Finding("shared memory", f"{folder} cannot be written", "mount it; in a container: --shm-size=1g")
        return
    free = shutil.disk_usage(folder).free
    remedy = "clear it; in a container: --shm-size=1g" if free < _LITTLE_SHARED else ""
    yield Finding("shared memory", f"{free / 1e6:.0f} MB free", remedy)


def hosts(
    ours: str, extensions: Sequence[Path] | None = None, scripts: Sequence[Path] | None = None
) -> Iterator[Finding]:
    """Blender extensions and Resolve scripts that are of another version than this program (the last number does not
    count)."""
    for manifest in blender_manifests() if extensions is None else extensions:
        yield from _told("Blender extension", manifest, ours, _blender_version, "install the zip of this version")
    for folder in _resolve_folders() if scripts is None else scripts:
        yield from _told("Resolve script", folder, ours, _resolve_version, "resilver davinci install")


def _told(
    subject: str, place: Path, ours: str, version: Callable[[Path], str | None], remedy: str
) -> Iterator[Finding]:
    try:
        found = version(place)
    except (OSError, ValueError, KeyError, ResilverError) as error:
        yield Finding(subject, f"{place} cannot be read: {error}", remedy)
        return
    if found is not None:
        same = found.split(".")[:2] == ours.split(".")[:2]
        yield Finding(subject, f"{found}, {place}", "" if same else f"this is {ours}: {remedy}")


def _blender_version(manifest: Path) -> str | None:
    return str(tomllib.loads(manifest.read_text(encoding="utf-8"))["version"])


def _resolve_version(folder: Path) -> str | None:
    from resilver_bridge.install import listing

    installed = listing.read(folder)
    return installed.version if installed is not None else None


def _resolve_folders() -> list[Path]:
    from resilver_bridge.install import folders

    system = folders.this_system()
    return [folders.own(system, all_users) for all_users in (False, True)]


def blender_manifests() -> list[Path]:
    """Of the extension in every Blender of this user."""
    home, manifest = Path.home(), "resilver_blender/blender_manifest.toml"
    roots = [home / ".config/blender", home / "Library/Application Support/Blender"]
    if os.environ.get("APPDATA"):
        roots.append(Path(os.environ["APPDATA"]) / "Blender Foundation" / "Blender")
    found = [path for root in roots if root.is_dir() for path in root.glob(f"*/extensions/*/{manifest}")]
    chosen = os.environ.get("BLENDER_USER_EXTENSIONS")
    return sorted([*found, *(Path(chosen).glob(f"*/{manifest}") if chosen else ())])
