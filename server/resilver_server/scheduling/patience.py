"""Trying again, and doing several things at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from resilver_client.errors import DiskFull, OutOfMemory, ResilverError
from resilver_server.domain.failures import Failure
from resilver_server.logs import facts

from .desk import JobRun, Pausing
from .records import EventKind
from .room import NoRoom

_LOG = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPTS = 4
FIRST_WAIT = 0.5
"""Seconds; each further wait is four times as long."""


async def patiently(run: JobRun, shot: int, work: Callable[[], Awaitable[T]], smaller: bool = False) -> T:
    """The result of ``work``, tried again with growing pauses after transient errors, never after permanent ones.

    ``smaller`` lets an out-of-memory through at once: doing the same again would not help, smaller tiles may. A full
    disk comes out at once too: the job waits for room.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await work()
        except ResilverError as error:
            through = isinstance(error, DiskFull) or (smaller and isinstance(error, OutOfMemory))
            if through or not error.transient or attempt == ATTEMPTS:
                raise
            wait = FIRST_WAIT * 4 ** (attempt - 1)
            message = f"attempt {attempt} of {ATTEMPTS} failed, again in {wait:g} s"
            run.desk.counts.retried[error.reason] += 1
            _LOG.warning("%s", message, extra=facts(reason=error.reason))
            await run.ledger.tell(run.job, EventKind.RETRY, shot, message, Failure.of(error))
            await asyncio.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


async def spread(run: JobRun, units: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """All units, as many at a time as there are workers. The first error stops the others and comes out.

    Once the running units have ended: raises NoRoom where a disk has no room for another, and Pausing where the job is
    being paused or gives way.
    """
    waiting = iter(units)
    left: list[Exception] = []

    async def lane() -> None:
        for unit in waiting:
            if run.control.stopping or left:
                left.append(Pausing())
                return
            try:
                await unit()
            except NoRoom as short:
                left.append(short)
                return

    lanes = [asyncio.create_task(lane()) for _ in range(max(1, min(run.desk.width, len(units))))]
    try:
        await asyncio.gather(*lanes)
    except BaseException:
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        raise
    if left:
        raise left[0]
