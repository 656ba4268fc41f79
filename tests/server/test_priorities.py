"""Whose turn it is, who gives way, where a job stands in the queue, and what a pause leaves behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import InvalidRequest, JobStateConflict
from resilver_server.domain.digests import digest_file
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling.admission import Candidate, Turn, turns
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import ChunkPlace, EventKind
from resilver_server.scheduling.whereabouts import LARGEST_PAGE
from support.jobs import chunk_done, film, manager, on_loop, request, rows, timeline, until
from support.shared import ROOT

FRAMES = 200
PRIORITIES = st.integers(-3, 3)


@given(
    st.lists(st.tuples(PRIORITIES, st.booleans()), max_size=8),
    st.lists(st.tuples(PRIORITIES, st.booleans(), st.booleans()), max_size=4),
    st.integers(1, 3),
)
def test_turns(wait: list[tuple[int, bool]], run: list[tuple[int, bool, bool]], width: int) -> None:
    """Nobody of a larger priority waits for one of a smaller, but for the chunk that runs."""
    waiting = [Candidate(f"w{number}", *each) for number, each in enumerate(wait)]
    running = [Turn(f"r{number}", *each) for number, each in enumerate(run)]
    now = turns(waiting, running, width)
    priority = {each.job: each.priority for each in (*waiting, *running)}
    films = [each.job for each in waiting if not each.preview]
    busy = [each for each in running if not each.preview]
    assert {each.job for each in waiting if each.preview} <= set(now.begin), "previews wait for no film"
    begun = [job for job in now.begin if job in films]
    assert len(begun) == min(len(films), max(0, width - len(busy)))
    left = [job for job in films if job not in begun]
    assert not any(priority[one] > priority[other] for one in left for other in begun)
    staying = [each.job for each in busy if not each.ending and each.job not in now.give_way]
    ending = len(busy) - len(staying)
    next_ones = sorted((priority[job] for job in left), reverse=True)[ending:]
    assert not any(larger > priority[job] for larger in next_ones for job in staying)
    assert all(job in {each.job for each in busy if not each.ending} for job in now.give_way)


def test_equal_jobs_take_turns_by_age_and_the_newest_gives_way() -> None:
    old, new = Candidate("old", 0), Candidate("new", 0)
    assert turns([old, new], [], 1).begin == ("old",)
    both = [Turn("first", 0), Turn("second", 0)]
    assert turns([old], both, 2) == turns([], both, 2), "an equal one waits"
    assert turns([Candidate("urgent", 1)], both, 2).give_way == ("second",)


def test_a_larger_priority_goes_first_and_a_running_job_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    for name, value in (("PYTHONPATH", ROOT / "tests"), ("HELD_BY", hold)):
        monkeypatch.setenv(name, str(value))
    movie = film(tmp_path / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))
    short = timeline(movie, FRAMES, ("shot", 0, 30))

    async def check() -> None:
        async with manager(tmp_path / "home", worker_module="support.held_engine") as running:
            slow = (await running.submit(request("slow", edit, tmp_path / "slow"))).id
            later = (await running.submit(request("later", short, tmp_path / "later", scale=1.5))).id
            with pytest.raises(InvalidRequest):
                await running.submit(request("no", short, tmp_path / "no"), priority=101)
            lazy = (await running.submit(request("lazy", short, tmp_path / "lazy", scale=1.25), priority=-5)).id
            await until(running.watch(slow), chunk_done)
            assert await _places(running, later, lazy) == [1, 2]
            await running.set_priority(lazy, 5)
            hold.unlink()
            told = await rows(running, lazy)
            assert told[-1].state is JobState.SUCCEEDED
            waits = [event.message for event in await rows(running, slow) if event.state is JobState.QUEUED]
            assert waits[-1] == "gives way to another job"
            await rows(running, later)
            for job in (slow, later):
                assert (await running.get(job)).state is JobState.SUCCEEDED
            ended = [(await running.get(job)).ended for job in (lazy, slow, later)]
            assert ended == sorted(ended, key=lambda when: when or 0.0)
            with pytest.raises(JobStateConflict):
                await running.set_priority(slow, 1)
            async for page in _pages(running, slow):
                assert {chunk.place for chunk in page if chunk.kind == "render"} <= {ChunkPlace.MADE}
            await rows(running, (await running.submit(request("calm", edit, tmp_path / "calm"))).id)
        assert digest_file(tmp_path / "slow/shot.mkv") == digest_file(tmp_path / "calm/shot.mkv")

    on_loop(check)


async def _places(running: JobManager, *jobs: str) -> list[int]:
    page = {record.id: record.position for record in (await running.list()).jobs}
    assert [page[job] for job in jobs] == [(await running.get(job)).position for job in jobs]
    return [page[job] for job in jobs]


async def _pages(running: JobManager, job: str):  # type: ignore[no-untyped-def]
    token = ""
    while True:
        page = await running.chunks(job, 2, token)
        assert 0 < len(page.chunks) <= 2
        yield page.chunks
        token = page.next_token
        if not token:
            return


def test_a_pause_leaves_no_process_and_tells_where_the_frames_are(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            await until(running.watch(job), chunk_done)
            pids = running._executor.pids()
            await _sees_it_run(running, job, pids)
            assert (await running.pause(job)).state is JobState.PAUSED
            while running.busy() or any(Path(f"/proc/{pid}").exists() for pid in pids):
                await asyncio.sleep(0.02)
            assert pids
            assert not running._executor.pids(), "what held the device is gone, and nothing came in its place"
            rendered = [chunk for chunk in (await running.chunks(job)).chunks if chunk.kind == "render"]
            made = [chunk for chunk in rendered if chunk.place is ChunkPlace.MADE]
            assert made
            assert all(chunk.stored_bytes for chunk in made)
            assert {chunk.place for chunk in rendered} == {ChunkPlace.MADE, ChunkPlace.PENDING}
            assert not any(chunk.file for chunk in rendered)
            await running.resume(job)
            await rows(running, job)
            await _sees_the_end(running, job, str(tmp_path / "out/shot.mkv"))
            again = (await running.submit(request("b", edit, tmp_path / "more"))).id
            await rows(running, again)
            places = {chunk.place for chunk in (await running.chunks(again)).chunks}
            assert places == {ChunkPlace.STORED}, "nothing was made twice"

    on_loop(check)


async def _sees_it_run(running: JobManager, job: str, pids: tuple[int, ...]) -> None:
    for _ in range(500):
        now = [c for c in (await running.chunks(job)).chunks if c.place is ChunkPlace.RUNNING and c.done]
        if now:
            assert now[0].worker in pids
            assert now[0].attempts == 1
            return
        await asyncio.sleep(0.01)
    raise AssertionError("no chunk was seen to run")


async def _sees_the_end(running: JobManager, job: str, file: str) -> None:
    chunks = (await running.chunks(job, LARGEST_PAGE)).chunks
    rendered = [chunk for chunk in chunks if chunk.kind == "render"]
    assert {chunk.file for chunk in rendered} == {file}
    assert [frame for chunk in rendered for frame in chunk.frames] == list(range(FRAMES))
    assert (await running.chunks(job, shot=1)).chunks == ()
    with pytest.raises(InvalidRequest):
        await running.chunks(job, token="0/render/first")


def test_an_idle_worker_ends_after_its_time_and_a_cancelled_job_keeps_its_chunks(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))

    async def check() -> None:
        async with manager(tmp_path / "home", worker_idle_seconds=0.2) as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            first = (await until(running.watch(job), chunk_done)).chunk
            await running.cancel(job)
            while running._executor.pids():
                await asyncio.sleep(0.02)
            await running.retry(job)
            events = [event for event in await rows(running, job) if event.kind is EventKind.CHUNK]
            assert [event.chunk for event in events].count(first) == 1, "what was done is not done again"
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
