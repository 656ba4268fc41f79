"""Timeline -> clips to restore, or the reason why one cannot be.

Only what a viewer sees is collected: clips of video tracks that are enabled, themselves and all around them, and
that a nest does not trim away. Restored tracks of an earlier run are left out unless a condition names them, and
a switchable clip is restored from its original again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import opentimelineio as otio

from resilver_client.errors import ResilverError, SelectionEmpty

from .effects import kept_effects
from .parse import parse_timeline
from .request import request_for
from .times import seconds
from .types import ClipRequest, Collected, Refusal, Selection
from .walk import Place, walk


def collect(timeline: otio.schema.Timeline | str, selection: Selection | None = None) -> Collected:
    """The selected clips of a timeline (an object, or its OTIO JSON), each as a request or as a refusal.

    Raises TimelineUnreadable for JSON that is no timeline, SelectionEmpty where no clip is meant.
    """
    wanted = selection or Selection()
    edit = parse_timeline(timeline) if isinstance(timeline, str) else timeline
    places = [place for place in walk(edit) if place.shown]
    chosen = [place for place in places if _selected(place, wanted, edit)]
    if not chosen:
        names = ", ".join(place.name for place in places[:8]) or "none"
        raise SelectionEmpty(
            "no clip is selected", where=f"the video clips are: {names}", remedy="change the selection"
        )
    clips: list[ClipRequest] = []
    refusals: list[Refusal] = []
    for place in chosen:
        try:
            clips.append(request_for(place, edit, kept_effects(place.clip)))
        except ResilverError as error:
            refusals.append(Refusal(place.name, error.reason, str(error), place.id))
    return Collected(tuple(clips), tuple(refusals))


def _selected(place: Place, selection: Selection, timeline: otio.schema.Timeline) -> bool:
    ours = "resilver" in place.outer_track.metadata
    if ours and not (selection.tracks or selection.indices):
        return False
    tests: tuple[tuple[object, Callable[[], bool]], ...] = (
        (selection.names, lambda: any(_matches(name, place.clip.name) for name in selection.names)),
        (selection.indices, lambda: place.index in selection.indices),
        (selection.tracks, lambda: _on_track(place, selection.tracks)),
        (selection.markers, lambda: any(m.name in selection.markers for m in _markers(place, timeline))),
        (selection.colours, lambda: not _colours(place, timeline).isdisjoint(map(str.lower, selection.colours))),
        (selection.range is not None, lambda: selection.range is None or _overlaps(place, *selection.range)),
    )
    return all(holds() for given, holds in tests if given)


def _matches(pattern: str, name: str) -> bool:
    """Equal, or alike by ``*`` and ``?``. Square brackets are plain: sequences have them in their names."""
    if pattern == name:
        return True
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return ("*" in pattern or "?" in pattern) and re.fullmatch(expression, name) is not None


def _on_track(place: Place, tracks: tuple[str, ...]) -> bool:
    names = {place.outer_track.name, str(place.track_number)}
    if place.track is not None:
        names.add(place.track.name)
    return not names.isdisjoint(tracks)


def _overlaps(place: Place, start: Fraction, stop: Fraction) -> bool:
    if place.record_start is None:
        return False
    if place.record_duration is None:
        return place.record_start < stop
    end = place.record_start + place.record_duration
    return place.record_start < stop and start < end


def _markers(place: Place, timeline: otio.schema.Timeline) -> list[otio.schema.Marker]:
    """Markers of the clip, and those of its track and of the timeline that lie over it."""
    found = list(place.clip.markers)
    for owner in (place.outer_track, timeline.tracks):
        for marker in owner.markers:
            start = seconds(marker.marked_range.start_time)
            stop = start + seconds(marker.marked_range.duration)
            if _overlaps(place, start, max(stop, start + Fraction(1, 1_000_000))):
                found.append(marker)
    return found


def _colours(place: Place, timeline: otio.schema.Timeline) -> set[str]:
    colours = {str(marker.color).lower() for marker in _markers(place, timeline)}
    colour = getattr(place.clip, "color", None)
    if colour is not None:
        colours |= {str(colour.name).lower(), str(colour.to_hex()).lower()}
    return colours
