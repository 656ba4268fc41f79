"""The contract of an executor, on real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from resilver_client.errors import DeviceFailed, InternalError, InvalidRequest, MediaCorrupt, OutOfMemory, WorkerLost
from resilver_server.domain.digests import digest_bytes
from resilver_server.execution.executor import run_as
from resilver_server.execution.local import LocalExecutor
from resilver_server.execution.wire import Answer, decode, encode
from resilver_server.planning.tasks import InstallResult, InstallTask, ProbeResult, Progress

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@asynccontextmanager
async def executor(grace: float = 20.0, silence: float = 60.0) -> AsyncIterator[LocalExecutor]:
    running = LocalExecutor("support.small_tasks", grace=grace, silence=silence)
    try:
        yield running
    finally:
        await running.stop()


def on_loop(test: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 90))


async def do(running: LocalExecutor, what: str) -> InstallResult:
    return await run_as(running, InstallResult, InstallTask(what))


def gone(pid: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_work_comes_back_from_another_process(tmp_path: Path) -> None:
    (tmp_path / "reel").write_bytes(b"1901")

    async def check() -> None:
        async with executor() as running:
            first = await do(running, f"sum {tmp_path / 'reel'}")
            second = await do(running, f"sum {tmp_path / 'reel'}")
            assert first == second, "one process serves task after task"
            assert first.digest == digest_bytes(b"1901")
            assert int(first.model) != os.getpid()
            assert running.pids() == (int(first.model),)
        assert gone(int(first.model))

    on_loop(check)


def test_errors_come_out_as_the_class_that_was_raised() -> None:
    async def check() -> None:
        async with executor() as running:
            with pytest.raises(MediaCorrupt) as caught:
                await do(running, "raise MEDIA_CORRUPT")
            assert (caught.value.what, caught.value.where) == ("it went wrong", "reel 1, frame 7")
            assert caught.value.remedy == "try again"
            with pytest.raises(OutOfMemory):
                await do(running, "memory")
            with pytest.raises(InternalError, match="no such thing"):
                await do(running, "bug")
            assert len(running.pids()) == 1, "none of these costs the process"

    on_loop(check)


def test_what_a_library_prints_does_not_reach_the_messages() -> None:
    async def check() -> None:
        async with executor() as running:
            assert (await do(running, "print")).model.isdigit()

    on_loop(check)


def test_a_worker_that_dies_is_reported_and_replaced(tmp_path: Path) -> None:
    (tmp_path / "reel").write_bytes(b"1901")

    async def check() -> None:
        async with executor() as running:
            with pytest.raises(WorkerLost, match="SIGKILL") as caught:
                await do(running, "kill")
            assert caught.value.transient
            assert "last words" in caught.value.where
            assert (await do(running, f"sum {tmp_path / 'reel'}")).digest == digest_bytes(b"1901")

    on_loop(check)


def test_a_worker_that_the_system_ends_for_memory_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = tmp_path / "vmstat"
    counters.write_text("pgfault 7\noom_kill 3\n")
    monkeypatch.setattr("resilver_server.execution.memory.COUNTERS", counters)

    async def check() -> None:
        async with executor() as running:
            await do(running, "print")
            counters.write_text("pgfault 9\noom_kill 4\n")
            with pytest.raises(OutOfMemory):
                await do(running, "kill")
            with pytest.raises(WorkerLost):
                await do(running, "kill")

    on_loop(check)


def test_a_failed_device_replaces_the_worker(tmp_path: Path) -> None:
    (tmp_path / "reel").write_bytes(b"")

    async def check() -> None:
        async with executor() as running:
            before = int((await do(running, f"sum {tmp_path / 'reel'}")).model)
            with pytest.raises(DeviceFailed):
                await do(running, "raise DEVICE_FAILED")
            assert gone(before)
            assert int((await do(running, f"sum {tmp_path / 'reel'}")).model) != before

    on_loop(check)


def test_progress_comes_at_most_four_times_a_second(tmp_path: Path) -> None:
    async def check() -> None:
        async with executor() as running:
            seen: list[Progress] = []
            start = time.monotonic()
            await running.run(InstallTask(f"count 30 {tmp_path / 'lines'}"), seen.append)
            assert 3 <= len(seen) <= 4 * (time.monotonic() - start) + 1
            assert [report.done for report in seen] == sorted(report.done for report in seen)

    on_loop(check)


def test_cancelling_stops_the_work_and_keeps_the_worker(tmp_path: Path) -> None:
    lines = tmp_path / "lines"

    async def check() -> None:
        async with executor() as running:
            task = asyncio.create_task(do(running, f"count 400 {lines}"))
            while not lines.exists():
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            written = lines.read_text()
            pids = running.pids()
            await asyncio.sleep(0.3)
            assert lines.read_text() == written, "nobody writes once the cancellation is seen through"
            assert (await do(running, f"sum {lines}")).model == str(pids[0])

    on_loop(check)


def test_a_worker_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    async def check() -> None:
        async with executor(grace=0.3) as running:
            await do(running, "print")
            pid = running.pids()[0]
            task = asyncio.create_task(do(running, "deaf 60"))
            await asyncio.sleep(0.3)
            start = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - start < 10
            assert gone(pid)

    on_loop(check)


def test_waiting_tasks_go_by_priority_then_order(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)

    async def check() -> None:
        done: list[str] = []

        async def one(name: str, priority: int) -> None:
            await running.run(InstallTask(f"sum {tmp_path / name}"), priority=priority)
            done.append(name)

        async with executor() as running:
            first = asyncio.create_task(do(running, f"count 10 {tmp_path / 'lines'}"))
            await asyncio.sleep(0.1)
            await asyncio.gather(first, one("a", 5), one("b", 5), one("c", 0))
        assert done == ["c", "a", "b"]

    on_loop(check)


def test_an_engine_that_cannot_be_imported_is_said() -> None:
    async def check() -> None:
        running = LocalExecutor("no.such.engine")
        with pytest.raises(InternalError, match="cannot start"):
            await do(running, "print")
        await running.stop()

    on_loop(check)


SERVER = """
import asyncio, sys
from resilver_server.execution.local import LocalExecutor
from resilver_server.planning.tasks import InstallTask

async def main():
    running = LocalExecutor("support.small_tasks")
    await running.run(InstallTask("print"))
    print(*running.pids(), flush=True)
    await running.run(InstallTask(f"count 4000 {sys.argv[1]}"))

asyncio.run(main())
"""


def test_no_worker_outlives_a_killed_server(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    with subprocess.Popen([sys.executable, "-c", SERVER, str(lines)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        while not lines.exists():
            time.sleep(0.02)
        server.send_signal(signal.SIGKILL)
    assert gone(worker), "the worker must leave when its pipe closes, in the middle of a task"


def test_only_known_messages_are_read() -> None:
    message = Answer(3, InstallResult("span", "ab"))
    assert decode(encode(message)) == message
    assert b"\n" not in encode(message)[:-1]
    for line in (b'{"message": "Exec"}', b"", b"[]", b"\xff", b'{"message": "Run", "id": 1}', b"[" * 100_000):
        with pytest.raises(InvalidRequest):
            decode(line)


def test_a_wrong_kind_of_result_is_an_error() -> None:
    async def check() -> None:
        async with executor() as running:
            with pytest.raises(TypeError):
                await run_as(running, ProbeResult, InstallTask("print"))

    on_loop(check)
