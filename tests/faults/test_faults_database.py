"""A database that another program holds, and one that is damaged: told in words, mended where SQLite can, and never
taken for an empty one."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.reel import REPLAYED, Reel, submit, told, wait_for, wait_for_chunk, walled_server
from resilver.v1 import jobs_pb2
from resilver_client.errors import DatabaseUnusable
from support.serving import SERVE, environment

_HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE" if sys.argv[3] == "write" else "BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@contextlib.contextmanager
def held(home: Path, seconds: float) -> Iterator[None]:
    """Another program has begun to write to the database, and takes its time."""
    command = [sys.executable, "-c", _HOLD, str(home / "jobs.sqlite3"), str(seconds), "write"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.kill()


def test_a_database_that_is_held_for_seconds_costs_seconds(tmp_path: Path, reel: Reel) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as client:
        job = submit(client, reel.request(out))
        wait_for_chunk(client, job)
        with held(home, 2):
            submit(client, reel.request(tmp_path / "second", "b"))
        wait_for(client, job, "SUCCEEDED")
    reel.assert_right(out)


def test_a_database_that_is_held_on_and_on_is_told_and_the_job_goes_on_after(tmp_path: Path, reel: Reel) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as client:
        job = submit(client, reel.request(out))
        wait_for_chunk(client, job)
        with held(home, 60):
            with pytest.raises(DatabaseUnusable, match="another program") as refused:
                client.pause(job)
            print(f"held: {told(refused.value)}")
        wait_for(client, job, "SUCCEEDED")
    reel.assert_right(out)


def finished_home(tmp_path: Path, reel: Reel) -> Path:
    """A home whose server was killed in the middle of a job, with rows in its log that the database has not yet."""
    home = tmp_path / "home"
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as client:
        wait_for_chunk(client, submit(client, reel.request(tmp_path / "out")))
        server.process.kill()
        server.process.wait()
    assert (home / "jobs.sqlite3-wal").stat().st_size > 0
    return home


@pytest.mark.parametrize("harm", ["torn", "garbage behind", "gone"])
def test_a_damaged_log_loses_at_most_its_last_rows(tmp_path: Path, reel: Reel, harm: str) -> None:
    """The log of a machine that died may end anywhere; what was committed before that stands."""
    home = finished_home(tmp_path, reel)
    log = home / "jobs.sqlite3-wal"
    data = log.read_bytes()
    if harm == "torn":
        log.write_bytes(data[: len(data) - 2000])
    elif harm == "garbage behind":
        log.write_bytes(data + random.Random(1).randbytes(10_000))
    else:
        log.unlink()
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as client:
        again = submit(client, reel.request(tmp_path / "out"))
        wait_for(client, again, "SUCCEEDED")
    reel.assert_right(tmp_path / "out")


def test_a_damaged_database_is_refused_and_left_as_it_is(tmp_path: Path, reel: Reel) -> None:
    home = finished_home(tmp_path, reel)
    database = home / "jobs.sqlite3"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(database.read_bytes())
    data[4096 : 4096 * 6] = random.Random(2).randbytes(4096 * 5)
    database.write_bytes(data)
    run = subprocess.run([sys.executable, *SERVE], env=environment(home), capture_output=True, text=True, timeout=60)
    print(run.stderr)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith("error: DATABASE_UNUSABLE: the database:")
    assert database.read_bytes() == data
    shutil.move(database, tmp_path / "aside")  # as the error says
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as client:
        assert not list(client.all_jobs())
        job = submit(client, reel.request(tmp_path / "out"))
        assert wait_for(client, job, "SUCCEEDED").state == jobs_pb2.JOB_STATE_SUCCEEDED
    reel.assert_right(tmp_path / "out")
