"""What a project of Resolve holds. Records name each other by id, so that everything can be kept as JSON."""

import os
from fractions import Fraction
from typing import Any, Dict, List, Optional, Tuple

from .rates import frames_of, rate_of, short, timecode_of
from .records import Record

WITHOUT_MEDIA = ("title", "generator", "transition", "adjustment")
TRACK_TYPES = ("video", "audio", "subtitle")


class Marker(Record):
    """A marker; its frame is relative to what it sits on."""

    def __init__(self, frame: float, color: str, name: str, note: str, duration: float, custom: str) -> None:
        self.frame = frame
        self.color = color
        self.name = name
        self.note = note
        self.duration = duration
        self.custom = custom


class Folder(Record):
    """A bin of the media pool."""

    def __init__(self, identity: str, name: str, parent: str) -> None:
        self.id = identity
        self.name = name
        self.parent = parent


class Media(Record):
    """A clip of the media pool, or what stands for a timeline in it."""

    def __init__(self, identity: str, path: str, frames: int, rate: Fraction, folder: str) -> None:
        self.id = identity
        self.path = path
        """As `GetClipProperty("File Path")` says it: of a sequence "dir/name.[1001-1099].exr"."""
        self.name = os.path.basename(path.replace("\\", "/"))
        self.frames = frames
        self.rate = rate
        self.folder = folder
        self.type = "Video"
        self.start_timecode = ""
        self.width = 1920
        self.height = 1080
        self.online = True
        self.sound = False
        self.first_number: Optional[int] = None
        """Number of a sequence's first file; None for anything else."""
        self.padding = 0
        self.pattern = ""
        """The printf pattern of a sequence."""
        self.timeline = ""
        """Id of the timeline that this stands for."""
        self.mark_in: Optional[int] = None
        self.mark_out: Optional[int] = None
        self.markers: List[Marker] = []
        self.flags: List[str] = []
        self.color = ""
        self.properties: Dict[str, str] = {}
        self.metadata: Dict[str, str] = {}
        self.third_party: Dict[str, str] = {}

    @property
    def first_frame(self) -> int:
        """The start timecode as a frame at the media's rate; 0 without one."""
        return frames_of(self.start_timecode, self.rate) if self.start_timecode else 0

    @property
    def is_sequence(self) -> bool:
        """Whether it is an image sequence."""
        return self.first_number is not None

    def timecode(self, frame: int) -> str:
        """Timecode of a frame counted from the media's first."""
        return timecode_of(self.first_frame + frame, self.rate, ";" in self.start_timecode)


class Take(Record):
    """One take of a selector."""

    def __init__(self, media: str, start: Fraction, end: Fraction) -> None:
        self.media = media
        self.start = start
        self.end = end
        self.speed = Fraction(1)
        self.duration = 0
        """Timeline frames that it was laid with; 0: those of the item."""
        self.name = ""
        """What the item was called with it; "": as its media is."""


class Item(Record):
    """What lies on a track."""

    def __init__(self, identity: str, kind: str, name: str, start: int, duration: int) -> None:
        self.id = identity
        self.kind = kind
        """"video", "audio", "title", "generator", "compound", "multicam", "transition" or "adjustment"."""
        self.name = name
        self.start = start
        """Relative to the timeline's first frame."""
        self.duration = duration
        self.media = ""
        self.source_in = Fraction(0)
        """Lowest media frame it shows, counted from the media's first; of a reversed item too."""
        self.source_frames = Fraction(duration)
        """Media frames that it spans."""
        self.speed = Fraction(1)
        """1 is 100 %, negative is reversed, 0 is a freeze frame."""
        self.ramp: List[Any] = []
        """Key frames of a speed ramp, as OTIO writes them."""
        self.enabled = True
        self.color = ""
        self.link = 0
        """Number of its link group; 0: none."""
        self.markers: List[Marker] = []
        self.flags: List[str] = []
        self.properties: Dict[str, Any] = {}
        self.takes: List[Take] = []
        self.take = 0
        self.fade_out = 0
        """Frames of its fade-out."""
        self.in_offset = 0
        self.out_offset = 0
        self.lost = False
        """Whether it vanishes when the project is saved."""

    @property
    def end(self) -> int:
        """The first frame after it."""
        return self.start + self.duration


class Track(Record):
    """A track; its items in the order of time."""

    def __init__(self, name: str, audio_type: str = "") -> None:
        self.name = name
        self.audio_type = audio_type
        self.locked = False
        self.enabled = True
        self.items: List[Item] = []

    def occupied(self, start: int, end: int) -> bool:
        """Whether anything lies between the two frames; transitions take no place."""
        return any(item.start < end and start < item.end for item in self.items if item.kind != "transition")

    def put(self, item: Item) -> None:
        """Lay an item; the caller sees to it that the place is free."""
        self.items.append(item)
        self.items.sort(key=lambda lying: (lying.start, lying.kind == "transition"))


class Timeline(Record):
    """A timeline."""

    def __init__(self, identity: str, name: str, rate: str, start_timecode: str) -> None:
        self.id = identity
        self.name = name
        self.rate_text = rate
        self.start_timecode = start_timecode
        self.tracks: Dict[str, List[Track]] = {"video": [Track("Video 1")], "audio": [], "subtitle": []}
        self.tracks["audio"].append(Track("Audio 1", "stereo"))
        self.settings: Dict[str, str] = {}
        self.custom = False
        """Whether it has settings of its own (`useCustomSettings`)."""
        self.markers: List[Marker] = []
        self.mark_in: Optional[int] = None
        """Relative to the first frame; `mark_out` is the last frame that is meant."""
        self.mark_out: Optional[int] = None
        self.selected: List[str] = []
        self.playhead = 0

    @property
    def rate(self) -> Fraction:
        """Exact."""
        return rate_of(self.rate_text)[0]

    @property
    def drop(self) -> bool:
        """Whether its timecode drops frame numbers."""
        return rate_of(self.rate_text)[1]

    @property
    def start(self) -> int:
        """Number of its first frame."""
        return frames_of(self.start_timecode, self.rate)

    @property
    def duration(self) -> int:
        """Frames until its last item ends."""
        return max([item.end for _, _, item in self.items()] or [0])

    @property
    def empty(self) -> bool:
        """Whether nothing lies on it."""
        return not any(track.items for tracks in self.tracks.values() for track in tracks)

    def items(self) -> List[Tuple[str, int, Item]]:
        """(track type, track index from 1, item), video first, bottom-up."""
        return [
            (kind, index, item)
            for kind in TRACK_TYPES
            for index, track in enumerate(self.tracks[kind], 1)
            for item in track.items
        ]

    def find(self, identity: str) -> Optional[Tuple[str, int, Item]]:
        """Where an item lies."""
        return next((found for found in self.items() if found[2].id == identity), None)

    def track(self, kind: object, index: object) -> Optional[Track]:
        """A track by type and index from 1."""
        if kind not in TRACK_TYPES or not isinstance(index, int) or isinstance(index, bool):
            return None
        tracks = self.tracks[str(kind)]
        return tracks[index - 1] if 1 <= index <= len(tracks) else None


class Project(Record):
    """A project."""

    def __init__(self, identity: str, name: str, rate: str, width: int, height: int, root: Folder) -> None:
        self.id = identity
        self.name = name
        self.settings = {
            "timelineFrameRate": rate,
            "timelinePlaybackFrameRate": rate,
            "timelineResolutionWidth": str(width),
            "timelineResolutionHeight": str(height),
            "timelineOutputResolutionWidth": str(width),
            "timelineOutputResolutionHeight": str(height),
            "timelineOutputResMatchTimelineRes": "1",
            "timelineInputResMismatchBehavior": "scaleToFit",
            "timelineFrameRateMismatchBehavior": "resolve",
            "superScale": "1",
            "nodeStackLayers": "1",
            "colorScienceMode": "davinciYRGB",
        }
        self.folders: List[Folder] = [root]
        self.current_folder = root.id
        self.media: List[Media] = []
        self.selected_media: List[str] = []
        self.timelines: List[Timeline] = []
        self.current_timeline = ""
        self.next_link = 1

    @property
    def rate(self) -> Fraction:
        """Exact."""
        return rate_of(self.settings["timelineFrameRate"])[0]

    def timeline(self) -> Optional[Timeline]:
        """The open timeline."""
        return next((one for one in self.timelines if one.id == self.current_timeline), None)

    def media_of(self, identity: str) -> Optional[Media]:
        """A clip of the media pool by id."""
        return next((one for one in self.media if one.id == identity), None)

    def used(self, media: Media) -> int:
        """Items that show it, in all timelines."""
        return sum(item.media == media.id for timeline in self.timelines for _, _, item in timeline.items())


def media_span(timeline: Timeline, media: Media, duration: int, speed: Fraction) -> Fraction:
    """Media frames that so many timeline frames span at a speed."""
    return duration * media.rate / timeline.rate * abs(speed)


def placed_duration(timeline: Timeline, media: Media, span: Fraction) -> int:
    """Timeline frames that an append of so many media frames takes: rounded down, whence gaps of a frame."""
    return int(span * timeline.rate / media.rate)


def left_offset(timeline: Timeline, media: Media, item: Item) -> Fraction:
    """The in-point in the record side's domain: timeline frames, and those of the retimed clip."""
    speed = abs(item.speed) or Fraction(1)
    return item.source_in * timeline.rate / media.rate / speed


def describe_rate(rate: Fraction, as_text: bool) -> Any:
    """A rate as clip properties and settings say it, by version."""
    return short(rate) if as_text else float(short(rate))


def default_timecode(rate_text: str) -> str:
    """01:00:00:00, written as that rate writes it."""
    rate, drop = rate_of(rate_text)
    return timecode_of(frames_of("01:00:00" + (";00" if drop else ":00"), rate), rate, drop)
