"""How many frames of a restored file fill a clip's place, by the rule with which Resolve counts. Arithmetic only.

Resolve gives an appended clip ``floor(source frames * timeline rate / file rate)`` timeline frames, as measured on 19.1
and 21.0. So the range that is appended is the smallest one whose floor is the wanted length; the script reads back what
came of it and corrects by a frame where a version counts differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from resilver_client.errors import FrameCountMismatch, InvalidRate
from resilver_otio.locate import cut_frame
from resilver_publish.types import RestoredClip

RATES = (
    "16", "18", "23.976", "24", "25", "29.97", "30", "47.952", "48", "50", "59.94", "60", "72", "95.904", "96", "100",
    "119.88", "120",
)  # fmt: skip
"""Rates that a timeline of Resolve can have, in its own words."""


@dataclass(frozen=True)
class Range:
    """Frames of a restored file, from 0, half-open."""

    start: int
    stop: int


def over(clip: RestoredClip, duration: int, timeline_rate: Fraction) -> Range:
    """What of the file lies over ``duration`` frames of a timeline at its own rate.

    The file begins ``head`` seconds before the clip's first moment; its first frame that is not before that moment is
    shown first.

    Raises FrameCountMismatch where the file ends before, InvalidRate where no number of its frames is that long.
    """
    start = ceil(clip.head * clip.rate)
    count = ceil(duration * clip.rate / timeline_rate)
    if floor(count * timeline_rate / clip.rate) != duration:
        raise InvalidRate(
            f"frames at {rate_text(clip.rate)} a second cannot end after {duration} frames of a timeline at "
            f"{rate_text(timeline_rate)}",
            where=clip.name,
            remedy="restore it at the timeline's rate or a higher one",
        )
    return _within(clip, Range(start, start + count))


def in_place(clip: RestoredClip, duration: int, timeline_rate: Fraction) -> Range:
    """What of the file stands in for the original itself, whose place and length stay as they are.

    Raises FrameCountMismatch where the file ends before.
    """
    start = ceil(clip.head * clip.rate)
    return _within(clip, Range(start, start + ceil(duration * clip.rate / timeline_rate)))


def between_cuts(clip: RestoredClip, start: Fraction, stop: Fraction) -> tuple[int, Range]:
    """On a timeline at the file's own rate: the frame at which the clip starts, and what of the file it shows.

    ``start`` and ``stop`` are the clip's cuts in seconds after the timeline's first frame; each moves to the first
    frame of the new rate that is not before it, so that clips that met still meet. A frame of the file is a frame of
    the timeline.

    Raises FrameCountMismatch where the file ends before the second cut, or where both cuts are one frame.
    """
    first, last = cut_frame(start, clip.rate), cut_frame(stop, clip.rate)
    before = first - cut_frame(start - clip.head, clip.rate)
    if last <= first:
        raise FrameCountMismatch(
            f"it is shorter than one frame at {rate_text(clip.rate)}", where=clip.name, remedy="leave the clip out"
        )
    return first, _within(clip, Range(before, before + last - first))


def _within(clip: RestoredClip, wanted: Range) -> Range:
    if wanted.stop <= clip.frames:
        return wanted
    raise FrameCountMismatch(
        f"the restored file has {clip.frames} frames, {wanted.stop} are needed to fill the clip's place",
        where=f"{clip.name} ({clip.path})",
        remedy="restore it again with a spare frame at the end (tail frames: 1)",
    )


def rate_text(rate: Fraction) -> str:
    """Resolve's own word for a rate (``"59.94"``); of a rate that it has no word for, the number."""
    for text in RATES:
        if abs(Fraction(text) - rate) < Fraction(1, 200):
            return text
    return f"{float(rate):.6g}"


def timeline_rate_text(rate: Fraction, drop_frame: bool) -> str:
    """The setting of a timeline. Drop frames go on where the rate has them.

    Raises InvalidRate for a rate that no timeline of Resolve has.
    """
    text = rate_text(rate)
    if text not in RATES:
        raise InvalidRate(
            f"a timeline of Resolve cannot have {text} frames a second",
            remedy=f"restore at one of its rates: {', '.join(RATES)}",
        )
    return f"{text} DF" if drop_frame and text in ("29.97", "59.94", "119.88") else text


def timecode_at(start: str, old: Fraction, new: Fraction, drop_frame: bool) -> str:
    """The same label at another rate: hour 1 stays hour 1, and 12 of 24 frames become 30 of 60."""
    parts = start.replace(";", ":").split(":")
    frames = int(parts[-1]) * round(new) // round(old)
    return ":".join(parts[:-1]) + (";" if drop_frame else ":") + f"{frames:02d}"
