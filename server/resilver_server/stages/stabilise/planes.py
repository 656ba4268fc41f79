"""Frames as motion is measured on: their picture without black borders, reduced, at several sizes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
Border = tuple[int, int, int, int]
"""Rows above, rows below, columns left and columns right of the picture, in pixels."""

WIDTH = 640
"""Pixels to which the picture is reduced: the analysis costs the same for 4K."""
SMALLEST = 40
"""Edge below which no coarser size is made, and nothing is measured at all."""
_BLACK = 0.04
"""Mean of a row or column up to which it counts as border."""
_LARGEST_BORDER = 0.34
"""Share of the frame that a border may take on one side."""
_MARGIN = 0.03
"""Share of the picture left out on each side: worn edges, gate hairs, lines of the transfer."""
_BLUR = 1.0
"""Sigma, pixels, of the blur that takes grain's finest part away, which no two frames share."""


@dataclass(frozen=True)
class Reduced:
    """A frame at several sizes, the finest first, each half the one before."""

    levels: tuple[Plane, ...]
    scale: tuple[float, float]
    """Film pixels for one of the finest level, across and down."""


def border(luma: Plane) -> Border | None:
    """The black border of a frame; None for a frame that is black altogether."""
    rows, columns = luma.mean(axis=1), luma.mean(axis=0)
    if max(rows.max(), columns.max()) <= _BLACK:
        return None
    return _dark(rows), _dark(rows[::-1]), _dark(columns), _dark(columns[::-1])


def inside(plane: Plane, border: Border) -> Plane:
    """The picture within a border, a margin left out as well."""
    above, below, left, right = border
    height, width = plane.shape[0] - above - below, plane.shape[1] - left - right
    trim = round(height * _MARGIN), round(width * _MARGIN)
    rows = slice(above + trim[0], plane.shape[0] - below - trim[0])
    return plane[rows, left + trim[1] : plane.shape[1] - right - trim[1]]


def reduce(picture: Plane) -> Reduced | None:
    """The picture's levels; None where it is too small to be measured."""
    height, width = picture.shape
    if min(height, width) < SMALLEST:
        return None
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if min(size) < SMALLEST:
        return None
    small = picture if scale == 1 else np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    levels = [_blurred(small)]
    while min(levels[-1].shape) >= 2 * SMALLEST:
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.float32))
    return Reduced(tuple(levels), (width / size[0], height / size[1]))


def _dark(means: Plane) -> int:
    bright = np.flatnonzero(means > _BLACK)
    found = int(bright[0]) if len(bright) else 0
    return min(found, int(len(means) * _LARGEST_BORDER))


def _blurred(plane: Plane) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _BLUR), np.float32)
