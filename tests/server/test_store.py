"""The content store within a quota: what goes, in which order, and that what an unfinished job needs always stays."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from resilver_server.domain.jobs import ChunkState, JobState
from resilver_server.domain.serial import canonical
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ChunkPlan
from resilver_server.scheduling.collecting import Collector, Freed
from resilver_server.scheduling.desk import KeyLocks
from resilver_server.scheduling.ledger import RENDER, Ledger
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import ShotPhase
from resilver_server.scheduling.signals import Signals
from resilver_server.storage.collecting import take_oldest
from resilver_server.storage.content import ContentKind, ContentStore, changes_key, content_row
from resilver_server.storage.database import Database
from resilver_server.storage.rows import ChunkRow, JobRow, ShotRow
from support.jobs import film, manager, on_loop, request, rows, timeline
from support.serving import environment, server_process

T = TypeVar("T")
OPEN = (JobState.QUEUED, JobState.RENDERING, JobState.PAUSED, JobState.WAITING)
ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Bench:
    """A database and a store as a server has them, without a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder / "jobs.sqlite3")
        self.content = ContentStore(folder / "content")
        self.ledger = Ledger(self.database, Signals())
        self.keys = KeyLocks()
        self.collector = Collector(self.database, self.content, self.keys, None)

    async def open(self) -> None:
        await self.database.open()
        await self.collector.open()

    async def add(self, job: str, keys: list[str]) -> None:
        """A job of one shot, whose chunks have these keys."""
        now = time.time()
        row = JobRow(job, job, "d", "t", JobState.QUEUED, now, None, None, 0, "[]", None, 0, None, "{}", None)
        shot = ShotRow(job, 0, "{}", "{}", "", ShotPhase.RENDERING, "", f"state of {job}", None)
        chunks = [
            ChunkRow(job, 0, RENDER, n, key, canonical(ChunkPlan(n, Span(n, n + 1), Span(0, 1), key)), "pending", 0)
            for n, key in enumerate(keys)
        ]
        await self.ledger.add(row, [shot], chunks)

    async def make(self, job: str, changes: bool = False) -> None:
        """Render the first chunk that is not done, as rendering does it: found in the store, or made."""
        chunks = await self.ledger.chunks(job, 0, RENDER)
        todo = [chunk for chunk in chunks if chunk.state != ChunkState.DONE]
        for chunk in todo[:1]:
            async with self.keys.hold(chunk.key):
                row = await self.ledger.content(chunk.key)
                if row is not None and self.content.holds(row):
                    await self.ledger.finish_chunk(chunk)
                    return
                names = {ContentKind.SEGMENT: chunk.key}
                if changes:
                    names[ContentKind.CHANGES] = changes_key(chunk.key)
                made = [content_row(key, kind, "d", self.keep(kind, key), "{}") for kind, key in names.items()]
                await self.ledger.finish_chunk(chunk, *made)

    def keep(self, kind: ContentKind, key: str) -> int:
        draft = self.content.temporary(key, "1")
        draft.write_bytes(b"frames" * (1 + len(key)))
        return self.content.keep(kind, key, draft)

    async def there(self, key: str) -> bool:
        row = await self.ledger.content(key)
        return row is not None and self.content.holds(row)


def on_bench(test: Any) -> None:
    async def run() -> None:
        folder = Path(tempfile.mkdtemp())
        bench = Bench(folder)
        await bench.open()
        try:
            await test(bench)
        finally:
            await bench.database.close()
            shutil.rmtree(folder)

    asyncio.run(run())


def test_the_least_recently_used_goes_first() -> None:
    async def check(bench: Bench) -> None:
        for job, key in (("1", "aa"), ("2", "bb"), ("3", "cc")):
            await bench.add(job, [key])
            await bench.make(job, changes=True)
            await bench.ledger.move(job, JobState.SUCCEEDED, OPEN)
        await bench.add("4", ["aa"])
        await bench.make("4")  # found: it is the youngest now
        await bench.ledger.move("4", JobState.SUCCEEDED, OPEN)
        total = (await bench.collector.store()).bytes
        freed = await bench.collector.collect(total - 1)
        assert freed.items == 1
        assert [await bench.there(key) for key in ("aa", "bb", "cc")].count(True) >= 2
        assert await bench.there("aa")
        assert await bench.there("cc")
        await bench.collector.collect(0)
        assert (await bench.collector.store()).kinds == ()
        assert not [path for path in (bench.folder / "content").rglob("*") if path.is_file()]

    on_bench(check)


def test_what_an_unfinished_job_needs_stays_with_its_change_maps() -> None:
    async def check(bench: Bench) -> None:
        await bench.add("1", ["aa", "bb"])
        await bench.make("1", changes=True)
        await bench.ledger.move("1", JobState.PAUSED, OPEN)
        store = await bench.collector.store()
        assert store.needed_bytes == store.bytes > 0
        assert await bench.collector.collect(0) == Freed()
        assert await bench.there("aa")
        assert await bench.there(changes_key("aa"))
        await bench.ledger.move("1", JobState.CANCELLED, OPEN)
        assert (await bench.collector.collect(0)).items == 2

    on_bench(check)


def test_what_a_killed_server_left_half_done_is_cleared() -> None:
    async def check(bench: Bench) -> None:
        await bench.add("1", ["aa", "bb"])
        await bench.make("1")
        await bench.make("1")
        bench.keep(ContentKind.SEGMENT, "orphan")  # killed before its row
        folder = bench.content.path(ContentKind.SEGMENT, "folder")
        folder.mkdir(parents=True)
        (folder / "1.png").write_text("frame")
        bench.content.temporary("dd", "1").write_text("half")
        bench.content.path(ContentKind.SEGMENT, "aa").unlink()  # killed after the rows were taken, or somebody's hand
        (bench.folder / "content/.lock").write_text("held")
        await bench.collector.open()
        left = sorted(path.name for path in (bench.folder / "content").rglob("*") if path.is_file())
        assert left == [".lock", "bb"]
        assert await bench.ledger.content("aa") is None, "it is made again"
        assert await bench.there("bb")

    on_bench(check)


KEYS = [f"{n:02x}" for n in range(12)]


class StoreMachine(RuleBasedStateMachine):
    """Jobs come, work, end, are retried and deleted, the store is brought within quotas, and the server is killed
    between any two steps of a collection."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.jobs: dict[str, JobState] = {}
        self.count = 0
        self.restart()

    def restart(self) -> None:
        self.bench = Bench(self.folder)
        self.do(self.bench.open())

    def do(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def some(self, data: st.DataObject, *states: JobState) -> str | None:
        jobs = [job for job, state in self.jobs.items() if state in states]
        return data.draw(st.sampled_from(jobs)) if jobs else None

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=5, unique=True))
    def add(self, keys: list[str]) -> None:
        self.count += 1
        self.do(self.bench.add(f"{self.count:04d}", keys))
        self.jobs[f"{self.count:04d}"] = JobState.QUEUED

    @rule(data=st.data(), changes=st.booleans())
    def work(self, data: st.DataObject, changes: bool) -> None:
        job = self.some(data, *OPEN)
        for _ in range(3 if job else 0):
            self.do(self.bench.make(str(job), changes))

    @rule(data=st.data(), state=st.sampled_from((*OPEN, *ENDED)))
    def move(self, data: st.DataObject, state: JobState) -> None:
        job = self.some(data, *OPEN)
        if job:
            self.do(self.bench.ledger.move(job, state, OPEN))
            self.jobs[job] = state

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        job = self.some(data, JobState.FAILED, JobState.CANCELLED)
        if job:
            self.do(self.bench.ledger.move(job, JobState.QUEUED, ENDED))
            self.do(self.reopen(job))
            self.jobs[job] = JobState.QUEUED

    async def reopen(self, job: str) -> None:
        """As a job that is taken up again looks for what it counted as done."""
        for chunk in await self.bench.ledger.chunks(job, 0, RENDER):
            if chunk.state == ChunkState.DONE and not await self.bench.there(chunk.key):
                await self.bench.ledger.reopen_chunk(chunk)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        job = self.some(data, JobState.PAUSED, *ENDED)
        if job:
            taken = self.do(self.bench.ledger.delete(job, (JobState.PAUSED, *ENDED)))
            self.bench.content.drop(taken)
            del self.jobs[job]

    @rule(most=st.integers(0, 400))
    def collect(self, most: int) -> None:
        before = self.do(self.bench.collector.store())
        self.do(self.bench.collector.collect(most))
        after = self.do(self.bench.collector.store())
        assert after.bytes <= max(most, before.needed_bytes)
        assert after.needed_bytes == before.needed_bytes

    @rule(kept=st.sampled_from(KEYS), most=st.integers(0, 200))
    def kill(self, kept: str, most: int) -> None:
        """Between a file and its row, and between the rows of a collection and their files."""
        if self.do(self.bench.ledger.content(kept)) is None:
            self.bench.keep(ContentKind.SEGMENT, kept)
        self.do(self.bench.database.call(lambda connection: take_oldest(connection, most)))
        self.do(self.bench.database.close())
        self.restart()

    @invariant()
    def what_is_needed_is_there(self) -> None:
        for job in [job for job, state in getattr(self, "jobs", {}).items() if state in OPEN]:
            for chunk in self.do(self.bench.ledger.chunks(job, 0, RENDER)):
                assert chunk.state != ChunkState.DONE or self.do(self.bench.there(chunk.key)), (job, chunk.key)

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.do(self.bench.database.close())
            self.loop.close()
            shutil.rmtree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_a_job_larger_than_the_quota_ends_and_then_makes_room(tmp_path: Path) -> None:
    """A store that may hold nothing: the job keeps what it needs for as long as it needs it."""
    movie = film(tmp_path / "film.mkv", 120)
    edit = timeline(movie, 120, ("shot", 0, 120))

    async def check() -> None:
        async with manager(tmp_path / "home", store_bytes=0) as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            await rows(running, job)
            record = await running.get(job)
            assert record.state is JobState.SUCCEEDED
            again = (await running.submit(request("b", edit, tmp_path / "more"))).id
            await rows(running, again)
            assert (await running.get(again)).state is JobState.SUCCEEDED
            await until_empty(running)
            assert (await running.get(job)).shots[0].findings == record.shots[0].findings

    on_loop(check)


async def until_empty(running: JobManager) -> None:
    deadline = time.monotonic() + 20
    while (await running.store()).bytes:
        assert time.monotonic() < deadline, await running.store()
        await asyncio.sleep(0.05)


def test_the_store_is_told_and_tidied_over_the_wire(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 30)

    async def fill() -> None:
        async with manager(tmp_path / "home") as running:
            edit = timeline(movie, 30, ("shot", 0, 30))
            await rows(running, (await running.submit(request("a", edit, tmp_path / "out"))).id)

    on_loop(fill)
    with server_process(tmp_path / "home", "--store-gb", "1") as server, server.client() as client:
        store = client.store()
        assert store.quota_bytes == 10**9
        assert {kind.kind for kind in store.kinds} == {"segment", "state"}
        assert not any(kind.needed_bytes for kind in store.kinds)
        command = [sys.executable, "-m", "resilver_server.cli.main", "store", "tidy"]
        said = subprocess.run(
            command, capture_output=True, text=True, env=environment(tmp_path / "home"), timeout=120, check=True
        ).stdout
        assert said.startswith("2 pieces of ")
        assert "quota 1.00 GB" in said
        assert not client.store().kinds
