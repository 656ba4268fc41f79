"""What Resolve says of a clip's film in its listing, held against what it exports: two witnesses, neither always right.

The robust range of the listing is ``GetSourceStartFrame`` and the frames of ``GetSourceEndTime - GetSourceStartTime``:
``GetSourceEndFrame`` is exclusive or inclusive, as the rates are equal or not. Either witness may be off by one frame.
"""

from __future__ import annotations

from fractions import Fraction

from resilver_client.errors import ClipUnsupported
from resilver_otio.types import ClipRequest, Located

from .edit import Item

_REMEDY = "render the clip in place and restore that, or leave it out of the selection"
Frames = tuple[Fraction, Fraction]
"""Media frames from 0, half-open; between frames where a cut of another rate lies there."""


def refuse_disagreement(request: ClipRequest, located: Located | None, item: Item) -> None:
    """Raises ClipUnsupported, with both ranges, where they differ by more than a frame.

    Stills and freezes show one frame however long they are, and say nothing. Nor does media whose length is not known.
    """
    if located is None or located.speed == 0 or item.media is None or item.media.fps is None:
        return
    exported = exported_range(located, request)
    if item.source_start is not None and item.source_seconds:
        heard = _heard(item.source_start, item.source_seconds, item.media.fps)
        close = max(Fraction(1), abs(located.speed))
        apart = abs(heard[0] - exported[0]), abs((heard[1] - heard[0]) - (exported[1] - exported[0]))
        if max(apart) > close:
            raise _disagreement(f"frames {_words(heard)}", exported, item)
    elif item.left_offset is not None and located.speed > 0 and not _offset_agrees(item.left_offset, located, request):
        raise _disagreement(f"a start {item.left_offset:g} frames into it", exported, item)


def exported_range(located: Located, request: ClipRequest) -> Frames:
    """The range that the export says, transitions left out."""
    speed, rate = located.speed, located.rate
    travel = abs(speed) * (located.duration - located.head - located.tail) * rate
    first = (located.start + speed * located.head) * rate
    low = first if speed > 0 else first - travel + abs(speed) * rate / request.timeline_rate
    return low, low + travel


def _heard(start: int, seconds: float, rate: Fraction) -> Frames:
    """Of a reversed clip the start may be called the later one."""
    count = round(Fraction(seconds) * rate)
    first = start if count > 0 else start + count
    return Fraction(first), Fraction(first + abs(count))


def _offset_agrees(offset: float, located: Located, request: ClipRequest) -> bool:
    """Before 19.0 there is only the left offset, on the record side of a retime. At which rate it counts is measured
    for equal rates alone, so the media's and the timeline's both do: what this is to find is a timecode that was read
    at another rate than it was written, and that is seconds away."""
    low, _ = exported_range(located, request)
    readings = (low / located.speed, low / located.rate * request.timeline_rate / located.speed)
    return min(abs(Fraction(offset) - reading) for reading in readings) <= 1


def _disagreement(heard: str, exported: Frames, item: Item) -> ClipUnsupported:
    return ClipUnsupported(
        f"Resolve says two different things of the film it shows: {heard} in its listing, frames {_words(exported)} in "
        "the exported timeline",
        where=item.name,
        remedy=_REMEDY,
    )


def _words(span: Frames) -> str:
    return f"{float(span[0]):g} to {float(span[1]):g}"
