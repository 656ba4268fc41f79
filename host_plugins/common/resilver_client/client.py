"""The server's services as plain typed calls. Messages are the generated ones of ``resilver.v1``; every failed call
raises the error class that the server raised, or ServerUnreachable where there was no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TypeVar

import grpc

from resilver.v1 import catalogue_pb2 as catalogue
from resilver.v1 import jobs_pb2 as jobs
from resilver.v1 import store_pb2 as stores

from . import __version__
from .channel import Link, dial
from .contact import Contact
from .discovery import Endpoint, discover
from .errors import Cancelled, ResilverError, ServerUnreachable, VersionMismatch
from .status import VERSION, from_call

Request = TypeVar("Request")
Response = TypeVar("Response")

_PLANNING = 900.0
"""Seconds that planning may take: every file of a timeline is probed, and packets are counted."""


def connect(address: str | None = None, token: str | None = None, *, home: Path | None = None) -> Client:
    """A client of the server given, of ``RESILVER_ADDRESS``, or of the one that runs in ``home``.

    Raises ServerUnreachable, Unauthenticated or UnsafeAddress as ``discover`` does; nothing is sent yet.
    """

    def find() -> Endpoint:
        return discover(address, token, home)

    find()
    return Client(find)


class Client:
    """Synchronous calls; may be shared between threads. A context manager.

    ``find`` is asked for the server's endpoint at the first call and again after the connection was lost, so that a
    server that was started again, on another port, is found.
    """

    def __init__(self, find: Callable[[], Endpoint], *, timeout: float = 60.0) -> None:
        self._find = find
        self._timeout = timeout
        self._lock = Lock()
        self._link: Link | None = None
        self._closed = False

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection for good; running watches end with Cancelled."""
        with self._lock:
            self._closed = True
            link, self._link = self._link, None
        if link:
            link.channel.close()

    def endpoint(self) -> Endpoint:
        """The server that is spoken to."""
        return self._connected().endpoint

    def check(self, timeout: float = 2.5) -> str:
        """Whether the right server is there, found out in at most ``timeout`` seconds; its version.

        Raises ServerUnreachable where none answers, Unauthenticated where it does not accept the token, and
        VersionMismatch where it is not of this client's version (the last number does not count).
        """
        link = self._connected()
        try:
            _, call = link.catalogue.ListPresets.with_call(
                catalogue.ListPresetsRequest(), metadata=link.metadata, timeout=timeout
            )
        except grpc.RpcError as failure:
            raise self._understood(failure, link) from failure
        version = str(dict(call.trailing_metadata() or ()).get(VERSION, ""))
        if version.split(".")[:2] != __version__.split(".")[:2]:
            raise VersionMismatch(
                f"the server is Resilver {version or 'of an unknown version'}, this is made for {__version__}",
                where=link.endpoint.address,
                remedy="bring both to the same version",
            )
        return version

    def submit(self, job: jobs.JobRequest, priority: int = 0) -> jobs.Job:
        """Queue a job; the same request again gives the same job. Larger priorities, -100 to 100, are taken earlier.

        Raises RequestIdReused, OutputExists, and all that ``plan`` raises.
        """
        request = jobs.SubmitJobRequest(job=job, priority=priority)
        return self.call(lambda link: link.jobs.SubmitJob, request, _PLANNING).job

    def plan(self, job: jobs.JobRequest) -> jobs.Plan:
        """What ``submit`` would do; nothing is stored. Raises the error of the first thing that is wrong."""
        request = jobs.SubmitJobRequest(job=job, validate_only=True)
        return self.call(lambda link: link.jobs.SubmitJob, request, _PLANNING).plan

    def get(self, job_id: str) -> jobs.Job:
        """Raises JobNotFound."""
        return self.call(lambda link: link.jobs.GetJob, jobs.GetJobRequest(job_id=job_id))

    def result(self, job_id: str) -> jobs.JobResult:
        """What a finished job hands over. Raises JobNotFound, and JobStateConflict unless it has succeeded."""
        return self.call(lambda link: link.jobs.GetJobResult, jobs.GetJobResultRequest(job_id=job_id))

    def list(
        self, page_size: int = 50, page_token: str = "", states: Sequence[jobs.JobState.ValueType] = ()
    ) -> jobs.ListJobsResponse:
        """One page of jobs, newest first. Raises InvalidRequest for a token that is none."""
        request = jobs.ListJobsRequest(page_size=page_size, page_token=page_token, states=states)
        return self.call(lambda link: link.jobs.ListJobs, request)

    def all_jobs(self, states: Sequence[jobs.JobState.ValueType] = ()) -> Iterator[jobs.Job]:
        """Every job, newest first, fetched page by page."""
        token = ""
        while True:
            page = self.list(page_token=token, states=states)
            yield from page.jobs
            token = page.next_page_token
            if not token:
                return

    def watch(self, job_id: str, after_sequence: int = 0, *, patience: float = 30.0) -> Iterator[jobs.JobEvent]:
        """Events after ``after_sequence``, then live ones, until the job has ended.

        A lost connection is taken up again after the last event that came, for up to ``patience`` seconds without an
        answer. Raises JobNotFound, ServerUnreachable.
        """
        last, contact = after_sequence, Contact(patience)
        while True:
            request = jobs.WatchJobRequest(job_id=job_id, after_sequence=last)
            try:
                for event in self.stream(lambda link: link.jobs.WatchJob, request, contact.made):
                    yield event
                    last = max(last, event.sequence)
                return
            except (ServerUnreachable, Cancelled):
                if self._closed or not contact.wait():
                    raise

    def cancel(self, job_id: str) -> jobs.Job:
        """Stop within one window. Raises JobNotFound, and JobStateConflict where it has succeeded or failed."""
        return self.call(lambda link: link.jobs.CancelJob, jobs.CancelJobRequest(job_id=job_id))

    def pause(self, job_id: str, now: bool = False) -> jobs.Job:
        """Take no new chunk; with ``now`` stop the running ones. Raises JobNotFound, JobStateConflict."""
        return self.call(lambda link: link.jobs.PauseJob, jobs.PauseJobRequest(job_id=job_id, now=now))

    def resume(self, job_id: str) -> jobs.Job:
        """Carry on a paused job. Raises JobNotFound, JobStateConflict."""
        return self.call(lambda link: link.jobs.ResumeJob, jobs.ResumeJobRequest(job_id=job_id))

    def retry(self, job_id: str) -> jobs.Job:
        """Queue a failed or cancelled job again. Raises JobNotFound, JobStateConflict."""
        return self.call(lambda link: link.jobs.RetryJob, jobs.RetryJobRequest(job_id=job_id))

    def set_priority(self, job_id: str, priority: int) -> jobs.Job:
        """Let a job take its turn earlier or later. Raises JobNotFound, InvalidRequest, JobStateConflict."""
        request = jobs.SetJobPriorityRequest(job_id=job_id, priority=priority)
        return self.call(lambda link: link.jobs.SetJobPriority, request)

    def chunks(self, job_id: str, shot: int | None = None) -> Iterator[jobs.Chunk]:
        """Where the job's frames are, or those of one shot, fetched page by page. Raises JobNotFound."""
        token = ""
        while True:
            request = jobs.ListChunksRequest(job_id=job_id, page_token=token, shot=shot)
            page = self.call(lambda link: link.jobs.ListChunks, request)
            yield from page.chunks
            token = page.next_page_token
            if not token:
                return

    def delete(self, job_id: str) -> None:
        """Forget an ended, waiting or paused job; results stay. Raises JobNotFound, JobStateConflict."""
        self.call(lambda link: link.jobs.DeleteJob, jobs.DeleteJobRequest(job_id=job_id))

    def store(self) -> stores.Store:
        """What the server keeps for later jobs."""
        return self.call(lambda link: link.store.GetStore, stores.GetStoreRequest())

    def collect_garbage(self, keep_bytes: int = 0) -> stores.CollectGarbageResponse:
        """Remove what no unfinished job needs, least recently used first, until ``keep_bytes`` remain."""
        return self.call(lambda link: link.store.CollectGarbage, stores.CollectGarbageRequest(keep_bytes=keep_bytes))

    def server_info(self) -> catalogue.ServerInfo:
        """Version, devices and libraries."""
        return self.call(lambda link: link.catalogue.GetServerInfo, catalogue.GetServerInfoRequest())

    def stages(self) -> Sequence[catalogue.Stage]:
        """In the order in which they are applied."""
        return self.call(lambda link: link.catalogue.ListStages, catalogue.ListStagesRequest()).stages

    def models(self) -> Sequence[catalogue.Model]:
        return self.call(lambda link: link.catalogue.ListModels, catalogue.ListModelsRequest()).models

    def presets(self) -> Sequence[catalogue.Preset]:
        return self.call(lambda link: link.catalogue.ListPresets, catalogue.ListPresetsRequest()).presets

    def profiles(self) -> Sequence[catalogue.Profile]:
        return self.call(lambda link: link.catalogue.ListProfiles, catalogue.ListProfilesRequest()).profiles

    def install_model(self, model: str, accept_licence: bool = False) -> Iterator[catalogue.InstallModelProgress]:
        """Fetch a model; the last message has its digest.

        Raises ModelUnknown, LicenceNotAccepted, ModelSourceUnreachable, ModelDigestMismatch.
        """
        request = catalogue.InstallModelRequest(model=model, accept_licence=accept_licence)
        return self.stream(lambda link: link.catalogue.InstallModel, request)

    def call(
        self,
        pick: Callable[[Link], grpc.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        timeout: float | None = None,
    ) -> Response:
        """The answer to one call, within ``timeout`` seconds (60)."""
        link = self._connected()
        try:
            return pick(link)(request, metadata=link.metadata, timeout=timeout or self._timeout)
        except grpc.RpcError as failure:
            raise self._understood(failure, link) from failure

    def stream(
        self,
        pick: Callable[[Link], grpc.UnaryStreamMultiCallable[Request, Response]],
        request: Request,
        contact: Callable[[], None] | None = None,
    ) -> Iterator[Response]:
        """The answers as they come. ``contact`` is called when the server has taken the call."""
        link = self._connected()
        call = pick(link)(request, metadata=link.metadata)
        try:
            call.initial_metadata()
            if contact and call.is_active():
                contact()
            yield from call
        except grpc.RpcError as failure:
            raise self._understood(failure, link) from failure
        finally:
            call.cancel()

    def pour(
        self, pick: Callable[[Link], grpc.StreamUnaryMultiCallable[Request, Response]], requests: Iterator[Request]
    ) -> Response:
        """The answer to a stream of messages, which are taken as fast as they can be sent."""
        link = self._connected()
        try:
            return pick(link)(requests, metadata=link.metadata)
        except grpc.RpcError as failure:
            raise self._understood(failure, link) from failure

    def _connected(self) -> Link:
        with self._lock:
            if self._closed:
                raise Cancelled("the client was closed")
            if self._link is None:
                self._link = dial(self._find())
            return self._link

    def _understood(self, failure: grpc.RpcError, link: Link) -> ResilverError:
        """The error behind a failed call; a broken connection is left, so that the next call looks for the server."""
        error = from_call(failure, link.endpoint.address)
        if isinstance(error, ServerUnreachable):
            with self._lock:
                if self._link is link:
                    self._link = None
        return error
