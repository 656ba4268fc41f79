"""Disks that fill up and folders that close, while jobs run: each is told, nothing half-written gets a name, and the
job ends with the same bytes once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults import walled
from faults.reel import Reel, submit, told, wait_for, wait_for_chunk, walled_server
from resilver.v1 import jobs_pb2
from resilver_client.errors import DiskFull, OutputUnwritable
from support.serving import SERVE, environment

pytestmark = pytest.mark.skipif(not walled.available(), reason="needs mount namespaces, as root or by user namespaces")


def fill(folder: Path, leaving: int) -> Path:
    """A file that takes all but ``leaving`` bytes of a small disk."""
    facts = os.statvfs(folder)
    filler = folder / "filler"
    filler.write_bytes(bytes(facts.f_bavail * facts.f_frsize - leaving))
    return filler


@pytest.mark.parametrize(("which", "leaving"), [("content", 300_000), ("out", 200_000)])
def test_a_full_disk_holds_the_job_until_there_is_room(tmp_path: Path, reel: Reel, which: str, leaving: int) -> None:
    small, out = tmp_path / which, tmp_path / "out"
    small.mkdir()
    settings = {"content": str(small)} if which == "content" else {}
    with walled_server(tmp_path / "home", f"tmpfs:{small}:4m", **settings) as server, server.client() as client:
        seen = walled.inside(server.process.pid, small)
        filler = fill(seen, leaving)
        job = submit(client, reel.request(out))
        waiting = wait_for(client, job, "WAITING")
        print(f"full {which}: {told(waiting.error)}")
        assert waiting.error.reason == "DISK_FULL"
        assert waiting.error.where == str(small)
        assert not [path for path in walled.inside(server.process.pid, out).glob("*") if path.name != "filler"]
        filler.unlink()
        wait_for(client, job, "SUCCEEDED")
        if which == "out":
            shutil.copytree(seen, tmp_path / "copy")
    reel.assert_right(tmp_path / "copy" if which == "out" else out)


def test_a_database_on_a_full_disk_takes_no_job_and_holds_what_runs(tmp_path: Path, reel: Reel) -> None:
    """That it waits cannot be written down: the job stands still as it stood, and goes on."""
    small, out = tmp_path / "database", tmp_path / "out"
    small.mkdir()
    database = str(small / "jobs.sqlite3")
    with walled_server(tmp_path / "home", f"tmpfs:{small}:1m", database=database) as server, server.client() as client:
        seen = walled.inside(server.process.pid, small)
        job = submit(client, reel.request(out))
        wait_for_chunk(client, job)
        filler = fill(seen, 0)
        with pytest.raises(DiskFull, match="free some space") as refused:
            submit(client, reel.request(tmp_path / "other", "b"))
        print(f"full database: {told(refused.value)}")
        time.sleep(1)
        assert client.get(job).state == jobs_pb2.JOB_STATE_RENDERING
        assert not out.exists() or not list(out.iterdir())
        filler.unlink()
        wait_for(client, job, "SUCCEEDED")
    reel.assert_right(out)


def test_a_home_on_a_full_disk_is_told_at_the_start(tmp_path: Path) -> None:
    small = tmp_path / "home"
    small.mkdir()
    command = [sys.executable, walled.__file__, f"tmpfs:{small}:8k", "--", sys.executable, *SERVE]
    run = subprocess.run(command, env=environment(small), capture_output=True, text=True, timeout=60)
    print(run.stderr)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith("error: DISK_FULL:")


@pytest.mark.parametrize("which", ["home", "content"])
def test_a_read_only_folder_of_the_server_is_told_at_the_start(tmp_path: Path, which: str) -> None:
    home = tmp_path / "home"
    (home / "content").mkdir(parents=True)
    closed = home if which == "home" else home / "content"
    command = [sys.executable, walled.__file__, f"read-only:{closed}", "--", sys.executable, *SERVE]
    run = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=60)
    print(run.stderr)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Read-only file system" in last
    assert str(closed) in last


def test_results_into_a_read_only_folder_are_refused_at_once(tmp_path: Path, reel: Reel) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with walled_server(tmp_path / "home", f"read-only:{out}") as server, server.client() as client:
        with pytest.raises(OutputUnwritable, match="nothing can be written there") as refused:
            submit(client, reel.request(out))
        print(told(refused.value))


@pytest.mark.parametrize("which", ["content", "out"])
def test_a_folder_that_closes_under_a_job_fails_it_and_a_retry_goes_on(tmp_path: Path, reel: Reel, which: str) -> None:
    out, content = tmp_path / "out", tmp_path / "home/content"
    out.mkdir()
    with walled_server(tmp_path / "home", f"bind:{out}:{out}", "permissions:") as server, server.client() as client:
        job = submit(client, reel.request(out))
        wait_for_chunk(client, job)
        close_folder(server.process.pid, out if which == "out" else content / "tmp", True)
        failed = wait_for(client, job, "FAILED")
        print(f"closed {which}: {told(failed.error)}")
        assert failed.error.reason == "OUTPUT_UNWRITABLE"
        assert failed.error.where.startswith(str(out if which == "out" else content))
        assert not list(out.iterdir())
        close_folder(server.process.pid, out if which == "out" else content / "tmp", False)
        client.retry(job)
        wait_for(client, job, "SUCCEEDED")
    reel.assert_right(out)


def close_folder(pid: int, folder: Path, closed: bool) -> None:
    """By its mount or, within the store, by its permissions."""
    if folder.name == "out":
        walled.mend(pid, folder, f"remount,bind,{'ro' if closed else 'rw'}")
    else:
        folder.chmod(0o500 if closed else 0o700)
