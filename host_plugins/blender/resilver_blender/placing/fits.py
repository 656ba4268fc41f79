"""Over which frames a restored clip lies when the original may have been moved or trimmed since. No bpy.

The restored clip stays with the media, never with the timeline's frames: its first frame shows the media frame that was
first then, wherever that lies now. Where the original shows more than was restored, the rest stays the original's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from resilver_client.errors import ClipUnsupported, FrameCountMismatch
from resilver_publish.types import RestoredClip

from ..strips.shown import Shown

_AGAIN = "restore the clip again"


@dataclass(frozen=True)
class Fit:
    """Where a restored clip goes, in timeline frames."""

    content: int
    """Its first frame is shown there, unless ``start`` cuts it off."""
    start: int
    stop: int
    """What it covers, half-open; held frames of the original included."""
    runs: int
    """First timeline frame after those that the clip itself reaches; up to ``stop`` its last frame is held."""
    remark: str = ""
    """For people: what is not as it was; empty where all is."""

    def within(self, start: int, stop: int) -> Fit:
        """No further than the original's own handles: beyond those it is a meta that holds a frame."""
        return replace(self, start=max(start, self.start), stop=min(stop, self.stop))


def fit(then: Shown, now: Shown) -> Fit:
    """Where the clip that was restored from ``then`` lies over what the original shows now.

    Raises ClipUnsupported where the original shows other media, runs at another speed, or shows none of the restored
    frames any more: every frame that could be put there would be a wrong one.
    """
    _same(then, now)
    content = _stands_at(then, now)
    start, stop = max(content, now.start), min(content + then.stop - then.start, now.stop)
    if start >= stop:
        raise ClipUnsupported("it shows other frames now than were restored", where=now.name, remedy=_AGAIN)
    whole = (start, stop) == (now.start, now.stop)
    return Fit(
        content,
        start - now.held_before if start == now.start else start,
        stop + now.held_after if stop == now.stop else stop,
        stop,
        "" if whole else f"'{now.name}' shows more now than was restored, the rest is not covered",
    )


def check_length(clip: RestoredClip, then: Shown, placed: Fit, scene_rate: Fraction, tail: int | None) -> None:
    """Whether the file can be what was restored for these frames at this scene rate.

    Args:
        tail: frames that were added behind the clip, where that is known.

    Raises FrameCountMismatch where it ends before the frames that it has to cover, ClipUnsupported where it was made
    for a scene of another rate.
    """
    last = math.floor((placed.runs - 1 - placed.content) * clip.rate / scene_rate + Fraction(1, 2))
    lasts = (then.stop - then.start) * clip.rate / scene_rate
    if tail is not None and abs(clip.frames - tail - lasts) > 1:
        raise ClipUnsupported(
            f"{clip.frames - tail} frames were restored, at this scene's rate it lasts {float(lasts):g}",
            where=clip.name,
            remedy="set the scene's frame rate back, or restore the clip again",
        )
    if last >= clip.frames:
        raise FrameCountMismatch(
            f"{clip.frames} frames were restored, {last + 1} are needed", where=clip.name, remedy=_AGAIN
        )


def _same(then: Shown, now: Shown) -> None:
    if (then.media, then.kind, then.first_number) != (now.media, now.kind, now.first_number):
        raise ClipUnsupported("it shows other media now than was restored", where=now.name, remedy=_AGAIN)
    if (then.speed, then.reverse) != (now.speed, now.reverse):
        raise ClipUnsupported("it runs at another speed now than was restored", where=now.name, remedy=_AGAIN)


def _stands_at(then: Shown, now: Shown) -> int:
    """The timeline frame on which the original's media now stands where the restored clip begins."""
    if then.kind == "still":
        return now.start
    travel = (then.first - now.first) / now.speed
    frame = now.start + (-travel if now.reverse else travel)
    if frame.denominator != 1:
        raise ClipUnsupported("its media lies between frames now", where=now.name, remedy=_AGAIN)
    return int(frame)
