"""Installing a model in a worker, with its progress as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from resilver_server.execution.executor import Executor, run_as
from resilver_server.planning.tasks import InstallResult, InstallTask, Progress


async def installing(executor: Executor, task: InstallTask) -> AsyncGenerator[Progress | InstallResult, None]:
    """The latest progress whenever the reader asks, the result last. Leaving the stream stops the work."""
    latest: list[Progress] = []
    news = asyncio.Event()

    def report(progress: Progress) -> None:
        latest[:] = [progress]
        news.set()

    work = asyncio.create_task(run_as(executor, InstallResult, task, report))
    work.add_done_callback(lambda _: news.set())
    try:
        while not work.done():
            await news.wait()
            news.clear()
            if latest:
                yield latest.pop()
        yield await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
