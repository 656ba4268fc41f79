"""Resolve's API with its oddities in one place.

Resolve answers with None, False or an empty list where it fails, and hardly ever with an exception. Its objects seem
to have every method one asks for: only ``dir`` knows. Numbers come as int, float or text. Objects go stale when the
project or the timeline changes, so they are compared by their ids. The stubs' signatures are those of one version;
where they demand what older ones do not take, the call is made here, without them.
"""

import math
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from .refused import FAILED, NOTHING_OPEN, Refused, dialog_open, silent

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem, Project, ProjectManager, Resolve, Timeline, TimelineItem
    from fusionscript.fusionscript import TrackType

VIDEO: "TrackType" = "video"
AUDIO: "TrackType" = "audio"


def has(thing: object, name: str) -> bool:
    """Whether this version of Resolve has the method. ``hasattr`` would say yes to anything."""
    return name in dir(thing)


def call(thing: Any, name: str, *arguments: Any) -> Any:
    """A method that not every version has; None where it is missing."""
    return getattr(thing, name)(*arguments) if has(thing, name) else None


def untyped(thing: Any) -> Any:
    """For a method that every version has, with other arguments than the stubs demand."""
    return thing


def number(value: Any) -> Optional[float]:
    """What Resolve gave as a number or as its text; None where it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def whole_or_none(value: Any) -> Optional[int]:
    """A whole number, however Resolve writes it; None where it is none."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def whole(value: Any, what: str, where: str = "") -> int:
    """A whole number. Raises Refused where Resolve gives none; ``what`` is what it was asked for."""
    found = whole_or_none(value)
    if found is None:
        raise silent(what, where)
    return found


def text(value: Any) -> str:
    """A text, however Resolve gives it; whole numbers without their point, "" where there is none."""
    if value is None or value is False:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def identity(thing: Any) -> str:
    """What an object is known by; "" where there is no object behind the handle."""
    return text(thing.GetUniqueId()) if thing else ""


def version(resolve: "Resolve") -> Tuple[int, int, int]:
    """(21, 0, 4); zeros where Resolve does not say."""
    found = list(resolve.GetVersion() or [])[:3]
    numbers = [whole_or_none(part) or 0 for part in found] + [0, 0, 0]
    return numbers[0], numbers[1], numbers[2]


def answers(resolve: "Resolve") -> bool:
    """Whether Resolve answers at all; it does not while certain dialogs are open in it."""
    return bool(resolve.GetProductName()) and bool(resolve.GetProjectManager())


def manager(resolve: "Resolve") -> "ProjectManager":
    """Raises Refused where Resolve gives none, which it always does otherwise."""
    found = resolve.GetProjectManager()
    if not found:
        raise dialog_open()
    return found


def open_project(resolve: "Resolve", wanted: str = "") -> "Project":
    """The open project. Raises Refused where none is open, or another one than is wanted (by id)."""
    found = manager(resolve).GetCurrentProject()
    if not found:
        if not answers(resolve):
            raise dialog_open()
        raise Refused(NOTHING_OPEN, "no project is open in Resolve", "", "open one")
    if wanted and identity(found) != wanted:
        remedy = "open the project from which the clips were sent"
        raise Refused(FAILED, "another project is open in Resolve now", text(found.GetName()), remedy)
    return found


def timelines(project: "Project") -> "List[Timeline]":
    """All timelines of the project."""
    count = whole(project.GetTimelineCount(), "how many timelines the project has")
    found = [project.GetTimelineByIndex(index + 1) for index in range(count)]
    return [timeline for timeline in found if timeline]


def is_gone(project: "Project", wanted: str) -> bool:
    """Whether every timeline of the project answers and none has this id. Raises Refused where it does not answer."""
    found = timelines(project)
    known = [identity(timeline) for timeline in found]
    return wanted not in known and all(known) and len(found) == project.GetTimelineCount()


def timeline_of(project: "Project", wanted: str) -> "Timeline":
    """The timeline with this id. Raises Refused where the project has it no longer."""
    for timeline in timelines(project):
        if identity(timeline) == wanted:
            return timeline
    remedy = "undo its deletion, or start again from another timeline"
    raise Refused(FAILED, "the timeline from which the clips were sent is gone", text(project.GetName()), remedy)


def media_pool(project: "Project") -> "MediaPool":
    """Raises Refused where Resolve gives none."""
    found = project.GetMediaPool()
    if not found:
        raise silent("what is in the media pool")
    return found


def track_count(timeline: "Timeline", kind: "TrackType") -> int:
    """How many tracks of the kind there are."""
    return whole(timeline.GetTrackCount(kind), "how many {} tracks the timeline has".format(kind))


def items(timeline: "Timeline", kind: "TrackType", track: int) -> "List[TimelineItem]":
    """What lies on a track (from 1), in the order of time. An empty list only where Resolve is known to answer."""
    found = timeline.GetItemListInTrack(kind, track)
    if not found:
        track_count(timeline, kind)
        return []
    return [item for item in found if item]


def start(item: "TimelineItem") -> Optional[int]:
    """First frame, as the timeline counts; None where it is not known. Older versions take no argument here."""
    return whole_or_none(untyped(item).GetStart())


def duration(item: "TimelineItem") -> Optional[int]:
    """Frames of the timeline; None where it is not known."""
    return whole_or_none(untyped(item).GetDuration())


def enabled(item: "TimelineItem") -> bool:
    """Whether it is switched on. Asked twice before it is said not to be: False is also what a call that fails says."""
    return bool(item.GetClipEnabled() or item.GetClipEnabled())


def left_offset(item: "TimelineItem") -> Optional[int]:
    """How many frames of the media lie before the item; None where it is not known or no whole number."""
    return whole_or_none(untyped(item).GetLeftOffset())


def subfolders(folder: "Folder") -> "List[Folder]":
    """Bins directly in this one."""
    return [found for found in folder.GetSubFolderList() or [] if found]


def clips(folder: "Folder") -> "List[MediaPoolItem]":
    """Media directly in this bin."""
    return [found for found in folder.GetClipList() or [] if found]


def properties(media: "MediaPoolItem") -> Dict[str, Any]:
    """All that Resolve says of a piece of media; empty where it says nothing."""
    found = untyped(media).GetClipProperty()
    return dict(found) if isinstance(found, dict) else {}


def add_track(timeline: "Timeline", kind: "TrackType", index: Optional[int]) -> None:
    """Ask for a track above all others, or at an index (from 19.0 on). Whether it came has to be read back."""
    options: Dict[str, Any] = {"audioType": "stereo"} if kind == AUDIO else {}
    if index is not None:
        options["index"] = index
        untyped(timeline).AddTrack(kind, options)
    elif kind == AUDIO:
        untyped(timeline).AddTrack(kind, "stereo")
    else:
        untyped(timeline).AddTrack(kind)


def append(pool: "MediaPool", info: Dict[str, Any]) -> List[str]:
    """Ask for one piece on the open timeline. What came of it has to be read back: the answer itself says little.

    Answers with the ids that Resolve gives, for the case that they lie where nobody has asked for them.
    """
    came = [item for item in untyped(pool).AppendToTimeline([info]) or [] if item]
    return [known for known in map(identity, came) if known]
