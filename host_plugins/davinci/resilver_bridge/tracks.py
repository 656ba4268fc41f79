"""On which track each restored clip goes, and which tracks have to be added for that. Arithmetic only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from resilver_client.errors import HostFailed, TargetOccupied
from resilver_publish.types import Occupied

from .edit import Edit, Item, Track

NAME = "Restored"
"""Of tracks that are added."""
_INSERTS = (19, 0)
"""First version of Resolve that can add a track between others."""


@dataclass(frozen=True)
class Assigned:
    """Where clips go."""

    tracks: tuple[int, ...]
    """Of each clip, counted when all tracks are added."""
    added: tuple[int | None, ...] = ()
    """Tracks to add, in this order: an index, or None for above all."""


@dataclass
class _Layers:
    """What lies where, and what will."""

    edit: Edit
    planned: dict[int, list[Item]] = field(default_factory=dict)

    def way(self, track: int, start: int, stop: int) -> str:
        """What keeps frames of a track from being used, for people; empty where nothing does."""
        there = next((each for each in self.edit.video if each.index == track), None)
        if there is not None and there.locked:
            return f"{described(there)} is locked"
        if there is not None and not there.enabled:
            return f"{described(there)} is switched off, nobody would see it"
        items = (*(there.items if there else ()), *self.planned.get(track, ()))
        found = dict.fromkeys(item.name for item in items if item.start < stop and start < item.stop)
        return ", ".join(found)

    def put(self, track: int, item: Item) -> None:
        self.planned.setdefault(track, []).append(item)


def in_the_way(edit: Edit, track: int, start: int, stop: int) -> str:
    """What lies on a track in these frames, for people; empty where they are free or there is no such track."""
    return _Layers(edit).way(track, start, stop)


def described(track: Track) -> str:
    """ "track 3" or "track 3 (Titles)"."""
    plain = track.name in ("", f"Video {track.index}")
    return f"track {track.index}" if plain else f"track {track.index} ({track.name})"


def assign(edit: Edit, originals: Sequence[Item], occupied: Occupied, version: tuple[int, int, int]) -> Assigned:
    """The track for a restored clip over each original.

    Raises TargetOccupied, naming the first clip whose place is taken, where nothing is to be done about that;
    HostFailed where room cannot be made by this version of Resolve.
    """
    match occupied:
        case Occupied.REFUSE:
            _refuse_taken(edit, originals)
            return _topped([item.track + 1 for item in originals], len(edit.video))
        case Occupied.ABOVE:
            return _topped(_next_free(edit, originals), len(edit.video))
    return _with_room(edit, originals, version)


def _refuse_taken(edit: Edit, originals: Iterable[Item]) -> None:
    for item in originals:
        taken = in_the_way(edit, item.track + 1, item.start, item.stop)
        if taken:
            raise TargetOccupied(
                f"the place for the restored clip is taken: {taken}",
                where=item.name,
                remedy="move that away, let room be made, or use the next free track above",
            )


def _topped(tracks: Sequence[int], count: int) -> Assigned:
    """With as many tracks added above all as are missing."""
    return Assigned(tuple(tracks), (None,) * max(0, max(tracks, default=0) - count))


def _next_free(edit: Edit, originals: Sequence[Item]) -> list[int]:
    """Bottom-up: a clip that lies above another one comes to lie above that one's restored clip too."""
    layers, tracks = _Layers(edit), dict[str, int]()
    for item in sorted(originals, key=lambda item: item.track):
        below = [tracks[other.id] for other in originals if other.id in tracks and _meet(other, item)]
        track = 1 + max([item.track, *below])
        while layers.way(track, item.start, item.stop):
            track += 1
        layers.put(track, item)
        tracks[item.id] = track
    return [tracks[item.id] for item in originals]


def _meet(one: Item, other: Item) -> bool:
    return one.start < other.stop and other.start < one.stop


def _with_room(edit: Edit, originals: Sequence[Item], version: tuple[int, int, int]) -> Assigned:
    """A track is put in above every track of an original whose place is taken: what lies above goes up as it is.

    Nothing is moved from track to track, since an item that is appended again has lost its grade.
    """
    blocked = sorted({item.track for item in originals if in_the_way(edit, item.track + 1, item.start, item.stop)})
    if blocked and version[:2] < _INSERTS:
        raise HostFailed(
            "this version of Resolve cannot put a track in between others (19.0 and later can)",
            remedy="use the next free track above, or move what is in the way",
        )
    below: Callable[[int], int] = lambda track: sum(1 for each in blocked if each < track)  # noqa: E731
    tracks = [item.track + 1 + below(item.track) for item in originals]
    added = [track + 1 + number for number, track in enumerate(blocked)]
    topped = _topped(tracks, len(edit.video) + len(added))
    return Assigned(tuple(tracks), (*added, *topped.added))
