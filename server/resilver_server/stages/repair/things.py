"""Telling dirt from things that move too fast for the flow.

Neighbours that are moved wrongly deny a limb just as they deny dirt. What tells them apart is weighed together: dirt is
found nowhere near in the frames around, a limb is, only elsewhere; around dirt the neighbours show what the frame does,
while a limb is a part of more that moves; dirt has an outline of its own, and hides something plainer than itself.

Each of these is one mark of a piece; their weights are those of a logistic regression on pieces of known origin
(docs/decisions/1110 says on which). On the CPU: each piece is looked at by itself, in a window of its own, which is no
work for tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch

from .dirt import Pieces, Span, factor

Plane = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
_RING = (3, 12)
"""Pixels from a piece, the nearest and the farthest, within which the neighbours must show what the frame does."""
_MOST = 0.75
"""Share of that ring that must; the rest may be dirt that was not found."""
_GRAIN = 1.5
"""Difference from the neighbours, as a multiple of that of the frame's median pixel, that is but grain."""
_LEAST_OWN, _LEAST_SHARE, _LEAST_APART, _LEAST_FLAT = 0.01, 0.05, 0.01, 0.005
"""What is smaller counts as hardly more than this: of what a piece stands out by, shares of it, and differences."""
_SHARPEST = 2.0
"""Slopes above, as a share of what a piece stands out by, say no more."""
_CREEPS = 2
"""Pixels that dirt which stays may be off from frame to frame: the gate weaves."""
_LIKE = 0.5
"""Share of what a piece stands out by that most of it may differ by then."""


@dataclass(frozen=True)
class Weights:
    """How much each mark of a piece speaks for dirt, in natural logarithms of odds; and what it takes."""

    own: float
    restless: float
    sharp: float
    flat: float
    plain: float
    lasting: float
    novel: float
    enough: float


_BOTH = Weights(0.71, -0.67, 2.94, -1.99, -1.2, 0.0, 4.79, enough=0.62)
_ONE = Weights(0.28, -2.79, 3.58, -2.1, -1.6, -1.83, 4.24, enough=9.42)
"""The same where only frames of one side speak for it."""
_QUIET = 0.05
"""Difference around a piece, beyond grain and as a share of its own, up to which no more is asked of one that surely
differs from both sides."""
_VAGUE = 0.75
"""Slope across the outline of a piece, as a share of what it stands out by, that dirt has at least: light and smoke are
softer."""
_CLEAR = 0.1
"""What stands out by more need not be sharper for it."""
_BLUR = 2
"""Pixels to each side over which things are averaged to be known again: what moves is blurred in each frame anew."""
_KNOWN = 0.35
"""Share of what a piece stands out by that may be left of it then where it is known again."""
_HOLDS = 0.5
"""Share of the likeliest span's strength from which another is thought of as well: dirt that stays is taken for a thing
as long as it is compared with a frame that has it."""


@dataclass(frozen=True)
class Marks:
    """What a piece is like; logarithms, but ``sharp`` and ``lasting``."""

    own: float
    """What it stands out by from both neighbours."""
    restless: float
    """The difference around it that is more than grain, as a share of its own."""
    sharp: float
    """Slope of the difference across its outline, as a share of its own: light and smoke are softer."""
    flat: float
    """How far its tones are from their median: dirt is opaque."""
    plain: float
    """How much what it hides differs from what is around it, as a share of its own."""
    lasting: float
    """1 if it stays for more than the frame, else 0."""
    novel: float
    """The difference from what is most like it within reach, in either neighbour."""


@dataclass(frozen=True)
class Scene:
    """A frame and its neighbours as planes of one size and brightness."""

    here: Plane
    off: Mapping[int, Plane]
    """By offset, the frame less the neighbour moved onto it."""
    there: Mapping[int, Plane]
    """By offset, the neighbour where it is, its edges repeated ``reach`` times."""
    grain: Mapping[Span, float]
    """Difference that is but grain, by span."""
    reach: int
    """Pixels within which things are looked for."""


def scene(
    current: torch.Tensor,
    moved: Mapping[int, torch.Tensor],
    still: Mapping[int, torch.Tensor],
    tried: Sequence[Span],
    reach: int,
) -> Scene:
    """``current``, ``moved`` and ``still``, neighbours as they are: (1, h, w) of one brightness, as dirt was sought."""
    here = _plane(current)
    off = {offset: here - _plane(plane) for offset, plane in moved.items()}
    there = {offset: np.pad(_plane(plane), reach, "edge") for offset, plane in still.items()}
    grain = {span: _GRAIN * float(np.median(_farther(off[span.first], off[span.second]))) for span in tried}
    return Scene(here, off, there, grain, reach)


def dirt_alone(found: Pieces, tried: Sequence[Span], seen: Scene, sensitivity: float) -> Pieces:
    """The pieces that rather are dirt than things, each with the span that makes it so; marks of a splice are."""
    asked, soft = float(np.log(factor(sensitivity))), _blurred(seen)
    dropped, spans = np.zeros(len(found.boxes), np.bool_), found.span.copy()
    for number in found.numbers():
        if number in found.bands:
            continue
        likeliest = tried[found.span[number]]
        sure = number < found.sure and not likeliest.one_sided
        if sure and _lies_quiet(marks_of(found, number, likeliest, seen)):
            continue
        held = found.strength[:, number]
        able = np.flatnonzero(held >= _HOLDS * held.max())
        odds = [_odds(found, number, tried[int(index)], seen, asked) for index in able]
        spans[number] = able[int(np.argmax(odds))]
        dropped[number] = max(odds) <= asked or _known(found, number, tried[spans[number]], soft)
    return replace(found, labels=np.where(dropped[found.labels], 0, found.labels), span=spans)


def _odds(found: Pieces, number: int, span: Span, seen: Scene, least: float) -> float:
    """Logarithm of how much likelier than enough a piece is dirt; endlessly little where that is at most the ``least``
    whatever a search would find."""
    weights = _ONE if span.one_sided else _BOTH
    if span.lasting and not _stays(found, number, span, seen):
        return -np.inf
    marks = marks_of(found, number, span, seen)
    if _evidence(marks, weights) <= weights.enough + least:
        return -np.inf
    marks = replace(marks, novel=min(marks.novel, _novelty(found, number, span, seen)))
    return _evidence(marks, weights) - weights.enough


def marks_of(found: Pieces, number: int, span: Span, seen: Scene) -> Marks:
    """``novel`` is of what lies along the flow alone: what is elsewhere may be more like it."""
    place, piece = _place(found, number)
    one, other = seen.off[span.first][place], seen.off[span.second][place]
    own = max(_LEAST_OWN, float(np.minimum(np.abs(one), np.abs(other))[piece].mean()))
    restless = _around(found.labels[place], piece, _farther(one, other)) - seen.grain[span]
    here, margin = seen.here[place], _wider(piece, 1)
    beside = _wider(piece, _RING[0]) & ~piece
    hidden = max(_apart(here - off, piece, beside) for off in (one, other))
    squares = [float(np.square(off[margin]).mean()) for off in (one, other)]
    return Marks(
        float(np.log(own)),
        _share(restless, own),
        min(_SHARPEST, _slope(np.asarray((one + other) / 2, np.float32), piece) / own),
        _logarithm(_spread(here, piece), _LEAST_FLAT),
        _share(hidden, own),
        float(span.lasting),
        _apart_by(min(squares)),
    )


def _lies_quiet(marks: Marks) -> bool:
    """Whether nothing else moves around a piece, and it is not soft."""
    own = float(np.exp(marks.own))
    soft = marks.sharp * own < _VAGUE * min(own, _CLEAR)
    return marks.restless <= _logarithm(_QUIET, _LEAST_SHARE) and not soft


def _evidence(marks: Marks, weights: Weights) -> float:
    names = ("own", "restless", "sharp", "flat", "plain", "lasting", "novel")
    return sum(float(getattr(marks, name)) * float(getattr(weights, name)) for name in names)


def _novelty(found: Pieces, number: int, span: Span, seen: Scene) -> float:
    """Logarithm of the root mean square difference of a piece and a pixel around it from what is most like it in the
    two neighbours, wherever it is within reach."""
    pattern, piece, place = _pattern(found, number, seen)
    weight = piece.astype(np.float32)
    fields = (seen.there[offset][_extended(place, seen.reach)] for offset in (span.first, span.second))
    least = min(float(cv2.matchTemplate(field, pattern, cv2.TM_SQDIFF, mask=weight).min()) for field in fields)
    return _apart_by(max(0.0, least) / float(weight.sum()))


def _known(found: Pieces, number: int, span: Span, soft: Scene) -> bool:
    """Whether a piece is found again in a neighbour where all is blurred: one that the blur leaves something of."""
    if found.thickness[number] <= 2 * _BLUR + 1:
        return False
    _, piece, place = _pattern(found, number, soft)
    own = min(float(np.square(soft.off[offset][place][piece]).mean()) for offset in (span.first, span.second))
    return float(np.exp(_novelty(found, number, span, soft))) - _LEAST_APART < _KNOWN * float(np.sqrt(own))


def _blurred(seen: Scene) -> Scene:
    size = (2 * _BLUR + 1, 2 * _BLUR + 1)

    def soft(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, size, borderType=cv2.BORDER_REPLICATE), np.float32)

    off, there = ({offset: soft(plane) for offset, plane in planes.items()} for planes in (seen.off, seen.there))
    return replace(seen, here=soft(seen.here), off=off, there=there)


def _stays(found: Pieces, number: int, span: Span, seen: Scene) -> bool:
    """Whether the frames that have the piece too, as a span has it, show it where it is, or most of it: dirt does not
    move."""
    pattern, piece, place = _pattern(found, number, seen)
    own = float(np.minimum(*(np.abs(seen.off[offset][place]) for offset in (span.first, span.second)))[piece].mean())
    return all(
        _moved_little(pattern, piece, seen.there[offset][_extended(place, seen.reach)], seen.reach) <= _LIKE * own
        for offset in seen.there
        if span.holds(offset)
    )


def _moved_little(pattern: Plane, piece: Flags, field: Plane, reach: int) -> float:
    """The least median difference of a pattern from a few places in the middle of a field."""
    rows, columns = pattern.shape
    steps = range(reach - _CREEPS, reach + _CREEPS + 1)
    places = ((down, across) for down in steps for across in steps)
    shown = (field[down : down + rows, across : across + columns] for down, across in places)
    return min(float(np.median(np.abs(pattern - other)[piece])) for other in shown)


def _pattern(found: Pieces, number: int, seen: Scene) -> tuple[Plane, Flags, tuple[slice, slice]]:
    """What the frame shows there, which of it is the piece and a pixel around it, and its place."""
    place, piece = _place(found, number, 1)
    return np.ascontiguousarray(seen.here[place]), _wider(piece, 1), place


def _extended(place: tuple[slice, slice], reach: int) -> tuple[slice, slice]:
    """A place and ``reach`` pixels around it, in a plane whose edges are repeated as often."""
    down, across = place
    return slice(down.start, down.stop + 2 * reach), slice(across.start, across.stop + 2 * reach)


def _plane(planes: torch.Tensor) -> Plane:
    return np.asarray(planes[0].float().cpu().numpy(), np.float32)


def _logarithm(value: float, least: float) -> float:
    return float(np.log(max(value, 0.0) + least))


def _apart_by(square: float) -> float:
    return _logarithm(float(np.sqrt(square)), _LEAST_APART)


def _share(value: float, own: float) -> float:
    return _logarithm(value / own, _LEAST_SHARE)


def _farther(one: Plane, other: Plane) -> Plane:
    return np.maximum(np.abs(one), np.abs(other))


def _place(found: Pieces, number: int, margin: int = _RING[1]) -> tuple[tuple[slice, slice], Flags]:
    """Where a piece with what is around it lies, and which of the pixels there are the piece."""
    row, column, rows, columns = (int(edge) for edge in found.boxes[number])
    height, width = found.labels.shape
    down = slice(max(0, row - margin), min(height, row + rows + margin))
    across = slice(max(0, column - margin), min(width, column + columns + margin))
    return (down, across), found.labels[down, across] == number


def _around(labels: npt.NDArray[np.int32], piece: Flags, apart: Plane) -> float:
    """The difference that most of the ring around a piece stays below; other pieces are left out of it, unless they
    are nearly all of it."""
    ring = _wider(piece, _RING[1]) & ~_wider(piece, _RING[0])
    free = ring & ~_wider(labels > 0, _RING[0])
    chosen = free if 4 * free.sum() > ring.sum() else ring
    return float(np.quantile(apart[chosen], _MOST)) if chosen.any() else 0.0


def _slope(plane: Plane, piece: Flags) -> float:
    """The median, over a piece's outline, of how much a plane differs within a pixel."""
    square = np.ones((3, 3), np.uint8)
    outline = piece & (cv2.erode(piece.astype(np.uint8), square, borderValue=1) == 0)
    return float(np.median(cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, square)[outline]))


def _spread(plane: Plane, piece: Flags) -> float:
    """How far the tones inside of a piece are from their median, on average."""
    inner = cv2.erode(piece.astype(np.uint8), _disc(1)) > 0
    tones = plane[inner if inner.sum() >= 3 else piece]
    return float(np.abs(tones - np.median(tones)).mean())


def _apart(plane: Plane, piece: Flags, beside: Flags) -> float:
    return abs(float(plane[piece].mean()) - float(plane[beside].mean())) if beside.any() else 0.0


def _wider(flags: Flags, reach: int) -> Flags:
    return np.asarray(cv2.dilate(flags.astype(np.uint8), _disc(reach)) > 0, np.bool_)


def _disc(reach: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8)
