"""What is laid, and what lies there already: a placing that was broken off, or could not be noted, is completed.

Resolve can end, and a disk can be full, between the moment at which a clip lies on the timeline and the moment at which
that is kept with its job. A restored file belongs to one clip of one job, so an item that shows it over the original,
as long as that, was laid by that job: it is not laid twice, and what an artist has done to it since stays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resilver_davinci import importing
from resilver_davinci.refused import Refused
from resilver_davinci.requests import File
from resilver_publish.types import Layout, Occupied, RestoredClip

from . import coming, lengths, requests
from .edit import Edit, Item
from .fields import Fields
from .keeping import Kept, Placed
from .originals import Pair, pairs
from .tracks import NAME, assign

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Planned:
    """Clips of a job, and the call that lays those of them that do not lie there yet."""

    edit: Edit
    found: Sequence[Pair]
    there: Mapping[str, Item]
    """By id of the original what lies there already: an item above it, or for takes itself."""
    missing: Sequence[Pair]
    arguments: dict[str, object]


def shows(item: Item, restored: RestoredClip) -> bool:
    """Whether an item shows the restored file."""
    rate = lengths.rate_text(restored.rate)
    file = File(restored.path, restored.is_sequence, restored.first_number, restored.frames, rate)
    try:
        return item.media is not None and _plain(item.media.path) in map(_plain, importing.paths(file))
    except Refused:
        return False  # no sequence that Resolve could show: the menu script says so


def over(
    edit: Edit, restored: Sequence[RestoredClip], kept: Kept, layout: Layout, occupied: Occupied, version: Version
) -> Planned:
    """``place``: on tracks above the originals.

    Raises ClipUnsupported for an original that is gone or shows other frames now, TargetOccupied, InvalidRate,
    FrameCountMismatch, and HostFailed where this version of Resolve cannot make room.
    """
    found = pairs(edit, restored, kept.originals)
    there = _lying_over(edit, found)
    missing = [each for each in found if each.now.id not in there]
    ranges = [lengths.over(each.restored, each.now.duration, edit.timeline.rate) for each in missing]
    assigned = assign(edit, [each.now for each in missing], occupied, version)
    clips = [
        requests.clip_request(pair, track, pair.now.start, pair.now.duration, shown)
        for pair, track, shown in zip(missing, assigned.tracks, ranges, strict=True)
    ]
    arguments = {
        **_called(kept, clips),
        "video_tracks": len(edit.video),
        "tracks": [{"index": index, "name": NAME} for index in assigned.added],
        "disable": [each.now.id for each in found if layout is Layout.REPLACE and each.now.enabled],
    }
    return Planned(edit, found, there, missing, arguments)


def laid_over(planned: Planned, result: Mapping[str, object], layout: Layout) -> Placed:
    """What lies over the originals once ``place`` has answered. Raises HostFailed for an answer without a clip."""
    fields = Fields(dict(result), "place")
    back = requests.read_placed(result, [each.restored for each in planned.missing], "place")
    added = fields.wholes("tracks")
    laid = {each.clip: (each.id, each.track) for each in back}
    laid |= {original: (item.id, _after(item.track, added)) for original, item in planned.there.items()}
    ours = {*added, *(_after(index, added) for index in _left_over(planned))}
    off_before = [
        each.now.id
        for each in planned.found
        if layout is Layout.REPLACE and each.now.id in planned.there and each.then.enabled and not each.now.enabled
    ]
    places = [laid[each.now.id] for each in planned.found]
    return Placed(
        planned.edit.timeline.id,
        planned.edit.timeline.name,
        items=tuple(id for id, _ in places),
        on_added=tuple(id for id, track in places if track in ours),
        disabled=(*fields.texts("disabled"), *off_before),
        where=tuple(f"track {track}" for _, track in places),
    )


def as_takes(edit: Edit, restored: Sequence[RestoredClip], kept: Kept) -> Planned:
    """``take``: as takes of the originals. Raises ClipUnsupported, FrameCountMismatch."""
    found = pairs(edit, restored, kept.originals, shows)
    there = {each.now.id: each.now for each in found if shows(each.now, each.restored)}
    missing = [each for each in found if each.now.id not in there]
    clips = []
    for each in missing:
        coming.check_take(each.restored, each.then)
        shown = lengths.in_place(each.restored, each.now.duration, edit.timeline.rate)
        clips.append(requests.clip_request(each, each.now.track, each.now.start, each.now.duration, shown))
    return Planned(edit, found, there, missing, _called(kept, clips))


def taken(planned: Planned, result: Mapping[str, object]) -> Placed:
    """What are takes once ``take`` has answered. Raises HostFailed for an answer without a clip."""
    back = requests.read_placed(result, [each.restored for each in planned.missing], "take")
    takes = {original: item.media.id for original, item in planned.there.items() if item.media is not None}
    takes |= {each.clip: each.media for each in back}
    where = tuple(f"take of the clip on track {each.now.track}" for each in planned.found)
    return Placed(planned.edit.timeline.id, planned.edit.timeline.name, takes=takes, where=where)


def together(before: Placed | None, now: Placed) -> Placed:
    """A job may be placed again: all that lies in one timeline is taken back at once."""
    if before is None or before.timeline_id != now.timeline_id:
        return now
    return Placed(
        now.timeline_id,
        now.timeline,
        items=_once(before.items, now.items),
        on_added=_once(before.on_added, now.on_added),
        disabled=_once(before.disabled, now.disabled),
        takes={**before.takes, **now.takes},
        own_timeline=now.own_timeline,
        where=now.where,
    )


def _once(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *now)))


def _called(kept: Kept, clips: list[dict[str, object]]) -> dict[str, object]:
    return {"project": kept.project_id, "timeline": kept.timeline_id, "bin": requests.BIN, "clips": clips}


def _lying_over(edit: Edit, found: Sequence[Pair]) -> dict[str, Item]:
    """By id of the original, the item above it that shows its restored file for as long as it lasts."""
    at: dict[tuple[int, int], list[Item]] = {}
    for item in edit.items():
        at.setdefault((item.start, item.duration), []).append(item)
    return {
        each.now.id: item
        for each in found
        for item in at[each.now.start, each.now.duration]
        if item.track > each.now.track and shows(item, each.restored)
    }


def _left_over(planned: Planned) -> list[int]:
    """Tracks that were added by a placing which was broken off: called as ours are, with nothing of others on them."""
    known = {item.id for item in planned.there.values()}
    return [
        track.index
        for track in planned.edit.video
        if track.name == NAME and all(item.id in known for item in track.items)
    ]


def _after(track: int, added: Sequence[int]) -> int:
    """The index of a track once others were added; theirs are the final ones."""
    for index in sorted(added):
        track += index <= track
    return track


def _plain(path: str) -> str:
    return os.path.normcase(os.path.normpath(path))
