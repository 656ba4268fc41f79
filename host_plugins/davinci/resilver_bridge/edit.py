"""What the menu script says of the open edit: the result of its call ``edit``, read strictly.

Frames of the timeline are absolute, as Resolve counts them. What a version of Resolve cannot say is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from resilver_otio.times import snap_rate

from .fields import Fields, rate_of


@dataclass(frozen=True)
class Media:
    """A clip of the media pool, in Resolve's own words."""

    id: str
    name: str
    path: str
    """Of a sequence ``dir/name.[1001-1099].exr``; empty for timelines, compound clips and the like."""
    type: str
    """In the language that Resolve speaks."""
    fps: Fraction | None
    """None where it says none that can be read."""
    frames: int | None
    start_timecode: str
    status: str


@dataclass(frozen=True)
class Item:
    """Something that lies on a track."""

    id: str
    name: str
    track: int
    """From 1, bottom-up."""
    start: int
    duration: int
    enabled: bool
    colour: str
    """Empty where it has none."""
    type: str | None
    """"video", "audio", "generator", "transition"; None before 21.1."""
    takes: int
    source_start: int | None
    """Media frame from 0."""
    source_seconds: float | None
    """Media seconds from its first to its last moment; None where it is not known."""
    left_offset: float | None
    media: Media | None
    """None for titles, generators, adjustment clips and transitions."""

    @property
    def stop(self) -> int:
        return self.start + self.duration


@dataclass(frozen=True)
class Track:
    index: int
    name: str
    locked: bool
    enabled: bool
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Timeline:
    id: str
    name: str
    start: int
    stop: int
    rate: Fraction
    drop_frame: bool
    start_timecode: str
    width: int
    height: int


@dataclass(frozen=True)
class Edit:
    """The open project and one of its timelines."""

    project: str
    project_id: str
    timeline: Timeline
    video: tuple[Track, ...]
    """Bottom-up."""
    audio: tuple[Track, ...]
    selected: tuple[str, ...] | None
    mark_in: int | None
    """Relative to the timeline's first frame, as Resolve says it; so is ``mark_out``."""
    mark_out: int | None
    current: str | None

    def items(self) -> Iterator[Item]:
        """All of the video tracks: tracks bottom-up, then by time."""
        for track in self.video:
            yield from track.items

    def find(self, id: str) -> Item | None:
        return next((item for item in self.items() if item.id == id), None)


def read_edit(result: Mapping[str, Any]) -> Edit:
    """The answer to ``edit``. Raises HostFailed, naming the field that is not as the protocol has it."""
    fields = Fields(dict(result), "edit")
    project = fields.inner("project")
    marks = fields.inner("marks") if fields.has("marks") else None
    return Edit(
        project=project.text("name"),
        project_id=project.text("id"),
        timeline=_timeline(fields.inner("timeline")),
        video=tuple(_track(track) for track in fields.each("video")),
        audio=tuple(_track(track) for track in fields.each("audio")),
        selected=fields.maybe(fields.texts, "selected"),
        mark_in=marks.maybe(marks.whole, "in") if marks else None,
        mark_out=marks.maybe(marks.whole, "out") if marks else None,
        current=fields.maybe(fields.text, "current"),
    )


def _timeline(fields: Fields) -> Timeline:
    rate, drop_frame = rate_of(fields.text("rate"), f"{fields.where}.rate")
    return Timeline(
        id=fields.text("id"),
        name=fields.text("name"),
        start=fields.whole("start"),
        stop=fields.whole("end"),
        rate=rate,
        drop_frame=drop_frame or ";" in fields.text("start_timecode"),
        start_timecode=fields.text("start_timecode"),
        width=fields.whole("width"),
        height=fields.whole("height"),
    )


def _track(fields: Fields) -> Track:
    index = fields.whole("index")
    items = sorted((_item(item, index) for item in fields.each("items")), key=lambda item: (item.start, item.duration))
    return Track(index, fields.text("name"), fields.flag("locked"), fields.flag("enabled"), tuple(items))


def _item(fields: Fields, track: int) -> Item:
    return Item(
        id=fields.text("id"),
        name=fields.text("name"),
        track=track,
        start=fields.whole("start"),
        duration=fields.whole("duration"),
        enabled=fields.flag("enabled"),
        colour=fields.text("colour"),
        type=fields.maybe(fields.text, "type"),
        takes=fields.whole("takes"),
        source_start=fields.maybe(fields.whole, "source_start"),
        source_seconds=fields.maybe(fields.number, "source_seconds"),
        left_offset=fields.maybe(fields.number, "left_offset"),
        media=_media(fields.inner("media")) if fields.has("media") else None,
    )


def _media(fields: Fields) -> Media:
    return Media(
        id=fields.text("id"),
        name=fields.text("name"),
        path=fields.text("path"),
        type=fields.text("type"),
        fps=_rate(fields.text("fps")),
        frames=_count(fields.text("frames")),
        start_timecode=fields.text("start_timecode"),
        status=fields.text("status"),
    )


def _rate(text: str) -> Fraction | None:
    """Of a title or a sound Resolve says nothing, or 0."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        return None
    return snap_rate(rate) if 0 < rate <= 1_000_000 else None


def _count(text: str) -> int | None:
    try:
        count = float(text.strip())
    except ValueError:
        return None
    return int(count) if count == count // 1 and count > 0 else None
