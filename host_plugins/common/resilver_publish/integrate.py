"""Integrators: a finished job goes back into the host. They read what was remembered, never the order, so that they
serve a job that was submitted before the edit was closed just the same."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import PurePath

from pyblish.plugin import Context, ContextPlugin, IntegratorOrder

from resilver.v1 import jobs_pb2
from resilver_client.errors import InternalError
from resilver_client.values import fraction

from .state import State, state_of, there
from .types import ChangeMap, HostClip, Remembered, RestoredClip


class IntegrateClips(ContextPlugin):
    """Restored clips go into the host's timeline, all of them or none."""

    label = "Restored clips"
    order = IntegratorOrder

    def process(self, context: Context) -> None:
        state = state_of(context)
        remembered = there(state.remembered, "job")
        if remembered.preview:
            return
        state.restored = tuple(_restored(clip, shot, remembered) for clip, shot in _pairs(state))
        state.placements = tuple(state.session.place(state.restored, remembered.layout, remembered.occupied))
        state.report.extend(state.client.result(remembered.job).report)


class IntegratePreview(ContextPlugin):
    """Before/after pictures, and what each stage changed, are shown."""

    label = "Preview"
    order = IntegratorOrder + 0.01

    def process(self, context: Context) -> None:
        state = state_of(context)
        if not there(state.remembered, "job").preview:
            return
        pairs = list(_pairs(state))
        state.pictures = tuple(picture for _, shot in pairs for picture in shot.pictures)
        state.change_maps = tuple(
            ChangeMap(clip.id, each.path, each.stage, each.output_frame)
            for clip, shot in pairs
            for each in shot.change_maps
        )
        state.session.show(state.pictures, state.change_maps)


def _pairs(state: State) -> Iterator[tuple[HostClip, jobs_pb2.Shot]]:
    """Each clip with its shot. Raises InternalError where the job is not of these clips."""
    remembered, job = there(state.remembered, "job"), there(state.job, "job")
    shots = {shot.clip_id: shot for shot in job.shots}
    for clip in remembered.clips:
        shot = shots.get(remembered.places[clip.id])
        if shot is None:
            raise InternalError("the job has no shot for the clip", where=f"{clip.name}, job {job.id}")
        yield clip, shot


def _restored(clip: HostClip, shot: jobs_pb2.Shot, remembered: Remembered) -> RestoredClip:
    path = PurePath(shot.media)
    # the server takes "%" out of the names that it makes, so that one stands for a frame's number
    is_sequence = "%" in path.name
    return RestoredClip(
        clip=clip.id,
        name=clip.name,
        path=str(_escaped(path.parent) / path.name) if is_sequence else shot.media,
        rate=fraction(shot.output_rate, f"rate of {shot.name}"),
        frames=shot.frames,
        width=shot.output_format.width,
        height=shot.output_format.height,
        job=remembered.job,
        recipe=remembered.recipe,
        is_sequence=is_sequence,
        first_number=0,
        head=fraction(shot.head, f"head of {shot.name}") if shot.HasField("head") else Fraction(0),
        changes=shot.changes,
    )


def _escaped(folder: PurePath) -> PurePath:
    """The folder as a part of a printf pattern."""
    return PurePath(str(folder).replace("%", "%%"))
