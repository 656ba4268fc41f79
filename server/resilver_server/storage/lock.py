"""One server a database and a store: locks that the system lets go when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from resilver_client.errors import DatabaseUnusable, ServerAlreadyRunning

from .files import make_folder

_FAR = 1 << 30
"""Windows locks a byte range, and nobody else can read it: one far behind the text."""


class ServerLocks:
    """What one server alone may have, by whatever names it is reached: links are followed first. A store needs a lock
    of its own, since two homes may share one by a link, and a server that starts clears what the other is writing."""

    def __init__(self, database: Path, store: Path) -> None:
        real = database.resolve()
        self._database = DatabaseLock(real.with_name(f"{real.name}.lock"))
        self._store = DatabaseLock(store.resolve() / ".lock", "store")

    def acquire(self) -> None:
        """Both or none. Raises ServerAlreadyRunning naming the holder's process and address; DatabaseUnusable."""
        self._database.acquire()
        try:
            self._store.acquire()
        except BaseException:
            self._database.release()
            raise

    def describe(self, address: str) -> None:
        """Write who holds the locks and where it listens."""
        self._database.describe(address)
        self._store.describe(address)

    def release(self) -> None:
        self._store.release()
        self._database.release()


class DatabaseLock:
    """Held from ``acquire`` to ``release`` or the end of the process. Workers do not inherit it."""

    def __init__(self, path: Path, what: str = "database") -> None:
        self.path = path
        self._what = what
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises ServerAlreadyRunning naming the holder's process and address; DatabaseUnusable."""
        try:
            make_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            remedy = "check the folder and its permissions, or choose another RESILVER_HOME"
            raise DatabaseUnusable(error.strerror or str(error), where=str(self.path), remedy=remedy) from error
        try:
            _lock(descriptor)
        except OSError as error:
            text = _read(descriptor)
            os.close(descriptor)
            raise _running(self.path, text, self._what) from error
        self._descriptor = descriptor
        self.describe("")

    def describe(self, address: str) -> None:
        """Write who holds the lock and where it listens."""
        assert self._descriptor is not None, "the lock is not held"
        text = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text)

    def release(self) -> None:
        """The file stays: removing it would let two servers hold two files of one name."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _read(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, 4096).decode(errors="replace")


def _running(path: Path, text: str, what: str) -> ServerAlreadyRunning:
    holder = {"pid": "unknown", "address": ""}
    with contextlib.suppress(ValueError, TypeError):
        holder |= json.loads(text)
    address = f" at {holder['address']}" if holder["address"] else ""
    return ServerAlreadyRunning(
        f"process {holder['pid']}{address} has this {what}",
        where=str(path),
        remedy="use that server, stop it, or choose another RESILVER_HOME",
    )


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
