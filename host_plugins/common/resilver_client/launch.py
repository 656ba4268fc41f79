"""A server when one is needed: the running one, or a new one in the background that leaves when it is idle."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import home as places
from .channel import healthy
from .client import Client, connect
from .discovery import discover
from .errors import (
    BY_REASON,
    OutputUnwritable,
    ResilverError,
    ServerAlreadyRunning,
    ServerUnreachable,
    Unauthenticated,
    UnsafeAddress,
)

_STEP = 0.1
"""Seconds between looks."""
_OTHER = 2.0
"""Seconds that another server, which holds the database, gets to answer."""
_LARGEST_LOG = 4 << 20
_TAIL = 2000
"""Bytes of the log that an error shows."""


def ensure_server(
    *,
    idle_minutes: float = 10,
    timeout: float = 60.0,
    command: Sequence[str] | None = None,
    home: Path | None = None,
    address: str | None = None,
    token: str | None = None,
) -> Client:
    """A client of a server that answers; where none runs, one is started and waited for, up to ``timeout`` seconds.

    ``command`` is what starts a server (default: ``RESILVER_COMMAND``, this interpreter where the server is installed
    in it, or ``resilver`` on the path); ``serve --idle-minutes N`` is added. It writes to ``home/server.log``. Several
    callers may race: the database admits one server, and all of them get a client of it. A server at an ``address``
    that is given is only asked whether it is the right one (``Client.check``).

    Raises ServerUnreachable with the end of the log where the server does not come up, and where
    ``RESILVER_ADDRESS`` names a server that does not answer: that one is not ours to start.
    """
    if address:
        return _given(address, token, home)
    client = _running(home)
    if client is not None:
        return client
    if os.environ.get("RESILVER_ADDRESS"):
        raise ServerUnreachable("the server does not answer", where=os.environ["RESILVER_ADDRESS"], remedy="start it")
    folder = home or places.home()
    line = [*(command or default_command()), "serve", "--idle-minutes", f"{idle_minutes:g}"]
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        client = _launch(line, folder, home, deadline)
        if client is not None:
            return client
    raise ServerUnreachable("the server did not come up in time", where=str(_log(folder)), remedy="the log says why")


def default_command() -> tuple[str, ...]:
    """What starts a server from here. Raises ServerUnreachable where none is installed."""
    chosen = os.environ.get("RESILVER_COMMAND")
    if chosen:
        return (chosen,)
    if importlib.util.find_spec("resilver_server") is not None:
        return (sys.executable, "-m", "resilver_server.cli.serve")
    found = shutil.which("resilver")
    if found:
        return (found,)
    raise ServerUnreachable(
        "no server runs, and none is installed here", remedy="install resilver, or set RESILVER_COMMAND"
    )


def _given(address: str, token: str | None, home: Path | None) -> Client:
    client = connect(address, token, home=home)
    try:
        client.check()
    except ResilverError:
        client.close()
        raise
    return client


def _running(home: Path | None) -> Client | None:
    """A client of the server that answers, if there is one. The first call counts as use: it will not leave now."""
    try:
        endpoint = discover(home=home)
    except ServerUnreachable:
        return None
    except (Unauthenticated, UnsafeAddress):
        if os.environ.get("RESILVER_ADDRESS"):
            raise
        return None  # what a server left is damaged: the next one writes it afresh
    if not healthy(endpoint):
        return None
    client = Client(lambda: discover(home=home))
    try:
        client.list(page_size=1)
    except ServerUnreachable:
        client.close()
        return None
    return client


def _log(folder: Path) -> Path:
    return folder / "server.log"


def _open_log(folder: Path) -> Path:
    """The log to append to; one that has grown large is put aside first."""
    log = _log(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if log.exists() and log.stat().st_size > _LARGEST_LOG:
            log.replace(folder / "server.log.1")
        log.open("ab").close()
    except OSError as error:
        raise OutputUnwritable(
            error.strerror or str(error), where=str(error.filename or log), remedy="choose another RESILVER_HOME"
        ) from error
    return log


def _start(command: Sequence[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """A process of its own session, so that closing the terminal or the host does not end it."""
    environment = os.environ | {"RESILVER_HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=folder,
                start_new_session=True,
                creationflags=flags,
            )
    except OSError as error:
        raise ServerUnreachable(
            f"cannot start the server: {error.strerror}",
            where=command[0],
            remedy="check the path of the resilver command, or install resilver",
        ) from error


def _launch(line: Sequence[str], folder: Path, home: Path | None, deadline: float) -> Client | None:
    """Start a server and wait for any that answers. None where the database had another one that does not answer in a
    while: it may just be leaving, so that a new try is worth it."""
    log = _open_log(folder)
    start = log.stat().st_size if log.exists() else 0
    process = _start(line, folder, log)
    while time.monotonic() < deadline:
        client = _running(home)
        if client is not None:
            return client
        if process.poll() is not None:
            if ServerAlreadyRunning.reason not in _written(log, start):
                raise _why(_written(log, start), process.returncode, log)
            deadline = min(deadline, time.monotonic() + _OTHER)
        time.sleep(_STEP)
    return None


def _why(text: str, status: int, log: Path) -> ResilverError:
    """What a server said before it ended: its last line, as the error that it reports where it is one."""
    last = text.splitlines()[-1] if text else ""
    prefix, _, rest = last.partition("error: ")
    reason, _, what = rest.partition(": ")
    if not prefix and reason in BY_REASON:
        return BY_REASON[reason](what, where=str(log))
    return ServerUnreachable(
        f"the server ended with status {status}: {last}", where=str(log), remedy="the log says why"
    )


def _written(log: Path, start: int) -> str:
    """The end of what was logged since ``start``."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - _TAIL))
        return file.read().decode(errors="replace").strip()
