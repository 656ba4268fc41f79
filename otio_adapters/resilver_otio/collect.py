"""Timeline -> clips to restore, or the reason why one cannot be.

Only what a viewer sees is collected: clips of video tracks that are enabled, themselves and all around them, and
that a nest does not trim away. Restored tracks of an earlier run are left out unless a condition names them, and
a switchable clip is restored from its original again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
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
    edit = parse_timeline(timeline) if isinstance(timeline, str) else timeline
    meant = _Meant(selection or Selection())
    places = [place for place in walk(edit) if place.shown]
    chosen = [place for place in places if meant.selects(place, edit)]
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


class _Meant:
    """A selection, made ready for timelines of thousands of clips and markers."""

    def __init__(self, selection: Selection) -> None:
        self._names = frozenset(selection.names)
        self._patterns = tuple(name for name in selection.names if "*" in name or "?" in name)
        self._indices = frozenset(selection.indices)
        self._tracks = frozenset(selection.tracks)
        self._markers = frozenset(selection.markers)
        self._colours = frozenset(map(str.lower, selection.colours))
        self._range = selection.range
        self._marked: dict[tuple[int, str], Moments] = {}

    def selects(self, place: Place, timeline: otio.schema.Timeline) -> bool:
        ours = "resilver" in place.outer_track.metadata
        if ours and not (self._tracks or self._indices):
            return False
        tests: tuple[tuple[object, Callable[[], bool]], ...] = (
            (self._names, lambda: self._named(place.clip.name)),
            (self._indices, lambda: place.index in self._indices),
            (self._tracks, lambda: _on_track(place, self._tracks)),
            (self._markers, lambda: self._is_marked(place, timeline)),
            (self._colours, lambda: self._is_coloured(place, timeline)),
            (self._range is not None, lambda: self._range is None or _overlaps(place, *self._range)),
        )
        return all(holds() for given, holds in tests if given)

    def _named(self, name: str) -> bool:
        """Equal, or alike by ``*`` and ``?``. Square brackets are plain: sequences have them in their names."""
        return name in self._names or any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in self._patterns)

    def _is_marked(self, place: Place, timeline: otio.schema.Timeline) -> bool:
        if any(marker.name in self._markers for marker in place.clip.markers):
            return True
        return self._lies_under("name", lambda marker: marker.name in self._markers, place, timeline)

    def _is_coloured(self, place: Place, timeline: otio.schema.Timeline) -> bool:
        colour = getattr(place.clip, "color", None)
        own = {str(marker.color).lower() for marker in place.clip.markers}
        if colour is not None:
            own |= {str(colour.name).lower(), str(colour.to_hex()).lower()}
        if not own.isdisjoint(self._colours):
            return True
        return self._lies_under("colour", lambda marker: str(marker.color).lower() in self._colours, place, timeline)

    def _lies_under(
        self, kind: str, wanted: Callable[[otio.schema.Marker], bool], place: Place, timeline: otio.schema.Timeline
    ) -> bool:
        """Whether a marker that is meant, of the clip's track or of the timeline, lies over the clip."""
        for number, owner in ((place.path[0], place.outer_track), (-1, timeline.tracks)):
            if (number, kind) not in self._marked:
                self._marked[number, kind] = Moments(_span(marker) for marker in owner.markers if wanted(marker))
            if self._marked[number, kind].meet(place):
                return True
        return False


class Moments:
    """Half-open spans of seconds, looked up by halving."""

    def __init__(self, spans: Iterable[tuple[Fraction, Fraction]]) -> None:
        merged: list[tuple[Fraction, Fraction]] = []
        for start, stop in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], stop)
            else:
                merged.append((start, stop))
        self._starts, self._stops = [start for start, _ in merged], [stop for _, stop in merged]

    def meet(self, place: Place) -> bool:
        """Whether any of them overlaps the clip. Of those that do not end before it, the first starts first."""
        if place.record_start is None:
            return False
        first = bisect_right(self._stops, place.record_start)
        return first < len(self._starts) and _overlaps(place, self._starts[first], self._stops[first])


def _span(marker: otio.schema.Marker) -> tuple[Fraction, Fraction]:
    start = seconds(marker.marked_range.start_time)
    stop = start + seconds(marker.marked_range.duration)
    return start, max(stop, start + Fraction(1, 1_000_000))


def _on_track(place: Place, tracks: frozenset[str]) -> bool:
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
