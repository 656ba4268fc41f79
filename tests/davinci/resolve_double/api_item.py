"""`TimelineItem`: times in their several domains, properties, takes."""

import math
from fractions import Fraction
from typing import Any, Dict, List, Optional, Tuple, Union

from .api_markers import Coloured, Marked
from .handles import Refusal, method, number, record_of, text
from .model import WITHOUT_MEDIA, Item, Media, Take, Timeline, left_offset, media_span, placed_duration
from .unmodelled import TIMELINE_ITEM, unmodelled

PROPERTIES = {
    "Pan": 0.0,
    "Tilt": 0.0,
    "ZoomX": 1.0,
    "ZoomY": 1.0,
    "ZoomGang": True,
    "RotationAngle": 0.0,
    "AnchorPointX": 0.0,
    "AnchorPointY": 0.0,
    "Pitch": 0.0,
    "Yaw": 0.0,
    "FlipX": False,
    "FlipY": False,
    "CropLeft": 0.0,
    "CropRight": 0.0,
    "CropTop": 0.0,
    "CropBottom": 0.0,
    "CropSoftness": 0.0,
    "CropRetain": False,
    "CompositeMode": 0,
    "Opacity": 100.0,
    "Distortion": 0.0,
    "RetimeProcess": 0,
    "MotionEstimation": 0,
    "Scaling": 0,
    "ResizeFilter": 0,
}
TYPES = {"audio": "audio", "title": "generator", "generator": "generator", "transition": "transition"}
"""What `GetType` says of each kind; of any other "video"."""
Frames = Union[int, float]


@unmodelled(TIMELINE_ITEM)
class TimelineItem(Coloured, Marked):
    """An item of a track."""

    kind = "TimelineItem"

    def present(self) -> bool:
        """Whether some timeline still has the item."""
        return self.double.timeline_of(self.model) is not None

    @property
    def timeline(self) -> Timeline:
        """Where it lies."""
        timeline = self.double.timeline_of(self.model)
        if timeline is None:
            raise Refusal("the item is gone")
        return timeline

    @property
    def media(self) -> Optional[Media]:
        """What it shows."""
        return self.double.project.media_of(self.model.media)

    @method()
    def GetName(self) -> str:
        return str(self.model.name)

    @method("bool", since=(20, 2))
    def SetName(self, name: Any) -> bool:
        self.model.name = text(name)
        return True

    @method()
    def GetUniqueId(self) -> str:
        return str(self.model.id)

    @method()
    def GetStart(self, subframe_precision: Any = False) -> Frames:
        return self.frames(Fraction(self.timeline.start + self.model.start), subframe_precision)

    @method()
    def GetEnd(self, subframe_precision: Any = False) -> Frames:
        return self.frames(Fraction(self.timeline.start + self.model.end), subframe_precision)

    @method()
    def GetDuration(self, subframe_precision: Any = False) -> Frames:
        return self.frames(Fraction(self.model.duration), subframe_precision)

    @method()
    def GetLeftOffset(self, subframe_precision: Any = False) -> Frames:
        return self.frames(self.left(), subframe_precision)

    @method()
    def GetRightOffset(self, subframe_precision: Any = False) -> Frames:
        right = self.left() + self.model.duration
        media = self.media
        if self.has((20,)) and media is not None:
            speed = abs(self.model.speed) or Fraction(1)
            right = media.frames * self.timeline.rate / media.rate / speed - right
        return self.frames(right, subframe_precision)

    def left(self) -> Fraction:
        """The in-point in the record side's domain."""
        media = self.media
        return Fraction(0) if media is None else left_offset(self.timeline, media, self.model)

    def frames(self, value: Fraction, precise: object) -> Frames:
        """Whole frames, or from 19.1 on fractions where they are asked for."""
        return float(value) if precise and self.has((19, 1)) else math.floor(value)

    @method(since=(19,))
    def GetSourceStartFrame(self) -> int:
        first, last = self.source_frames()
        return (last if self.model.speed < 0 else first) + self.double.faults.source_start_off_by

    @method(since=(19,))
    def GetSourceEndFrame(self) -> int:
        first, last = self.source_frames()
        return first if self.model.speed < 0 else last

    def source_frames(self) -> Tuple[int, int]:
        """First and end frame at the media's rate; the end is the last frame itself where the rates differ."""
        media = self.media
        if media is None:
            return 0, 0
        end = math.ceil(self.model.source_in + self.model.source_frames)
        return math.floor(self.model.source_in), end - (media.rate != self.timeline.rate)

    @method(since=(19,))
    def GetSourceStartTime(self) -> float:
        return self.source_seconds(self.model.speed < 0)

    @method(since=(19,))
    def GetSourceEndTime(self) -> float:
        return self.source_seconds(self.model.speed >= 0)

    def source_seconds(self, end: bool) -> float:
        """Seconds since timecode zero."""
        media = self.media
        if media is None:
            return 0.0
        frame = self.model.source_in + (self.model.source_frames if end else 0)
        return float((media.first_frame + frame) / media.rate)

    @method()
    def GetMediaPoolItem(self) -> Any:
        media = self.media
        return None if media is None or self.model.kind in WITHOUT_MEDIA else self.double.handle(media)

    @method("list", since=(19,))
    def GetTrackTypeAndIndex(self) -> List[Any]:
        kind, index, _ = self.timeline.find(self.model.id) or ("", 0, None)
        return [kind, index]

    @method("list", since=(19,))
    def GetLinkedItems(self) -> List[Any]:
        return [self.double.handle(item) for item in self.linked()]

    def linked(self) -> List[Item]:
        """The other items of its link group."""
        items = [item for _, _, item in self.timeline.items()]
        return [item for item in items if self.model.link and item.link == self.model.link and item is not self.model]

    @method(since=(21, 1))
    def GetType(self) -> str:
        return TYPES.get(self.model.kind, "video")

    @method("dict", since=(21, 1))
    def GetSpeed(self) -> Dict[str, Any]:
        return {"Percentage": float(self.model.speed * 100), "PitchCorrection": False}

    @method("bool")
    def SetClipEnabled(self, Bool: Any) -> bool:
        self.model.enabled = bool(Bool)
        return True

    @method("bool")
    def GetClipEnabled(self) -> bool:
        return bool(self.model.enabled)

    @method("bool")
    def SetProperty(self, propertyKey: Any, propertyValue: Any) -> bool:
        if propertyKey not in PROPERTIES or self.model.kind == "transition":
            return False
        self.model.properties[propertyKey] = propertyValue
        return True

    @method("dict")
    def GetProperty(self, propertyKey: Any = None) -> Any:
        values = {} if self.model.kind in ("transition", "audio") else dict(PROPERTIES, **self.model.properties)
        return values if propertyKey is None else values.get(propertyKey)

    @method("bool")
    def AddTake(self, mediaPoolItem: Any, startFrame: Any = None, endFrame: Any = None) -> bool:
        media = record_of(mediaPoolItem, "MediaPoolItem")
        if self.media is None or self.model.kind != "video" or media.timeline:
            return False
        start = Fraction(0 if startFrame is None else number(startFrame))
        end = Fraction(media.frames if endFrame is None else number(endFrame))
        if not 0 <= start < end:
            return False
        if not self.model.takes:
            self.model.takes, self.model.take = [first_take(self.model)], 1
        self.model.takes.append(Take(media.id, start, min(end, Fraction(media.frames))))
        return self.show_take(len(self.model.takes)) if self.double.faults.add_take_selects else True

    @method()
    def GetTakesCount(self) -> int:
        return len(self.model.takes)

    @method()
    def GetSelectedTakeIndex(self) -> int:
        return int(self.model.take)

    @method("dict")
    def GetTakeByIndex(self, idx: Any) -> Dict[str, Any]:
        take = self.take_at(idx)
        media = self.double.project.media_of(take.media)
        handle = None if media is None else self.double.handle(media)
        return {"startFrame": int(take.start), "endFrame": int(take.end), "mediaPoolItem": handle}

    @method("bool")
    def SelectTakeByIndex(self, idx: Any) -> bool:
        self.take_at(idx)
        return self.show_take(int(idx))

    @method("bool")
    def DeleteTakeByIndex(self, idx: Any) -> bool:
        take = self.take_at(idx)
        if len(self.model.takes) == 1:
            return False
        self.model.takes.remove(take)
        return self.show_take(1 if self.model.take == idx else self.model.take - (self.model.take > idx))

    @method("bool")
    def FinalizeTake(self) -> bool:
        if not self.model.takes:
            return False
        self.model.takes, self.model.take = [], 0
        return True

    def take_at(self, index: object) -> Take:
        """A take by index from 1. Raises Refusal."""
        if not 1 <= number(index) <= len(self.model.takes):
            raise Refusal("no such take")
        take: Take = self.model.takes[int(number(index)) - 1]
        return take

    def show_take(self, index: int) -> bool:
        """Swap the source in place; grade, transform and place stay."""
        take, item, faults = self.take_at(index), self.model, self.double.faults
        media = self.double.project.media_of(take.media)
        if media is None:
            return False
        item.take, item.media, item.name = index, media.id, take.name or media.name
        item.source_in, item.source_frames = take.start, take.end - take.start
        item.speed = item.speed if faults.take_keeps_speed else take.speed
        if take.duration:
            item.duration = take.duration
        elif faults.take_changes_duration and media.rate != self.timeline.rate:
            item.duration = placed_duration(self.timeline, media, item.source_frames)
        else:
            item.source_frames = media_span(self.timeline, media, item.duration, item.speed)
        return True


def first_take(item: Item) -> Take:
    """The item as it lies, as its selector's first take."""
    take = Take(item.media, item.source_in, item.source_in + item.source_frames)
    take.speed, take.duration, take.name = item.speed, item.duration, item.name
    return take
