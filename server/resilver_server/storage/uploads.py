"""What clients without a shared disk upload: files by sha256. A file has its name only once its digest was found right.

``blobs/DI/DIGEST`` are whole, ``partial/DIGEST`` are under way; what came before a connection, a client or a server
was lost is gone on with. A blob is never touched again: whoever compares its times sees that it is the same; ``used/``
has a mark for each, whose time says when the blob was last used. All methods block: call them in a thread.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from resilver_client.disk import sync_folder
from resilver_client.errors import ContentBusy, ContentDamaged, DiskFull, InvalidRequest, QuotaExceeded
from resilver_client.references import is_digest

from .files import make_folder, remove

FRESH = 3600.0
"""Seconds in which an upload stays even where room is wanted: its client has not named it yet."""
_SILENT = 1.0
"""Seconds after which an upload that brings nothing may be taken over: its connection is lost."""
_BLOCK = 1 << 20
_DAY = 86400.0


@dataclass(frozen=True)
class Quota:
    """What uploads may take."""

    total: int
    """Bytes of all."""
    file: int
    """Bytes of one."""
    days: float
    """They go so long after they were last used by an unfinished job."""


class Uploads:
    """The files, and how much room they take."""

    def __init__(self, root: Path, quota: Quota) -> None:
        self.root, self.quota = root, quota
        self.received = 0
        """Bytes of files that came in since the start."""
        self._used = 0
        self._incoming: dict[str, Incoming] = {}
        self._lock = threading.RLock()

    def prepare(self) -> None:
        """Make the folders and add up what is there."""
        for name in ("blobs", "partial", "used"):
            (self.root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._used = sum(file.stat().st_size for file in (*self._blobs(), *(self.root / "partial").iterdir()))

    @property
    def used(self) -> int:
        return self._used

    def path(self, digest: str) -> Path:
        return self.root / "blobs" / digest[:2] / digest

    def holds(self, digest: str) -> bool:
        """Whether the whole file is there; asking is using it."""
        if not self.path(digest).exists():
            return False
        self._mark(digest).touch()
        return True

    def partial(self, digest: str) -> int:
        """Bytes of it that are there."""
        try:
            return self._partial(digest).stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self, digest: str, size: int, offset: int) -> Incoming:
        """Take the bytes of a file from ``offset`` on. Whoever begins has to ``close``.

        Raises InvalidRequest, QuotaExceeded, DiskFull; ContentBusy where the offset is not what is there, where the
        file is whole by now, or where another upload of it brought something a moment ago.
        """
        if not is_digest(digest) or size < 0 or offset < 0:
            raise InvalidRequest("not a sha256 and a size", where=digest[:80])
        with self._lock:
            before = self._incoming.get(digest)
            if before is not None and before.lively:
                raise ContentBusy("it is being uploaded", where=digest, remedy="ask again in a moment")
            if before is not None:
                before.close()
            if offset != self.partial(digest) or self.path(digest).exists():
                raise ContentBusy("more of it is there by now", where=digest, remedy="ask again what is missing")
            self._admit(size, size - offset, digest)
            incoming = self._incoming[digest] = Incoming(self, digest, size, offset, self._partial(digest))
        incoming.take_up()
        return incoming

    def fits(self, size: int) -> bool:
        """Whether so many bytes more are within the quota."""
        with self._lock:
            return self._used + self._promised() + size <= self.quota.total

    def make_room(self, size: int, needed: Collection[str]) -> None:
        """Remove uploads outside ``needed``, least recently used first, until ``size`` bytes more fit."""
        latest = time.time() - FRESH
        unneeded = sorted((self._last_used(file.name), file.name) for file in self._blobs() if file.name not in needed)
        for used, digest in unneeded:
            if self.fits(size) or used > latest:
                return
            self.drop(digest)

    def drop(self, digest: str) -> int:
        """Remove a file under all its names; bytes that are free now."""
        freed = 0
        with self._lock:
            if digest not in self._incoming:
                for file in (self.path(digest), self._partial(digest)):
                    freed += file.stat().st_size if file.exists() else 0
                    remove(file)
            self._used -= freed
        for name in (f"content/{digest}", f"content/{digest}.half", f"folder/{digest}", f"used/{digest}"):
            remove(self.root / name)
        return freed

    def sweep(self, needed: Collection[str], now: float) -> None:
        """Remove what nobody used for the quota's days; ``needed`` are the files that unfinished jobs name."""
        latest = now - self.quota.days * _DAY
        for digest in needed:
            self.holds(digest)
        whole = [file.name for file in self._blobs() if file.name not in needed]
        old = [digest for digest in whole if self._last_used(digest) < latest]
        left = [file.name for file in (self.root / "partial").iterdir() if file.stat().st_mtime < latest]
        for digest in (*old, *left):
            self.drop(digest)

    def _admit(self, size: int, more: int, digest: str) -> None:
        if size > self.quota.file:
            what = f"a file of {size} bytes; one may have {self.quota.file}"
            raise QuotaExceeded(what, where=digest, remedy="send a shorter piece, or raise the server's quota")
        if self._used + self._promised() + more > self.quota.total:
            what = f"uploads take {self._used} bytes, {more} more are wanted, they may take {self.quota.total}"
            raise QuotaExceeded(what, where=digest, remedy="wait for running jobs, or raise the server's quota")
        if shutil.disk_usage(self.root).free < more:
            raise DiskFull("the server's disk has no room for it", where=digest, remedy="free some space there")

    def _promised(self) -> int:
        return sum(incoming.size - incoming.there for incoming in self._incoming.values())

    def _mark(self, digest: str) -> Path:
        return self.root / "used" / digest

    def _last_used(self, digest: str) -> float:
        try:
            return self._mark(digest).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _partial(self, digest: str) -> Path:
        return self.root / "partial" / digest

    def _blobs(self) -> Iterator[Path]:
        return (file for folder in (self.root / "blobs").iterdir() for file in folder.iterdir())

    def _came(self, count: int) -> None:
        with self._lock:
            self.received += count
            self._used += count

    def _left(self, incoming: Incoming, gone: int = 0) -> None:
        with self._lock:
            self._used -= gone
            if self._incoming.get(incoming.digest) is incoming:
                del self._incoming[incoming.digest]


class Incoming:
    """One file on its way in."""

    def __init__(self, uploads: Uploads, digest: str, size: int, there: int, path: Path) -> None:
        self.digest, self.size, self.there = digest, size, there
        self._uploads, self._path = uploads, path
        self._sha = hashlib.sha256()
        self._file = path.open("ab")
        self._last = time.monotonic()
        self._lock = threading.Lock()

    @property
    def complete(self) -> bool:
        return self.there >= self.size

    @property
    def lively(self) -> bool:
        """Whether it brought something a moment ago."""
        return not self._file.closed and time.monotonic() - self._last < _SILENT

    def take_up(self) -> None:
        """Digest what is there already."""
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK):
                self._sha.update(block)
                self._last = time.monotonic()

    def write(self, data: bytes) -> None:
        """Raises InvalidRequest for more bytes than were announced, ContentBusy where another upload took over."""
        if self.there + len(data) > self.size:
            raise InvalidRequest("more bytes than were announced", where=self.digest)
        with self._lock:
            if self._file.closed:
                raise ContentBusy("another upload of it took over", where=self.digest, remedy="ask again")
            self._file.write(data)
            self._file.flush()
            self.there += len(data)
        self._sha.update(data)
        self._last = time.monotonic()
        self._uploads._came(len(data))

    def finish(self) -> None:
        """The whole file under its name. Raises ContentDamaged, and forgets it, where its digest is another."""
        with self._lock:
            os.fsync(self._file.fileno())
            self._file.close()
        if self._sha.hexdigest() != self.digest:
            remove(self._path)
            self._uploads._left(self, gone=self.there)
            what = f"its bytes have the digest {self._sha.hexdigest()}"
            raise ContentDamaged(what, where=self.digest, remedy="send it again")
        target = self._uploads.path(self.digest)
        make_folder(target.parent, 0o700)
        self._path.replace(target)
        sync_folder(target.parent)
        self._uploads.holds(self.digest)
        self._uploads._left(self)

    def close(self) -> None:
        """What came stays for the next try."""
        with self._lock:
            if not self._file.closed:
                self._file.close()
        self._uploads._left(self)
