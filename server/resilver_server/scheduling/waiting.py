"""Jobs that wait for room on a disk, until there is some."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from resilver_client.errors import DatabaseUnusable, DiskFull, JobNotFound, JobStateConflict
from resilver_server.domain.jobs import JobState

from .ledger import UNDER_WAY, Ledger
from .records import Shortage
from .room import failure, is_over, sentence

_LOG = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""Between two looks at the disks."""
FIRST_TRY, LAST_TRY = 5.0, 60.0
"""Seconds until a job tries again where only trying tells; twice as long each time that it comes to nothing."""
UNWRITABLE = (DiskFull, DatabaseUnusable)
"""What a database says that cannot take a row now."""


@dataclass
class _Wait:
    shortage: Shortage
    not_before: float
    """On the monotonic clock."""
    told: bool
    """Whether the job's row says that it waits. It does not while the database itself has no room for that."""


class WaitingRoom:
    """Kept in memory beside the rows, since the disk that is full may be the database's: then the job waits all the
    same, and its row is written when there is room."""

    def __init__(self, ledger: Ledger, go_on: Callable[[], Awaitable[None]]) -> None:
        """``go_on`` is called when jobs may run again."""
        self._ledger = ledger
        self._go_on = go_on
        self._waits: dict[str, _Wait] = {}
        self._tries: dict[str, int] = {}
        self._looking: asyncio.Task[None] | None = None

    def __contains__(self, job: str) -> bool:
        return job in self._waits

    def __iter__(self) -> Iterator[str]:
        return iter(self._waits)

    def __len__(self) -> int:
        return len(self._waits)

    async def open(self) -> None:
        """Take in the jobs that waited when the server left, and look at the disks from now on."""
        for job, shortage in await self._ledger.waiting():
            self._waits[job] = _Wait(shortage, 0.0, told=True)
        self._looking = asyncio.create_task(self._keep_looking(), name="disks")

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def enter(self, job: str, shortage: Shortage, went_on: bool = False, tell: bool = True) -> None:
        """A job's flow ended for want of room. ``went_on``: it had done something since it last came here; ``tell``:
        its row shall say so."""
        tries = self._tries[job] = 0 if went_on else self._tries.get(job, -1) + 1
        pause = 0.0 if shortage.needed else min(FIRST_TRY * 2**tries, LAST_TRY)
        self._waits[job] = _Wait(shortage, time.monotonic() + pause, told=not tell)
        await self._tell(job)

    def leave(self, job: str) -> None:
        """The job was cancelled, paused or deleted."""
        self._waits.pop(job, None)
        self._tries.pop(job, None)

    async def hurry(self, job: str) -> None:
        """Look at once, and let a job go on that can only try."""
        wait = self._waits.get(job)
        if wait is not None:
            wait.not_before = 0.0
            await self._look()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except Exception:  # the edge of a task of its own: a look that failed must not be the last one
                _LOG.exception("looking for room")

    async def _look(self) -> None:
        for job in tuple(self._waits):
            await self._tell(job)
        ready = [job for job in tuple(self._waits) if await self._may_go_on(job)]
        for job in ready:
            await self._queue(job)
        if ready:
            await self._go_on()

    async def _may_go_on(self, job: str) -> bool:
        wait = self._waits.get(job)
        if wait is None or time.monotonic() < wait.not_before:
            return False
        return await asyncio.to_thread(is_over, wait.shortage)

    async def _tell(self, job: str) -> None:
        wait = self._waits.get(job)
        if wait is None or wait.told:
            return
        with self._row_of(job):
            shortage = wait.shortage
            said = sentence(shortage)
            await self._ledger.move(job, JobState.WAITING, UNDER_WAY, failure(shortage), waiting=shortage, message=said)
            wait.told = True
            _LOG.info("waits for room on a disk")
            _LOG.debug("%s", said)

    async def _queue(self, job: str) -> None:
        """Where not even this can be written, the job waits on."""
        with self._row_of(job):
            await self._ledger.move(job, JobState.QUEUED, (JobState.WAITING, *UNDER_WAY))
            self._waits.pop(job, None)

    @contextmanager
    def _row_of(self, job: str) -> Iterator[None]:
        try:
            yield
        except UNWRITABLE:
            pass
        except (JobStateConflict, JobNotFound):  # paused, ended or deleted in that moment
            self.leave(job)
