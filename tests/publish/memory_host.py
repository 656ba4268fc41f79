"""A host without a window: the edit is an OpenTimelineIO timeline in memory, and all that a session does is done to it.

It keeps tracks and gaps, refuses to lay one clip over another, places all clips or none, undoes, and opens its edit
again from what it saved.
"""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from publish.contract import Laid, Lying
from resilver_client.errors import ClipOffline, ClipUnsupported, ResilverError, SelectionEmpty, TargetOccupied
from resilver_publish.types import (
    ChangeMap,
    HostClip,
    HostTimeline,
    Layout,
    Occupied,
    Placement,
    Progress,
    Remembered,
    RestoredClip,
)

RATE = 24
_OURS, _SECOND = "memory host", "second timeline"


class Edit:
    """An open edit, with its steps of undo."""

    def __init__(self) -> None:
        self.timeline = otio.schema.Timeline("edit")
        self._before: list[str] = []

    def step(self) -> None:
        """What follows is one step of undo."""
        self._before.append(self.timeline.to_json_string())

    def undo(self) -> None:
        self.timeline = _read(self._before.pop())

    def reopen(self) -> None:
        self.timeline, self._before = _read(self.timeline.to_json_string()), []

    @property
    def tracks(self) -> list[otio.schema.Track]:
        return list(self.timeline.tracks)

    def clips(self) -> Iterator[tuple[int, int, otio.schema.Clip]]:
        """Track from 1, first frame, clip: tracks bottom-up, then by time."""
        for number, track in enumerate(self.tracks, 1):
            for start, clip in _lying(track):
                yield number, start, clip

    def find(self, id: str) -> tuple[int, int, otio.schema.Clip] | None:
        return next((found for found in self.clips() if _facts(found[2])["id"] == id), None)

    def over(self, track: int, start: int, stop: int) -> list[otio.schema.Clip]:
        """Clips of a track that are seen in these frames."""
        if track > len(self.tracks):
            return []
        return [clip for at, clip in _lying(self.tracks[track - 1]) if at < stop and start < at + _length(clip)]

    def put(self, track: int, start: int, clip: otio.schema.Clip) -> None:
        assert not self.over(track, start, start + _length(clip)), "one clip would lie over another"
        while len(self.tracks) < track:
            self.timeline.tracks.append(otio.schema.Track(kind=otio.schema.TrackKind.Video))
        self._fill(self.tracks[track - 1], [*_lying(self.tracks[track - 1]), (start, clip)])

    def take(self, track: int, clip: otio.schema.Clip) -> None:
        """Out of its track; what comes after it stays where it is."""
        self._fill(self.tracks[track - 1], [each for each in _lying(self.tracks[track - 1]) if each[1] is not clip])

    def _fill(self, track: otio.schema.Track, content: Iterable[tuple[int, otio.schema.Clip]]) -> None:
        track.clear()
        end = 0
        for start, clip in sorted(content, key=lambda each: each[0]):
            if start > end:
                track.append(otio.schema.Gap(source_range=_range(0, start - end)))
            track.append(clip)
            end = start + _length(clip)


@dataclass
class MemorySession:
    """A ``HostSession`` over an edit."""

    edit: Edit
    host: str = "memory"

    def __post_init__(self) -> None:
        self.told: list[Progress] = []
        self.reports: list[str] = []
        self.shown: list[tuple[tuple[str, ...], tuple[ChangeMap, ...]]] = []
        self.while_working: Callable[[Progress], None] = lambda _: None

    def selection(self) -> Sequence[HostClip]:
        found = [_host_clip(*each) for each in self.edit.clips() if _facts(each[2])["selected"]]
        if not found:
            raise SelectionEmpty("no clip is selected", remedy="select the clips to restore")
        return found

    def timeline(self, clips: Sequence[HostClip]) -> HostTimeline:
        wanted = {clip.id for clip in clips}
        places, selection = {}, []
        index = itertools.count()
        for track, items in enumerate(self.edit.tracks):
            for child, item in enumerate(items):
                if not isinstance(item, otio.schema.Clip):
                    continue
                position = next(index)
                if _facts(item)["id"] in wanted:
                    places[_facts(item)["id"]] = f"{track}/{child}"
                    selection.append(position)
        return HostTimeline(self.edit.timeline.to_json_string(), places, tuple(selection))

    def in_the_way(self, clip: HostClip, layout: Layout) -> str:
        return ", ".join(each.name for each in self.edit.over(clip.track + 1, clip.start, clip.stop))

    def remember(self, remembered: Remembered) -> None:
        kept = self.edit.timeline.metadata.setdefault(_OURS, {})
        kept[remembered.job] = remembered.to_json()

    def place(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Sequence[Placement]:
        found = [(each, self._original(each)) for each in restored]
        if layout is Layout.NEW_TIMELINE:
            return self._new_timeline(found)
        if occupied is Occupied.REFUSE:
            for _, (track, start, clip) in found:
                self._refuse_occupied(track, start, clip)
        self.edit.step()
        return [self._place(each, original, layout, occupied) for each, original in found]

    def show(self, pictures: Sequence[str], change_maps: Sequence[ChangeMap]) -> None:
        self.shown.append((tuple(pictures), tuple(change_maps)))

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)
        self.while_working(progress)

    def report(self, sentence: str) -> None:
        self.reports.append(sentence)

    def _original(self, restored: RestoredClip) -> tuple[int, int, otio.schema.Clip]:
        found = self.edit.find(restored.clip)
        if found is None:
            remedy = "undo its removal, then take the job up again"
            raise ClipUnsupported("its original is gone from the timeline", where=restored.name, remedy=remedy)
        return found

    def _refuse_occupied(self, track: int, start: int, clip: otio.schema.Clip) -> None:
        taken = self.edit.over(track + 1, start, start + _length(clip))
        if taken:
            raise TargetOccupied(f"{taken[0].name} lies there", where=clip.name, remedy="move it away")

    def _place(
        self, restored: RestoredClip, original: tuple[int, int, otio.schema.Clip], layout: Layout, occupied: Occupied
    ) -> Placement:
        below, start, clip = original
        track, stop = below + 1, start + _length(clip)
        while occupied is Occupied.ABOVE and self.edit.over(track, start, stop):
            track += 1
        self._make_room(track, start, stop)
        new = otio.schema.Clip(f"{clip.name} [restored]", _reference(restored.path, restored.frames))
        new.source_range = _range(0, stop - start)
        new.metadata[_OURS] = {"id": uuid.uuid4().hex, "selected": False, "job": restored.job}
        self.edit.put(track, start, new)
        clip.enabled = clip.enabled and layout is not Layout.REPLACE
        return Placement(restored.clip, f"track {track}")

    def _make_room(self, track: int, start: int, stop: int) -> None:
        """Clips in the way go up by one track, and what they meet there goes up before them."""
        for each in self.edit.over(track, start, stop):
            at = next(first for _, first, clip in self.edit.clips() if clip is each)
            self._make_room(track + 1, at, at + _length(each))
            self.edit.take(track, each)
            self.edit.put(track + 1, at, each)

    def _new_timeline(
        self, found: Sequence[tuple[RestoredClip, tuple[int, int, otio.schema.Clip]]]
    ) -> Sequence[Placement]:
        """The second timeline is kept with the edit; this one stays as it is."""
        second = copy.deepcopy(self.edit.timeline)
        for restored, (track, start, _) in found:
            clip = next(clip for at, clip in _lying(second.tracks[track - 1]) if at == start)
            clip.media_reference = _reference(restored.path, restored.frames)
        self.edit.step()
        self.edit.timeline.metadata.setdefault(_OURS, {})[_SECOND] = second.to_json_string()
        return [Placement(restored.clip, "the second timeline") for restored, _ in found]


class MemoryHost:
    """A ``HostUnderTest``. ``make`` writes a movie of so many frames at 24 a second."""

    rate = Fraction(RATE)

    def __init__(self, folder: Path, make: Callable[[Path, int], Path]) -> None:
        self._folder, self._make = folder, make
        self.edit = Edit()

    def lay(self, clips: Sequence[Laid]) -> MemorySession:
        film = Path(self.movie(100))
        return self.lay_media([(clip, film, 100) for clip in clips])

    def lay_media(self, clips: Sequence[tuple[Laid, Path, int]]) -> MemorySession:
        """Clips of media of one's own, each with its number of frames."""
        self.edit = Edit()
        for laid, path, frames in clips:
            clip = otio.schema.Clip(laid.name, _reference(str(path), frames), _range(laid.first, laid.length))
            clip.metadata[_OURS] = {"id": uuid.uuid4().hex, "selected": laid.selected}
            self.edit.put(laid.track, laid.start, clip)
        return MemorySession(self.edit)

    def lay_unmappable(self) -> MemorySession:
        session = self.lay([Laid("title")])
        (_, _, clip), *_ = self.edit.clips()
        clip.media_reference = otio.schema.GeneratorReference("bars", "SMPTEBars")
        return session

    def lying(self) -> Sequence[Lying]:
        return [
            Lying(clip.name, track, start, start + _length(clip), _path(clip), not clip.enabled)
            for track, start, clip in self.edit.clips()
        ]

    def remove(self, name: str) -> None:
        track, _, clip = next(each for each in self.edit.clips() if each[2].name == name)
        self.edit.step()
        self.edit.take(track, clip)

    def undo(self) -> None:
        self.edit.undo()

    def reopen(self) -> MemorySession:
        self.edit.reopen()
        return MemorySession(self.edit)

    def remembered(self) -> Sequence[Remembered]:
        kept = self.edit.timeline.metadata.get(_OURS, {})
        return [Remembered.from_json(text) for job, text in kept.items() if job != _SECOND]

    def movie(self, frames: int) -> str:
        path = self._folder / f"{frames} frames.mkv"
        return str(path if path.exists() else self._make(path, frames))


def _host_clip(track: int, start: int, clip: otio.schema.Clip) -> HostClip:
    refusal: ResilverError | None = None
    if clip.media_reference.is_missing_reference:
        refusal = ClipOffline("its media is offline", where=clip.name, remedy="relink the clip")
    if isinstance(clip.media_reference, otio.schema.GeneratorReference):
        refusal = ClipUnsupported("it is a generator, which has no film", where=clip.name, remedy="leave it out")
    return HostClip(_facts(clip)["id"], clip.name, track, start, start + _length(clip), refusal)


def _lying(track: otio.schema.Track) -> list[tuple[int, otio.schema.Clip]]:
    start, found = 0, []
    for item in track:
        if isinstance(item, otio.schema.Clip):
            found.append((start, item))
        start += _length(item)
    return found


def _facts(clip: otio.schema.Clip) -> Any:
    return clip.metadata[_OURS]


def _length(item: otio.core.Item) -> int:
    return round(item.source_range.duration.value)


def _path(clip: otio.schema.Clip) -> str:
    return str(getattr(clip.media_reference, "target_url", ""))


def _reference(path: str, frames: int) -> otio.schema.ExternalReference:
    return otio.schema.ExternalReference(path, _range(0, frames))


def _range(start: int, count: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, RATE), otio.opentime.RationalTime(count, RATE))


def _read(text: str) -> otio.schema.Timeline:
    return otio.adapters.read_from_string(text, "otio_json")
