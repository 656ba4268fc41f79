"""How places of the timeline are said to people."""

from typing import TYPE_CHECKING

from . import api
from .requests import Place

if TYPE_CHECKING:
    from fusionscript import Timeline


def timecode(frame: int, rate: int, drop_frame: bool) -> str:
    """Timecode of an absolute frame: ``rate`` is the whole number of frames that a second of timecode has."""
    if drop_frame:
        frame += _dropped(frame, rate)
    seconds, frames = divmod(frame, rate)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return "{:02d}:{:02d}:{:02d}{}{:02d}".format(hours, minute, second, ";" if drop_frame else ":", frames)


def _dropped(frame: int, rate: int) -> int:
    """How many numbers were left out before this frame: two (at 60: four) a minute, but none every tenth minute."""
    numbers = rate // 15
    minute, ten_minutes = 60 * rate - numbers, 600 * rate - 9 * numbers
    tens, rest = divmod(frame, ten_minutes)
    return 9 * numbers * tens + (numbers * ((rest - numbers) // minute) if rest > numbers else 0)


def at(timeline: "Timeline", place: Place) -> str:
    """ "video track 2 at 01:00:04:12"; the frame's number where the rate is not known."""
    return "video track {} at {}".format(place.track, when(timeline, place.start))


def when(timeline: "Timeline", frame: int) -> str:
    """A frame of the timeline as its timecode; its number where the rate is not known."""
    said = api.text(timeline.GetSetting("timelineFrameRate")).split()
    rate = api.number(said[0]) if said else None
    if rate is None or rate < 1:
        return "frame {}".format(frame)
    drop_frame = said[-1] == "DF" or ";" in api.text(timeline.GetStartTimecode())
    return timecode(frame, int(rate + 0.5), drop_frame)
