"""One thread owns the SQLite connection; the event loop hands it work and awaits the answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from resilver_client.errors import DatabaseUnusable, DiskFull

from .files import make_folder
from .migrations import migrate

T = TypeVar("T")
_PRIMARY = 0xFF
"""Extended result codes carry the primary one in their lowest byte."""
_UNUSABLE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
    }
)
Work = Callable[[sqlite3.Connection], T]


class Database:
    """Every piece of work is one transaction: all of it is on the disk when ``call`` returns, or none of it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Create or migrate the file. Raises DatabaseUnusable, DiskFull, OSError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def call(self, work: Work[T], committed: Callable[[], None] | None = None) -> T:
        """The result of ``work`` in a transaction. An exception rolls back and comes out here.

        ``committed`` is called on the event loop after the commit, even where the caller was cancelled meanwhile.
        Work whose caller was cancelled before its turn came is not done at all.
        """
        loop = asyncio.get_running_loop()

        def transact() -> T:
            result = self._transact(work)
            if committed is not None:
                loop.call_soon_threadsafe(committed)
            return result

        return await loop.run_in_executor(self._thread, transact)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _open(self) -> None:
        make_folder(self.path.parent)
        with self._typed_errors():
            connection = sqlite3.connect(self.path, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                migrate(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        """What SQLite says about the file, as an error that says what to do. Faults of our statements stay as they
        are."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            # sqlite3 itself raises some of these without a code
            code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY
            if code == sqlite3.SQLITE_FULL:
                raise DiskFull(
                    "the disk is full", where=str(self.path), remedy="free some space, then retry"
                ) from error
            if code == sqlite3.SQLITE_BUSY:
                remedy = "close what has it open (a backup, a database browser); jobs go on by themselves"
                raise DatabaseUnusable(
                    "another program holds the database", where=str(self.path), remedy=remedy
                ) from error
            if code in _UNUSABLE:
                remedy = "check its permissions, or move it away: a new one is made, finished results stay"
                raise DatabaseUnusable(f"the database: {error}", where=str(self.path), remedy=remedy) from error
            raise

    def _transact(self, work: Work[T]) -> T:
        assert self._connection is not None, "the database is not open"
        with self._typed_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise
        return result

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
