"""The job manager: all that the API does to jobs. It owns the database, the content store and the workers."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Sequence

from resilver_client.errors import (
    InvalidRequest,
    JobStateConflict,
    RequestIdReused,
)
from resilver_server.config import ServerSettings
from resilver_server.domain.digests import digest_of
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.execution.local import LocalExecutor, WorkerCounts
from resilver_server.logs import facts
from resilver_server.planning.tasks import DevicesResult, InstallResult, InstallTask, Progress
from resilver_server.storage.content import ContentStore
from resilver_server.storage.database import Database
from resilver_server.storage.lock import ServerLocks

from .admission import ensure_priority
from .bounds import ensure_few_jobs
from .collecting import Collector, Freed, StoreRecord
from .counts import Counts, Tally, tally
from .desk import Desk, KeyLocks
from .floor import Floor
from .forgetting import clear_given_up, forget
from .installing import installing
from .intake import fit_rows, job_rows, outline_plan
from .ledger import UNDER_WAY, Ledger
from .outline import Planner, refuse_existing
from .reading import Library
from .records import ChunkPage, Event, JobPlan, JobRecord, JobResult, Page
from .requests import JobRequest, StoredRequest
from .room import Disks
from .signals import Signals
from .watching import watch_rows
from .whereabouts import list_chunks

_LOG = logging.getLogger(__name__)
_LARGEST_PAGE = 500


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
        self._desk = Desk(
            self._ledger,
            content,
            self._executor,
            KeyLocks(),
            settings.workers,
            disks,
            settings.allowed,
            settings.memory_limit,
        )
        self._collector = Collector(self._database, content, self._desk.keys, settings.store_bytes)
        self._tidying: asyncio.Task[None] | None = None
        self._planner = Planner(settings, self._executor)
        self._library = Library(self._ledger)
        self._floor = Floor(self._desk, settings.database_path.parent, self.touch)
        self._submitting = asyncio.Lock()
        self._touched = time.monotonic()

    async def start(self) -> None:
        """Take the database, and carry on with unfinished jobs where they stood.

        Raises ServerAlreadyRunning (naming pid and address) where another server has it.
        """
        self._lock.acquire()
        try:
            await self._database.open()
            await self._collector.open()
            await clear_given_up(self._ledger)
            await self._floor.open()
            self._tidying = asyncio.create_task(self._collector.run(self._ledger.loosened))
        except BaseException:
            self._lock.release()
            raise

    def announce(self, address: str) -> None:
        """Write the address that was bound into the lock file, for the error text of a second server."""
        self._lock.describe(address)

    async def stop(self) -> None:
        """Stop the workers and let the database go. Unfinished jobs stay as they stand, for the next start."""
        await self._floor.stop()
        if self._tidying:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        await self._database.close()
        self._lock.release()

    def touch(self) -> None:
        """A client called: the idle time starts anew."""
        self._touched = time.monotonic()

    def busy(self) -> tuple[str, ...]:
        """Jobs that have work running this moment (a paused one until its chunk has ended)."""
        return self._floor.jobs

    async def until_idle(self) -> None:
        """Return when no job ran and nobody called for ``settings.idle_minutes``; never where that is None. A job that
        waits for room on a disk keeps the server, since it is to go on by itself."""
        while True:
            if self._floor.jobs or self._floor.waiting:
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
            await self._ledger.add(job, shots, chunks, fit_rows(outline, self.settings.memory_limit))
        _LOG.info("queued", extra=facts(job=job.id, shots=len(shots), priority=priority))
        await self._floor.admit()
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
        return watch_rows(self._ledger, self._signals, job, after_sequence, lambda: self._floor.run_of(job))

    async def cancel(self, job: str) -> JobRecord:
        """Stop within one window; finished chunks are kept for a retry. A cancelled job stays so.

        Raises JobStateConflict where it has succeeded or failed.
        """
        await self._floor.interrupt(job)
        await self._ledger.move(job, JobState.CANCELLED, (*UNDER_WAY, JobState.PAUSED, JobState.WAITING))
        self._floor.waiting.leave(job)
        await self._floor.interrupt(job)  # it may have been admitted again in between
        _LOG.info("cancelled", extra=facts(job=job))
        await self._floor.admit()
        return await self.get(job)

    async def pause(self, job: str, now: bool = False) -> JobRecord:
        """Take no new chunk, let the running ones end, or with ``now`` stop them within one window. Once nothing runs
        any more, no worker process is left, and the device is free.

        Raises JobStateConflict where the job has ended. A paused job stays so.
        """
        await self._ledger.move(job, JobState.PAUSED, (*UNDER_WAY, JobState.WAITING))
        self._floor.waiting.leave(job)
        _LOG.info("paused", extra=facts(job=job))
        run = self._floor.run_of(job)
        if run is not None:
            run.control.pausing = True
        if now:
            await self._floor.interrupt(job)
            await self._floor.admit()
        await self._floor.let_go()
        return await self.get(job)

    async def resume(self, job: str) -> JobRecord:
        """Queue a paused job again; look at once whether there is room for one that waits for it. A job that is under
        way stays so; JobStateConflict where it has ended."""
        row = await self._ledger.job(job)
        if row.state == JobState.WAITING:
            await self._floor.waiting.hurry(job)
        elif row.state not in UNDER_WAY:
            run = self._floor.run_of(job)
            state = JobState.QUEUED if run is None else run.control.state
            await self._ledger.move(job, state, (JobState.PAUSED,))
            if run is not None:
                run.control.pausing = False
            _LOG.info("resumed", extra=facts(job=job))
        await self._floor.admit()
        return await self.get(job)

    async def retry(self, job: str) -> JobRecord:
        """Queue a failed or cancelled job again; only unfinished chunks are rendered.

        Raises JobStateConflict in any other state.
        """
        row = await self._ledger.job(job)
        if row.state == JobState.QUEUED:
            raise JobStateConflict("the job is queued", where=job)
        await self._ledger.move(job, JobState.QUEUED, (JobState.FAILED, JobState.CANCELLED))
        _LOG.info("queued again", extra=facts(job=job))
        await self._floor.admit()
        return await self.get(job)

    async def set_priority(self, job: str, priority: int) -> JobRecord:
        """Let a job take its turn earlier or later. Raises InvalidRequest, JobStateConflict where it has ended."""
        ensure_priority(priority)
        await self._ledger.set_priority(job, priority)
        run = self._floor.run_of(job)
        if run is not None:
            run.control.priority = priority
        await self._floor.admit()
        return await self.get(job)

    async def chunks(self, job: str, size: int = 500, token: str = "", shot: int | None = None) -> ChunkPage:
        """Where the job's frames are: its chunks in the order of shot, kind and number.

        Raises InvalidRequest for a token that is none.
        """
        run = self._floor.run_of(job)
        return await list_chunks(self._ledger, self._executor, run.tracker if run else None, job, size, token, shot)

    async def delete(self, job: str) -> None:
        """Forget an ended, waiting or paused job, and content that no other job uses. Results stay.

        Raises JobStateConflict where it is under way.
        """
        row = await self._ledger.job(job)
        if row.state == JobState.PAUSED:
            await self._floor.interrupt(job)
        await forget(self._desk, job)
        self._floor.waiting.leave(job)
        _LOG.info("deleted", extra=facts(job=job))
        await self._floor.admit()

    async def requests(self) -> Sequence[StoredRequest]:
        """What every job was asked for, as far as it is still to be done."""
        return await self._ledger.requests()

    async def store(self) -> StoreRecord:
        """What the content store holds."""
        return await self._collector.store()

    async def collect(self, most: int) -> Freed:
        """Bring the store to at most ``most`` bytes, as far as unfinished jobs allow; what they need stays."""
        return await self._collector.collect(most)

    @property
    def counts(self) -> Counts:
        """What was done since the server began."""
        return self._desk.counts

    @property
    def workers(self) -> WorkerCounts:
        """Processes that were started, and those that were lost."""
        return self._executor.counts

    async def tally(self) -> Tally:
        """How many jobs are in which state, and how much is stored."""
        return await tally(self._ledger)

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


def _new_id() -> str:
    """Sorts by time of birth."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}"
