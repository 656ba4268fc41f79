"""``edit``: the open timeline, as Resolve says it and as it exports it."""

import os
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, Optional

from . import api, keeping
from .refused import FAILED, NOTHING_OPEN, Refused, refused_by_resolve
from .requests import Json

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Project, Resolve, Timeline, TimelineItem
    from fusionscript.fusionscript import TrackType

Found = Dict[str, Json]
"""What was said of media already, by id: the same film lies on a timeline many times."""


def project(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``project``. Raises Refused where none is open."""
    return _project(api.open_project(resolve))


def edit(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``edit``. Raises Refused where no timeline is open or Resolve does not export it."""
    opened = api.open_project(resolve, arguments.get("project") or "")
    if not arguments.get("timeline"):
        return _read(resolve, opened, _current_timeline(opened), arguments.get("otio"))
    with keeping.as_it_was(resolve, opened):
        return _read(resolve, opened, keeping.current(opened, arguments["timeline"]), arguments.get("otio"))


def _current_timeline(project: "Project") -> "Timeline":
    timeline = project.GetCurrentTimeline()
    if not timeline:
        raise Refused(NOTHING_OPEN, "no timeline is open in Resolve", api.text(project.GetName()), "open one")
    return timeline


def _project(opened: "Project") -> Json:
    return {"id": api.identity(opened), "name": api.text(opened.GetName())}


def _read(resolve: "Resolve", opened: "Project", timeline: "Timeline", otio: Optional[str]) -> Json:
    if otio:
        export(resolve, timeline, otio)
    media: Found = {}
    video = _tracks(timeline, api.VIDEO, media)
    return {
        "project": _project(opened),
        "timeline": _timeline(timeline),
        "page": api.text(resolve.GetCurrentPage()),
        "video": video,
        "audio": _tracks(timeline, api.AUDIO, media),
        "selected": _selected(timeline, video),
        "marks": _marks(timeline),
        "current": _current(timeline, video),
    }


def export(resolve: "Resolve", timeline: "Timeline", path: str) -> None:
    """Write the timeline as OTIO. An older file of the name goes first: it must not be taken for this one."""
    if not api.has(resolve, "EXPORT_OTIO"):
        said = ".".join(str(part) for part in api.version(resolve))
        raise Refused(FAILED, "this Resolve cannot export OTIO", said, "use Resolve 18.5 or later")
    if os.path.exists(path):
        os.remove(path)
    done = timeline.Export(path, resolve.EXPORT_OTIO, resolve.EXPORT_NONE)
    if not done or not os.path.isfile(path) or not os.path.getsize(path):
        raise refused_by_resolve("Resolve does not export the timeline", api.text(timeline.GetName()))


def _timeline(timeline: "Timeline") -> Json:
    name = api.text(timeline.GetName())
    return {
        "id": api.identity(timeline),
        "name": name,
        "start": api.whole(timeline.GetStartFrame(), "where the timeline starts", name),
        "end": api.whole(timeline.GetEndFrame(), "where the timeline ends", name),
        "rate": api.text(timeline.GetSetting("timelineFrameRate")),
        "start_timecode": api.text(timeline.GetStartTimecode()),
        "width": api.whole(timeline.GetSetting("timelineResolutionWidth"), "how wide the timeline is", name),
        "height": api.whole(timeline.GetSetting("timelineResolutionHeight"), "how high the timeline is", name),
    }


def _tracks(timeline: "Timeline", kind: "TrackType", media: Found) -> List[Json]:
    return [_track(timeline, kind, index + 1, media) for index in range(api.track_count(timeline, kind))]


def _track(timeline: "Timeline", kind: "TrackType", index: int, media: Found) -> Json:
    found = api.items(timeline, kind, index)
    methods: FrozenSet[str] = frozenset(dir(found[0])) if found else frozenset()
    return {
        "index": index,
        "name": api.text(timeline.GetTrackName(kind, index)),
        "locked": bool(timeline.GetIsTrackLocked(kind, index)),
        "enabled": bool(timeline.GetIsTrackEnabled(kind, index)),
        "items": [_item(item, methods, media) for item in found],
    }


def _item(item: "TimelineItem", methods: FrozenSet[str], media: Found) -> Json:
    """One item. ``methods`` is what this version has, asked once a track: to ask is slow, and there are many items."""
    name = api.text(item.GetName())
    of = item.GetMediaPoolItem() or None
    return {
        "id": api.identity(item),
        "name": name,
        "start": api.whole(api.start(item), "where a clip starts", name),
        "duration": api.whole(api.duration(item), "how long a clip is", name),
        "enabled": api.enabled(item),
        "colour": api.text(item.GetClipColor()),
        "type": api.text(api.untyped(item).GetType()) or None if "GetType" in methods else None,
        "takes": api.whole_or_none(item.GetTakesCount()) or 0,
        "speed": _speed(item) if "GetSpeed" in methods else None,
        "source_start": source_start(item) if "GetSourceStartFrame" in methods else None,
        "source_seconds": source_seconds(item) if "GetSourceEndTime" in methods else None,
        "left_offset": api.left_offset(item),
        "media": _media(of, media) if of else None,
    }


def _speed(item: "TimelineItem") -> Optional[float]:
    said = api.call(item, "GetSpeed")
    return api.number(said.get("Percentage")) if isinstance(said, dict) else None


def source_start(item: "TimelineItem") -> Optional[int]:
    """First frame shown, counted from the media's first at its own rate; None before Resolve 19."""
    return api.whole_or_none(api.call(item, "GetSourceStartFrame"))


def source_seconds(item: "TimelineItem") -> Optional[float]:
    """Seconds of media shown; None before Resolve 19. Only the difference of the two times is known to be right."""
    first, last = (api.number(api.call(item, name)) for name in ("GetSourceStartTime", "GetSourceEndTime"))
    return last - first if first is not None and last is not None else None


def _media(media: "MediaPoolItem", found: Found) -> Json:
    known = api.identity(media)
    if known not in found:
        said = api.properties(media)
        found[known] = {
            "id": known,
            "name": api.text(media.GetName()),
            "path": api.text(said.get("File Path")),
            "type": api.text(said.get("Type")),
            "fps": api.text(said.get("FPS")),
            "frames": api.text(said.get("Frames")),
            "start_timecode": api.text(said.get("Start TC")),
            "status": api.text(said.get("Online Status")),
        }
    return found[known]


def _selected(timeline: "Timeline", video: List[Json]) -> Optional[List[str]]:
    """Ids of the selected video items: linked sound may be among what Resolve gives."""
    if not api.has(timeline, "GetSelectedClips"):
        return None
    shown = _ids(video)
    chosen = [api.identity(item) for item in api.call(timeline, "GetSelectedClips") or []]
    return [item for item in chosen if item in shown]


def _marks(timeline: "Timeline") -> Optional[Dict[str, Optional[int]]]:
    said = api.call(timeline, "GetMarkInOut")
    video = said.get("video") if isinstance(said, dict) else None
    if not isinstance(video, dict):
        return None
    marks = {name: api.whole_or_none(video.get(name)) for name in ("in", "out")}
    return marks if any(mark is not None for mark in marks.values()) else None


def _current(timeline: "Timeline", video: List[Json]) -> Optional[str]:
    found = api.identity(timeline.GetCurrentVideoItem())
    return found if found in _ids(video) else None


def _ids(tracks: List[Json]) -> FrozenSet[Any]:
    return frozenset(item["id"] for track in tracks for item in track["items"])


def save(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``save``."""
    api.open_project(resolve)
    return {"saved": saved(resolve)}


def saved(resolve: "Resolve") -> bool:
    """Save the open project; whether Resolve says that it did."""
    manager = resolve.GetProjectManager()
    return bool(manager) and bool(manager.SaveProject())
