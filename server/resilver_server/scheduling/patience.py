"""Trying again, and doing several things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from resilver_client.errors import OutOfMemory, ResilverError
from resilver_server.domain.failures import Failure

from .desk import JobRun, Pausing
from .records import EventKind

T = TypeVar("T")

ATTEMPTS = 4
FIRST_WAIT = 0.5
"""Seconds; each further wait is four times as long."""


async def patiently(run: JobRun, shot: int, work: Callable[[], Awaitable[T]], smaller: bool = False) -> T:
    """The result of ``work``, tried again with growing pauses after transient errors, never after permanent ones.

    ``smaller`` lets an out-of-memory through at once: doing the same again would not help, smaller tiles may.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await work()
        except ResilverError as error:
            if not error.transient or attempt == ATTEMPTS or (smaller and isinstance(error, OutOfMemory)):
                raise
            wait = FIRST_WAIT * 4 ** (attempt - 1)
            message = f"attempt {attempt} of {ATTEMPTS} failed, again in {wait:g} s"
            await run.ledger.tell(run.job, EventKind.RETRY, shot, message, Failure.of(error))
            await asyncio.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


async def spread(run: JobRun, units: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """All units, as many at a time as there are workers. The first error stops the others and comes out.

    Raises Pausing once the running units have ended, where the job is being paused.
    """
    waiting = iter(units)
    left = []

    async def lane() -> None:
        for unit in waiting:
            if run.control.pausing:
                left.append(unit)
                return
            await unit()

    lanes = [asyncio.create_task(lane()) for _ in range(max(1, min(run.desk.width, len(units))))]
    try:
        await asyncio.gather(*lanes)
    except BaseException:
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        raise
    if left:
        raise Pausing
