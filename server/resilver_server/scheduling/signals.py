"""Who waits for a job's next row. A signal says only "look again", so nobody holds a queue."""

from __future__ import annotations

import asyncio
import contextlib
import weakref


class Signals:
    """Lives on the event loop. What nobody holds is forgotten: thousands of jobs that were watched leave nothing."""

    def __init__(self) -> None:
        self._waiting: weakref.WeakValueDictionary[str, asyncio.Event] = weakref.WeakValueDictionary()

    def listen(self, job: str) -> asyncio.Event:
        """Take this before reading rows, and hold it: it is set by any commit after now."""
        return self._waiting.setdefault(job, asyncio.Event())

    def notify(self, job: str) -> None:
        waiting = self._waiting.pop(job, None)
        if waiting is not None:
            waiting.set()

    async def wait(self, signal: asyncio.Event, seconds: float) -> bool:
        """Whether the signal came within the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await signal.wait()
        return signal.is_set()
