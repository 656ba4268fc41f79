"""The server: whether one answers, what a killed one left, and workers that lost theirs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resilver_client.client import connect
from resilver_client.errors import ResilverError, ServerAlreadyRunning
from resilver_client.home import address_file
from resilver_server import __version__
from resilver_server.config import ServerSettings
from resilver_server.storage.lock import DatabaseLock

from .finding import Finding

_WORKER = "resilver_server.execution.worker"


def server(home: Path) -> Iterator[Finding]:
    """The one that answers; or who has the database without answering, and an address that nobody is at any more."""
    try:
        with connect(home=home) as client:
            info = client.server_info()
    except ResilverError as error:
        yield from _silent(home, error)
    else:
        same = info.version.split(".")[:2] == __version__.split(".")[:2]
        remedy = "" if same else f"this is {__version__}: end the server, the next command starts one of this version"
        yield Finding("server", f"{info.version}, process {info.pid}", remedy)


def _silent(home: Path, error: ResilverError) -> Iterator[Finding]:
    holder = _holder(ServerSettings(home=home).database_path)
    file = address_file(home)
    if holder:
        yield Finding("server", f"{holder}, and does not answer ({error.reason})", "end that process, or wait for it")
    elif file.exists():
        told = f"{file} names {_named(file)}, where no server is: one was killed"
        yield Finding("server", told, f"remove {file}; the next command starts a server and goes on where it stood")
    else:
        yield Finding("server", f"none is running ({error.reason})")


def _named(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(file.read_text())["address"])
    return "no address"


def _holder(database: Path) -> str:
    """Who has the database; empty where nobody has. Taken and let go at once, it changes nothing."""
    real = database.resolve()
    file = real.with_name(f"{real.name}.lock")
    if not file.exists():
        return ""
    lock = DatabaseLock(file)
    try:
        lock.acquire()
    except ServerAlreadyRunning as running:
        return running.what
    except ResilverError:  # it cannot be written: what is said of the folder says so
        return ""
    lock.release()
    return ""


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    command: str


def orphans(home: Path, processes: Path = Path("/proc")) -> Iterator[Finding]:
    """Workers of this home whose server is gone. A worker ends by itself when its pipe closes; one that hangs does
    not."""
    found = {process.pid: process for process in _processes(processes)}
    for process in found.values():
        if _WORKER not in process.command or not _is_of(processes / str(process.pid), home):
            continue
        parent = found.get(process.parent)
        if process.parent == 1 or parent is None or "python" not in parent.command:
            told = f"process {process.pid} has no server any more, and may hold the device's memory"
            yield Finding("worker", told, f"kill -9 {process.pid}")


def _processes(folder: Path) -> Iterator[_Process]:
    """Of this user, where the system lists them as files (Linux)."""
    for each in folder.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if each.stat().st_uid != os.geteuid():
                continue
            command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            yield _Process(int(each.name), parent, command)


def _is_of(process: Path, home: Path) -> bool:
    with contextlib.suppress(OSError):
        return f"RESILVER_HOME={home}".encode() in (process / "environ").read_bytes().split(b"\0")
    return False
