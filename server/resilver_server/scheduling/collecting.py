"""Keeps the content store within its quota, without touching what an unfinished job needs."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from resilver_client.errors import ResilverError
from resilver_server.storage.collecting import KindUsage, drop_rows, names, take_oldest, usage
from resilver_server.storage.content import ContentStore, find_content, maker_key
from resilver_server.storage.database import Database
from resilver_server.storage.rows import ContentRow

from .desk import KeyLocks

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Freed:
    """What a collection took away."""

    items: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class StoreRecord:
    """What the store holds."""

    kinds: tuple[KindUsage, ...]
    quota: int | None
    """Bytes; None is no bound."""

    @property
    def bytes(self) -> int:
        return sum(kind.bytes for kind in self.kinds)

    @property
    def needed_bytes(self) -> int:
        """What unfinished jobs need: it stays, whatever the quota."""
        return sum(kind.needed_bytes for kind in self.kinds)


class Collector:
    """One a server. ``quota``: bytes that the store may hold; what unfinished jobs need may pass it."""

    def __init__(self, database: Database, content: ContentStore, keys: KeyLocks, quota: int | None) -> None:
        self._database, self._content, self._keys, self._quota = database, content, keys, quota
        self._collecting = asyncio.Lock()

    async def open(self) -> None:
        """Clear what a killed server left half-done: files without rows, and rows without files. Nothing else may be
        under way. Raises OSError."""
        await asyncio.to_thread(self._content.prepare)
        known = await self._database.call(names)
        lost = await asyncio.to_thread(self._content.sweep, known)
        await self._database.call(lambda connection: drop_rows(connection, lost))

    async def run(self, loosened: asyncio.Event) -> None:
        """Collect whenever the store is beyond its quota and something may go; never returns."""
        while self._quota is not None:
            try:
                await self.collect(self._quota)
            except (OSError, ResilverError) as error:  # the next chunk tries again
                _LOG.warning("the store could not be brought within its quota: %s", error)
            await loosened.wait()
            loosened.clear()

    async def store(self) -> StoreRecord:
        return StoreRecord(await self._database.call(usage), self._quota)

    async def collect(self, most: int) -> Freed:
        """Remove what no unfinished job needs, least recently used first, until ``most`` bytes remain. Raises OSError.

        Rows go before their files. A job that comes in between does not find them and makes them again; since makers
        hold the key, nothing that was made again is taken away.
        """
        items = freed = 0
        async with self._collecting:
            while rows := await self._database.call(lambda connection: take_oldest(connection, most)):
                for row in rows:
                    await self._drop(row)
                items, freed = items + len(rows), freed + sum(row.bytes for row in rows)
        return Freed(items, freed)

    async def _drop(self, row: ContentRow) -> None:
        async with self._keys.hold(maker_key(row.key)):
            if await self._database.call(lambda connection: find_content(connection, row.key)) is None:
                await asyncio.to_thread(self._content.drop, [row])
