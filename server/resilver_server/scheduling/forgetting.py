"""Deleting a job: its rows, and the content that nobody else uses. Results stay."""

from __future__ import annotations

import asyncio
from pathlib import Path

from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.storage.files import remove

from .desk import Desk
from .joining import ShotResult

_FORGETTABLE = (JobState.PAUSED, JobState.WAITING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


async def forget(desk: Desk, job: str) -> None:
    """Raises JobNotFound, JobStateConflict."""
    staged = [loads(ShotResult, shot.result).staging for shot in await desk.ledger.shots(job) if shot.result]
    for row in await desk.ledger.delete(job, _FORGETTABLE):
        async with desk.keys.hold(row.key):
            if await desk.ledger.content(row.key) is None:  # else a job that came meanwhile has made it again
                await asyncio.to_thread(desk.content.drop, [row])
    for folder in staged:
        if folder:
            await asyncio.to_thread(remove, Path(folder))
