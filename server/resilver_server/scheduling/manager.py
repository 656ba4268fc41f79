"""The job manager: all that the API does to jobs. It owns the database, the content store and the workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from resilver_server.config import ServerSettings
from resilver_server.domain.jobs import JobState
from resilver_server.planning.tasks import DevicesResult, InstallResult, Progress

from .records import Event, JobPlan, JobRecord, JobResult, Page
from .requests import JobRequest


class JobManager:
    """One a database. Every method runs on the event loop that called ``start`` and never blocks it.

    Methods that name a job raise JobNotFound where there is none.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings

    async def start(self) -> None:
        """Take the database, and carry on with unfinished jobs where they stood.

        Raises ServerAlreadyRunning (naming pid and address) where another server has it.
        """
        raise NotImplementedError

    def announce(self, address: str) -> None:
        """Write the address that was bound into the lock file, for the error text of a second server."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop workers within one window and let the database go. Unfinished jobs stay as they stand."""
        raise NotImplementedError

    def touch(self) -> None:
        """A client called: the idle time starts anew."""
        raise NotImplementedError

    async def until_idle(self) -> None:
        """Return when no job ran and nobody called for ``settings.idle_minutes``; never where that is None."""
        raise NotImplementedError

    async def submit(self, request: JobRequest) -> JobRecord:
        """Plan the request, store it and queue it. The same request again gives the same job.

        Raises RequestIdReused for another request under a known id, OutputExists where a result would lie over a
        file or another job's result, and all that ``plan`` raises.
        """
        raise NotImplementedError

    async def plan(self, request: JobRequest) -> JobPlan:
        """What ``submit`` would do; stores nothing.

        Raises the typed error of the first thing that is wrong with the request, its timeline, its media or its
        recipe; clips that cannot be mapped raise theirs unless ``skip_refused``. SelectionEmpty if none remains.
        """
        raise NotImplementedError

    async def get(self, job: str) -> JobRecord:
        raise NotImplementedError

    async def result(self, job: str) -> JobResult:
        """Raises JobStateConflict unless the job has succeeded."""
        raise NotImplementedError

    async def list(self, page_size: int = 50, page_token: str = "", states: Sequence[JobState] = ()) -> Page:
        """Newest first. ``states`` empty means all. Raises InvalidRequest for a token that is none."""
        raise NotImplementedError

    def watch(self, job: str, after_sequence: int = 0) -> AsyncIterator[Event]:
        """Events after ``after_sequence``, then live with PROGRESS between them, until the job has ended.

        A PAUSED job keeps its watchers. Closing the iterator costs nothing; a slow reader skips progress, never rows.
        """
        raise NotImplementedError

    async def cancel(self, job: str) -> JobRecord:
        """Stop within one window; finished chunks are kept for a retry. A cancelled job stays so.

        Raises JobStateConflict where it has succeeded or failed.
        """
        raise NotImplementedError

    async def pause(self, job: str, now: bool = False) -> JobRecord:
        """Take no new chunk, let the running ones end, or with ``now`` stop them within one window.

        Raises JobStateConflict where the job has ended. A paused job stays so.
        """
        raise NotImplementedError

    async def resume(self, job: str) -> JobRecord:
        """Queue a paused job again. A job that is under way stays so; JobStateConflict where it has ended."""
        raise NotImplementedError

    async def retry(self, job: str) -> JobRecord:
        """Queue a failed or cancelled job again; only unfinished chunks are rendered.

        Raises JobStateConflict in any other state.
        """
        raise NotImplementedError

    async def delete(self, job: str) -> None:
        """Forget an ended or paused job, and content that no other job uses. Results stay.

        Raises JobStateConflict where it is under way.
        """
        raise NotImplementedError

    async def devices(self) -> DevicesResult:
        """The machine's devices, the one to prefer first, and the library versions, asked afresh from a worker."""
        raise NotImplementedError

    def install_model(self, model: str, accept_licence: bool = False) -> AsyncIterator[Progress | InstallResult]:
        """Progress in bytes while the model comes, and its InstallResult at the end.

        Raises ModelUnknown, LicenceNotAccepted, ModelSourceUnreachable, ModelDigestMismatch.
        """
        raise NotImplementedError
