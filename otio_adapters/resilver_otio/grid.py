"""A timeline at another rate: every cut moves to the first frame of the new grid that is not before it.

One rounding for all cuts keeps neighbours together: where one clip ends the next begins, on every track.
"""

from __future__ import annotations

from fractions import Fraction

import opentimelineio as otio

from .locate import cut_frame
from .request import RESTORED
from .times import rational, seconds, snap_rate, whole, written_rate
from .walk import length_of

_ZERO = Fraction(0)


def to_rate(timeline: otio.schema.Timeline, rate: Fraction) -> None:
    """Re-express the timeline, in place, on the grid of ``rate``. Media, effects and markers stay as they are."""
    start = timeline.global_start_time
    if start is not None and start.rate > 1:
        timeline.global_start_time = _same_label(start, rate)
    if timeline.tracks.source_range is not None:
        length = length_of(timeline.tracks)
        _regrid_range(timeline.tracks, _ZERO, length if length is not None else _ZERO, rate)
    _regrid_children(timeline.tracks, rate)


def _same_label(start: otio.opentime.RationalTime, rate: Fraction) -> otio.opentime.RationalTime:
    """The same timecode: hour 1 stays hour 1, also between 24 and 59.94 frames a second."""
    count = whole(start.value)
    label = Fraction(start.value if count is None else count) / round(snap_rate(start.rate))
    return otio.opentime.RationalTime(float(round(label * round(rate))), written_rate(rate))


def _regrid_children(composition: otio.core.Composition, rate: Fraction) -> None:
    cursor: Fraction | None = _ZERO
    plan: list[tuple[otio.core.Composable, Fraction, Fraction]] = []
    for child in composition:
        length = length_of(child)
        if cursor is not None and length is not None:
            plan.append((child, cursor, length))
        if isinstance(composition, otio.schema.Track):
            cursor = None if cursor is None or length is None else cursor + length
    for child, start, length in plan:
        if isinstance(child, otio.schema.Transition):
            _regrid_transition(child, start, rate)
            continue
        _regrid_range(child, start, length, rate)
        if isinstance(child, otio.core.Composition):
            _regrid_children(child, rate)


def _regrid_transition(transition: otio.schema.Transition, cut: Fraction, rate: Fraction) -> None:
    begin, end = cut - seconds(transition.in_offset), cut + seconds(transition.out_offset)
    at = cut_frame(cut, rate)
    transition.in_offset = _frames(at - cut_frame(begin, rate), rate)
    transition.out_offset = _frames(cut_frame(end, rate) - at, rate)


def _regrid_range(item: otio.core.Item, start: Fraction, length: Fraction, rate: Fraction) -> None:
    if isinstance(item, otio.core.Composition) and item.source_range is None:
        return  # it is as long as its children, which are on the grid
    if (
        isinstance(item, otio.schema.Clip)
        and item.source_range is None
        and item.media_reference.available_range is None
    ):
        return
    duration = _frames(cut_frame(start + length, rate) - cut_frame(start, rate), rate)
    source = item.source_range if item.source_range is not None else item.media_reference.available_range
    first = seconds(source.start_time)
    if isinstance(item, otio.core.Composition):
        first = cut_frame(first, rate) / rate
    elif isinstance(item, otio.schema.Clip) and "head" in (item.metadata.get("resilver") or {}):
        first = _regrid_restored(item, start, first, rate)
    item.source_range = otio.opentime.TimeRange(rational(first, written_rate(rate)), duration)


def _regrid_restored(clip: otio.schema.Clip, start: Fraction, first: Fraction, rate: Fraction) -> Fraction:
    """A restored file begins on the grid: its first frame is the one at the cut, less its head."""
    head = Fraction(str(clip.metadata["resilver"]["head"]))
    frames = cut_frame(start, rate) - cut_frame(start - head, rate)
    reference = clip.media_reference
    available = reference.available_range
    if clip.active_media_reference_key == RESTORED:
        origin = rational(first - frames / rate, written_rate(rate))
        reference.available_range = otio.opentime.TimeRange(origin, available.duration)
        return first
    return seconds(available.start_time) + frames / rate


def _frames(count: int, rate: Fraction) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(float(count), written_rate(rate))
