"""Jobs that are kept for the project, with where they stand on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import BY_REASON, InternalError, JobNotFound, ResilverError
from resilver_publish.types import Layout
from resilver_publish.watch import state_name

from .host import KeptJob

GONE = "gone"
ENDED_BADLY = (jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


@dataclass(frozen=True)
class Standing:
    """A kept job."""

    kept: KeptJob
    state: str
    """The server's name of it, GONE where the server does not know it, empty where it was not asked."""
    error: ResilverError | None = None
    """Why it failed."""

    @property
    def id(self) -> str:
        return self.kept.remembered.job

    @property
    def waits(self) -> bool:
        """Whether it is finished, and its clips lie nowhere yet. A file lies in no timeline."""
        return self.state == "succeeded" and not self.kept.placed and self.kept.remembered.layout is not Layout.FILE

    def can(self) -> tuple[str, ...]:
        """What can be done with it where nobody follows it, as the page's buttons."""
        if self.kept.placed:
            lies_here = self.kept.remembered.layout is not Layout.NEW_TIMELINE
            return ("take-back", "forget") if lies_here else ("forget",)
        match self.state:
            case "succeeded":
                return ("place", "forget")
            case "failed" | "cancelled":
                return ("retry", "forget")
            case "gone":
                return ("forget",)
            case "":
                return ()
        return ("follow", "stop")


def standings(kept: Sequence[KeptJob], client: Client | None) -> tuple[Standing, ...]:
    """Previews are left out. Raises ServerUnreachable."""
    shown = [each for each in kept if not each.remembered.preview]
    return tuple(_standing(each, client) if client is not None else Standing(each, "") for each in shown)


def _standing(kept: KeptJob, client: Client) -> Standing:
    try:
        job = client.get(kept.remembered.job)
    except JobNotFound:
        return Standing(kept, GONE)
    error = None
    if job.state == jobs_pb2.JOB_STATE_FAILED:
        kind = BY_REASON.get(job.error.reason, InternalError)
        error = kind(job.error.what, where=job.error.where, remedy=job.error.remedy)
    return Standing(kept, state_name(job.state), error)
