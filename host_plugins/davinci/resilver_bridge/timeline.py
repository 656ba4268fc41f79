"""The exported timeline and the listing of its items, brought together by track and time: neither names the other.

An item and a clip belong together where they lie on the same track, start on the same frame and last as long. The first
frame of the export is that of the timeline; its ``global_start_time`` is only a label, so nothing is counted from it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from resilver_client.errors import ClipUnsupported, HostFailed
from resilver_otio.parse import parse_timeline
from resilver_otio.times import seconds, snap_rate
from resilver_otio.walk import Place, length_of, walk
from resilver_publish.types import HostTimeline

from .edit import Edit, Item, Track


@dataclass(frozen=True)
class Matched:
    """An item, and what the export has at its place."""

    item: Item
    track: Track
    child: otio.core.Composable | None
    """None where the export has nothing there."""
    place: Place | None
    """Where the child is a clip."""
    before: str = ""
    """The transition before it, for people: ``"Cross Dissolve" (12 + 12 frames)``; empty where there is none."""
    after: str = ""


@dataclass(frozen=True)
class Matching:
    """A listing with its export."""

    edit: Edit
    text: str
    """The export as it is."""
    timeline: otio.schema.Timeline
    matched: Mapping[str, Matched]
    """By id of the item, in the order of the timeline; transitions are none."""


@dataclass(frozen=True)
class _Extent:
    """A child of a track, in whole absolute frames of the timeline."""

    position: int
    child: otio.core.Composable
    start: int
    duration: int
    before: otio.schema.Transition | None = None
    after: otio.schema.Transition | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.start, self.duration


def match(edit: Edit, text: str) -> Matching:
    """Bring a listing and its export together.

    Raises TimelineUnreadable for a text that is no timeline, HostFailed where it is none of this edit: with another
    number of video tracks, or at another rate.
    """
    timeline = parse_timeline(text, f"the export of {edit.timeline.name!r}")
    _check_rate(edit, timeline)
    tracks = [
        (number, child)
        for number, child in enumerate(timeline.tracks)
        if isinstance(child, otio.schema.Track) and child.kind == otio.schema.TrackKind.Video
    ]
    if len(tracks) != len(edit.video):
        raise HostFailed(
            f"Resolve exported {len(tracks)} video tracks, the timeline has {len(edit.video)}",
            where=edit.timeline.name,
            remedy="try again while nothing is changed in Resolve",
        )
    places = {place.path: place for place in walk(timeline)}
    matched = {
        each.item.id: each
        for track, (number, child) in zip(edit.video, tracks, strict=True)
        for each in _match_track(edit, track, number, child, places)
    }
    return Matching(edit, text, timeline, matched)


def host_timeline(matching: Matching, ids: Collection[str]) -> HostTimeline:
    """The export with these clips meant: each with the name that Resolve shows for it, which the export leaves out, and
    enabled, also where the original is switched off below an earlier restoration.

    Raises ClipUnsupported, naming it, for an item that the export does not have as a clip.
    """
    data = json.loads(matching.text)
    data["name"] = data.get("name") or matching.edit.timeline.name
    places: dict[str, str] = {}
    selection: list[int] = []
    for id in ids:
        each = matching.matched[id]
        if each.place is None:
            raise ClipUnsupported("the exported timeline does not have it as a clip", where=each.item.name)
        child = _at(data, each.place.path)
        child["name"], child["enabled"] = each.item.name, True
        places[id] = each.place.id
        selection.append(each.place.index)
    return HostTimeline(json.dumps(data), places, tuple(sorted(selection)))


def _at(data: Any, path: tuple[int, ...]) -> Any:
    found = data["tracks"]
    for number in path:
        found = found["children"][number]
    return found


def _check_rate(edit: Edit, timeline: otio.schema.Timeline) -> None:
    start = timeline.global_start_time
    if start is None or start.rate <= 1:
        return
    exported = snap_rate(start.rate)
    if exported != edit.timeline.rate:
        raise HostFailed(
            f"Resolve exported the timeline at {float(exported):.6g} frames a second, it says it runs at "
            f"{float(edit.timeline.rate):.6g}",
            where=edit.timeline.name,
            remedy='report this with your version of Resolve ("resilver davinci doctor" says it)',
        )


def _match_track(
    edit: Edit, track: Track, number: int, exported: otio.schema.Track, places: Mapping[tuple[int, ...], Place]
) -> Iterator[Matched]:
    extents = list(_extents(exported, edit))
    clips = {each.key: each for each in extents if not isinstance(each.child, otio.schema.Transition)}
    transitions = {each.key for each in extents if isinstance(each.child, otio.schema.Transition)}
    for item in track.items:
        found = clips.get((item.start, item.duration))
        if _is_transition(item, found, transitions):
            continue
        if found is None:
            yield Matched(item, track, None, None)
            continue
        place = places.get((number, found.position)) if isinstance(found.child, otio.schema.Clip) else None
        yield Matched(item, track, found.child, place, _words(found.before, edit), _words(found.after, edit))


def _is_transition(item: Item, found: _Extent | None, transitions: Collection[tuple[int, int]]) -> bool:
    """Resolve lists transitions among the items of a track; before 21.1 it does not say what they are."""
    if item.type is not None:
        return item.type.lower() == "transition"
    return item.media is None and found is None and (item.start, item.duration) in transitions


def _extents(track: otio.schema.Track, edit: Edit) -> Iterator[_Extent]:
    """What lies on a track, gaps left out; what lies between frames is nowhere, and so is all after it that does."""
    rate, cursor, children = edit.timeline.rate, Fraction(edit.timeline.start), list(track)
    for position, child in enumerate(children):
        if isinstance(child, otio.schema.Transition):
            begin = cursor - seconds(child.in_offset) * rate
            length = (seconds(child.in_offset) + seconds(child.out_offset)) * rate
            if begin.denominator == length.denominator == 1:
                yield _Extent(position, child, int(begin), int(length))
            continue
        span = length_of(child)
        if span is None:
            return
        frames = span * rate
        if not isinstance(child, otio.schema.Gap) and cursor.denominator == frames.denominator == 1:
            around = _transition(children, position - 1), _transition(children, position + 1)
            yield _Extent(position, child, int(cursor), int(frames), *around)
        cursor += frames


def _transition(children: list[otio.core.Composable], position: int) -> otio.schema.Transition | None:
    found = children[position] if 0 <= position < len(children) else None
    return found if isinstance(found, otio.schema.Transition) else None


def _words(transition: otio.schema.Transition | None, edit: Edit) -> str:
    if transition is None:
        return ""
    before, after = (
        float(seconds(each) * edit.timeline.rate) for each in (transition.in_offset, transition.out_offset)
    )
    return f'"{transition.name or "transition"}" ({before:g} + {after:g} frames)'
