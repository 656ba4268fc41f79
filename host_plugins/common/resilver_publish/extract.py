"""The extractor: what was validated becomes a job of the server."""

from __future__ import annotations

from pyblish.plugin import Context, ContextPlugin, ExtractorOrder

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import OutputExists, ServerUnreachable

from .collect import own_folder
from .recipes import recipe_digest
from .state import State, state_of, there
from .types import Remembered


class ExtractJob(ContextPlugin):
    """Submits the job, and lets the edit remember it. Last of the extractors, so that one of a studio that fails
    leaves no job behind."""

    label = "Job"
    order = ExtractorOrder + 0.4

    def process(self, context: Context) -> None:
        state = state_of(context)
        there(state.plan, "plan")
        state.job = _submit(state.client, there(state.request, "request"))
        state.remembered = _remembered(state, state.job)
        state.session.remember(state.remembered)


def _submit(client: Client, request: jobs_pb2.JobRequest) -> jobs_pb2.Job:
    """The same request again gives the same job: an answer that was lost on its way leaves none that nobody knows.
    Where another job has taken the names since the plan was made, this one's results get a folder of their own."""
    try:
        return client.submit(request)
    except ServerUnreachable:
        return client.submit(request)
    except OutputExists:
        request.output_folder = own_folder(request.output_folder)
        return client.submit(request)


def _remembered(state: State, job: jobs_pb2.Job) -> Remembered:
    order = state.asked
    return Remembered(
        job=job.id,
        clips=tuple(clip.clip for clip in state.sent()),
        places={clip.clip.id: clip.place for clip in state.sent()},
        layout=order.layout,
        occupied=order.occupied,
        recipe=recipe_digest(order.recipe),
        preview=order.preview_frames > 0,
        title=order.title,
    )
