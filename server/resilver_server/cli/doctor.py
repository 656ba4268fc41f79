"""``resilver doctor``: finds the usual faults, and says what to do about each."""

from __future__ import annotations

import importlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import typer

from resilver_client.client import connect
from resilver_client.errors import ResilverError
from resilver_client.home import home, token_file

from .reporting import print_finding

_LITTLE_DISK = 10 * 10**9
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``remedy`` is empty where all is well."""

    subject: str
    fact: str
    remedy: str = ""


def doctor() -> None:
    """Look at libraries, devices, folders, models and the server."""
    faults = 0
    for check in (_python, _libraries, _devices, _folders, _models, _encoders, _server):
        for finding in check():
            faults += bool(finding.remedy)
            print_finding(finding.subject, finding.fact, finding.remedy)
    if faults:
        raise typer.Exit(1)


def _python() -> Iterator[Finding]:
    yield Finding("Python", sys.version.split()[0])


def _libraries() -> Iterator[Finding]:
    remedies = {"cv2": "sudo apt-get install -y libgl1 libglib2.0-0 libxcb1"}
    for name in ("torch", "cv2", "av", "opentimelineio", "grpc", "scenedetect", "safetensors"):
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            yield Finding(name, str(error), remedies.get(name, f"pip install {name}"))
        else:
            yield Finding(name, str(getattr(module, "__version__", "found")))


def _devices() -> Iterator[Finding]:
    from resilver_server.engine.device import devices

    for device in devices():
        yield Finding(device.id, f"{device.name}, {device.free_memory / _GIGABYTE:.1f} GB free")


def _folders() -> Iterator[Finding]:
    place = home()
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding("home", str(place), "" if writable else "not writable: set RESILVER_HOME to a folder that is")
    free = shutil.disk_usage(existing).free
    yield Finding(
        "disk", f"{free / _GIGABYTE:.0f} GB free", "" if free > _LITTLE_DISK else "make room, or move RESILVER_HOME"
    )
    token = token_file()
    if os.name == "posix" and token.exists() and stat.S_IMODE(token.stat().st_mode) & 0o077:
        yield Finding("token", f"{token} can be read by others", f"chmod 600 {token}")


def _models() -> Iterator[Finding]:
    from resilver_server.models.cards import all_cards
    from resilver_server.models.store import installed

    names = [model.id for model in all_cards() if installed(model.id)]
    yield Finding("models", ", ".join(names) or "none installed", "" if names else "resilver models pull all")


def _encoders() -> Iterator[Finding]:
    from resilver_server.media.profiles import PROFILES, profile

    for entry in PROFILES:
        yield Finding(f"profile {entry.name}", f"{profile(entry.name).codec}, {entry.bit_depth} bit, {entry.suffix}")


def _server() -> Iterator[Finding]:
    try:
        with connect() as client:
            info = client.server_info()
    except ResilverError as error:
        yield Finding("server", f"none is running ({error.reason})")
    else:
        yield Finding("server", f"{info.version}, process {info.pid}")
