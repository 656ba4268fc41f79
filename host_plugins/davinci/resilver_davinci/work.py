"""The timeline that a call works on, and what lies on it."""

from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Optional, Sequence

from . import api, keeping, words
from .refused import OCCUPIED, UNSUPPORTED, Refused
from .requests import Clip, Place

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Resolve, Timeline, TimelineItem
    from fusionscript.fusionscript import TrackType


class Work(NamedTuple):
    """Handles of one call. The timeline's goes stale when the project changes: ``fresh`` then."""

    resolve: "Resolve"
    project: "Project"
    pool: "MediaPool"
    timeline: "Timeline"
    timeline_id: str

    def fresh(self) -> "Work":
        """The same with a handle of the timeline as it is now. Raises Refused where it is gone."""
        return self._replace(timeline=keeping.current(self.project, self.timeline_id))

    def is_open(self) -> bool:
        """Whether the timeline is the open one now: people go on working in Resolve, and what is appended lands on
        whichever is open."""
        return api.identity(self.project.GetCurrentTimeline()) == self.timeline_id

    def gone(self) -> bool:
        """Whether the timeline was deleted: then nothing can be left on it. Raises Refused where that is not known."""
        return api.is_gone(self.project, self.timeline_id)


class Lying(NamedTuple):
    """Something on a track."""

    item: "TimelineItem"
    id: str
    place: Place


def on(resolve: "Resolve", project: "Project", timeline: str) -> Work:
    """Open a timeline, by id, on the edit page. Raises Refused."""
    keeping.edit_page(resolve)
    return Work(resolve, project, api.media_pool(project), keeping.current(project, timeline), timeline)


def lying(timeline: "Timeline", kind: "TrackType", track: int) -> Iterator[Lying]:
    """What is on a track and says where, transitions too."""
    for item in api.items(timeline, kind, track):
        found = lies(item, track)
        if found:
            yield found


def lies(item: "TimelineItem", track: int) -> Optional[Lying]:
    """Where an item of this track lies; None where it does not say."""
    start, duration = api.start(item), api.duration(item)
    if start is None or duration is None:
        return None
    return Lying(item, api.identity(item), Place(track, start, duration))


def looked_for(timeline: "Timeline", kind: "TrackType", wanted: Sequence[str]) -> Dict[str, Lying]:
    """All that takes a place on the tracks of a kind, by id. Where some that are wanted are not among it, it is looked
    once more: a listing that fails looks like an empty track."""
    found = everything(timeline, kind)
    if not all(one in found for one in wanted):
        found.update(everything(timeline, kind))
    return found


def is_transition(item: "TimelineItem") -> bool:
    """21.1 says it. Before, a transition is what has neither media nor a single property."""
    if api.has(item, "GetType"):
        return bool(api.call(item, "GetType") == "transition")
    return not item.GetMediaPoolItem() and not api.untyped(item).GetProperty()


def everything(timeline: "Timeline", kind: "TrackType") -> Dict[str, Lying]:
    """All that takes a place on the tracks of a kind, by id. Transitions do not: they lie over their clips."""
    tracks = range(1, api.track_count(timeline, kind) + 1)
    found = [one for track in tracks for one in lying(timeline, kind, track)]
    return {one.id: one for one in found if not is_transition(one.item)}


def original(timeline: "Timeline", found: Dict[str, Lying], clip: Clip) -> Lying:
    """The clip that was restored. Raises Refused where it does not lie any more where it lay then."""
    there = found.get(clip.original)
    if there is None:
        what = "the clip that was restored is no longer on the timeline"
        raise Refused(UNSUPPORTED, what, clip.name, "undo its deletion, or restore it again as it is now")
    wanted = clip.original_place
    if wanted is not None and there.place != wanted:
        what = "the clip that was restored has been changed since: it lay on {}, {} frames long, and now lies on {}, {}"
        now, then = words.at(timeline, there.place), words.at(timeline, wanted)
        what = what.format(then, wanted.duration, now, there.place.duration)
        raise Refused(UNSUPPORTED, what, clip.name, "put it back, or restore it again as it is now")
    return there


def occupied(timeline: "Timeline", clip: str, place: Place, by: str) -> Refused:
    """The error that says what lies in the way."""
    what = '{} is taken by "{}"'.format(words.at(timeline, place), by)
    return Refused(OCCUPIED, what, clip, "choose another track for the restored clips, or make room there")


def with_ids(found: Dict[str, Lying], wanted: Sequence[str]) -> List[Lying]:
    """Those of these ids that lie there."""
    return [found[one] for one in wanted if one in found]
