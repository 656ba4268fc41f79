"""One publication: from the clips that are selected to the restored ones on the timeline."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from pyblish.plugin import Context

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import BY_REASON, Cancelled, InternalError, InvalidRequest, ResilverError, ServerUnreachable

from .collect import CollectPlan, CollectSelection, CollectTimeline
from .extract import ExtractJob
from .integrate import IntegrateClips, IntegratePreview
from .processing import Phase, Plugin, Processing
from .recipes import recipe_digest
from .repair import repaired, repairs_for
from .session import HostSession
from .state import KEY, ClipState, State, add_instance, there
from .studio import studio_plugins
from .types import Order, Outcome, Problem, Remembered
from .validate import VALIDATORS
from .watch import UNTOWARD, Meter, Throttle

__all__ = ["PLUGINS", "Publication", "recipe_digest", "repaired", "studio_plugins"]

PLUGINS: tuple[Plugin, ...] = (
    CollectSelection,
    CollectTimeline,
    CollectPlan,
    *VALIDATORS,
    ExtractJob,
    IntegrateClips,
    IntegratePreview,
)
"""The one list. A studio's are put behind it, and join by their order."""

_WATCHING = "Render"
"""What problems of the job itself are filed under."""


class Publication:
    """Runs once, in a thread that is not the host's own; ``cancel`` may come from any."""

    def __init__(
        self,
        session: HostSession,
        client: Client,
        order: Order | None = None,
        plugins: Sequence[Plugin] = PLUGINS,
        *,
        patience: float = 30.0,
    ) -> None:
        """``order`` may be None for ``resume``, which needs none. ``patience``: seconds for which a server that has
        gone is looked for before the job is left to itself."""
        self._patience = patience
        self._state = State(session, client, order)
        self._context = Context()
        self._context.data[KEY] = self._state
        self._stop = threading.Event()
        self._processing = Processing(plugins, self._context, session.host, self._stop.is_set)

    def run(self) -> Outcome:
        """Collect, validate, submit, wait for the job, and put its clips in place.

        What goes wrong comes back as problems, never as an exception. Raises InvalidRequest without an order.
        """
        if self._state.order is None:
            raise InvalidRequest("a publication without an order", remedy="say what shall be done")
        phases = (Phase.COLLECT, Phase.VALIDATE, Phase.EXTRACT)
        if all(self._processing.run(phase) for phase in phases):
            self._finish()
        elif self._state.job is not None:
            self._withdraw()
        return self._outcome()

    def resume(self, remembered: Remembered) -> Outcome:
        """Take up a job that was submitted earlier: wait for it where it still runs, and put its clips in place.

        A failed or cancelled job goes on after ``client.retry``. Where placing failed because a track was taken,
        resume again with ``replace(remembered, occupied=...)``: nothing is rendered twice.
        """
        self._state.remembered = remembered
        for clip in remembered.clips:
            self._state.clips.append(ClipState(clip, remembered.places[clip.id]))
            add_instance(self._context, self._state.clips[-1])
        self._finish()
        return self._outcome()

    def cancel(self) -> None:
        """Stop before the job is submitted, or stop the job. Returns at once; ``run`` ends soon after."""
        self._stop.set()
        threading.Thread(target=self._withdraw, name="resilver cancel", daemon=True).start()

    def _withdraw(self) -> None:
        """Cancel the job, if there is one. That it has ended, or that its server is gone, is told by the watch."""
        remembered, job = self._state.remembered, self._state.job
        name = job.id if job is not None else remembered.job if remembered is not None else ""
        if name:
            with suppress(ResilverError):
                self._state.client.cancel(name)

    def _finish(self) -> None:
        try:
            done = self._watch(there(self._state.remembered, "job"))
        except ResilverError as error:
            self._problem(error)
            return
        if done:
            self._processing.run(Phase.INTEGRATE)

    def _watch(self, remembered: Remembered) -> bool:
        """Follow the job to its end; whether it succeeded. Raises its error."""
        state = self._state
        try:
            state.job = job = state.client.get(remembered.job)
            if self._stop.is_set():
                self._withdraw()  # cancelled while it was being submitted
            meter = Meter(job, {remembered.places[clip.id]: clip for clip in remembered.clips}, self._unmeasured())
            self._follow(job, meter)
            state.job = state.client.get(job.id)
        except (ServerUnreachable, Cancelled) as lost:
            first = "start the server again, then " if isinstance(lost, ServerUnreachable) else ""
            remedy = f"the job is kept: {first}take it up from this edit (job {remembered.job})"
            raise type(lost)(lost.what, where=lost.where, remedy=remedy) from lost
        if state.job.state == jobs_pb2.JOB_STATE_FAILED:
            raise _failure(state.job)
        return state.job.state == jobs_pb2.JOB_STATE_SUCCEEDED

    def _follow(self, job: jobs_pb2.Job, meter: Meter) -> None:
        may, last = Throttle(), job.state
        self._state.session.progress(meter.progress())
        for event in self._state.client.watch(job.id, job.sequence, patience=self._patience):
            meter.take(event)
            if event.kind in UNTOWARD and event.message:
                self._state.session.report(event.message)
            if may() or event.state != last:
                last = event.state
                self._state.session.progress(meter.progress())

    def _unmeasured(self) -> frozenset[str]:
        """Places of clips without an analysis pass, as far as that is known."""
        plan = self._state.plan
        return frozenset(shot.clip_id for shot in plan.shots if not shot.analysed) if plan else frozenset()

    def _problem(self, error: ResilverError) -> None:
        self._processing.problems.append(Problem(_WATCHING, error, "", repairs_for(error, "", False)))

    def _outcome(self) -> Outcome:
        state, problems = self._state, tuple(self._processing.problems)
        name = state.remembered.job if state.remembered is not None else ""
        ended = state.job is not None and state.job.state == jobs_pb2.JOB_STATE_CANCELLED
        nothing = not (problems or state.placements or state.pictures)
        return Outcome(
            job=name,
            placements=state.placements,
            problems=problems,
            report=tuple(dict.fromkeys(state.report + self._said_of_the_job())),
            pictures=state.pictures,
            change_maps=state.change_maps,
            changes={each.clip: each.changes for each in state.restored if each.changes} if state.placements else {},
            cancelled=nothing and (ended or self._stop.is_set()),
        )

    def _said_of_the_job(self) -> list[str]:
        job = self._state.job
        if job is None or job.state != jobs_pb2.JOB_STATE_SUCCEEDED:
            return []
        return [f"{shot.name}: {warning}" for shot in job.shots for warning in shot.warnings]


def _failure(job: jobs_pb2.Job) -> ResilverError:
    """Why the job failed, as the class that the server raised."""
    kind = BY_REASON.get(job.error.reason, InternalError)
    return kind(job.error.what, where=job.error.where, remedy=job.error.remedy)
