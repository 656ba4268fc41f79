"""Events for one watcher: rows after a sequence number, then new ones as they are committed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable

from resilver_server.domain.jobs import JobState

from .desk import JobRun
from .ledger import Ledger
from .reading import event
from .records import Event, EventKind
from .signals import Signals

_INTERVAL = 0.25
"""Seconds between two looks at live progress: four a second."""


async def watch_rows(
    ledger: Ledger, signals: Signals, job: str, after: int, running: Callable[[], JobRun | None]
) -> AsyncGenerator[Event, None]:
    """Rows are read when a commit was signalled, so nothing is kept for a watcher that is slow or away.

    Raises JobNotFound, also when the job is deleted meanwhile.
    """
    sequence, seen = after, -1
    while True:
        signal = signals.listen(job)
        for row in await ledger.events(job, sequence):
            sequence = row.sequence
            yield event(row)
        now = await ledger.job(job)
        if JobState(now.state).ended and now.sequence <= sequence:
            return
        while now.sequence <= sequence and not await signals.wait(signal, _INTERVAL):
            run = running()
            if run is not None and run.tracker.version != seen:
                seen = run.tracker.version
                yield _progress(job, sequence, run)


def _progress(job: str, sequence: int, run: JobRun) -> Event:
    # while the running chunks end, the job is paused already as far as its user is concerned
    state = JobState.PAUSED if run.control.pausing else run.control.state
    return Event(job, sequence, time.time(), EventKind.PROGRESS, state, progress=run.tracker.snapshot())
