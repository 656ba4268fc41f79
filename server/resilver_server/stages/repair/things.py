"""Telling dirt from things that move too fast for the flow: a thing is in the frames before and after as well, dirt is
not; and a thing is a part of more that moves, dirt lies alone.

On the CPU: each piece is looked for by itself, in a window of its own, which is no work for tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import torch

from .dirt import Pieces, Span, factor

Plane = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
_MARGIN = 3
"""Pixels around a piece that have to be found with it: a spot is a spot by what is around it."""
_FOUND = 0.45
"""Share of a piece's own contrast (squared) that may be left where it is found again."""
_FOUND_ONE_SIDED = 0.45
"""The same where only frames of one side speak for it."""
_PLAINER = 1.5
"""By how much more dirt differs from what is around it than what it covers does."""
_STRAY = 1
"""Pixels by which its way may bend."""
_RING = (3, 12)
"""Pixels from a piece, the nearest and the farthest, within which the neighbours must show what the frame does."""
_MOST = 0.75
"""Share of that ring that must; the rest may be dirt that was not found."""
_GRAIN = 1.5
"""Difference from the neighbours, as a multiple of that of the frame's median pixel, that is but grain."""
_RESTLESS = 0.25
"""Difference around a piece, beyond grain and as a share of its own, from which it is a part of something that moves,
at sensitivity 0.5 and for a piece that is one pixel thick; for others less by the root of their thickness."""
_RESTLESS_ONE_SIDED = 0.15
"""The same where only frames of one side speak for it."""
_VAGUE = 0.75
"""Slope across the outline of a piece, as a share of what it stands out by, that dirt has at least: light and smoke are
softer."""
_CLEAR = 0.1
"""What stands out by more need not be sharper for it."""


def without_things(
    found: Pieces, tried: Sequence[Span], current: torch.Tensor, moved: Mapping[int, torch.Tensor], reach: int
) -> Pieces:
    """The pieces but those that are found again in both neighbours along one straight way, at most ``reach`` pixels
    off in the farther one. ``current`` and ``moved`` (1, h, w), as dirt was sought in."""
    edges = ((reach, reach), (reach, reach))
    here = np.asarray(current[0].float().cpu().numpy(), np.float32)
    there = {offset: np.pad(plane[0].float().cpu().numpy(), edges, "edge") for offset, plane in moved.items()}
    dropped = np.zeros(len(found.boxes), np.bool_)
    for number in found.numbers():
        span = tried[found.span[number]]
        pattern, weight, corner = _pattern(found, number, here)
        if span.one_sided and not _stands_out(found, number, pattern, weight, corner, there[span.first], reach):
            dropped[number] = True
            continue
        maps = {}
        for offset in (span.first, span.second):
            field = there[offset][corner[0] :, corner[1] :]
            field = field[: pattern.shape[0] + 2 * reach, : pattern.shape[1] + 2 * reach]
            maps[offset] = np.asarray(cv2.matchTemplate(field, pattern, cv2.TM_SQDIFF, mask=weight), np.float32)
        dropped[number] = _left(maps, reach) < (_FOUND_ONE_SIDED if span.one_sided else _FOUND)
    return replace(found, labels=np.where(dropped[found.labels], 0, found.labels))


def _pattern(found: Pieces, number: int, current: Plane) -> tuple[Plane, Plane, tuple[int, int]]:
    """A piece with its margin, where it counts (1, else 0), and its first row and column."""
    row, column, rows, columns = (int(edge) for edge in found.boxes[number])
    top, left = max(0, row - _MARGIN), max(0, column - _MARGIN)
    place = np.s_[top : row + rows + _MARGIN, left : column + columns + _MARGIN]
    size = 2 * _MARGIN + 1
    weight = cv2.dilate((found.labels[place] == number).astype(np.float32), np.ones((size, size), np.uint8))
    return np.ascontiguousarray(current[place]), np.asarray(weight, np.float32), (top, left)


def _stands_out(
    found: Pieces, number: int, pattern: Plane, weight: Plane, corner: tuple[int, int], other: Plane, reach: int
) -> bool:
    """Whether a piece differs from what is around it by more than what the other frame shows at its place does.

    Where frames are on one side alone, something that appears looks like dirt on all frames before.
    """
    rows, columns = pattern.shape
    piece = found.labels[corner[0] : corner[0] + rows, corner[1] : corner[1] + columns] == number
    ring = (weight > 0) & ~piece
    top, left = corner[0] + reach, corner[1] + reach
    shown = other[top : top + rows, left : left + columns]
    now, then = (abs(float(plane[piece].mean()) - float(plane[ring].mean())) for plane in (pattern, shown))
    return now > _PLAINER * then


def _left(maps: Mapping[int, Plane], reach: int) -> float:
    """The least squared difference along a straight way, as a share of that at the place itself.

    ``maps``: of two frames by offset, (2 reach + 1, 2 reach + 1) squared differences by place.
    """
    nearer, farther = sorted(maps, key=abs)
    still = sum(float(found[reach, reach]) for found in maps.values())
    tolerant = {offset: cv2.erode(found, np.ones((2 * _STRAY + 1, 2 * _STRAY + 1))) for offset, found in maps.items()}
    steps = reach + np.rint(np.arange(-reach, reach + 1) * (nearer / farther)).astype(np.int64)
    along = tolerant[farther] + tolerant[nearer][np.ix_(steps, steps)]
    return float(along.min()) / max(still, 1e-9)


def standing_alone(
    found: Pieces,
    tried: Sequence[Span],
    current: torch.Tensor,
    moved: Mapping[int, torch.Tensor],
    sensitivity: float,
) -> Pieces:
    """The pieces that lie on the picture as dirt does: with an outline of their own, in a place that both neighbours
    show otherwise just as the frame does. A limb too fast for the flow goes on, as something else that is not
    understood. ``current`` and ``moved`` (1, h, w), as dirt was sought in.
    """
    here = np.asarray(current[0].float().cpu().numpy(), np.float32)
    off = {offset: here - plane[0].float().cpu().numpy() for offset, plane in moved.items()}
    grain: dict[Span, float] = {}
    dropped = np.zeros(len(found.boxes), np.bool_)
    for number in found.numbers():
        if number in found.bands:
            continue
        span = tried[found.span[number]]
        if span not in grain:
            grain[span] = _GRAIN * float(np.median(_farther(off[span.first], off[span.second])))
        place, piece = _place(found, number)
        one, other = off[span.first][place], off[span.second][place]
        own = float(np.minimum(np.abs(one), np.abs(other))[piece].mean())
        restless = _around(found.labels[place], piece, _farther(one, other)) - grain[span]
        allowed = (_RESTLESS_ONE_SIDED if span.one_sided else _RESTLESS) / factor(sensitivity)
        moves = restless * float(found.thickness[number]) ** 0.5 > allowed * own
        dropped[number] = moves or _slope((one + other) / 2, piece) < _VAGUE * min(own, _CLEAR)
    return replace(found, labels=np.where(dropped[found.labels], 0, found.labels))


def _farther(one: Plane, other: Plane) -> Plane:
    return np.maximum(np.abs(one), np.abs(other))


def _place(found: Pieces, number: int) -> tuple[tuple[slice, slice], Flags]:
    """Where a piece with its ring lies, and which of the pixels there are the piece."""
    row, column, rows, columns = (int(edge) for edge in found.boxes[number])
    far = _RING[1]
    place = np.s_[max(0, row - far) : row + rows + far, max(0, column - far) : column + columns + far]
    return place, found.labels[place] == number


def _around(labels: npt.NDArray[np.int32], piece: Flags, apart: Plane) -> float:
    """The difference that most of the ring around a piece stays below; other pieces are left out of it, unless they
    are nearly all of it."""
    inner, outer = (cv2.dilate(piece.astype(np.uint8), _disc(reach)) > 0 for reach in _RING)
    ring = outer & ~inner
    free = ring & (cv2.dilate((labels > 0).astype(np.uint8), _disc(_RING[0])) == 0)
    chosen = free if 4 * free.sum() > ring.sum() else ring
    return float(np.quantile(apart[chosen], _MOST)) if chosen.any() else 0.0


def _slope(plane: Plane, piece: Flags) -> float:
    """The median, over a piece's outline, of how much a plane differs within a pixel."""
    square = np.ones((3, 3), np.uint8)
    outline = piece & (cv2.erode(piece.astype(np.uint8), square, borderValue=1) == 0)
    return float(np.median(cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, square)[outline]))


def _disc(reach: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8)
