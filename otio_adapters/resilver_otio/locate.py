"""Where a clip lies in its media, once probing has said what the media is. Arithmetic only.

``source_range`` may count from the media's timecode or from its first frame, in the timeline's rate or in the
media's; the first reading under which the range lies inside the media is the one that was meant. A retime never
changes the record span: a clip of D seconds at speed s plays ``|s| * D`` seconds of media from its start, and
backwards the same frames in the opposite order.
"""

from __future__ import annotations

from fractions import Fraction

from resilver_client.errors import MediaUnreadable, RangeOutsideMedia

from .times import snap
from .types import ClipRequest, Located

_ZERO = Fraction(0)


def locate(clip: ClipRequest, rate: Fraction, frames: int, start_time: Fraction | None = None) -> Located:
    """Media seconds of the clip, from media that was found to have ``frames`` frames at ``rate``.

    ``start_time`` is the media's start timecode in seconds (frame number at its rate), None where it has none; it
    counts only where the timeline itself does not say where the media starts.

    Raises RangeOutsideMedia, naming the clip and both ranges; MediaUnreadable for media without frames.
    """
    if frames < 1 or rate <= 0:
        raise MediaUnreadable("the media has no frames", where=clip.media)
    played = playing_rate(clip, rate, frames)
    if frames == 1:  # a still: however long the clip is, it shows its one frame
        duration = clip.duration if clip.duration is not None else 1 / played
        return Located(_ZERO, clip.head + duration + clip.tail, _ZERO, played, clip.head, clip.tail)
    length = frames / played
    if clip.exact_start is not None:
        return _exactly(clip, clip.exact_start, length, played)
    start, duration = _asked(clip, played, length)
    span = abs(clip.speed) * duration if clip.speed else 1 / played
    low = _inside(clip, start, span, length, played, start_time)
    last = snap(low + span + clip.speed / clip.timeline_rate, played)
    first = low if clip.speed >= 0 else max(low, last)
    return _located(clip, first, duration, (low, length - low - span), played)


def _exactly(clip: ClipRequest, start: Fraction, length: Fraction, rate: Fraction) -> Located:
    """A clip whose first moment is said to be at ``start``: taken as it is, nothing is moved onto a frame."""
    span = length - start if clip.speed > 0 else start + 1 / rate
    whole = span / abs(clip.speed) if clip.speed else 1 / rate
    duration = whole if clip.duration is None else clip.duration
    travel = abs(clip.speed) * duration
    low = start if clip.speed >= 0 else start + abs(clip.speed) / clip.timeline_rate - travel
    if not (0 <= start < length and _fits(clip, low, travel, length, rate)):
        raise _outside(clip, low, travel, length, _ZERO, rate)
    return _located(clip, start, duration, (low, length - low - travel), rate)


def _located(
    clip: ClipRequest, first: Fraction, duration: Fraction, room: tuple[Fraction, Fraction], rate: Fraction
) -> Located:
    """With what transitions show of it; ``room`` is what the media has below and above the range, in seconds."""
    before, after = room if clip.speed >= 0 else room[::-1]
    head, tail = _handle(clip, clip.head, before, rate), _handle(clip, clip.tail, after, rate)
    return Located(first - clip.speed * head, head + duration + tail, clip.speed, rate, head, tail)


def playing_rate(clip: ClipRequest, rate: Fraction, frames: int) -> Fraction:
    """Frames a second at which the timeline plays the media.

    Its own (``rate``), unless a rate is asked for, or the media is a sequence (whose files have none), or the
    timeline counts the media's frames (give or take one) at another rate: then the editor has reinterpreted it.
    """
    if clip.play_rate is not None:
        return clip.play_rate
    if clip.media_rate is None or clip.media_rate == rate:
        return rate
    if clip.is_sequence:
        return clip.media_rate
    if clip.available_duration is None:
        return rate
    counted = abs(clip.available_duration * clip.media_rate - frames)
    lasting = abs(clip.available_duration * rate - frames)
    return clip.media_rate if counted <= 1 and counted < lasting else rate


def on_grid(clip: ClipRequest, located: Located, rate: Fraction) -> tuple[int, Fraction]:
    """Number of output frames and offset of the first one, for a delivery whose frame k is shown at ``k / rate``
    of the timeline: what ``Shot.output_frames`` and ``Shot.output_offset`` are to be for a timeline at that rate.

    Every cut falls on the first frame of the grid that is not before it, so neighbours meet, also inside nests.
    """
    start = clip.grid_start - located.head
    first, last = cut_frame(start, rate), cut_frame(start + located.duration, rate)
    return max(1, last - first), first / rate - start


def cut_frame(time: Fraction, rate: Fraction) -> int:
    """The one rounding of the delivery grid: the first frame that is not before ``time``."""
    return -((-time * rate) // 1)


def _asked(clip: ClipRequest, rate: Fraction, length: Fraction) -> tuple[Fraction | None, Fraction]:
    """Start as written (None: the media's first frame) and record seconds."""
    if clip.frames is not None:
        first, stop = clip.frames
        end = length if stop is None else stop / rate
        start = first / rate
        if end > length or start >= length:
            raise _outside(clip, start, end - start, length, _ZERO, rate)
        return start, (end - start) / (abs(clip.speed) or 1)
    if clip.source_start is None:
        whole = length / abs(clip.speed) if clip.speed else length
        return None, clip.duration if clip.duration is not None else whole
    return clip.source_start, clip.duration if clip.duration is not None else length


def _inside(
    clip: ClipRequest,
    start: Fraction | None,
    span: Fraction,
    length: Fraction,
    rate: Fraction,
    start_time: Fraction | None,
) -> Fraction:
    """Seconds after the first frame: counted from the timecode if the range fits so, else from 0."""
    if start is None:
        return _ZERO
    origins = [_ZERO] if clip.frames is not None else _origins(clip, start_time)
    for origin in origins:
        low = snap(start - origin, rate)
        if _fits(clip, low, span, length, rate):
            return max(low, _ZERO)
    raise _outside(clip, start, span, length, origins[0], rate)


def _fits(clip: ClipRequest, low: Fraction, span: Fraction, length: Fraction, rate: Fraction) -> bool:
    """Whether the range lies inside the media: hosts round cuts on their own grid, also a little outside it."""
    before = Fraction(1, 2) / rate
    after = max(1 / rate, max(Fraction(1), abs(clip.speed)) / clip.timeline_rate)
    return -before <= low < length and low + span <= length + after


def _origins(clip: ClipRequest, start_time: Fraction | None) -> list[Fraction]:
    known = [origin for origin in (clip.available_start, start_time) if origin is not None]
    return [*known, _ZERO]


def _handle(clip: ClipRequest, wanted: Fraction, room: Fraction, rate: Fraction) -> Fraction:
    """What a transition shows beyond the range: all of it or, where the media does not reach, nothing."""
    return wanted if abs(clip.speed) * wanted <= room + 1 / rate else _ZERO


def _outside(
    clip: ClipRequest, start: Fraction, span: Fraction, length: Fraction, origin: Fraction, rate: Fraction
) -> RangeOutsideMedia:
    asked = f"{float(start):.3f} s to {float(start + span):.3f} s"
    has = f"{float(origin):.3f} s to {float(origin + length):.3f} s ({int(length * rate)} frames)"
    return RangeOutsideMedia(
        f"the clip shows {asked}, its media lasts from {has}",
        where=f"{clip.name} ({clip.media})",
        remedy="relink the clip to the media it was cut from",
    )
