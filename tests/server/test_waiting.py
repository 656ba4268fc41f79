"""Jobs that wait for room on a disk."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from resilver_client.errors import DiskFull, JobNotFound, JobStateConflict
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling import room, waiting
from resilver_server.scheduling.records import Event, JobRecord, Shortage
from resilver_server.scheduling.room import Disks, NoRoom, is_over, sentence
from resilver_server.storage.database import Database
from support.jobs import chunk_done, film, manager, on_loop, request, rows, timeline, until

GB = 10**9
FRAMES = 100


@dataclass
class Disk:
    """What every disk of this test has free."""

    free: int = 100 * GB

    @property
    def total(self) -> int:
        return 1000 * GB


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: found)
    for name in ("LOOK_SECONDS", "FIRST_TRY"):
        monkeypatch.setattr(waiting, name, 0.05)
    return found


def waits(event: Event) -> bool:
    return event.state is JobState.WAITING


def test_a_job_needs_the_reserve_and_what_it_is_going_to_write(tmp_path: Path, disk: Disk) -> None:
    disks = Disks((tmp_path,), reserve=GB)
    out = tmp_path / "not/there/yet"
    disk.free = 2 * GB
    disks.ensure({out: GB})
    with pytest.raises(NoRoom) as short:
        disks.ensure({out: GB + 1})
    assert short.value.shortage == Shortage(str(tmp_path), 2 * GB, 2 * GB + 1)
    assert sentence(short.value.shortage) == f"waiting for disk space: 2.0 GB free, 2.0 GB needed, {tmp_path}"
    Disks((tmp_path,), reserve=0).ensure({out: 5 * GB})  # nobody looks
    assert not is_over(short.value.shortage)
    disk.free += 1
    assert is_over(short.value.shortage)


def test_a_refused_write_says_what_is_missing_or_that_only_trying_tells(tmp_path: Path, disk: Disk) -> None:
    disks = Disks((tmp_path,), reserve=GB)
    refused = DiskFull("the disk is full", where=str(tmp_path / "gone.mkv"))
    disk.free = 100
    assert disks.after(refused, 7) == Shortage(str(tmp_path), 100, GB + 7)
    disk.free = 5 * GB
    assert disks.after(refused, 7) == Shortage(str(tmp_path), 5 * GB, 0), "a quota"


def test_a_disk_that_went_away_keeps_the_job_waiting(tmp_path: Path) -> None:
    assert not is_over(Shortage(str(tmp_path / "unplugged"), 0, 0))


def test_a_waiting_job_may_be_paused_cancelled_retried_deleted_and_outlives_the_server(
    tmp_path: Path, disk: Disk
) -> None:
    movie = film(tmp_path / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))

    async def check() -> None:
        async with manager(tmp_path / "home", idle_minutes=0.001) as running:
            disk.free = GB // 2
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            told = await until(running.watch(job), waits)
            assert "0.5 GB free, 1.0 GB needed" in told.message
            _is_told(await running.get(job), tmp_path)
            assert not running.busy()
            assert (await running.resume(job)).state is JobState.WAITING, "there is no room yet"
            with pytest.raises(JobStateConflict):
                await running.retry(job)
            assert (await running.pause(job)).state is JobState.PAUSED
            assert not running._executor.pids(), "nothing holds the device"
            sequence = (await running.get(job)).sequence
            await running.resume(job)
            await until(running.watch(job, sequence), waits)
            cancelled = await running.cancel(job)
            assert (cancelled.state, cancelled.waiting_for) == (JobState.CANCELLED, None)
            await running.retry(job)
            await until(running.watch(job, cancelled.sequence), waits)
            other = (await running.submit(request("b", edit, tmp_path / "more"))).id
            await until(running.watch(other), waits)
            await running.delete(other)
            with pytest.raises(JobNotFound):
                await running.get(other)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(running.until_idle(), 1.5)
        async with manager(tmp_path / "home") as running:
            await asyncio.sleep(0.2)
            assert (await running.get(job)).state is JobState.WAITING
            disk.free = 100 * GB
            events = await rows(running, job)
            assert events[-1].state is JobState.SUCCEEDED
            assert [event.chunk for event in events if chunk_done(event)] == [0, 1, 2]

    on_loop(check)


def _is_told(record: JobRecord, folder: Path) -> None:
    assert record.state is JobState.WAITING
    assert record.failure is not None
    assert record.failure.reason == "DISK_FULL"
    assert record.failure.remedy == "make room: the job goes on by itself"
    assert record.ended is None
    assert record.waiting_for is not None
    assert (record.waiting_for.free, record.waiting_for.needed) == (GB // 2, GB)
    assert Path(record.waiting_for.folder).is_relative_to(folder)


def test_a_full_disk_under_the_database_loses_no_job_and_no_server(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = film(tmp_path / "film.mkv", FRAMES)
    edit = timeline(movie, FRAMES, ("shot", 0, FRAMES))
    full = [False]
    monkeypatch.setattr(Database, "_transact", _refusing(full, Database._transact))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            await until(running.watch(job), chunk_done)
            full[0], disk.free = True, 0
            while running.busy():
                await asyncio.sleep(0.02)
            record = await running.get(job)
            assert record.state in (JobState.RENDERING, JobState.ANALYSING), "not even that can be written down"
            with pytest.raises(DiskFull):
                await running.pause(job)
            full[0] = False
            await until(running.watch(job, record.sequence), waits)
            disk.free = 100 * GB
            assert (await rows(running, job))[-1].state is JobState.SUCCEEDED

    on_loop(check)


def _refusing(full: list[bool], transact: Any) -> Any:
    """A transaction that changes anything fails as SQLite's do on a full disk, while ``full`` says so."""

    def tried(self: Database, work: Any) -> Any:
        if not full[0]:
            return transact(self, work)

        def refused(connection: sqlite3.Connection) -> Any:
            before = connection.total_changes
            result = work(connection)
            if connection.total_changes != before:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return result

        return transact(self, refused)

    return tried
