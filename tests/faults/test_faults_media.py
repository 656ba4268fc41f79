"""Media that is cut short or replaced: before a job, while it is measured, while it is rendered. The job stops by the
name of shot and file, and goes on once the file is what it was."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.reel import FRAMES, Reel, request, told
from faults.work import HEIGHT, RATE, WIDTH
from resilver_client.errors import ResilverError
from resilver_server.domain.digests import digest_file
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import Event, EventKind
from resilver_server.scheduling.requests import JobRequest
from support.jobs import film, manager, on_loop, rows, until

_CUES = bytes.fromhex("1c53bb6b")
"""Begins Matroska's index, which lies behind the last frame."""


def cut_short(movie: Path) -> None:
    data = movie.read_bytes()
    movie.write_bytes(data[: len(data) * 2 // 3])


def replaced(movie: Path) -> None:
    """By another film of the same length, moved over it."""
    film(movie.with_name("other.mkv"), FRAMES, WIDTH, HEIGHT, seed=6, rate=RATE).replace(movie)


def measured(event: Event) -> bool:
    return event.kind is EventKind.STATE and event.state is JobState.ANALYSING


def rendered(event: Event) -> bool:
    return event.kind is EventKind.CHUNK


@pytest.mark.parametrize("harm", [cut_short, replaced])
@pytest.mark.parametrize("moment", [measured, rendered])
def test_media_that_changes_stops_the_job_by_name(
    tmp_path: Path, reel: Reel, harm: Callable[[Path], None], moment: Callable[[Event], bool]
) -> None:
    movie, kept = Path(shutil.copy(reel.movie, tmp_path / "film.mkv")), Path(shutil.copy(reel.movie, tmp_path / "kept"))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request(movie, tmp_path / "out"))).id
            await until(running.watch(job), moment)
            await running.pause(job, now=True)
            harm(movie)
            await running.resume(job)
            failure = await ended(running, job)
            print(f"{harm.__name__} while {moment.__name__}: {failure}")
            assert failure.startswith("MEDIA_CHANGED, the file is another one than when the job was planned")
            assert str(movie) in failure
            assert "restore the clip anew" in failure
            assert not [*(tmp_path / "out").glob("*")], "no result of two films"
            kept.replace(movie)
            if moment is measured:  # nothing had been read, so nothing tells that it is the same again
                job = (await running.submit(request(movie, tmp_path / "out", "b"))).id
            else:
                await running.retry(job)
            await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
    assert digest_file(movie) == reel.original
    reel.assert_right(tmp_path / "out")


async def ended(running: JobManager, job: str) -> str:
    """The job's failure in words."""
    await asyncio.wait_for(rows(running, job), 60)
    record = await running.get(job)
    assert record.state is JobState.FAILED, record.state
    return told(record.failure)


async def refusal(running: JobManager, asked: JobRequest) -> str:
    """Of the request, or the failure of its job."""
    try:
        job = (await running.submit(asked)).id
    except ResilverError as refused:
        return f"refused, {told(refused)}"
    return await ended(running, job)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.67, 0.97])
def test_media_that_was_cut_short_before(tmp_path: Path, reel: Reel, share: float) -> None:
    """By how much of it is left. (One frame that is missing at the very end is held: cuts are not exact to a frame.)"""
    movie, data = tmp_path / "film.mkv", reel.movie.read_bytes()
    movie.write_bytes(data[: int(len(data) * share)])

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            failure = await refusal(running, request(movie, tmp_path / "out"))
            print(f"{share:.1%} left: {failure}")
            assert str(movie) in failure

    on_loop(check)
    assert not [*(tmp_path / "out").glob("*")]
    assert movie.stat().st_size == int(len(data) * share)


def test_media_that_lost_only_its_index_is_whole(tmp_path: Path, reel: Reel) -> None:
    movie, data = tmp_path / "film.mkv", reel.movie.read_bytes()
    movie.write_bytes(data[: data.rindex(_CUES)])

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request(movie, tmp_path / "out"))).id
            await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
    reel.assert_right(tmp_path / "out")
