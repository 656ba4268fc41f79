"""One bridge at a time works in Resolve.

Every menu entry has a script and a bridge of its own, and several may be open. A call opens a timeline, a bin and a
page, and turns them back at its end: two at once would lay clips onto each other's timeline.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK = 0.05
"""Seconds between two attempts to get the turn."""


class Turn:
    """Whose turn it is, by a lock on a file that ends with its process. Safe from any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._since: float | None = None
        self._one = threading.Lock()

    @contextmanager
    def mine(self, given_up: Callable[[], bool]) -> Iterator[None]:
        """Wait for the turn, and keep it for a block. Where it is ``given_up`` meanwhile, the block begins at once: it
        has nobody to talk to then. Where the file cannot be locked (a full disk, some network folders), there is no
        protection and all goes on."""
        with self._one:
            descriptor = self._opened()
            self._since = time.monotonic()
            try:
                while descriptor is not None and not _locked(descriptor) and not given_up():
                    time.sleep(_TICK)
                self._since = None
                yield
            finally:
                self._since = None
                if descriptor is not None:
                    os.close(descriptor)

    def waiting(self) -> float:
        """Seconds for which another bridge has had the turn while this one wants it."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def _opened(self) -> int | None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        """Whether it is locked now, for this descriptor."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            pass
        return True
else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        """Whether it is locked now, for this descriptor."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True
