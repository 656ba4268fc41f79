"""The jobs that run: whose turn it is, who gives way, and what becomes of each when its flow has ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from resilver_client.errors import (
    DatabaseUnusable,
    DiskFull,
    InternalError,
    JobNotFound,
    JobStateConflict,
    ResilverError,
)
from resilver_server.domain.failures import Failure
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.logs import about, facts
from resilver_server.storage.rows import JobHead

from .admission import Candidate, Turns, turns
from .desk import Control, Desk, JobRun, Pausing
from .flow import run_job
from .ledger import UNDER_WAY
from .records import Shortage
from .requests import JobRequest
from .room import NoRoom
from .waiting import UNWRITABLE, WaitingRoom

_LOG = logging.getLogger(__name__)
_STOP_SECONDS = 3.0
"""A worker in the middle of a large window is killed after that: what it does would be done again anyway."""


class Floor:
    """Lives on the event loop. ``database`` is the database's folder; ``touch`` is called when a job has ended."""

    def __init__(self, desk: Desk, database: Path, touch: Callable[[], None]) -> None:
        self._desk = desk
        self._ledger = desk.ledger
        self._database = database
        self._touch = touch
        self._running: dict[str, tuple[JobRun, asyncio.Task[None]]] = {}
        self._stopping = False
        self.waiting = WaitingRoom(desk.ledger, self.admit)

    async def open(self) -> None:
        """Carry on with unfinished jobs where they stood."""
        await self.waiting.open()
        await self.admit()

    async def stop(self) -> None:
        """End every flow, and the workers. Unfinished jobs stay as they stand, for the next start."""
        self._stopping = True
        await self.waiting.close()
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        await self._desk.executor.stop()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def jobs(self) -> tuple[str, ...]:
        """Those that run, a paused one until its chunk has ended."""
        return tuple(self._running)

    def run_of(self, job: str) -> JobRun | None:
        """The job while it runs."""
        found = self._running.get(job)
        return found[0] if found else None

    async def admit(self) -> None:
        """Let those begin whose turn it is, and those give way who are to."""
        heads = await self._ledger.under_way()
        requests = {}
        for job in self._turns(heads).begin:
            with contextlib.suppress(JobNotFound):  # deleted in that moment
                requests[job] = loads(JobRequest, await self._ledger.request(job))
        now = self._turns(heads)  # others may have begun meanwhile
        for job in now.give_way:
            self._running[job][0].control.yielding = True
        for head, _ in heads:
            if head.id in now.begin and head.id in requests:
                self._begin(head, requests[head.id])

    async def interrupt(self, job: str) -> None:
        """Stop a running job within one window; its state stays."""
        running = self._running.get(job)
        if running is not None:
            running[1].cancel()
            await asyncio.gather(running[1], return_exceptions=True)

    async def let_go(self) -> None:
        """Free what idle workers hold of the device, where nobody works."""
        if not self._running:
            await self._desk.executor.release()

    def _turns(self, heads: Sequence[tuple[JobHead, bool]]) -> Turns:
        if self._stopping:
            return Turns()
        taken = {*self._running, *self.waiting}
        waiting = [Candidate(head.id, head.priority, preview) for head, preview in heads if head.id not in taken]
        return turns(waiting, [run.turn for run, _ in self._running.values()], self._desk.width)

    def _begin(self, head: JobHead, request: JobRequest) -> None:
        run = JobRun(self._desk, head.id, request, Control(priority=head.priority, state=JobState(head.state)))
        with about(head.id):
            self._running[head.id] = (run, asyncio.create_task(self._run(run), name=f"job {head.id}"))

    async def _run(self, run: JobRun) -> None:
        """One job as far as it goes, and what becomes of it then."""
        try:
            await self._settle(run)
        finally:
            del self._running[run.job]
        self._touch()
        await self.admit()
        if run.control.pausing or run.job in self.waiting:
            await self.let_go()

    async def _outcome(self, run: JobRun) -> Failure | Shortage | None:
        """The edge at which whatever goes wrong becomes the job's failure, or what it waits for. Raises
        DatabaseUnusable: another program may hold the database, and of the job nothing is known to have failed."""
        try:
            await run_job(run)
        except Pausing:
            return None
        except DatabaseUnusable:
            raise
        except NoRoom as short:
            return short.shortage
        except DiskFull as error:
            return await asyncio.to_thread(self._desk.disks.after, error, run.control.largest)
        except ResilverError as error:
            return Failure.of(error)
        except Exception as error:
            _LOG.exception("a fault of ours")
            return Failure.of(InternalError(f"{type(error).__name__}: {error}", remedy="please report it"))
        _LOG.info("the job has succeeded")
        return None

    async def _settle(self, run: JobRun) -> None:
        """Run it, and write down what became of it. Where that cannot be written, the job is tried again later."""
        try:
            outcome = await self._outcome(run)
            if isinstance(outcome, Shortage):
                await self.waiting.enter(run.job, outcome, run.control.made)
            elif outcome is not None:
                await self._ledger.move(run.job, JobState.FAILED, UNDER_WAY, failure=outcome)
                _LOG.error("the job has failed", extra=facts(reason=outcome.reason))
                _LOG.debug("%s, %s", outcome.what, outcome.where)
            elif run.control.yielding:
                await self._ledger.move(run.job, JobState.QUEUED, UNDER_WAY, message="gives way to another job")
                _LOG.info("the job gives way to another")
        except (JobStateConflict, JobNotFound):
            pass  # paused, cancelled or deleted in that moment
        except UNWRITABLE as error:
            _LOG.error("what became of the job cannot be written down", extra=facts(reason=error.reason))
            await self.waiting.enter(run.job, Shortage(str(self._database), 0, 0), tell=False)
