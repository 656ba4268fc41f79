"""Memory, file descriptors and the clock: a worker that may not have more memory, one that the system ends for it, a
server that may open few files, and a clock that is set back."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.reel import REPLAYED, Reel, submit, told, wait_for, wait_for_chunk, walled_server
from faults.settings import program
from faults.stage import alive, workers_of
from resilver_client.client import connect
from resilver_client.errors import ResilverError
from resilver_server.domain.jobs import JobState
from resilver_server.execution.worker import typed
from resilver_server.scheduling.records import EventKind
from support.jobs import manager, on_loop, rows
from support.serving import ServerProcess

GROUPS = Path("/sys/fs/cgroup")


def test_what_says_that_memory_is_short_is_told_apart() -> None:
    said = "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
    assert typed(RuntimeError(said)).reason == "OUT_OF_MEMORY"


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2)")
def test_a_worker_that_may_not_have_more_memory(tmp_path: Path, reel: Reel) -> None:
    """Its address space is limited under way, as a shell's ulimit does it. Smaller tiles are tried; then it is told."""
    out = tmp_path / "out"
    with walled_server(tmp_path / "home") as server, server.client() as client:
        job = submit(client, reel.request(out))
        wait_for_chunk(client, job)
        client.pause(job, now=True)
        for pid in workers_of(tmp_path / "home"):
            size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
            resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
        client.resume(job)
        found = wait_for(client, job, "FAILED", "SUCCEEDED")
        print(f"RLIMIT_AS: {told(found.error) or 'the heap had enough'}")
        if found.error.reason:
            assert found.error.reason in ("OUT_OF_MEMORY", "WORKER_LOST")
            for pid in workers_of(tmp_path / "home"):
                os.kill(pid, 9)
            client.retry(job)
            wait_for(client, job, "SUCCEEDED")
    reel.assert_right(out)


@contextlib.contextmanager
def memory_group(name: str, limit: int) -> Iterator[Path]:
    """A control group whose processes may have ``limit`` bytes together. Skips where none can be made."""
    folder = GROUPS / "memory" / name if (GROUPS / "memory").is_dir() else GROUPS / name
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        limits = folder / ("memory.limit_in_bytes" if "memory/" in str(folder) else "memory.max")
        if not limits.exists():
            pytest.skip("control groups do not limit memory here")
        limits.write_text(str(limit))
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """A group that is empty; its last process may be on its way out."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.1)


def test_a_worker_that_the_system_ends_for_memory(tmp_path: Path, reel: Reel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's own out-of-memory killer, in a control group. The task asks for more than the group may have."""
    program()
    monkeypatch.setenv("PYTHONPATH", os.environ["PYTHONPATH"])
    monkeypatch.setenv("HUNGRY", str(tmp_path / "hungry"))
    monkeypatch.setattr("resilver_server.scheduling.patience.FIRST_WAIT", 0.01)

    async def check() -> None:
        async with manager(tmp_path / "home", worker_module="faults.hungry_engine", reserve_bytes=0) as running:
            await running.devices()
            before = running._executor.pids()
            (group / "cgroup.procs").write_text(str(before[0]))
            (tmp_path / "hungry").touch()
            job = (await running.submit(reel.request(tmp_path / "out"))).id
            told_of = await rows(running, job)
            steps = [event for event in told_of if event.kind in (EventKind.SHRUNK, EventKind.RETRY)]
            print("OOM-killed:", [(event.kind, event.message, told(event.failure)) for event in steps])
            assert [event.failure.reason for event in steps if event.failure] == ["OUT_OF_MEMORY"]
            assert not alive(before[0])
            assert (await running.get(job)).state is JobState.SUCCEEDED

    with memory_group(f"resilver-{os.getpid()}", 1 << 30) as group:
        on_loop(check)


def test_a_server_that_may_open_few_files(tmp_path: Path, reel: Reel) -> None:
    """Clients that come while it has none left are turned away; a job that needs one says so and goes on after."""
    out, home = tmp_path / "out", tmp_path / "home"
    with (
        walled_server(home, worker_module=REPLAYED) as server,
        server.client() as client,
        contextlib.ExitStack() as stack,
    ):
        job = submit(client, reel.request(out))
        wait_for_chunk(client, job)
        limit = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (64, limit[1]))
        refused = [said for _ in range(60) if (said := turned_away(stack, server))]
        print(f"64 files: {len(refused)} of 60 clients turned away: {refused[0]}")
        found = wait_for(client, job, "SUCCEEDED", "FAILED")
        print(f"the job: {told(found.error)}")
        assert found.error.what in ("", "no more files can be opened", "a worker process cannot be started")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limit)
        if found.error.reason:
            client.retry(job)
            wait_for(client, job, "SUCCEEDED")
    reel.assert_right(out)


def turned_away(stack: contextlib.ExitStack, server: ServerProcess) -> str:
    """What one more client, which stays connected, is told; nothing where it is served."""
    other = stack.enter_context(connect(server.address, server.token))
    try:
        other.check(timeout=0.3)
    except ResilverError as error:
        return told(error)
    return ""


def test_a_worker_that_dies_idle_costs_no_request(tmp_path: Path, reel: Reel) -> None:
    with walled_server(tmp_path / "home", worker_module=REPLAYED) as server, server.client() as client:
        wait_for(client, submit(client, reel.request(tmp_path / "out")), "SUCCEEDED")
        for pid in workers_of(tmp_path / "home"):
            os.kill(pid, signal.SIGKILL)
        submit(client, reel.request(tmp_path / "second", "b"))


def test_a_clock_that_is_set_back(tmp_path: Path, reel: Reel, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an hour, between two jobs and in the middle of one: sequences count on, nothing is lost or done twice."""
    clock, clock_ns, shift = time.time, time.time_ns, [0]
    monkeypatch.setattr(time, "time", lambda: clock() - shift[0])
    monkeypatch.setattr(time, "time_ns", lambda: clock_ns() - shift[0] * 10**9)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            first = (await running.submit(reel.request(tmp_path / "out"))).id
            shift[0] = 3600
            second = (await running.submit(reel.request(tmp_path / "second", "b"))).id
            for job in (first, second):
                sequences = [event.sequence for event in await rows(running, job)]
                assert sequences == list(range(1, len(sequences) + 1))
        async with manager(tmp_path / "home") as running:
            found = {record.id: record.state for record in (await running.list()).jobs}
            assert found == {first: JobState.SUCCEEDED, second: JobState.SUCCEEDED}
            pages = [await running.list(page_size=1)]
            pages.append(await running.list(page_size=1, page_token=pages[0].next_token))
            assert {page.jobs[0].id for page in pages} == {first, second}

    on_loop(check)
    reel.assert_right(tmp_path / "out")
