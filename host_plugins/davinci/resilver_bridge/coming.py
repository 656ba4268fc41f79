"""What can be said of results before they are there: whether Resolve will be able to show them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import PurePath

from resilver.v1 import jobs_pb2
from resilver_client.errors import ClipUnsupported
from resilver_client.values import fraction
from resilver_publish.types import HostClip, Layout, Remembered, RestoredClip

from . import lengths
from .edit import Timeline
from .keeping import Original


def check(remembered: Remembered, job: jobs_pb2.Job, timeline: Timeline, originals: Mapping[str, Original]) -> None:
    """Whether the results of a job that was just planned can be placed: nothing is rendered in vain.

    Raises what ``lengths`` and ``check_take`` raise, naming the clip.
    """
    shots = {shot.clip_id: shot for shot in job.shots}
    for clip in remembered.clips:
        shot = shots.get(remembered.places[clip.id])
        if shot is None or not shot.frames:
            continue
        coming = _coming(clip, shot, remembered)
        if remembered.layout in (Layout.OVERLAY, Layout.REPLACE):
            lengths.over(coming, clip.stop - clip.start, timeline.rate)
        elif remembered.layout is Layout.TAKE:
            check_take(coming, originals[clip.id])
            lengths.in_place(coming, clip.stop - clip.start, timeline.rate)
        elif remembered.layout is Layout.NEW_TIMELINE:
            lengths.timeline_rate_text(coming.rate, False)
            lengths.between_cuts(coming, *cuts(originals[clip.id], timeline))


def check_take(restored: RestoredClip, original: Original) -> None:
    """A take stands in for the original itself, at its speed and in its own frames.

    Raises ClipUnsupported for an original that is retimed, and for a file at another rate.
    """
    remedy = f"restore it onto a track above, or without interpolation; a finished file is kept: {restored.path}"
    if original.speed != 1:
        what = f"it plays at {float(original.speed * 100):g} %, which a take would play once more"
        raise ClipUnsupported(what, where=restored.name, remedy=remedy)
    if original.media_rate != restored.rate:
        own = "unknown" if original.media_rate is None else lengths.rate_text(original.media_rate)
        what = (
            f"a take has to have the original's frame rate ({own}), the result has {lengths.rate_text(restored.rate)}"
        )
        raise ClipUnsupported(what, where=restored.name, remedy=remedy)


def cuts(original: Original, timeline: Timeline) -> tuple[Fraction, Fraction]:
    """Of the clip as it was, in seconds after the timeline's first frame."""
    start = original.start - timeline.start
    return start / timeline.rate, (start + original.duration) / timeline.rate


def folder_of(job: jobs_pb2.Job) -> str:
    """Of its results; empty where it has none."""
    return str(PurePath(job.shots[0].output).parent) if job.shots and job.shots[0].output else ""


def _coming(clip: HostClip, shot: jobs_pb2.Shot, remembered: Remembered) -> RestoredClip:
    return RestoredClip(
        clip=clip.id,
        name=clip.name,
        path=shot.output,
        rate=fraction(shot.output_rate, f"rate of {shot.name}"),
        frames=shot.frames,
        width=shot.output_format.width,
        height=shot.output_format.height,
        job=remembered.job,
        recipe=remembered.recipe,
        head=fraction(shot.head, f"head of {shot.name}") if shot.HasField("head") else Fraction(0),
    )
