"""Every clip of a timeline with its place, in the order tracks bottom-up, then time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from resilver_client.errors import ClipUnsupported

from .effects import speed_of
from .times import seconds

Path = tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """A clip of the video tracks and where it lies. Times are record seconds; None where the timeline does not say."""

    path: Path
    """Child indices from the timeline's stack down."""
    clip: otio.schema.Clip
    track: otio.schema.Track | None
    """The nearest track around it."""
    track_number: int
    """Of the outermost track, from 1 bottom-up, video tracks only."""
    outer_track: otio.core.Item
    index: int
    start: Fraction | None
    """In its own parent."""
    duration: Fraction | None
    record_start: Fraction | None
    """After the timeline's first frame."""
    record_duration: Fraction | None
    grid_start: Fraction
    """Of the grid that a delivery rate counts on: the timeline's, or that of the nearest retimed nest."""
    before: otio.schema.Transition | None
    after: otio.schema.Transition | None
    shown: bool
    """Whether it, all around it, is enabled, and a nest that holds it shows it."""
    fault: str = ""
    """Why its place is not known."""

    @property
    def id(self) -> str:
        return "/".join(map(str, self.path))

    @property
    def name(self) -> str:
        return self.clip.name or self.id


@dataclass(frozen=True)
class _Nest:
    """How times inside a composition appear on the timeline: inner time ``trim`` at record time ``origin``."""

    origin: Fraction | None = Fraction(0)
    trim: Fraction = Fraction(0)
    length: Fraction | None = None
    """Inner seconds that its own range shows, from ``trim``; None where it has no range."""
    window: tuple[Fraction, Fraction] | None = None
    """Inner times that are seen on the timeline, its own range and all around it considered."""
    speed: Fraction = Fraction(1)
    shown: bool = True
    fault: str = ""
    phase: Fraction = Fraction(0)
    """Grid time of inner time 0."""

    def outside(self, start: Fraction | None, duration: Fraction | None) -> bool:
        if start is None or duration is None or self.window is None:
            return False
        low, high = self.window
        if low == high:  # frozen: one moment is shown
            return not start <= low < start + duration
        return start >= high or start + duration <= low

    def record(self, start: Fraction | None, duration: Fraction | None) -> tuple[Fraction | None, Fraction | None]:
        if self.origin is None or start is None:
            return None, None
        if self.speed == 0:
            return self.origin, Fraction(0)
        length = None if duration is None else duration / abs(self.speed)
        if self.speed > 0:
            return self.origin + (start - self.trim) / self.speed, length
        if duration is None or self.length is None:
            return None, None
        return self.origin + (self.trim + self.length - start - duration) / -self.speed, length


@dataclass(frozen=True)
class _Around:
    path: Path
    nest: _Nest
    track: otio.schema.Track | None
    number: int
    outer: otio.core.Item


def walk(timeline: otio.schema.Timeline) -> Iterator[Place]:
    """All clips of all video tracks. Raises TimelineUnreadable for times that are no numbers."""
    top = timeline.tracks
    nest = _enter(top, _Nest(), Fraction(0))
    number, index = 0, 0
    for position, child in enumerate(top):
        if isinstance(child, otio.schema.Track) and child.kind != otio.schema.TrackKind.Video:
            continue
        number += 1
        for place in _visit(child, Fraction(0), _Around((position,), nest, None, number, child), (None, None), index):
            index = place.index + 1
            yield place


def length_of(item: otio.core.Composable) -> Fraction | None:
    """Record seconds of an item as OTIO counts them (retimes do not change it); None where nothing says."""
    if isinstance(item, otio.schema.Transition):
        return Fraction(0)
    if item.source_range is not None:
        return seconds(item.source_range.duration)
    if isinstance(item, otio.schema.Clip):
        available = item.media_reference.available_range
        return None if available is None else seconds(available.duration)
    if isinstance(item, otio.schema.Track):
        return _total([length_of(child) for child in item])
    if isinstance(item, otio.schema.Stack):
        lengths = [length_of(child) for child in item]
        known = [length for length in lengths if length is not None]
        return max(known, default=Fraction(0)) if len(known) == len(lengths) else None
    return None


def _total(lengths: list[Fraction | None]) -> Fraction | None:
    total = Fraction(0)
    for length in lengths:
        if length is None:
            return None
        total += length
    return total


def _visit(
    item: otio.core.Composable,
    start: Fraction | None,
    around: _Around,
    transitions: tuple[otio.schema.Transition | None, otio.schema.Transition | None],
    index: int,
) -> Iterator[Place]:
    if isinstance(item, otio.schema.Clip):
        yield _place(item, start, around, transitions, index)
    elif isinstance(item, otio.schema.Track):
        if item.kind == otio.schema.TrackKind.Video:
            yield from _visit_track(item, start, around, index)
    elif isinstance(item, otio.core.Composition):
        nest = _enter(item, around.nest, start)
        for position, child in enumerate(item):
            inner = _Around((*around.path, position), nest, around.track, around.number, around.outer)
            for place in _visit(child, Fraction(0), inner, (None, None), index):
                index = place.index + 1
                yield place


def _visit_track(track: otio.schema.Track, start: Fraction | None, around: _Around, index: int) -> Iterator[Place]:
    nest = _enter(track, around.nest, start)
    cursor: Fraction | None = Fraction(0)
    children = list(track)
    for position, child in enumerate(children):
        if isinstance(child, otio.schema.Transition):
            continue
        inner = _Around((*around.path, position), nest, track, around.number, around.outer)
        for place in _visit(child, cursor, inner, _transitions(children, position), index):
            index = place.index + 1
            yield place
        length = length_of(child)
        cursor = None if cursor is None or length is None else cursor + length


def _transitions(
    children: list[otio.core.Composable], position: int
) -> tuple[otio.schema.Transition | None, otio.schema.Transition | None]:
    before = children[position - 1] if position else None
    after = children[position + 1] if position + 1 < len(children) else None
    kind = otio.schema.Transition
    return before if isinstance(before, kind) else None, after if isinstance(after, kind) else None


def _enter(item: otio.core.Item, nest: _Nest, start: Fraction | None) -> _Nest:
    """The nest inside ``item``, which starts at ``start`` inside ``nest``."""
    fault = nest.fault
    try:
        speed = speed_of(item)
    except ClipUnsupported as error:
        speed, fault = Fraction(1), f"it lies inside {item.name or 'a nest'!r}, and there {error.what}"
    source = item.source_range
    trim = seconds(source.start_time) if source is not None else Fraction(0)
    duration = length_of(item)
    origin, _ = nest.record(start, duration)
    if origin is None and not fault:
        fault = "its place is not known, because something before it has no length"
    length = None if duration is None or source is None else duration * abs(speed)
    hidden = nest.outside(start, duration) or not item.enabled
    phase = phase_inside(nest.phase, start or Fraction(0), trim, speed)
    window = _window(nest, start, trim, length, speed)
    return _Nest(origin, trim, length, window, nest.speed * speed, nest.shown and not hidden, fault, phase)


def _window(
    nest: _Nest, start: Fraction | None, trim: Fraction, length: Fraction | None, speed: Fraction
) -> tuple[Fraction, Fraction] | None:
    own = None if length is None else (trim, trim + length)
    if nest.window is None or start is None or speed <= 0:
        return own
    low, high = (trim + (time - start) * speed for time in nest.window)
    if own is not None:
        low, high = max(low, own[0]), min(high, own[1])
    return low, max(low, high)


def phase_inside(phase: Fraction, start: Fraction, trim: Fraction, speed: Fraction) -> Fraction:
    """Grid time of inner time 0 of an item that starts at ``start`` of a composition with ``phase``. Inside a retimed
    nest frames of the outer grid are no frames, so it has a grid of its own."""
    return phase + start - trim if speed == 1 else Fraction(0)


def _place(
    clip: otio.schema.Clip,
    start: Fraction | None,
    around: _Around,
    transitions: tuple[otio.schema.Transition | None, otio.schema.Transition | None],
    index: int,
) -> Place:
    nest = around.nest
    duration = length_of(clip)
    record_start, record_duration = nest.record(start, duration)
    fault = nest.fault
    if record_start is None and not fault:
        fault = "its place is not known, because something before it has no length"
    return Place(
        path=around.path,
        clip=clip,
        track=around.track,
        track_number=around.number,
        outer_track=around.outer,
        index=index,
        start=start,
        duration=duration,
        record_start=record_start,
        record_duration=record_duration,
        grid_start=nest.phase + (start or Fraction(0)),
        before=transitions[0],
        after=transitions[1],
        shown=nest.shown and clip.enabled and not nest.outside(start, duration),
        fault=fault,
    )
