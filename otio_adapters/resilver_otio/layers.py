"""Tracks of restored clips above the originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from .build import gap, overlay_clip, record_rate
from .fits import Fit, Window, joined_after
from .times import seconds
from .walk import length_of

_NAME = "Restored"


@dataclass(frozen=True)
class _Layer:
    """Restored clips of one track (or the one clip that is a layer of a stack by itself)."""

    below: otio.core.Item
    windows: list[Window]


def add_overlays(windows: Sequence[Window], fits: Mapping[str, Fit]) -> None:
    """One new track for every track that has restored clips, above all video layers of its stack and in their order.
    No original object is changed; a track that lies in a track is set into a stack together with its overlay."""
    layers = _layers(windows)
    for layer in layers:
        track = _track(layer, fits, len(layers) > 1)
        parent = layer.below.parent()
        if isinstance(parent, otio.schema.Track):
            parent = _wrap(parent, layer.below)
        parent.insert(_top_of(parent), track)


def _layers(windows: Sequence[Window]) -> list[_Layer]:
    """In timeline order, so that a later layer goes above an earlier one."""
    layers: dict[tuple[int, ...], _Layer] = {}
    for window in sorted(windows, key=lambda each: each.fit.place.path):
        parent = window.fit.clip.parent()
        in_track = isinstance(parent, otio.schema.Track)
        path = window.fit.place.path[:-1] if in_track else window.fit.place.path
        layer = layers.setdefault(path, _Layer(parent if in_track else window.fit.clip, []))
        layer.windows.append(window)
    return list(layers.values())


def _track(layer: _Layer, fits: Mapping[str, Fit], several: bool) -> otio.schema.Track:
    name = f"{_NAME} {layer.below.name}" if several and layer.below.name else _NAME
    track = otio.schema.Track(name, kind=otio.schema.TrackKind.Video, metadata={"resilver": {"layer": "restored"}})
    cursor = Fraction(0)
    for window in sorted(layer.windows, key=lambda each: each.start):
        rate = record_rate(window.fit)
        if window.start > cursor:
            track.append(gap(window.start - cursor, rate))
        track.append(overlay_clip(window))
        cursor = window.start + window.duration
        after = window.fit.place.after
        if after is not None and not window.cut_tail and joined_after(window.fit, fits):
            track.append(after.deepcopy())
    if isinstance(layer.below, otio.schema.Track):
        _trim_like(track, layer.below, cursor, record_rate(layer.windows[0].fit))
    return track


def _trim_like(track: otio.schema.Track, below: otio.schema.Track, end: Fraction, rate: float) -> None:
    """What trims or retimes the track below has to happen to the one above."""
    track.effects.extend(effect.deepcopy() for effect in below.effects)
    if below.source_range is None:
        return
    track.source_range = below.source_range
    lengths = [length_of(child) for child in below]
    total = sum((length for length in lengths if length is not None), Fraction(0))
    needed = max(total, seconds(below.source_range.start_time) + seconds(below.source_range.duration))
    if needed > end:
        track.append(gap(needed - end, rate))


def _wrap(parent: otio.schema.Track, child: otio.core.Item) -> otio.schema.Stack:
    position = next(index for index, each in enumerate(parent) if each is child)
    del parent[position]
    stack = otio.schema.Stack(child.name, metadata={"resilver": {"layer": "original and restored"}})
    stack.append(child)
    parent.insert(position, stack)
    return stack


def _top_of(stack: otio.schema.Stack) -> int:
    """Index above the highest video layer; audio tracks come after it."""
    top = 0
    for index, child in enumerate(stack):
        if not isinstance(child, otio.schema.Track) or child.kind == otio.schema.TrackKind.Video:
            top = index + 1
    return top
