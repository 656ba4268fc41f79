"""`Timeline`: tracks, listing, marks, deleting, export."""

import os
import re
from typing import Any, Dict, List, Optional

from . import otio_out
from .api_markers import Marked
from .api_media import marks_of
from .handles import Api, Refusal, method, number, records_of, text
from .model import TRACK_TYPES, Item, Track
from .rates import frames_of, timecode_of
from .settings import TimelineSettings
from .unmodelled import TIMELINE, unmodelled

TIMELINE_PAGES = ("cut", "edit", "color", "fairlight", "deliver")
SUB_TYPES = ("mono", "stereo", "lrc", "lcr", "lrcs", "lcrs", "quad")
SURROUND = tuple(kind + film for kind in ("5.0", "5.1", "7.0", "7.1") for film in ("", "film"))
ADAPTIVE = tuple("adaptive{}".format(count) for count in range(1, 37))


class Tracks(Api):
    """The tracks of a timeline."""

    @method()
    def GetTrackCount(self, trackType: Any) -> int:
        return len(self.model.tracks.get(text(trackType), []))

    @method("bool")
    def AddTrack(self, trackType: Any, subTrackType: Any = None) -> bool:
        options = {"audioType": subTrackType} if isinstance(subTrackType, str) else subTrackType or {}
        if trackType not in TRACK_TYPES or not isinstance(options, dict):
            return False
        if isinstance(subTrackType, dict) and not self.has((19,)):
            return False
        kind = options.get("audioType") or "mono"
        if trackType == "audio" and kind not in SUB_TYPES + SURROUND + ADAPTIVE:
            return False
        tracks: List[Track] = self.model.tracks[trackType]
        index = options.get("index")
        inside = isinstance(index, int) and not isinstance(index, bool) and 1 <= index <= len(tracks)
        made = Track(default_name(trackType, len(tracks) + 1), kind if trackType == "audio" else "")
        tracks.insert(int(index or 1) - 1 if inside else len(tracks), made)
        self.renumber(trackType)
        return True

    @method("bool")
    def DeleteTrack(self, trackType: Any, trackIndex: Any) -> bool:
        track = self.track(trackType, trackIndex)
        self.model.tracks[trackType].remove(track)
        self.renumber(trackType)
        return True

    def renumber(self, kind: str) -> None:
        """Default names may count from the bottom, whatever was put in between."""
        for index, track in enumerate(self.model.tracks[kind], 1):
            if self.double.faults.track_names_renumber and re.match(kind.capitalize() + r" \d+$", track.name):
                track.name = default_name(kind, index)

    @method(since=(19,))
    def GetTrackSubType(self, trackType: Any, trackIndex: Any) -> str:
        return self.track(trackType, trackIndex).audio_type

    @method()
    def GetTrackName(self, trackType: Any, trackIndex: Any) -> str:
        return self.track(trackType, trackIndex).name

    @method("bool")
    def SetTrackName(self, trackType: Any, trackIndex: Any, name: Any) -> bool:
        self.track(trackType, trackIndex).name = text(name)
        return True

    @method("bool")
    def SetTrackEnable(self, trackType: Any, trackIndex: Any, Bool: Any) -> bool:
        self.track(trackType, trackIndex).enabled = bool(Bool)
        return True

    @method("bool")
    def GetIsTrackEnabled(self, trackType: Any, trackIndex: Any) -> bool:
        return self.track(trackType, trackIndex).enabled

    @method("bool")
    def SetTrackLock(self, trackType: Any, trackIndex: Any, Bool: Any) -> bool:
        self.track(trackType, trackIndex).locked = bool(Bool)
        return True

    @method("bool")
    def GetIsTrackLocked(self, trackType: Any, trackIndex: Any) -> bool:
        return self.track(trackType, trackIndex).locked

    @method("list")
    def GetItemListInTrack(self, trackType: Any, index: Any) -> List[Any]:
        return [self.double.handle(item) for item in self.track(trackType, index).items]

    def track(self, kind: object, index: object) -> Track:
        """A track. Raises Refusal."""
        whole = int(index) if isinstance(index, float) and index == int(index) else index
        track: Optional[Track] = self.model.track(kind, whole)
        if track is None:
            raise Refusal("no such track")
        return track


@unmodelled(TIMELINE)
class TimelineApi(TimelineSettings, Marked, Tracks):
    """A timeline."""

    kind = "Timeline"

    def present(self) -> bool:
        """Whether the project still has it."""
        return self.model in self.double.project.timelines

    @method()
    def GetName(self) -> str:
        return str(self.model.name)

    @method("bool")
    def SetName(self, timelineName: Any) -> bool:
        if not text(timelineName) or self.double.named_timeline(timelineName):
            return False
        self.double.rename_timeline(self.model, timelineName)
        return True

    @method()
    def GetUniqueId(self) -> str:
        return str(self.model.id)

    @method()
    def GetStartFrame(self) -> int:
        return int(self.model.start)

    @method()
    def GetEndFrame(self) -> int:
        return int(self.model.start + self.model.duration)

    @method()
    def GetStartTimecode(self) -> str:
        return str(self.model.start_timecode)

    @method("bool")
    def SetStartTimecode(self, timecode: Any) -> bool:
        try:
            frame = frames_of(text(timecode), self.model.rate)
        except ValueError:
            return False
        self.model.start_timecode = timecode_of(frame, self.model.rate, self.model.drop)
        return True

    @method()
    def GetCurrentTimecode(self) -> Optional[str]:
        if self.double.page not in TIMELINE_PAGES:
            return None
        model = self.model
        return timecode_of(model.start + model.playhead, model.rate, model.drop)

    @method("bool")
    def SetCurrentTimecode(self, timecode: Any) -> bool:
        if self.double.page not in TIMELINE_PAGES:
            return False
        try:
            self.model.playhead = frames_of(text(timecode), self.model.rate) - self.model.start
        except ValueError:
            return False
        return True

    @method()
    def GetCurrentVideoItem(self) -> Any:
        if self.double.page not in TIMELINE_PAGES:
            return None
        for track in reversed([track for track in self.model.tracks["video"] if track.enabled]):
            for item in track.items:
                if item.kind != "transition" and item.start <= self.model.playhead < item.end:
                    return self.double.handle(item)
        return None

    @method("list", since=(21, 0, 4))
    def GetSelectedClips(self) -> List[Any]:
        model, faults = self.model, self.double.faults
        chosen = [item for _, _, item in model.items() if item.id in model.selected]
        links = [item.link for item in chosen if item.link]
        if not faults.selection_without_audio:
            chosen = [item for _, _, item in model.items() if item in chosen or item.link in links]
        if faults.selected_backwards:
            chosen.reverse()
        return [self.double.handle(item) for item in chosen]

    @method("dict", since=(19, 1))
    def GetMarkInOut(self) -> Dict[str, Dict[str, int]]:
        out = self.model.mark_out
        exclusive = self.double.faults.mark_out_exclusive and out is not None
        return marks_of(self.model.mark_in, out + 1 if exclusive else out)

    @method("bool", since=(19, 1))
    def SetMarkInOut(self, mark_in: Any, mark_out: Any, type: Any = "all") -> bool:
        if not 0 <= number(mark_in) <= number(mark_out):
            return False
        self.model.mark_in = int(mark_in)
        self.model.mark_out = int(mark_out) - self.double.faults.mark_out_exclusive
        return True

    @method("bool", since=(19, 1))
    def ClearMarkInOut(self, type: Any = "all") -> bool:
        self.model.mark_in = self.model.mark_out = None
        return True

    @method(since=(19, 1))
    def GetMediaPoolItem(self) -> Any:
        found = [media for media in self.double.project.media if media.timeline == self.model.id]
        return self.double.handle(found[0]) if found else None

    @method("bool")
    def DeleteClips(self, timelineItems: Any, Bool: Any = False) -> bool:
        gone = self.own(timelineItems)
        if self.double.page == "fairlight":
            return False
        tracks = [track for tracks in self.model.tracks.values() for track in tracks]
        if any(track.locked and item in track.items for track in tracks for item in gone):
            return False
        if self.double.faults.take("delete_misses"):
            return True
        for track in tracks:
            delete(track, [item for item in track.items if item in gone], bool(Bool))
        return True

    @method("bool")
    def SetClipsLinked(self, timelineItems: Any, Bool: Any) -> bool:
        items = self.own(timelineItems)
        link = self.double.link(items) if Bool else 0
        for item in items:
            item.link = link
        return True

    def own(self, handles: object) -> List[Item]:
        """Items of this timeline. Raises Refusal."""
        items: List[Item] = records_of(handles, "TimelineItem")
        if any(self.model.find(item.id) is None for item in items):
            raise Refusal("not of this timeline")
        return items

    @method()
    def DuplicateTimeline(self, timelineName: Any = None) -> Any:
        copy = self.double.copy_timeline(self.model, timelineName or self.model.name + " copy")
        return None if copy is None else self.double.handle(copy)

    @method("bool")
    def Export(self, fileName: Any, exportType: Any, exportSubtype: Any = None) -> bool:
        path, constants = text(fileName), self.double.constants()
        known = {constants[name]: name for name in constants if name.startswith("EXPORT_")}
        if not isinstance(exportType, float) or exportType not in known:
            return False
        if not os.path.isdir(os.path.dirname(path) or "."):
            return False
        if self.double.faults.export_writes_nothing:
            return True
        return otio_out.export(self.double, self.model, path, known[exportType])


def default_name(kind: str, index: int) -> str:
    """What a track is called that no one has named."""
    return "{} {}".format(kind.capitalize(), index)


def delete(track: Track, gone: List[Item], ripple: bool) -> None:
    """Take items off a track, and transitions that hang on them; linked sound stays where it is."""
    cuts = [edge for item in gone for edge in (item.start, item.end)]
    track.items = [
        item
        for item in track.items
        if item not in gone and not (item.kind == "transition" and item.start + item.in_offset in cuts)
    ]
    for hole in reversed(gone if ripple else []):
        for item in track.items:
            item.start -= hole.duration if item.start >= hole.end else 0
