"""A server that does one job and leaves: ``python -m faults.traced_server HOME REQUEST.json``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from resilver_server.config import ServerSettings
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.requests import JobRequest


async def main(home: Path, request: Path) -> None:
    running = JobManager(ServerSettings(home=home, worker_module="faults.day_engine", reserve_bytes=0))
    await running.start()
    job = await running.submit(loads(JobRequest, request.read_text()))
    async for _ in running.watch(job.id):
        pass
    state = (await running.get(job.id)).state
    await running.stop()
    assert state is JobState.SUCCEEDED, state


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
