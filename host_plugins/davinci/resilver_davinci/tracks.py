"""Video tracks are added for restored clips, and taken away again where they are empty."""

from typing import TYPE_CHECKING, List, Optional, Sequence

from . import api
from .refused import OCCUPIED, Refused, refused_by_resolve
from .requests import NewTrack
from .undoing import Undo
from .work import Work

if TYPE_CHECKING:
    from fusionscript import Timeline
    from fusionscript.fusionscript import TrackType

SINCE_INDEX = (19, 0, 0)
"""From here on a track can be added between others."""


def require_count(work: Work, wanted: Optional[int]) -> None:
    """Raises Refused where there are other video tracks than the bridge has counted: its indices mean others now."""
    if wanted is not None and api.track_count(work.timeline, api.VIDEO) != wanted:
        what, where = "video tracks were added or removed just now", api.text(work.timeline.GetName())
        raise Refused(OCCUPIED, what, where, "try again")


def planned(count: int, new: Sequence[NewTrack]) -> List[Optional[int]]:
    """For each track as it will be, bottom-up, which one it is now; None for one that will be new.

    Raises Refused where an index lies outside.
    """
    order: List[Optional[int]] = list(range(1, count + 1))
    for track in new:
        index = len(order) + 1 if track.at is None else track.at
        if not 1 <= index <= len(order) + 1:
            raise refused_by_resolve("there is no place for a video track {}".format(index), track.name, "read anew")
        order.insert(index - 1, None)
    return order


def add(work: Work, new: Sequence[NewTrack], undo: Undo, notes: List[str]) -> List[int]:
    """Add these tracks in this order; their indices as they are in the end. Raises Refused."""
    indices: List[int] = []
    for track in new:
        count = api.track_count(work.timeline, api.VIDEO)
        index = count + 1 if track.at is None else track.at
        _insert(work, index, count, undo)
        indices = [known + 1 if known >= index else known for known in indices] + [index]
        _name(work.timeline, index, track.name, notes)
    return indices


def _insert(work: Work, index: int, count: int, undo: Undo) -> None:
    """One track, read back: that there is one more, and that it came where it was asked for."""
    if index <= count and api.version(work.resolve) < SINCE_INDEX:
        remedy = "choose a track above all others"
        raise refused_by_resolve("this Resolve adds tracks only above all others, not at {}".format(index), "", remedy)
    before = _contents(work.timeline)
    undo.add("an empty video track", lambda: [] if work.gone() else _removed(work.fresh().timeline, before, index))
    api.add_track(work.timeline, api.VIDEO, index if index <= count else None)
    after = _contents(work.timeline)
    if after != [*before[: index - 1], [], *before[index - 1 :]]:
        raise _not_added(index)


def _not_added(index: int) -> Refused:
    return refused_by_resolve("Resolve does not add a video track {}".format(index))


def _contents(timeline: "Timeline") -> List[List[str]]:
    """Ids of what lies on each video track: how tracks are told apart, which have no ids themselves."""
    count = api.track_count(timeline, api.VIDEO)
    return [[api.identity(item) for item in api.items(timeline, api.VIDEO, index + 1)] for index in range(count)]


def _removed(timeline: "Timeline", before: List[List[str]], index: int) -> List[str]:
    """Take away the track that came since; what remains, for people. It is the empty one without which all is as it
    was, or, where that cannot be seen, the one at the index where it was asked for."""
    now = _contents(timeline)
    if len(now) <= len(before):
        return []
    empty = [number for number in range(len(now), 0, -1) if not now[number - 1]]
    exact = [number for number in empty if now[: number - 1] + now[number:] == before]
    for number in (exact or [number for number in empty if number == index])[:1]:
        if remove(timeline, number):
            return []
    return ["the video track {} that was added".format(index)]


def remove(timeline: "Timeline", index: int, kind: "TrackType" = api.VIDEO) -> bool:
    """Delete a track where it is empty; whether it is gone."""
    count = api.track_count(timeline, kind)
    if not 1 <= index <= count or api.items(timeline, kind, index):
        return False
    timeline.DeleteTrack(kind, index)
    return api.track_count(timeline, kind) == count - 1


def _name(timeline: "Timeline", index: int, name: str, notes: List[str]) -> None:
    if name:
        timeline.SetTrackName(api.VIDEO, index, name)
        if api.text(timeline.GetTrackName(api.VIDEO, index)) != name:
            notes.append('the new video track {} could not be called "{}"'.format(index, name))


def up_to(timeline: "Timeline", kind: "TrackType", count: int) -> None:
    """Add tracks above until there are so many. Raises Refused."""
    for index in range(api.track_count(timeline, kind) + 1, count + 1):
        api.add_track(timeline, kind, None)
        if api.track_count(timeline, kind) != index:
            raise refused_by_resolve("Resolve does not add the {} track {}".format(kind, index))
