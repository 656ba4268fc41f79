"""What the bridge asks for, as types: docs/bridge-protocol.md says what each field means."""

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

Json = Dict[str, Any]


class Place(NamedTuple):
    """Where something lies: track from 1, frames as the timeline counts (absolute)."""

    track: int
    start: int
    duration: int

    @property
    def end(self) -> int:
        """The first frame after."""
        return self.start + self.duration

    def overlaps(self, other: "Place") -> bool:
        """Whether both take a frame of the same track."""
        return self.track == other.track and self.start < other.end and other.start < self.end


class Marker(NamedTuple):
    """A marker on an item of the timeline."""

    colour: str
    name: str
    note: str
    custom: str


class File(NamedTuple):
    """A restored file, and what it is known to be."""

    path: str
    is_sequence: bool
    first_number: int
    frames: int
    rate: str

    @property
    def last_number(self) -> int:
        """Number of a sequence's last file."""
        return self.first_number + self.frames - 1


class Clip(NamedTuple):
    """A restored clip and its place."""

    original: str
    original_place: Optional[Place]
    name: str
    file: File
    place: Place
    source_start: int
    source_end: int
    colour: str
    marker: Optional[Marker]


class Sound(NamedTuple):
    """A piece of the project's own sound for a new timeline."""

    name: str
    media: str
    place: Place
    source_start: int
    source_end: int


class NewTrack(NamedTuple):
    """A video track to add."""

    at: Optional[int]
    """Its index; None: above all others."""
    name: str


def clips(arguments: Json, offset: int = 0) -> Tuple[Clip, ...]:
    """The clips of a request; ``offset`` is the frame from which their starts are counted."""
    return tuple(_clip(found, offset) for found in arguments["clips"])


def _clip(found: Json, offset: int) -> Clip:
    original = found.get("original")
    marker = found.get("marker")
    return Clip(
        original=found.get("clip") or "",
        original_place=_place(original, 0) if original else None,
        name=found["name"],
        file=File(found["path"], bool(found["is_sequence"]), found["first_number"], found["frames"], found["rate"]),
        place=_place(found, offset),
        source_start=found["source_start"],
        source_end=found["source_end"],
        colour=found.get("colour") or "",
        marker=Marker(marker["colour"], marker["name"], marker["note"], marker["custom"]) if marker else None,
    )


def _place(found: Json, offset: int) -> Place:
    return Place(found["track"], found["start"] + offset, found["duration"])


def sounds(arguments: Json, offset: int) -> Tuple[Sound, ...]:
    """The sound of a request for a new timeline."""
    return tuple(
        Sound(one["name"], one["media"], _place(one, offset), one["source_start"], one["source_end"])
        for one in arguments.get("sound") or ()
    )


def tracks(arguments: Json) -> Tuple[NewTrack, ...]:
    """The tracks to add, in this order."""
    return tuple(NewTrack(one.get("index"), one.get("name") or "") for one in arguments.get("tracks") or ())


def ids(arguments: Json, key: str) -> Sequence[str]:
    """A list of ids; empty where it is not given."""
    return list(arguments.get(key) or ())
