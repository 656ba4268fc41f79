"""The machine dies: what was not brought to the disk is lost, and the job ends with the same bytes all the same."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from faults import power
from faults.dying import armed_file
from faults.reel import REPLAYED, Reel, submit, wait_for, walled_server
from faults.stage import LEAVING, alive, processes_of, workers_of
from resilver.v1 import jobs_pb2
from resilver_client.errors import ResilverError

CUTS = int(os.environ.get("RESILVER_CUTS", "4"))
"""In continuous integration; the note has a longer run."""


def test_without_a_sync_a_file_is_lost(tmp_path: Path) -> None:
    """What the other test stands on."""
    if not power.available(tmp_path / "probe"):
        pytest.skip("needs root and loop devices")
    disk = power.Disk(tmp_path / "files", tmp_path / "disk")
    with disk.power():
        (disk.folder / "lost").write_text("film")
        with (disk.folder / "kept").open("w") as file:
            file.write("film")
            file.flush()
            os.fsync(file.fileno())
        (disk.folder / "kept").rename(disk.folder / "renamed")
        disk.cut()
        found = {path.name: path.read_text() for path in disk.folder.iterdir() if path.is_file()}
        assert "film" not in [text for name, text in found.items() if name == "lost"]
        assert "film" in found.values(), "the name may be either, the bytes are there"


def test_a_machine_that_loses_power_loses_nothing_that_was_told(tmp_path: Path, reel: Reel) -> None:
    """Server, store, database and results lie on the disk. It is cut at steps that the server counts itself. What a
    client was told before is so after: events, and results of jobs that had succeeded."""
    if not power.available(tmp_path / "probe"):
        pytest.skip("needs root and loop devices")
    chance = random.Random(3)
    disk = power.Disk(tmp_path / "files", tmp_path / "disk")
    home, told, done = disk.folder / "home", 0, 0
    with disk.power():
        for number in range(CUTS):
            seen, succeeded = until_it_dies(
                home, disk.folder / f"out{done}", reel, f"job{done}", chance.randint(8, 250)
            )
            disk.cut()
            armed_file(home, "server").unlink(missing_ok=True)  # the cut may have brought it back
            told = max(told, seen)
            assert rows(home, f"job{done}") >= told, f"cut {number}: an event that was told is lost"
            if succeeded:
                reel.assert_right(disk.folder / f"out{done}")
                told, done = 0, done + 1
        finish(home, disk.folder / f"out{done}", reel, f"job{done}")
    print(f"{CUTS} cuts, {done} jobs ended under way")


def finish(home: Path, out: Path, reel: Reel, id: str) -> None:
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as client:
        wait_for(client, submit(client, reel.request(out, id)), "SUCCEEDED")
        assert server.stop() == 0
    assert not list((home / "content/tmp").iterdir())
    reel.assert_right(out)


def until_it_dies(home: Path, out: Path, reel: Reel, id: str, steps: int) -> tuple[int, bool]:
    """Run the job until the server has taken so many steps of its own, and dies; the last event that its client saw,
    and whether it saw the job succeed. The workers die in the same moment."""
    seen, succeeded = 0, False
    with (
        walled_server(home, worker_module=REPLAYED) as server,
        contextlib.suppress(ResilverError),
        server.client() as client,
    ):
        armed_file(home, "server").write_text(str(steps))
        job = submit(client, reel.request(out, id))
        for event in client.watch(job, patience=0.1):
            seen, succeeded = max(seen, event.sequence), event.state == jobs_pb2.JOB_STATE_SUCCEEDED
        server.process.kill()
    deadline = time.monotonic() + LEAVING
    while processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in workers_of(home) if alive(pid)]
    return seen, succeeded


def rows(home: Path, id: str) -> int:
    """Events of the job in the database as a server will find it, log and all."""
    if not (home / "jobs.sqlite3").exists():
        return 0
    query = "SELECT coalesce(max(event.sequence), 0) FROM event JOIN job ON job.id = event.job WHERE request_id = ?"
    with contextlib.closing(sqlite3.connect(home / "jobs.sqlite3")) as connection:
        try:
            return int(connection.execute(query, (id,)).fetchone()[0])
        except sqlite3.OperationalError:  # not even its tables were on the disk
            return 0
