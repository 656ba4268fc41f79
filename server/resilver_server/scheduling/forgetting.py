"""Deleting a job: its rows, and the content that nobody else uses. Results stay."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.storage.content import maker_key

from .desk import Desk
from .joining import ShotResult
from .ledger import Ledger
from .publish import clear_staging

_FORGETTABLE = (JobState.PAUSED, JobState.WAITING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


async def forget(desk: Desk, job: str) -> None:
    """Raises JobNotFound, JobStateConflict."""
    shots = await desk.ledger.shots(job)
    for row in await desk.ledger.delete(job, _FORGETTABLE):
        async with desk.keys.hold(maker_key(row.key)):
            if await desk.ledger.content(row.key) is None:  # else a job that came meanwhile has made it again
                await asyncio.to_thread(desk.content.drop, [row])
    for shot in shots:
        await asyncio.to_thread(clear_staging, Path(shot.output), job, shot.number)


async def clear_given_up(ledger: Ledger) -> None:
    """What jobs that failed or were cancelled have left beside their results, as a killed server leaves it; what a
    retry would publish stays."""
    for shot in await ledger.given_up():
        kept = loads(ShotResult, shot.result).staging if shot.result else ""
        with contextlib.suppress(OSError):  # a disk that is away now
            await asyncio.to_thread(clear_staging, Path(shot.output), shot.job, shot.number, Path(kept).name)
