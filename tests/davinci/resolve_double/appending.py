"""`AppendToTimeline`: where clips land, how long they are there, and how they do not get there."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from .handles import Handle, NullItem, Refusal, number, record_of
from .model import Item, Media, Timeline, Track, placed_duration

if TYPE_CHECKING:
    from .double import Double

FIXED = (20, 3, 2)
"""From here on an append needs no selection in the media pool."""
FLOATS = (19, 1)
STILL_SECONDS = 5


def append(double: "Double", timeline: Timeline, infos: List[Dict[str, Any]]) -> List[Any]:
    """Append clips; the answer is a list of handles, null items and None, or empty."""
    faults = double.faults
    unselected = faults.no_media_selected_append_fails and not double.profile.has(FIXED)
    if unselected and not double.project.selected_media:
        return []
    errored = faults.take("append_error")
    answers = [append_one(double, timeline, info, errored) for info in infos]
    if errored or (all(answer is None for answer in answers) and not faults.refused_as_none):
        return []
    return answers


def append_one(double: "Double", timeline: Timeline, info: Dict[str, Any], errored: bool) -> Optional[Handle]:
    """One clip: a handle, a null item where it was dropped, None where it was refused."""
    try:
        media = record_of(info.get("mediaPoolItem"), "MediaPoolItem")
        kinds = wanted(media, info.get("mediaType"))
        track = writable(timeline, kinds[0], info.get("trackIndex", 1))
        start, end = source(double, media, info)
        place = position(timeline, info.get("recordFrame"))
    except Refusal:
        return None
    duration = length(double, timeline, media, start, end)
    if double.faults.take("drop_appends") or duration < 1 or track.occupied(place, place + duration):
        return Handle(NullItem(double))
    items = [laid(double, media, kind, place, duration, start, end) for kind in kinds]
    track.put(items[0])
    for sound in items[1:]:
        put_sound(double, timeline, [items[0], sound], int(number(info.get("trackIndex", 1))))
    lost = double.faults.take("lose_on_save")
    for item in items:
        item.lost = errored or lost
    return double.handle(items[0])


def wanted(media: Media, media_type: object) -> List[str]:
    """Kinds of item that an append makes: picture, sound, or picture with its sound. Raises Refusal."""
    has = ([] if media.type == "Audio" else ["video"]) + (["audio"] if media.sound or media.type == "Audio" else [])
    if media_type not in (None, 1, 2):
        raise Refusal("no media type")
    kinds = (
        has if media_type is None else [kind for kind in has if kind == ("video", "audio")[int(str(media_type)) - 1]]
    )
    if not kinds:
        raise Refusal("the clip has none of that")
    return kinds


def writable(timeline: Timeline, kind: str, index: object) -> Track:
    """A track that exists and is not locked. Raises Refusal."""
    track = timeline.track(kind, int(number(index)))
    if track is None or track.locked:
        raise Refusal("no track to write on")
    return track


def source(double: "Double", media: Media, info: Dict[str, Any]) -> Tuple[Fraction, Fraction]:
    """Media frames [start, end) that are asked for: those given, the clip's marks, or all of it. Raises Refusal."""
    start, end = Fraction(media.mark_in or 0), Fraction(media.frames)
    if media.mark_out is not None:
        end = Fraction(media.mark_out + 1)
    if media.type == "Still":
        return start, end
    if "startFrame" in info:
        start = frame(double, info["startFrame"])
    if "endFrame" in info:
        end = frame(double, info["endFrame"]) + double.faults.inclusive_end
    if start < 0 or end <= start:
        raise Refusal("no frames")
    return start, min(end, Fraction(media.frames))


def frame(double: "Double", value: object) -> Fraction:
    """A source frame; fractions count from 19.1 on."""
    given = Fraction(number(value))
    return given if double.profile.has(FLOATS) else Fraction(int(given))


def position(timeline: Timeline, record: object) -> int:
    """Frame relative to the timeline's first. `recordFrame` is absolute: a relative one lands an hour before it."""
    return timeline.duration if record is None else int(number(record)) - timeline.start


def length(double: "Double", timeline: Timeline, media: Media, start: Fraction, end: Fraction) -> int:
    """Timeline frames: rounded down where the rates differ; a still takes five seconds."""
    if media.type == "Still":
        marked = media.mark_in is not None and media.mark_out is not None
        return int(end - start) if marked else int(STILL_SECONDS * timeline.rate)
    return placed_duration(timeline, media, end - start) + double.faults.append_off_by


def laid(double: "Double", media: Media, kind: str, place: int, duration: int, start: Fraction, end: Fraction) -> Item:
    """The item that an append makes."""
    item = Item(double.new_id(), kind, media.name, place, duration)
    item.media, item.source_in, item.source_frames = media.id, start, end - start
    return item


def put_sound(double: "Double", timeline: Timeline, pair: List[Item], index: int) -> None:
    """Lay the sound that comes with a picture, on a track of the same number, which is made where it is missing."""
    tracks, sound = timeline.tracks["audio"], pair[1]
    while len(tracks) < index:
        tracks.append(Track("Audio {}".format(len(tracks) + 1), "stereo"))
    track = tracks[index - 1]
    if not track.locked and not track.occupied(sound.start, sound.end):
        double.link(pair)
        track.put(sound)
