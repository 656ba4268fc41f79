"""Clients that are killed: before the answer to their request, and while they watch. The job is theirs again by its id,
and there is one of it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from faults.reel import REPLAYED, Reel, submit, wait_for, wait_for_chunk, walled_server
from faults.stage import TESTS, surroundings
from faults.work import write_requests
from resilver.v1 import jobs_pb2
from resilver_client.client import Client


def client(home: Path, requests: list[Path]) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(TESTS / "faults/client.py"), *map(str, requests)]
    return subprocess.Popen(command, env=surroundings(home), stdout=subprocess.DEVNULL)


def test_killed_while_it_submits_and_while_it_watches(tmp_path: Path, reel: Reel) -> None:
    """At moments from before it has connected to after its job was told to have begun."""
    home, out = tmp_path / "home", tmp_path / "out"
    requests = write_requests(tmp_path / "requests", [reel.request(out)])
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as watching:
        for seconds in (0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.0):
            killed = client(home, requests)
            time.sleep(seconds)
            killed.kill()
            killed.wait()
        assert client(home, requests).wait(60) == 0
        found = list(watching.all_jobs())
        assert [job.state for job in found] == [jobs_pb2.JOB_STATE_SUCCEEDED]
        assert found[0].request_id == "a"
    reel.assert_right(out)


def test_a_killed_watcher_misses_nothing(tmp_path: Path, reel: Reel) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    with walled_server(home, worker_module=REPLAYED) as server, server.client() as first, server.client() as second:
        job = submit(first, reel.request(out))
        wait_for_chunk(first, job)
        first.close()
        wait_for(second, job, "SUCCEEDED")
        assert stored(second, job, 0) == list(range(1, second.get(job).sequence + 1))
        assert stored(second, job, 3) == list(range(4, second.get(job).sequence + 1))
    reel.assert_right(out)


def stored(client: Client, job: str, after: int) -> list[int]:
    """Sequence numbers of the events that a watcher is told which comes back."""
    events = client.watch(job, after)
    return [event.sequence for event in events if event.kind != jobs_pb2.EVENT_KIND_PROGRESS]
