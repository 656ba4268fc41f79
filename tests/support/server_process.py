"""A server for tests that kill it: submits a request and prints one line an event, ``SEQUENCE KIND STATE``.

``python server_process.py HOME REQUEST.json AFTER_SEQUENCE``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from resilver_server.config import ServerSettings
from resilver_server.domain.serial import loads
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import EventKind
from resilver_server.scheduling.requests import JobRequest


async def main(home: Path, request: Path, after: int) -> None:
    running = JobManager(ServerSettings(home=home))
    await running.start()
    running.announce("127.0.0.1:4711")
    job = await running.submit(loads(JobRequest, request.read_text()))
    async for event in running.watch(job.id, after):
        if event.kind is not EventKind.PROGRESS:
            print(event.sequence, event.kind, event.state, flush=True)
    await running.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
