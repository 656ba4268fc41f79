"""One thread owns the SQLite connection; the event loop hands it work and awaits the answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from .migrations import migrate

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class Database:
    """Every piece of work is one transaction: all of it is on the disk when ``call`` returns, or none of it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Create or migrate the file. Raises OSError, sqlite3.Error, InternalError (newer schema)."""
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
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
        self._connection = connection

    def _transact(self, work: Work[T]) -> T:
        assert self._connection is not None, "the database is not open"
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
