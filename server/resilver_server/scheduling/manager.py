"""The job manager: all that the API does to jobs. It owns the database, the content store and the workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Sequence

from resilver_client.errors import (
    DiskFull,
    InternalError,
    InvalidRequest,
    JobNotFound,
    JobStateConflict,
    RequestIdReused,
    ResilverError,
)
from resilver_server.config import ServerSettings
from resilver_server.domain.digests import digest_of
from resilver_server.domain.failures import Failure
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.execution.local import LocalExecutor
from resilver_server.planning.tasks import DevicesResult, InstallResult, InstallTask, Progress
from resilver_server.storage.content import ContentStore
from resilver_server.storage.database import Database
from resilver_server.storage.lock import ServerLocks
from resilver_server.storage.rows import JobHead

from .admission import Candidate, Turns, ensure_priority, turns
from .bounds import ensure_few_jobs
from .desk import Control, Desk, JobRun, KeyLocks, Pausing
from .flow import run_job
from .forgetting import forget
from .installing import installing
from .intake import job_rows, outline_plan
from .ledger import UNDER_WAY, Ledger
from .outline import Planner, refuse_existing
from .reading import Library
from .records import ChunkPage, Event, JobPlan, JobRecord, JobResult, Page, Shortage
from .requests import JobRequest, StoredRequest
from .room import Disks, NoRoom
from .signals import Signals
from .waiting import UNWRITABLE, WaitingRoom
from .watching import watch_rows
from .whereabouts import list_chunks

_LOG = logging.getLogger(__name__)
_LARGEST_PAGE = 500
_STOP_SECONDS = 3.0
"""A worker in the middle of a large window is killed after that: what it does would be done again anyway."""


class JobManager:
    """One a database. Every method runs on the event loop that called ``start`` and never blocks it.

    Methods that name a job raise JobNotFound where there is none.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self._lock = ServerLocks(settings.database_path, settings.content_path)
        self._database = Database(settings.database_path)
        self._signals = Signals()
        self._ledger = Ledger(self._database, self._signals)
        self._executor = LocalExecutor(
            settings.worker_module,
            settings.workers,
            str(settings.home),
            linger=settings.worker_idle_seconds,
            memory=settings.memory_limit,
            roots=settings.worker_roots,
        )
        content = ContentStore(settings.content_path)
        disks = Disks((settings.content_path, settings.database_path.parent), settings.reserve_bytes)
        self._desk = Desk(self._ledger, content, self._executor, KeyLocks(), settings.workers, disks, settings.allowed)
        self._planner = Planner(settings, self._executor)
        self._library = Library(self._ledger)
        self._running: dict[str, tuple[JobRun, asyncio.Task[None]]] = {}
        self._waiting = WaitingRoom(self._ledger, self._admit)
        self._submitting = asyncio.Lock()
        self._stopping = False
        self._touched = time.monotonic()

    async def start(self) -> None:
        """Take the database, and carry on with unfinished jobs where they stood.

        Raises ServerAlreadyRunning (naming pid and address) where another server has it.
        """
        self._lock.acquire()
        try:
            await self._database.open()
            await asyncio.to_thread(self._desk.content.prepare)
            await self._waiting.open()
            await self._admit()
        except BaseException:
            self._lock.release()
            raise

    def announce(self, address: str) -> None:
        """Write the address that was bound into the lock file, for the error text of a second server."""
        self._lock.describe(address)

    async def stop(self) -> None:
        """Stop the workers and let the database go. Unfinished jobs stay as they stand, for the next start."""
        self._stopping = True
        await self._waiting.close()
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        await self._executor.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._database.close()
        self._lock.release()

    def touch(self) -> None:
        """A client called: the idle time starts anew."""
        self._touched = time.monotonic()

    def busy(self) -> tuple[str, ...]:
        """Jobs that have work running this moment (a paused one until its chunk has ended)."""
        return tuple(self._running)

    async def until_idle(self) -> None:
        """Return when no job ran and nobody called for ``settings.idle_minutes``; never where that is None. A job that
        waits for room on a disk keeps the server, since it is to go on by itself."""
        while True:
            if self._running or self._waiting:
                self.touch()
            limit = self.settings.idle_minutes
            left = float("inf") if limit is None else self._touched + limit * 60 - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, 1.0))

    async def submit(self, request: JobRequest, priority: int = 0) -> JobRecord:
        """Plan the request, store it and queue it. The same request again gives the same job, as it is.

        Raises InvalidRequest for a priority that is none, RequestIdReused for another request under a known id,
        OutputExists where a result would lie over a file or another job's result, SelectionEmpty where every clip is
        refused, LimitReached where too many jobs are not finished, and all that ``plan`` raises.
        """
        if not request.request_id:
            raise InvalidRequest("a job needs a request id", where="request_id", remedy="choose a random one")
        ensure_priority(priority)
        known = await self._known(request)
        if known is not None:
            return known
        outline = await self._planner.outline(request, self._ledger.fit)
        outline.ensure_some()
        async with self._submitting:  # names are taken one job at a time
            known = await self._known(request)
            if known is not None:
                return known
            ensure_few_jobs(await self._ledger.unfinished(), self.settings.unfinished_jobs)
            reserved = await self._ledger.outputs_under_way()
            await asyncio.to_thread(refuse_existing, outline.shots, reserved)
            job, shots, chunks = job_rows(_new_id(), request, outline, priority)
            await self._ledger.add(job, shots, chunks)
        await self._admit()
        return await self.get(job.id)

    async def plan(self, request: JobRequest) -> JobPlan:
        """What ``submit`` would do; stores nothing.

        Raises the typed error of the first thing that is wrong with the request, its timeline, its media or its
        recipe; clips that cannot be mapped raise theirs unless ``skip_refused``: then the plan has them as refusals,
        also where no shot remains.
        """
        outline = await self._planner.outline(request, self._ledger.fit)
        reserved = await self._ledger.outputs_under_way()
        await asyncio.to_thread(refuse_existing, outline.shots, reserved)
        return await outline_plan(self._desk, outline)

    async def get(self, job: str) -> JobRecord:
        return await self._library.record(await self._ledger.job(job))

    async def result(self, job: str) -> JobResult:
        """Raises JobStateConflict unless the job has succeeded."""
        text = await self._ledger.result(job)
        if text is None:
            state = (await self._ledger.job(job)).state
            raise JobStateConflict(f"the job is {state}, it has no result", where=job)
        return loads(JobResult, text)

    async def list(self, page_size: int = 50, page_token: str = "", states: Sequence[JobState] = ()) -> Page:
        """Newest first. ``states`` empty means all. Raises InvalidRequest for a token that is none."""
        size = max(1, min(page_size or 50, _LARGEST_PAGE))
        rows = await self._ledger.page(size + 1, page_token, states)
        token = rows[size - 1].id if len(rows) > size else ""
        return Page(await self._library.records(rows[:size]), token)

    def watch(self, job: str, after_sequence: int = 0) -> AsyncGenerator[Event, None]:
        """Events after ``after_sequence``, then live with PROGRESS between them, until the job has ended.

        A PAUSED job keeps its watchers. Closing the iterator costs nothing; a slow reader skips progress, never rows.
        """

        def running() -> JobRun | None:
            found = self._running.get(job)
            return found[0] if found else None

        return watch_rows(self._ledger, self._signals, job, after_sequence, running)

    async def cancel(self, job: str) -> JobRecord:
        """Stop within one window; finished chunks are kept for a retry. A cancelled job stays so.

        Raises JobStateConflict where it has succeeded or failed.
        """
        await self._interrupt(job)
        await self._ledger.move(job, JobState.CANCELLED, (*UNDER_WAY, JobState.PAUSED, JobState.WAITING))
        self._waiting.leave(job)
        await self._interrupt(job)  # it may have been admitted again in between
        await self._admit()
        return await self.get(job)

    async def pause(self, job: str, now: bool = False) -> JobRecord:
        """Take no new chunk, let the running ones end, or with ``now`` stop them within one window. Once nothing runs
        any more, no worker process is left, and the device is free.

        Raises JobStateConflict where the job has ended. A paused job stays so.
        """
        await self._ledger.move(job, JobState.PAUSED, (*UNDER_WAY, JobState.WAITING))
        self._waiting.leave(job)
        if job in self._running:
            self._running[job][0].control.pausing = True
        if now:
            await self._interrupt(job)
            await self._admit()
        await self._let_go()
        return await self.get(job)

    async def resume(self, job: str) -> JobRecord:
        """Queue a paused job again; look at once whether there is room for one that waits for it. A job that is under
        way stays so; JobStateConflict where it has ended."""
        row = await self._ledger.job(job)
        if row.state == JobState.WAITING:
            await self._waiting.hurry(job)
        elif row.state not in UNDER_WAY:
            running = self._running.get(job)
            state = JobState.QUEUED if running is None else running[0].control.state
            await self._ledger.move(job, state, (JobState.PAUSED,))
            if running is not None:
                running[0].control.pausing = False
        await self._admit()
        return await self.get(job)

    async def retry(self, job: str) -> JobRecord:
        """Queue a failed or cancelled job again; only unfinished chunks are rendered.

        Raises JobStateConflict in any other state.
        """
        row = await self._ledger.job(job)
        if row.state == JobState.QUEUED:
            raise JobStateConflict("the job is queued", where=job)
        await self._ledger.move(job, JobState.QUEUED, (JobState.FAILED, JobState.CANCELLED))
        await self._admit()
        return await self.get(job)

    async def set_priority(self, job: str, priority: int) -> JobRecord:
        """Let a job take its turn earlier or later. Raises InvalidRequest, JobStateConflict where it has ended."""
        ensure_priority(priority)
        await self._ledger.set_priority(job, priority)
        if job in self._running:
            self._running[job][0].control.priority = priority
        await self._admit()
        return await self.get(job)

    async def chunks(self, job: str, size: int = 500, token: str = "", shot: int | None = None) -> ChunkPage:
        """Where the job's frames are: its chunks in the order of shot, kind and number.

        Raises InvalidRequest for a token that is none.
        """
        run = self._running.get(job)
        return await list_chunks(self._ledger, self._executor, run[0].tracker if run else None, job, size, token, shot)

    async def delete(self, job: str) -> None:
        """Forget an ended, waiting or paused job, and content that no other job uses. Results stay.

        Raises JobStateConflict where it is under way.
        """
        row = await self._ledger.job(job)
        if row.state == JobState.PAUSED:
            await self._interrupt(job)
        await forget(self._desk, job)
        self._waiting.leave(job)
        await self._admit()

    async def requests(self) -> Sequence[StoredRequest]:
        """What every job was asked for, as far as it is still to be done."""
        return await self._ledger.requests()

    async def devices(self) -> DevicesResult:
        """The machine's devices, the one to prefer first, and the library versions, asked afresh from a worker."""
        return await self._planner.devices()

    def install_model(self, model: str, accept_licence: bool = False) -> AsyncGenerator[Progress | InstallResult, None]:
        """Progress in bytes while the model comes, and its InstallResult at the end.

        Raises ModelUnknown, LicenceNotAccepted, ModelSourceUnreachable, ModelDigestMismatch.
        """
        return installing(self._executor, InstallTask(model, accept_licence))

    async def _known(self, request: JobRequest) -> JobRecord | None:
        row = await self._ledger.by_request(request.request_id)
        if row is None:
            return None
        if row.request_digest != digest_of(request):
            raise RequestIdReused("another request has this id", where=request.request_id, remedy="choose a new id")
        return await self._library.record(row)

    async def _admit(self) -> None:
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

    def _turns(self, heads: Sequence[tuple[JobHead, bool]]) -> Turns:
        if self._stopping:
            return Turns()
        taken = {*self._running, *self._waiting}
        waiting = [Candidate(head.id, head.priority, preview) for head, preview in heads if head.id not in taken]
        return turns(waiting, [run.turn for run, _ in self._running.values()], self.settings.workers)

    def _begin(self, head: JobHead, request: JobRequest) -> None:
        run = JobRun(self._desk, head.id, request, Control(priority=head.priority, state=JobState(head.state)))
        self._running[head.id] = (run, asyncio.create_task(self._run(run), name=f"job {head.id}"))

    async def _run(self, run: JobRun) -> None:
        """One job as far as it goes, and what becomes of it then."""
        try:
            await self._settle(run, await self._outcome(run))
        finally:
            del self._running[run.job]
        self.touch()
        await self._admit()
        if run.control.pausing or run.job in self._waiting:
            await self._let_go()

    async def _outcome(self, run: JobRun) -> Failure | Shortage | None:
        """The edge at which whatever goes wrong becomes the job's failure, or what it waits for."""
        try:
            await run_job(run)
        except Pausing:
            return None
        except NoRoom as short:
            return short.shortage
        except DiskFull as error:
            return await asyncio.to_thread(self._desk.disks.after, error, run.control.largest)
        except ResilverError as error:
            return Failure.of(error)
        except Exception as error:
            _LOG.exception("job %s", run.job)
            return Failure.of(InternalError(f"{type(error).__name__}: {error}", remedy="please report it"))
        return None

    async def _settle(self, run: JobRun, outcome: Failure | Shortage | None) -> None:
        """Where not even this can be written, the job is tried again later."""
        try:
            if isinstance(outcome, Shortage):
                await self._waiting.enter(run.job, outcome, run.control.made)
            elif outcome is not None:
                await self._ledger.move(run.job, JobState.FAILED, UNDER_WAY, failure=outcome)
            elif run.control.yielding:
                await self._ledger.move(run.job, JobState.QUEUED, UNDER_WAY, message="gives way to another job")
        except (JobStateConflict, JobNotFound):
            pass  # paused, cancelled or deleted in that moment
        except UNWRITABLE as error:
            _LOG.error("what became of a job cannot be written down: %s", error.reason)
            place = str(self.settings.database_path.parent)
            await self._waiting.enter(run.job, Shortage(place, 0, 0), tell=False)

    async def _let_go(self) -> None:
        """Free what idle workers hold of the device, where nobody works."""
        if not self._running:
            await self._executor.release()

    async def _interrupt(self, job: str) -> None:
        """Stop a running job within one window; its state stays."""
        running = self._running.get(job)
        if running is not None:
            running[1].cancel()
            await asyncio.gather(running[1], return_exceptions=True)


def _new_id() -> str:
    """Sorts by time of birth."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}"
