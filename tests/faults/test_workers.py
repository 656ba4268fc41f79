"""Workers that hang, whose device breaks, or whose server dies while they hear nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from faults.reel import Reel
from faults.stage import alive, surroundings
from resilver_client.errors import DeviceFailed, OutOfMemory, WorkerLost
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.execution.executor import run_as
from resilver_server.execution.local import LocalExecutor
from resilver_server.execution.worker import typed
from resilver_server.planning.tasks import InstallResult, InstallTask
from support.jobs import manager, rows


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", surroundings(tmp_path)["PYTHONPATH"])


@asynccontextmanager
async def executor(silence: float = 60.0) -> AsyncIterator[LocalExecutor]:
    running = LocalExecutor("support.small_tasks", silence=silence)
    try:
        yield running
    finally:
        await running.stop()


def on_loop(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test(), 60)

    asyncio.run(limited())


async def do(running: LocalExecutor, what: str) -> InstallResult:
    return await run_as(running, InstallResult, InstallTask(what))


def test_a_halted_worker_is_replaced() -> None:
    async def check() -> None:
        async with executor(silence=0.5) as running:
            before = int((await do(running, "print")).model)
            task = asyncio.create_task(do(running, "deaf 60"))
            await asyncio.sleep(0.2)
            os.kill(before, signal.SIGSTOP)
            with pytest.raises(WorkerLost, match="no sign of life") as lost:
                await task
            assert lost.value.transient
            assert not alive(before)
            assert int((await do(running, "print")).model) != before

    on_loop(check)


def test_a_worker_that_holds_the_interpreter_is_replaced() -> None:
    async def check() -> None:
        async with executor(silence=0.5) as running:
            before = int((await do(running, "print")).model)
            with pytest.raises(WorkerLost, match="no sign of life"):
                await do(running, "hold 60")
            assert not alive(before)

    on_loop(check)


def test_a_slow_worker_is_left_alone() -> None:
    async def check() -> None:
        async with executor(silence=0.5) as running:
            before = (await do(running, "print")).model
            assert (await do(running, "deaf 2.5")).model == before

    on_loop(check)


def test_a_server_that_was_halted_blames_no_worker() -> None:
    """It finds its own silence behind it, and what came meanwhile in the pipe."""

    async def check() -> None:
        async with executor(silence=0.5) as running:
            before = (await do(running, "print")).model
            task = asyncio.create_task(do(running, "deaf 2"))
            await asyncio.sleep(0.2)
            time.sleep(1.2)  # the event loop stands still, as in a process that is halted
            assert (await task).model == before

    on_loop(check)


SERVER = """
import asyncio, sys
from resilver_server.execution.local import LocalExecutor
from resilver_server.planning.tasks import InstallTask

async def main():
    running = LocalExecutor("support.small_tasks")
    await running.run(InstallTask("print"))
    print(*running.pids(), flush=True)
    await running.run(InstallTask(sys.argv[1]))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends after the call that holds the interpreter")
@pytest.mark.parametrize("what", ["hold 60", "deaf 60", "halted"])
def test_no_worker_outlives_its_server(tmp_path: Path, what: str) -> None:
    """Though no thread of it can see its pipe close: a library holds the interpreter, or it is halted."""
    command = [sys.executable, "-c", SERVER, "deaf 60" if what == "halted" else what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=surroundings(tmp_path)) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        time.sleep(0.3)
        if what == "halted":
            os.kill(worker, signal.SIGSTOP)
        server.kill()
    began = time.monotonic()
    while alive(worker):
        assert time.monotonic() - began < 2, "it is to end at once"
        time.sleep(0.01)


def test_a_broken_device_costs_its_own_process_alone(
    tmp_path: Path, reel: Reel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two jobs on two workers: the one whose context broke is replaced and its chunk made again, the other works on."""
    monkeypatch.setenv("BREAKS", "shot")
    monkeypatch.setenv("BROKEN", str(tmp_path / "broken"))
    monkeypatch.setattr("resilver_server.scheduling.patience.FIRST_WAIT", 0.01)

    async def check() -> None:
        settings = {"worker_module": "faults.breaking_engine", "reserve_bytes": 0, "workers": 2}
        async with manager(tmp_path / "home", **settings) as running:
            plain = Recipe((StageSettings("upscale", {"model": "none", "scale": 2.0}),), Delivery("ffv1"))
            other = dataclasses.replace(reel.request(tmp_path / "other", "b", "other"), recipe=plain)
            jobs = [(await running.submit(each)).id for each in (other, reel.request(tmp_path / "out"))]
            told = {job: await rows(running, job) for job in jobs}
            retries = {job: [event.failure.reason for event in told[job] if event.failure] for job in jobs}
            assert retries == {jobs[0]: [], jobs[1]: ["DEVICE_FAILED"]}
            assert [(await running.get(job)).state for job in jobs] == [JobState.SUCCEEDED] * 2
            assert not alive(int((tmp_path / "broken").read_text()))

    on_loop(check)
    reel.assert_right(tmp_path / "out")


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("CUDA error: device-side assert triggered", DeviceFailed),
        ("CUDA error: an illegal memory access was encountered", DeviceFailed),
        ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", DeviceFailed),
        ("CUDA error: out of memory", OutOfMemory),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", OutOfMemory),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", OutOfMemory),
    ],
)
def test_what_a_device_says_is_told_apart(what: str, kind: type[Exception]) -> None:
    assert type(typed(RuntimeError(what))) is kind
