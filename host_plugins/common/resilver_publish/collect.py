"""Collectors: what is selected, how it lies on the timeline, and what the server would do with it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pyblish.plugin import CollectorOrder, Context, ContextPlugin

from resilver.v1 import jobs_pb2
from resilver_client.errors import (
    BY_REASON,
    Cancelled,
    InternalError,
    OutputExists,
    ResilverError,
    SelectionEmpty,
    ServerUnreachable,
    Unauthenticated,
    UnsafeAddress,
)

from .state import ClipState, State, add_instance, state_of, there
from .types import Layout

_NO_ANSWER = (Cancelled, ServerUnreachable, Unauthenticated, UnsafeAddress)
"""The server said nothing of the plan, so there is nothing to validate."""


class CollectSelection(ContextPlugin):
    """The clips that the user means, one instance each."""

    label = "Selection"
    order = CollectorOrder

    def process(self, context: Context) -> None:
        state = state_of(context)
        for clip in state.session.selection():
            if clip.id in state.asked.leave_out:
                state.report.append(f"{clip.name} was left out")
                continue
            known = ClipState(clip, refusals=[] if clip.refusal is None else [clip.refusal])
            state.clips.append(known)
            add_instance(context, known)
        if not state.clips:
            raise SelectionEmpty("every selected clip was left out", remedy="select a clip that can be restored")


class CollectTimeline(ContextPlugin):
    """The clips that the host can hand over, as OpenTimelineIO."""

    label = "Timeline"
    order = CollectorOrder + 0.1

    def process(self, context: Context) -> None:
        state = state_of(context)
        able = [clip for clip in state.clips if not clip.refusals]
        if not able:
            return
        state.timeline = state.session.timeline([clip.clip for clip in able])
        for clip in able:
            clip.place = state.timeline.places.get(clip.clip.id, "")
            if not clip.place:
                raise InternalError("the host does not say where the clip lies in its timeline", where=clip.clip.name)


class CollectPlan(ContextPlugin):
    """What the server would do, and what it refuses. Nothing is stored there."""

    label = "Plan"
    order = CollectorOrder + 0.2

    def process(self, context: Context) -> None:
        state = state_of(context)
        if state.timeline is None:
            return
        state.request = _request(state)
        try:
            state.plan = _plan(state, state.request)
        except _NO_ANSWER:
            raise
        except ResilverError as error:
            state.plan_error = error
            return
        _hand_out(state, state.plan)


def _request(state: State) -> jobs_pb2.JobRequest:
    order, timeline = state.asked, there(state.timeline, "timeline")
    asked: dict[str, dict[str, Any]] = {clip.place: dict(order.own_of(clip.clip.id)) for clip in state.sent()}
    for clip in state.sent():
        if clip.clip.id in order.deinterlace:
            asked[clip.place]["fields"] = "bwdif"
    return jobs_pb2.JobRequest(
        request_id=uuid.uuid4().hex,
        title=order.title,
        timeline=asking(timeline.otio, asked),
        recipe=order.recipe,
        output_folder=order.output_folder,
        selection=jobs_pb2.Selection(indices=timeline.selection),
        layout=jobs_pb2.LAYOUT_OVERLAY,
        at_delivery_rate=order.layout is Layout.NEW_TIMELINE,
        preview_frames=order.preview_frames,
    )


def _plan(state: State, request: jobs_pb2.JobRequest) -> jobs_pb2.Plan:
    """Results never replace a file: where the clip was restored into this folder before, this time's go into a folder
    in it (``own_folder``)."""
    asked = jobs_pb2.JobRequest()
    asked.CopyFrom(request)
    asked.skip_refused = True  # every clip's own reason comes back, not only the first
    try:
        return state.client.plan(asked)
    except OutputExists:
        request.output_folder = asked.output_folder = own_folder(request.output_folder)
        return state.client.plan(asked)


def own_folder(folder: str) -> str:
    """A folder in this one that nobody else has: it is named for the time, down to the millisecond, since two jobs may
    be begun in the same second."""
    now = datetime.now()
    return f"{folder.rstrip('/')}/{now:%Y-%m-%d %H.%M.%S}.{now.microsecond // 1000:03d}"


def _hand_out(state: State, plan: jobs_pb2.Plan) -> None:
    """To each clip what the plan says of it."""
    plans = {shot.clip_id: shot for shot in plan.shots}
    refusals = {refusal.clip_id: refusal for refusal in plan.refusals}
    for clip in state.sent():
        clip.plan = plans.get(clip.place)
        if clip.place in refusals:
            clip.refusals.append(_error(refusals[clip.place], clip.clip.name))


def _error(refusal: jobs_pb2.Refusal, name: str) -> ResilverError:
    kind = BY_REASON.get(refusal.reason, InternalError)
    return kind(refusal.message, where="" if name in refusal.message else name)


def asking(otio: str, asked: Mapping[str, Mapping[str, Any]]) -> str:
    """The OTIO JSON with what clips ask for laid over their ``metadata.resilver``, by their places (``"0/3"``)."""
    chosen = {place: values for place, values in asked.items() if values}
    if not chosen:
        return otio
    data = json.loads(otio)
    for place, values in chosen.items():
        item: dict[str, Any] = data["tracks"]
        for number in place.split("/"):
            item = item["children"][int(number)]
        metadata = item["metadata"] = item.get("metadata") or {}
        metadata["resilver"] = {**(metadata.get("resilver") or {}), **values}
    return json.dumps(data)
