"""Worker processes on this machine: some for heavy tasks, one for short questions."""

from __future__ import annotations

import asyncio
import heapq
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import WorkerLost
from resilver_server.config import MEMORY_LIMIT
from resilver_server.domain.access import ROOTS, written_roots
from resilver_server.planning.tasks import DevicesTask, InstallTask, PlanTask, ProbeTask, Result, Task

from .executor import ProgressCallback, Working
from .process import WorkerProcess, WorkerSettings

_SHORT = (ProbeTask, DevicesTask, PlanTask)


class Lane:
    """Workers that share a queue: lower priority first, then first come. One that nobody needs for ``linger`` seconds
    ends its process, and with it goes what it holds of the device's memory."""

    def __init__(self, workers: list[WorkerProcess], linger: float | None = None) -> None:
        self.workers = workers
        self._linger = linger
        self._idle = list(workers)
        self._lingering: dict[WorkerProcess, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[int, int, asyncio.Future[WorkerProcess]]] = []
        self._order = 0

    @asynccontextmanager
    async def worker(self, priority: int) -> AsyncIterator[WorkerProcess]:
        worker = await self._take(priority)
        try:
            yield worker
        finally:
            self._give(worker)

    @property
    def free(self) -> bool:
        """Whether a task would start at once."""
        return bool(self._idle)

    @property
    def warm(self) -> bool:
        """Whether it would start in a process that runs already."""
        return any(worker.pid is not None for worker in self._idle)

    async def _take(self, priority: int) -> WorkerProcess:
        if self._idle:
            warm = next((worker for worker in self._idle if worker.pid is not None), self._idle[-1])
            self._leave_idle(warm)
            return warm
        self._order += 1
        turn: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, self._order, turn))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give(turn.result())  # its turn had come in the same moment
            raise

    def _give(self, worker: WorkerProcess) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(worker)
                return
        self._idle.append(worker)
        if self._linger is not None and worker.pid is not None:
            loop = asyncio.get_running_loop()
            self._lingering[worker] = loop.call_later(self._linger, self._end_soon, worker)

    def _leave_idle(self, worker: WorkerProcess) -> None:
        self._idle.remove(worker)
        timer = self._lingering.pop(worker, None)
        if timer is not None:
            timer.cancel()

    def _end_soon(self, worker: WorkerProcess) -> asyncio.Task[None]:
        """In a task of its own, which ``stop`` waits for whoever began it."""
        task = asyncio.get_running_loop().create_task(self._end(worker))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def release(self) -> None:
        """End the processes that have nothing to do. They are started again when they are needed."""
        await asyncio.gather(*(self._end_soon(worker) for worker in tuple(self._idle) if worker.pid is not None))

    async def _end(self, worker: WorkerProcess) -> None:
        """Nobody gets the worker until its process is gone."""
        if worker not in self._idle:
            return
        self._leave_idle(worker)
        try:
            await worker.kill()
        finally:
            self._give(worker)

    async def stop(self) -> None:
        """End every process, whatever it does."""
        for timer in self._lingering.values():
            timer.cancel()
        self._lingering.clear()
        for worker in self.workers:
            await worker.kill()
        await asyncio.gather(*self._ending, return_exceptions=True)


@dataclass(frozen=True)
class WorkerCounts:
    """Of worker processes, since the executor began."""

    started: int
    lost: int
    """Ended by themselves, or were killed from outside."""
    running: int
    """At this moment."""


class LocalExecutor:
    """Executor over local processes. ``workers`` heavy tasks run at a time; short ones never wait behind them."""

    def __init__(
        self,
        module: str,
        workers: int = 1,
        home: str = "",
        grace: float = 60.0,
        linger: float | None = None,
        silence: float = 60.0,
        memory: int | None = None,
        roots: Sequence[Path] = (),
    ) -> None:
        settings = WorkerSettings(module, _environment(workers, home, memory, roots), grace, silence)
        self._heavy = Lane([WorkerProcess(settings) for _ in range(workers)], linger)
        self._short = Lane([WorkerProcess(settings)], linger)
        self._stopped = False

    async def run(self, task: Task, progress: ProgressCallback | None = None, priority: int = 0) -> Result:
        try:
            return await self._run(task, progress, priority)
        except WorkerLost:
            if self._stopped or not isinstance(task, _SHORT):
                raise
        return await self._run(task, progress, priority)  # nobody tries a question again: its worker may have died idle

    async def _run(self, task: Task, progress: ProgressCallback | None, priority: int) -> Result:
        async with self._lane(task).worker(priority) as worker:
            if self._stopped:
                raise WorkerLost("the server is stopping")
            return await worker.run(task, progress)

    def _lane(self, task: Task) -> Lane:
        """Short questions go to a heavy worker that has nothing to do: a second process is started only where one
        has to be waited for, or may keep a worker busy for minutes (a download)."""
        if isinstance(task, InstallTask):
            return self._short
        if not isinstance(task, _SHORT) or self._heavy.warm or (self._heavy.free and not self._short.warm):
            return self._heavy
        return self._short

    async def stop(self) -> None:
        self._stopped = True
        await self._heavy.stop()
        await self._short.stop()

    async def release(self) -> None:
        await self._heavy.release()
        await self._short.release()

    @property
    def counts(self) -> WorkerCounts:
        workers = self._heavy.workers + self._short.workers
        return WorkerCounts(
            sum(worker.started for worker in workers), sum(worker.lost for worker in workers), len(self.pids())
        )

    def working(self) -> tuple[Working, ...]:
        found = ((worker.pid, worker.task) for worker in self._heavy.workers + self._short.workers)
        return tuple(Working(pid, task) for pid, task in found if pid is not None and task is not None)

    def pids(self) -> tuple[int, ...]:
        """Of the processes that run now."""
        found = (worker.pid for worker in self._heavy.workers + self._short.workers)
        return tuple(pid for pid in found if pid is not None)


def _environment(workers: int, home: str, memory: int | None, roots: Sequence[Path]) -> dict[str, str]:
    """Several workers share the cores and the memory; each alone would start a thread for every core. ``roots`` are the
    folders whose files they may open."""
    environment = dict(os.environ) | {ROOTS: written_roots(roots)}
    if home:
        environment["RESILVER_HOME"] = home
    if memory:
        environment[MEMORY_LIMIT] = str(memory // workers)
    if workers > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    return environment
