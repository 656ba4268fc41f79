"""What the flow of every job works with."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from resilver_client.errors import DiskFull, JobStateConflict, OutputUnwritable, ResilverError
from resilver_server.domain.jobs import HIGHEST_PRIORITY, JobState
from resilver_server.execution.executor import Executor, ProgressCallback, run_as
from resilver_server.logs import facts
from resilver_server.planning.tasks import AnalyseResult, RenderResult, SolveResult, Task
from resilver_server.storage.content import ContentKind, ContentStore
from resilver_server.storage.files import remove
from resilver_server.storage.rows import ContentRow

from .admission import Turn
from .counts import Counts
from .ledger import UNDER_WAY, Ledger
from .progress import Tracker
from .requests import JobRequest
from .room import Disks

_LOG = logging.getLogger(__name__)
R = TypeVar("R", AnalyseResult, SolveResult, RenderResult)


class KeyLocks:
    """One at a time makes the content of a key; whoever comes second finds it in the store."""

    def __init__(self) -> None:
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            yield


@dataclass(frozen=True)
class Desk:
    """Shared by all jobs of a server."""

    ledger: Ledger
    content: ContentStore
    executor: Executor
    keys: KeyLocks
    width: int
    """Heavy tasks at a time."""
    disks: Disks
    roots: tuple[Path, ...] = ()
    """Folders in which results may lie; empty allows any."""
    memory_limit: int | None = None
    """Bytes that rendering may take."""

    counts: Counts = field(default_factory=Counts)

    async def stored(self, key: str) -> ContentRow | None:
        """The row of content that is really there."""
        row = await self.ledger.content(key)
        return row if row is not None and await asyncio.to_thread(self.content.holds, row) else None

    async def make(
        self,
        kind: ContentKind,
        key: str,
        attempt: str,
        task: Callable[[str], Task],
        result: type[R],
        progress: ProgressCallback | None = None,
        priority: int = 0,
    ) -> tuple[R, Path, int]:
        """Run a task that writes content, and bring what it wrote under its key: result, path and bytes.

        Nothing half-written stays, however it ends. Raises the task's errors, DiskFull, OutputUnwritable.
        """
        names = {kind: key}
        made, sizes = await self.make_all(names, attempt, lambda paths: task(paths[kind]), result, progress, priority)
        return made, self.content.path(kind, key), sizes[kind]

    async def make_all(
        self,
        names: Mapping[ContentKind, str],
        attempt: str,
        task: Callable[[Mapping[ContentKind, str]], Task],
        result: type[R],
        progress: ProgressCallback | None = None,
        priority: int = 0,
    ) -> tuple[R, Mapping[ContentKind, int]]:
        """The same for a task that writes several things under keys of their own: result, and bytes of each."""
        temporary = {kind: self.content.temporary(key, attempt) for kind, key in names.items()}
        paths = {kind: str(path) for kind, path in temporary.items()}
        what, began = next(iter(names)), time.monotonic()
        try:
            made = await run_as(self.executor, result, task(paths), progress, priority)
            sizes = {
                kind: await asyncio.to_thread(self.content.keep, kind, key, temporary[kind])
                for kind, key in names.items()
            }
        except OSError as error:
            refused = at_folder(disk_error(error, next(iter(temporary.values()))), self.content.root)
            self.counts.failed[what, refused.reason] += 1
            raise refused from error
        except ResilverError as error:
            self.counts.failed[what, error.reason] += 1
            if isinstance(error, DiskFull | OutputUnwritable):
                raise at_folder(error, self.content.root) from error
            raise
        finally:
            for path in temporary.values():
                await asyncio.to_thread(remove, path)
        seconds = time.monotonic() - began
        self.counts.made(what, seconds)
        _LOG.info("%s made", what, extra=facts(seconds=round(seconds, 3), bytes=sum(sizes.values())))
        return made, sizes


class Pausing(Exception):
    """Unwinds a job's flow between two chunks. Not an error: nobody outside the scheduler sees it."""


@dataclass
class Control:
    """What the manager tells a running flow, and what the flow tells the manager."""

    pausing: bool = False
    yielding: bool = False
    """Whether another job is to take the turn."""
    priority: int = 0
    state: JobState = JobState.QUEUED
    """The one that the flow entered last."""
    largest: int = 0
    """Bytes of the largest chunk that was made so far: what the next one may take."""
    made: bool = False
    """Whether anything was made."""

    @property
    def stopping(self) -> bool:
        return self.pausing or self.yielding

    def check(self) -> None:
        """Raises Pausing."""
        if self.stopping:
            raise Pausing


@dataclass(frozen=True)
class JobRun:
    """One job while it runs."""

    desk: Desk
    job: str
    request: JobRequest
    control: Control = field(default_factory=Control)
    tracker: Tracker = field(default_factory=Tracker)

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    @property
    def turn(self) -> Turn:
        control = self.control
        return Turn(self.job, control.priority, self.request.preview_frames > 0, control.stopping)

    @property
    def priority(self) -> int:
        """Among the tasks that wait for a worker, lower first. An artist waits for a preview; a film can wait for it
        too."""
        return (0 if self.request.preview_frames else 4 * HIGHEST_PRIORITY) - self.control.priority

    def rendered(self, chunk: int, frames: int, sizes: Iterable[int]) -> None:
        """A chunk was made, of so many bytes."""
        self.control.largest, self.control.made = max(self.control.largest, sum(sizes)), True
        self.desk.counts.frames += frames
        _LOG.info("chunk rendered", extra=facts(chunk=chunk, frames=frames))

    async def ensure_room(self, output: Path, joined: int = 0) -> None:
        """Before a piece of work that writes to the store, or ``joined`` bytes beside ``output``. Raises NoRoom."""
        store = 0 if joined else self.desk.width * self.control.largest
        writes = {self.desk.content.root: store, output.parent: joined}
        await asyncio.to_thread(self.desk.disks.ensure, writes)

    async def enter(self, state: JobState) -> None:
        """Raises Pausing, also where the job was paused or ended a moment ago."""
        self.control.check()
        try:
            await self.ledger.move(self.job, state, UNDER_WAY)
        except JobStateConflict as error:
            raise Pausing from error
        self.control.state = state
        _LOG.info("the job is %s", state)


def at_folder(error: ResilverError, folder: Path) -> ResilverError:
    """The same error, at the folder that people know instead of a hidden file that is gone by now."""
    return type(error)(error.what, where=str(folder), remedy=error.remedy)


def disk_error(error: OSError, path: Path) -> ResilverError:
    """The typed error for a disk that does not take what we write."""
    where = str(error.filename or path)
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return DiskFull("the disk is full", where=where, remedy="free some space, then retry the job")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        remedy = "raise the server's limit of open files (ulimit -n), then retry the job"
        return OutputUnwritable("no more files can be opened", where=where, remedy=remedy)
    return OutputUnwritable(error.strerror or str(error), where=where, remedy="check the folder and its permissions")
