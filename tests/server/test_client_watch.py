"""A watcher that loses its server takes up where it was."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from resilver_client.client import Client
from resilver_client.discovery import Endpoint
from resilver_client.errors import Cancelled, ServerUnreachable
from resilver_server.config import ServerSettings
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import Event, EventKind, JobRecord
from support.serving import TOKEN, services_over


class Telling(JobManager):
    """Tells events up to ``last``; then waits for ever, or ends the stream where that was the job's end."""

    def __init__(self, last: int, ended: bool) -> None:
        super().__init__(ServerSettings())
        self.last, self.ended = last, ended
        self.asked: list[int] = []
        self.watching = 0

    def touch(self) -> None: ...

    async def get(self, job: str) -> JobRecord:
        return JobRecord(job, "r", "t", JobState.RENDERING, 1.0, 1.0, None, self.last, ())

    async def watch(self, job: str, after_sequence: int = 0) -> AsyncIterator[Event]:  # type: ignore[override]
        self.asked.append(after_sequence)
        self.watching += 1
        try:
            for sequence in range(after_sequence + 1, self.last + 1):
                yield Event(job, sequence, 1.0, EventKind.CHUNK, JobState.RENDERING, 0, sequence)
                yield Event(job, sequence, 1.0, EventKind.PROGRESS, JobState.RENDERING)
            if not self.ended:
                await asyncio.Event().wait()
        finally:
            self.watching -= 1


def test_history_comes_once_across_servers() -> None:
    first, second = Telling(3, ended=False), Telling(6, ended=True)
    endpoints: list[Endpoint] = []

    def find() -> Endpoint:
        if not endpoints:
            raise ServerUnreachable("none for the moment")
        return endpoints[-1]

    with Client(find) as client:
        with services_over(first) as address:
            endpoints.append(Endpoint(address, TOKEN))
            watcher = client.watch("j", 1)
            seen = [next(watcher) for _ in range(4)]
        endpoints.clear()
        with services_over(second) as address:
            threading.Timer(0.6, lambda: endpoints.append(Endpoint(address, TOKEN))).start()
            seen += list(watcher)
    rows = [event.sequence for event in seen if event.shot == 0 and event.HasField("chunk")]
    assert rows == [2, 3, 4, 5, 6]
    assert first.asked == [1]
    assert second.asked == [3]


def test_patience_has_an_end() -> None:
    manager = Telling(1, ended=False)
    with services_over(manager) as address:
        client = Client(lambda: Endpoint(address, TOKEN))
        watcher = client.watch("j", patience=0.5)
        next(watcher)
        next(watcher)
    began = time.monotonic()
    with pytest.raises(ServerUnreachable):
        next(watcher)
    assert 0.4 < time.monotonic() - began < 10
    client.close()


def test_a_closed_client_ends_its_watch() -> None:
    manager = Telling(1, ended=False)
    with services_over(manager) as address:
        client = Client(lambda: Endpoint(address, TOKEN))
        watcher = client.watch("j")
        next(watcher)
        next(watcher)
        threading.Timer(0.2, client.close).start()
        with pytest.raises(Cancelled):
            next(watcher)


def test_a_watcher_that_leaves_is_let_go() -> None:
    manager = Telling(1, ended=False)
    with services_over(manager) as address, Client(lambda: Endpoint(address, TOKEN)) as client:
        watcher = client.watch("j")
        next(watcher)
        assert manager.watching == 1
        watcher.close()
        deadline = time.monotonic() + 10
        while manager.watching and time.monotonic() < deadline:
            time.sleep(0.02)
        assert manager.watching == 0
