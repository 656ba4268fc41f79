"""A timeline at another rate: every cut moves to the first frame of the new grid that is not before it.

One rounding for all cuts keeps neighbours together: where one clip ends the next begins, on every track.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from resilver_client.errors import ClipUnsupported

from .effects import speed_of
from .foreign import section
from .locate import cut_frame
from .request import RESTORED
from .times import rational, seconds, snap_rate, whole, written_rate
from .walk import length_of, phase_inside

_ZERO = Fraction(0)


def to_rate(timeline: otio.schema.Timeline, rate: Fraction) -> None:
    """Re-express the timeline, in place, on the grid of ``rate``. Media, effects and markers stay as they are."""
    start = timeline.global_start_time
    if start is not None and start.rate > 1:
        timeline.global_start_time = _same_label(start, rate)
    top = timeline.tracks
    trim = seconds(top.source_range.start_time) if top.source_range is not None else _ZERO
    if top.source_range is not None:
        _regrid_range(top, _ZERO, length_of(top) or _ZERO, _Grid(rate, -trim))
    _regrid_children(top, _Grid(rate, -trim))


@dataclass(frozen=True)
class _Grid:
    """Frames of ``rate`` inside a composition whose time 0 is at ``phase`` of the grid."""

    rate: Fraction
    phase: Fraction = _ZERO

    def cut(self, time: Fraction) -> int:
        return cut_frame(self.phase + time, self.rate) - cut_frame(self.phase, self.rate)

    def inside(self, item: otio.core.Item, start: Fraction) -> _Grid:
        trim = seconds(item.source_range.start_time) if item.source_range is not None else _ZERO
        try:
            speed = speed_of(item)
        except ClipUnsupported:
            speed = _ZERO  # of a ramp, inside which time runs its own way
        return _Grid(self.rate, phase_inside(self.phase, start, trim, speed))

    def frames(self, count: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(float(count), written_rate(self.rate))


def _same_label(start: otio.opentime.RationalTime, rate: Fraction) -> otio.opentime.RationalTime:
    """The same timecode: hour 1 stays hour 1, also between 24 and 59.94 frames a second."""
    count = whole(start.value)
    label = Fraction(start.value if count is None else count) / round(snap_rate(start.rate))
    return otio.opentime.RationalTime(float(round(label * round(rate))), written_rate(rate))


def _regrid_children(composition: otio.core.Composition, grid: _Grid) -> None:
    in_track = isinstance(composition, otio.schema.Track)
    cursor: Fraction | None = _ZERO
    plan: list[tuple[otio.core.Composable, Fraction, Fraction]] = []
    for child in composition:
        length = length_of(child)
        if cursor is not None and length is not None:
            plan.append((child, cursor, length))
        if in_track:
            cursor = None if cursor is None or length is None else cursor + length
    for child, start, length in plan:
        if isinstance(child, otio.schema.Transition):
            _regrid_transition(child, start, grid)
            continue
        inner = grid.inside(child, start)
        _regrid_range(child, start, length, grid)
        if isinstance(child, otio.core.Composition):
            _regrid_children(child, inner)


def _regrid_transition(transition: otio.schema.Transition, cut: Fraction, grid: _Grid) -> None:
    begin, end = cut - seconds(transition.in_offset), cut + seconds(transition.out_offset)
    at = grid.cut(cut)
    transition.in_offset = grid.frames(at - grid.cut(begin))
    transition.out_offset = grid.frames(grid.cut(end) - at)


def _regrid_range(item: otio.core.Item, start: Fraction, length: Fraction, grid: _Grid) -> None:
    source = item.source_range
    if isinstance(item, otio.core.Composition):
        inner = grid.inside(item, start)
        if source is None and inner.phase == grid.phase + start:
            return  # it is as long as its children, which are on the same grid
        first = _ZERO if source is None else inner.cut(seconds(source.start_time)) / grid.rate
    else:
        source = source if source is not None else item.media_reference.available_range
        first = seconds(source.start_time)
        if isinstance(item, otio.schema.Clip) and "head" in section(item, "resilver"):
            first = _regrid_restored(item, start, first, grid)
    duration = grid.frames(grid.cut(start + length) - grid.cut(start))
    item.source_range = otio.opentime.TimeRange(rational(first, written_rate(grid.rate)), duration)


def _regrid_restored(clip: otio.schema.Clip, start: Fraction, first: Fraction, grid: _Grid) -> Fraction:
    """A restored file begins on the grid: its first frame is the one at the cut, less its head."""
    head = Fraction(str(clip.metadata["resilver"]["head"]))
    into_file = (grid.cut(start) - grid.cut(start - head)) / grid.rate
    reference = clip.media_reference
    available = reference.available_range
    if clip.active_media_reference_key == RESTORED:
        origin = rational(first - into_file, written_rate(grid.rate))
        reference.available_range = otio.opentime.TimeRange(origin, available.duration)
        return first
    return seconds(available.start_time) + into_file
