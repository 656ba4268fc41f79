"""Jobs from request to result, with real workers on real media."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from resilver_client.errors import (
    InvalidRequest,
    JobNotFound,
    JobStateConflict,
    MediaChanged,
    MediaNotFound,
    OutputExists,
    PathNotAllowed,
    RequestIdReused,
    SelectionEmpty,
)
from resilver_otio.types import Selection
from resilver_server.domain.digests import digest_file
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling.records import EventKind, ShotPhase
from support.jobs import chunk_done, decoded, film, manager, on_loop, request, rows, timeline, until

FRAMES = 200


def test_a_timeline_comes_back_restored(tmp_path: Path) -> None:
    """One long look at a job: plan, events, result, sidecar, and what the next job takes from the store."""
    movie = film(tmp_path / "film.mkv", FRAMES, width=320, height=192)  # a chunk takes longer than a look at progress
    edit = timeline(movie, FRAMES, ("opening", 10, 120), ("ending", 150, 50))
    asked = request("first", edit, tmp_path / "out")

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            planned = await running.plan(asked)
            assert [shot.plan.output_frames for shot in planned.shots] == [120, 50]
            assert not (tmp_path / "out").exists(), "planning writes nothing"
            job = await running.submit(asked)
            assert await running.submit(asked) == await running.get(job.id), "the same request is the same job"
            with pytest.raises(RequestIdReused):
                await running.submit(request("first", edit, tmp_path / "elsewhere"))
            events = [event async for event in running.watch(job.id)]
            _check_events(events)
            assert [e async for e in running.watch(job.id, 5)] == [
                e for e in await rows(running, job.id) if e.sequence > 5
            ]
            await _check_result(running, job.id, tmp_path / "out")
            await _check_second(running, edit, tmp_path)

    on_loop(check)


def _check_events(events: list) -> None:
    stored = [event for event in events if event.kind is not EventKind.PROGRESS]
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
    states = [event.state for event in stored if event.kind is EventKind.STATE]
    assert states == ["queued", "analysing", "rendering", "joining", "succeeded"]
    live = [shot for event in events for shot in event.progress]
    assert live, "progress is told while it renders"
    assert all(0 <= shot.done <= shot.total for shot in live)


async def _check_result(running, job: str, out: Path) -> None:
    record, result = await running.get(job), await running.result(job)
    assert record.state is JobState.SUCCEEDED
    assert [shot.phase for shot in record.shots] == [ShotPhase.DONE, ShotPhase.DONE]
    assert result.outputs == (str(out / "opening.mkv"), str(out / "ending.mkv"))
    assert [shot.digest for shot in record.shots] == [digest_file(path) for path in result.outputs]
    assert "opening.mkv" in result.timeline
    note = json.loads((out / "opening.resilver.json").read_text())
    assert note["filmed"] == [{"start": 0, "stop": 120}]
    assert note["computed"] == []
    assert note["source"]["digests"], "the source is named by content"
    assert sorted(path.name for path in out.iterdir()) == [
        "ending.mkv", "ending.resilver.json", "opening.mkv", "opening.resilver.json",
    ]  # fmt: skip


async def _check_second(running, edit: str, folder: Path) -> None:
    """The same frames for another place: nothing is rendered, and the bytes are the same."""
    again = request("second", edit, folder / "again")
    planned = await running.plan(again)
    assert all(shot.keys_known and all(chunk.stored for chunk in shot.chunks) for shot in planned.shots)
    job = await running.submit(again)
    told = [event for event in await rows(running, job.id) if event.kind is EventKind.CHUNK]
    assert told
    assert {event.message for event in told} == {"already in the store"}
    first, second = folder / "out/opening.mkv", folder / "again/opening.mkv"
    assert digest_file(first) == digest_file(second)


def test_a_segment_serves_another_shot_at_another_place(tmp_path: Path) -> None:
    """The second shot begins two seconds later, so that its first chunk is the first one's second."""
    movie = film(tmp_path / "film.mkv", 144)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            whole = timeline(movie, 144, ("whole", 0, 144))
            await rows(running, (await running.submit(request("a", whole, tmp_path / "out"))).id)
            later = timeline(movie, 144, ("later", 48, 72))
            job = (await running.submit(request("b", later, tmp_path / "out"))).id
            told = [event for event in await rows(running, job) if event.kind is EventKind.CHUNK]
            assert [event.message for event in told] == ["already in the store", ""]
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
    whole, later = decoded(tmp_path / "out/whole.mkv"), decoded(tmp_path / "out/later.mkv")
    assert len(later) == 72
    assert all(np.array_equal(frame, whole[48 + number]) for number, frame in enumerate(later))


def test_requests_that_cannot_be_done_are_refused_at_once(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 30)
    edit = timeline(movie, 30, ("shot", 0, 30))
    out = tmp_path / "out"
    out.mkdir()
    (out / "shot.mkv").write_text("somebody's work")

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            with pytest.raises(OutputExists):
                await running.submit(request("a", edit, out))
            assert (out / "shot.mkv").read_text() == "somebody's work"
            with pytest.raises(PathNotAllowed):
                await running.submit(request("b", edit, Path("relative")))
            with pytest.raises(SelectionEmpty):
                await running.submit(request("c", edit, tmp_path, selection=Selection(names=("nobody",))))
            lost = timeline(tmp_path / "gone.mkv", 30, ("shot", 0, 30))
            with pytest.raises(MediaNotFound):
                await running.submit(request("d", lost, tmp_path))
            with pytest.raises(InvalidRequest):
                await running.submit(request("", edit, tmp_path))
            with pytest.raises(JobNotFound):
                await running.get("nothing")
            assert (await running.list()).jobs == (), "none of them left a job"

    on_loop(check)


def test_a_refused_clip_stays_out_where_that_is_asked(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 30)
    edit = timeline(movie, 30, ("shot", 0, 30), ("too long", 20, 30))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = await running.submit(request("a", edit, tmp_path / "out", skip_refused=True))
            assert [shot.name for shot in job.shots] == ["shot"]
            assert [refusal.reason for refusal in job.refusals] == ["RANGE_OUTSIDE_MEDIA"]
            await rows(running, job.id)
            assert (await running.get(job.id)).state is JobState.SUCCEEDED

    on_loop(check)


def test_cancel_stops_and_retry_carries_on(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 240)
    asked = request("a", timeline(movie, 240, ("shot", 0, 240)), tmp_path / "out")

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(asked)).id
            await until(running.watch(job), chunk_done)
            begun = asyncio.get_running_loop().time()
            stopped = await running.cancel(job)
            assert asyncio.get_running_loop().time() - begun < 2, "a window of this size takes a few milliseconds"
            assert stopped.state is JobState.CANCELLED
            kept = stopped.shots[0].chunks_done
            assert 1 <= kept < stopped.shots[0].chunks
            assert not list((tmp_path / "home/content/tmp").iterdir()), "nothing half-written stays"
            assert (await running.cancel(job)).sequence == stopped.sequence, "it stays cancelled"
            await running.retry(job)
            told = [event for event in await rows(running, job) if event.sequence > stopped.sequence]
            assert sum(chunk_done(event) for event in told) == stopped.shots[0].chunks - kept
            assert (await running.get(job)).state is JobState.SUCCEEDED
            with pytest.raises(JobStateConflict):
                await running.cancel(job)
            with pytest.raises(JobStateConflict):
                await running.retry(job)

    on_loop(check)


def test_pause_lets_the_chunk_end_and_resume_goes_on(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 240)
    asked = request("a", timeline(movie, 240, ("shot", 0, 240)), tmp_path / "out")

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(asked)).id
            await until(running.watch(job), chunk_done)
            paused = await running.pause(job)
            assert paused.state is JobState.PAUSED
            while running.busy():
                await asyncio.sleep(0.05)
            quiet = await running.get(job)
            await asyncio.sleep(0.5)
            assert await running.get(job) == quiet, "a paused job does nothing"
            assert 1 <= quiet.shots[0].chunks_done < quiet.shots[0].chunks
            await running.resume(job)
            await running.pause(job, now=True)
            assert (await running.resume(job)).state is not JobState.PAUSED
            await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED
            with pytest.raises(JobStateConflict):
                await running.pause(job)

    on_loop(check)


def test_delete_forgets_what_nobody_else_needs(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 120)
    whole = timeline(movie, 120, ("shot", 0, 120))
    part = timeline(movie, 120, ("shot", 0, 96))

    def segments() -> int:
        return sum(path.is_file() for path in (tmp_path / "home/content/segment").rglob("*"))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            first = (await running.submit(request("a", whole, tmp_path / "one"))).id
            with pytest.raises(JobStateConflict):
                await running.delete(first)
            await rows(running, first)
            second = (await running.submit(request("b", part, tmp_path / "two"))).id
            await rows(running, second)
            before = segments()
            await running.delete(first)
            assert 0 < segments() < before, "what the second job names stays"
            with pytest.raises(JobNotFound):
                await running.get(first)
            await running.delete(second)
            assert segments() == 0
            assert (tmp_path / "one/shot.mkv").exists(), "results are the artist's"
            assert (await running.list()).jobs == ()

    on_loop(check)


def test_jobs_come_page_by_page(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 6)
    edit = timeline(movie, 6, ("shot", 0, 6))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            ids = [(await running.submit(request(str(n), edit, tmp_path / str(n)))).id for n in range(3)]
            for job in ids:
                await rows(running, job)
            seen, token = [], ""
            while True:
                page = await running.list(2, token)
                seen += [job.id for job in page.jobs]
                token = page.next_token
                if not token:
                    break
            assert seen == ids[::-1]
            assert (await running.list(states=[JobState.FAILED])).jobs == ()
            assert len((await running.list(states=[JobState.SUCCEEDED])).jobs) == 3
            with pytest.raises(InvalidRequest):
                await running.list(2, "no token")

    on_loop(check)


def test_media_that_changes_under_a_job_is_noticed(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 200)
    asked = request("a", timeline(movie, 200, ("shot", 0, 200)), tmp_path / "out")

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(asked)).id
            await until(running.watch(job), chunk_done)
            await running.pause(job, now=True)
            film(movie, 200, seed=2)
            await running.resume(job)
            await rows(running, job)
            record = await running.get(job)
            assert record.state is JobState.FAILED
            assert record.failure is not None
            assert isinstance(record.failure.error(), MediaChanged)
            assert not (tmp_path / "out/shot.mkv").exists()

    on_loop(check)


def test_a_preview_is_pictures(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 100)
    asked = request("a", timeline(movie, 100, ("shot", 0, 100)), tmp_path / "out", preview_frames=2)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(asked)).id
            await rows(running, job)
            result = await running.result(job)
            assert len(result.pictures) == 2
            assert all(Path(picture).is_file() for picture in result.pictures)
            assert Path(result.outputs[0]) == tmp_path / "out/shot-preview"
            assert not list((tmp_path / "out").glob(".resilver*"))

    on_loop(check)


def test_the_server_process_never_imports_the_heavy_libraries(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 10)
    script = tmp_path / "server.py"
    script.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from resilver_server.config import ServerSettings\n"
        "from resilver_server.domain.serial import loads\n"
        "from resilver_server.scheduling.manager import JobManager\n"
        "from resilver_server.scheduling.requests import JobRequest\n"
        "async def main():\n"
        "    running = JobManager(ServerSettings(home=Path(sys.argv[1])))\n"
        "    await running.start()\n"
        "    job = await running.submit(loads(JobRequest, Path(sys.argv[2]).read_text()))\n"
        "    async for event in running.watch(job.id): pass\n"
        "    print((await running.get(job.id)).state, *(m for m in ('torch', 'cv2', 'av') if m in sys.modules))\n"
        "    await running.stop()\n"
        "asyncio.run(main())\n"
    )
    from resilver_server.domain.serial import canonical

    asked = tmp_path / "request.json"
    asked.write_text(canonical(request("a", timeline(movie, 10, ("shot", 0, 10)), tmp_path / "out")))
    command = [sys.executable, str(script), str(tmp_path / "home"), str(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["succeeded"], done.stdout + done.stderr
