"""The one time map: where in its media every output frame of a shot lies, exactly.

Constant retime, reverse, freeze, rate conversion, a host's own frame grid and the tail are this one function.
All times are exact fractions of a second; nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from resilver_client.errors import InvalidRequest, RangeOutsideMedia
from resilver_server.domain.rates import Rate
from resilver_server.domain.shots import Shot
from resilver_server.domain.spans import Span

_HOST_FRAME = Fraction(1001, 24000)
"""Seconds of the longest frame that hosts usually count in."""


@dataclass(frozen=True)
class TimeMap:
    """Output frame index -> media seconds."""

    start: Fraction
    """Media seconds of record time 0."""
    speed: Fraction
    offset: Fraction
    """Record seconds of output frame 0."""
    rate: Rate
    """Output frames a record second."""

    def time(self, output: int) -> Fraction:
        """Media seconds at which output frame ``output`` lies."""
        return self.start + self.speed * (self.offset + output / self.rate)

    @property
    def reverse(self) -> bool:
        return self.speed < 0


def time_map(shot: Shot, rate: Rate) -> TimeMap:
    """The map of a shot that is delivered at ``rate``."""
    return TimeMap(shot.start, shot.speed, shot.output_offset, rate)


def output_count(shot: Shot, rate: Rate) -> int:
    """Output frames without tail: the number asked for, else ``ceil(duration * rate)``.

    So the end lies less than one output frame after the shot's end. Raises InvalidRequest for an empty shot.
    """
    count = ceil(shot.duration * rate) if shot.output_frames is None else shot.output_frames
    if count <= 0 or shot.duration <= 0:
        raise InvalidRequest("the shot has no frames", where=f"clip {shot.name}", remedy="give it a duration above 0")
    return count


def shown_frame(time: Fraction, rate: Rate, reverse: bool) -> int:
    """Number of the media frame on screen at ``time``.

    Forwards a frame is shown from its own time until the next one's. Backwards it is shown from the moment the
    media reaches its time until the one before is reached.
    """
    return ceil(time * rate) if reverse else floor(time * rate)


def shown_span(shot: Shot) -> Span:
    """Media frames that the range itself shows; may reach outside the media."""
    first = shot.start * shot.rate
    travel = shot.duration * shot.speed * shot.rate
    if travel == 0:
        return Span(floor(first), floor(first) + 1)
    if travel > 0:
        return Span(floor(first), ceil(first + travel))
    return Span(floor(first + travel) + 1, ceil(first) + 1)


def source_span(shot: Shot, rate: Rate, media_frames: int, tail: int, handle: int) -> Span:
    """Media frames that may be looked at: the range, the tail's time, and ``handle`` frames on either side.

    Without handles it is the range alone. Raises RangeOutsideMedia where the range asks for frames that the
    media does not have; a reach of less than one frame of the output or the host past an end is forgiven, since hosts
    round cuts on their own grid.
    """
    whole = Span(0, media_frames)
    shown = shown_span(shot)
    inside = shown.intersect(whole)
    slack = max(Fraction(1), abs(shot.speed) * shot.rate * max(1 / rate, _HOST_FRAME))
    outside = max(-shown.start, shown.stop - media_frames)
    if not len(inside) or outside > slack:
        raise RangeOutsideMedia(
            f"frames {shown.start} to {shown.stop - 1} are asked for, the media has 0 to {media_frames - 1}",
            where=f"clip {shot.name}, {shot.media}",
            remedy="trim the clip or relink it to the full media",
        )
    if not shot.handles:
        return inside
    mapping = time_map(shot, rate)
    last = output_count(shot, rate) + tail - 1
    frames = [floor(mapping.time(k) * shot.rate) for k in (0, last)]
    reach = Span(min(frames), max(frames) + 1).intersect(whole)
    return (inside.hull(reach) if len(reach) else inside).grow(handle, whole)
