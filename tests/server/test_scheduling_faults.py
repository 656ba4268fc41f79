"""What goes wrong around a job must not change its result: killed servers and workers, full memory, two servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from resilver_client.errors import ServerAlreadyRunning
from resilver_server.domain.digests import digest_file
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import canonical
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import EventKind
from resilver_server.scheduling.requests import JobRequest
from support.jobs import chunk_done, damage, film, manager, on_loop, request, rows, timeline, until

TESTS = Path(__file__).resolve().parents[1]
FRAMES = 200


@dataclass(frozen=True)
class Calm:
    """A film, a timeline of it, and the digest of its result where nothing goes wrong."""

    movie: Path
    edit: str
    digest: str


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    folder = tmp_path_factory.mktemp("calm")
    movie = film(folder / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))

    async def go() -> None:
        async with manager(folder / "home") as running:
            job = await running.submit(request("a", edit, folder))
            await rows(running, job.id)

    on_loop(go)
    return Calm(movie, edit, digest_file(folder / "shot.mkv"))


def run_until(home: Path, asked: Path, after: int, wanted: str) -> int:
    """Start a server, kill it at the first event that is wanted; the sequence number reached."""
    command = [sys.executable, str(TESTS / "support/server_process.py"), str(home), str(asked), str(after)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        for line in server.stdout:
            sequence, *kinds = line.split()
            if wanted in kinds:
                server.send_signal(signal.SIGKILL)
                server.stdout.read()
                return int(sequence)
    raise AssertionError(f"the server ended before {wanted}")


def test_a_killed_server_carries_on_where_it_stood(tmp_path: Path, calm: Calm) -> None:
    """Killed after the analysis, in the middle of rendering and while joining: the same bytes as without."""
    asked = tmp_path / "request.json"
    asked.write_text(canonical(request("a", calm.edit, tmp_path / "out")))
    home = tmp_path / "home"
    reached = run_until(home, asked, 0, "shot")
    reached = run_until(home, asked, reached, "chunk")
    reached = run_until(home, asked, reached, "joining")

    async def finish() -> None:
        async with manager(home) as running:
            job = (await running.list()).jobs[0].id
            told = await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED
            chunks = [event.chunk for event in told if chunk_done(event)]
            assert sorted(chunks) == list(range(len(chunks))), "no chunk is rendered twice"

    on_loop(finish)
    assert digest_file(tmp_path / "out/shot.mkv") == calm.digest
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["shot.mkv", "shot.resilver.json"]


def test_a_killed_worker_costs_an_attempt(tmp_path: Path, calm: Calm) -> None:

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request("a", calm.edit, tmp_path / "out"))).id
            await until(running.watch(job), chunk_done)
            for pid in running._executor.pids():
                os.kill(pid, signal.SIGKILL)
            told = await rows(running, job)
            retries = [event for event in told if event.kind is EventKind.RETRY]
            assert [event.failure.reason for event in retries if event.failure] == ["WORKER_LOST"]
            assert "SIGKILL" in retries[0].failure.what
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
    assert digest_file(tmp_path / "out/shot.mkv") == calm.digest


def test_two_workers_give_the_bytes_of_one(tmp_path: Path, calm: Calm) -> None:

    async def check() -> None:
        async with manager(tmp_path / "home", workers=2) as running:
            both = [
                await running.submit(request(name, calm.edit, tmp_path / name, preview_frames=frames))
                for name, frames in (("film", 0), ("look", 2))
            ]
            assert {job.id for job in both} == set(running.busy()), "a preview does not wait for a film"
            for job in both:
                await rows(running, job.id)
                assert (await running.get(job.id)).state is JobState.SUCCEEDED

    on_loop(check)
    assert digest_file(tmp_path / "film/shot.mkv") == calm.digest


def test_one_server_a_database(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", FRAMES)
    asked = tmp_path / "request.json"
    asked.write_text(canonical(request("a", timeline(movie, FRAMES, ("shot", 0, FRAMES)), tmp_path / "out")))
    command = [sys.executable, str(TESTS / "support/server_process.py"), str(tmp_path / "home"), str(asked), "0"]

    async def second() -> None:
        async with manager(tmp_path / "home"):
            pass

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        with pytest.raises(ServerAlreadyRunning, match=f"process {server.pid} at 127.0.0.1:4711"):
            on_loop(second)
        server.kill()
    on_loop(second)


def test_short_memory_shrinks_what_is_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    movie = film(tmp_path / "film.mkv", 120, width=320, height=192)
    edit = timeline(movie, 120, ("shot", 0, 120))

    async def check() -> None:
        async with manager(tmp_path / "home", worker_module="support.tight_engine") as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            told = await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED, told[-1]
            kinds = [event.kind for event in told]
            shrunk = kinds.index(EventKind.SHRUNK)
            assert kinds.count(EventKind.SHRUNK) == 2, "256 was tried first"
            assert told[shrunk - 1].chunk == 0
            assert [event.chunk for event in told if chunk_done(event)] == [0, 1, 2], "a finished chunk stays"
            assert EventKind.RETRY not in kinds, "the same again would not help"
            note = json.loads((tmp_path / "out/shot.resilver.json").read_text())
            assert note["numerics"]["tile"] == 192
            planned = await running.plan(request("b", edit, tmp_path / "more"))
            assert planned.shots[0].plan.numerics.tile == 192, "what was learned is kept"

    on_loop(check)


def test_errors_that_stay_are_not_tried_again(tmp_path: Path) -> None:
    movie = film(tmp_path / "film.mkv", 60)
    damage(movie, 30)
    edit = timeline(movie, 60, ("shot", 0, 60))

    async def check(asked: JobRequest) -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(asked)).id
            told = await rows(running, job)
            record = await running.get(job)
            assert record.state is JobState.FAILED
            assert record.failure is not None
            assert record.failure.reason == "MEDIA_CORRUPT"
            assert str(movie) in record.failure.where
            assert EventKind.RETRY not in [event.kind for event in told]
            assert not (tmp_path / "out/shot.mkv").exists(), "a decode error is not the end of the film"

    on_loop(lambda: check(request("a", edit, tmp_path / "out")))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(("at", "where"), [("render", "home/content"), ("join", "out")])
def test_a_full_disk_makes_a_job_wait_and_loses_nothing(
    tmp_path: Path, calm: Calm, monkeypatch: pytest.MonkeyPatch, at: str, where: str
) -> None:
    for name, value in (("PYTHONPATH", TESTS), ("FULL_AT", at), ("FULL_UNTIL", tmp_path / "room")):
        monkeypatch.setenv(name, str(value))
    for name in ("LOOK_SECONDS", "FIRST_TRY"):
        monkeypatch.setattr(f"resilver_server.scheduling.waiting.{name}", 0.1)

    async def check() -> None:
        async with manager(tmp_path / "home", worker_module="support.full_engine") as running:
            job = (await running.submit(request("a", calm.edit, tmp_path / "out"))).id
            told = await until(running.watch(job), lambda event: event.state is JobState.WAITING)
            assert told.failure is not None
            assert (told.failure.reason, told.failure.where) == ("DISK_FULL", str(tmp_path / where))
            assert told.message.endswith(f"GB free, but no more can be written, {tmp_path / where}")
            waits = (await running.get(job)).waiting_for
            assert waits is None or waits.needed == 0, "only trying tells when such a disk has room"
            assert not [path for path in (tmp_path / "out").rglob("*") if at == "join"], "nothing half-written stays"
            (tmp_path / "room").touch()
            await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
    assert digest_file(tmp_path / "out/shot.mkv") == calm.digest


def test_media_that_was_deleted_ends_in_words_and_loses_nothing(tmp_path: Path, calm: Calm) -> None:
    movie = film(tmp_path / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            await until(running.watch(job), chunk_done)
            await running.pause(job, now=True)
            movie.rename(tmp_path / "elsewhere.mkv")
            await running.resume(job)
            await rows(running, job)
            failure = (await running.get(job)).failure
            assert failure is not None
            assert str(failure.error()) == (
                f"the file is not there any more, shot, {movie}, "
                "put it back, then retry the job, or relink the clip and restore it anew"
            )
            (tmp_path / "elsewhere.mkv").rename(movie)
            await running.retry(job)
            await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED

    on_loop(check)
    assert digest_file(tmp_path / "out/shot.mkv") == calm.digest


def test_stopping_in_the_middle_leaves_the_job_as_it_stands(tmp_path: Path, calm: Calm) -> None:

    async def check() -> None:
        running = JobManager(_settings(tmp_path))
        await running.start()
        job = (await running.submit(request("a", calm.edit, tmp_path / "out"))).id
        await until(running.watch(job), chunk_done)
        pids = running._executor.pids()
        await running.stop()
        assert pids
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
        async with manager(tmp_path / "home") as again:
            assert (await again.get(job)).state is JobState.RENDERING
            await rows(again, job)
            assert (await again.get(job)).state is JobState.SUCCEEDED

    on_loop(check)


def _settings(tmp_path: Path):
    from resilver_server.config import ServerSettings

    return ServerSettings(home=tmp_path / "home")
