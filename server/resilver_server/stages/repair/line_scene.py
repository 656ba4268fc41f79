"""How the scene moved sideways, apart from the lines that may lie over it.

A line on the film stays while the scene moves under it; so the motion beside it is what tells it from a pole. Flow is
OpenCV's DIS (Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016) on frames
reduced to a usual width. It is believed only where the picture has upright structure, and not beside any line that was
found: there the line itself would be followed.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .line_search import BANDS, Line

Plane = npt.NDArray[np.float32]

ROWS, COLUMNS = 4, 16
"""Parts of a frame whose motion is told."""
_WIDTH = 320
_SMALLEST = 32
"""DIS reads outside of pictures with shorter edges."""
_CLEAR = 6
"""Reduced pixels beside a line in which flow follows the line: DIS compares patches of 8."""
_STRUCTURE = 0.03
"""Slope of luma a reduced pixel at which flow is half believed; grain makes a third of it."""
_ENOUGH = 0.03
"""Share of a part that must be believed before it stands on its own."""


def motion(current: Plane, previous: Plane, lines: Sequence[Line]) -> tuple[Plane, float]:
    """(ROWS, COLUMNS) pixels to the right since the frame before, and that of most of the frame; zeros where frames are
    too small to tell."""
    height, width = current.shape
    scale = min(1.0, _WIDTH / width)
    size = round(width * scale), round(height * scale)
    if min(size) < _SMALLEST:
        return np.zeros((ROWS, COLUMNS), np.float32), 0.0
    now, then = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32) for plane in (current, previous)
    )
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    eight = [np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8) for plane in (now, then)]
    flow = np.asarray(search.calc(eight[0], eight[1], np.zeros((*now.shape, 2), np.float32)), np.float32)
    weight = _belief(now, lines, size[0] / width)
    moved, enlarged = -flow[..., 0], width / size[0]
    whole = _median(moved.ravel(), weight.ravel())
    return np.asarray(_parts(moved, weight, whole) * enlarged, np.float32), whole * enlarged


def _belief(now: Plane, lines: Sequence[Line], scale: float) -> Plane:
    """(rows, columns) 0..1."""
    slope = np.asarray(cv2.Sobel(cv2.GaussianBlur(now, (0, 0), 1.0), cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    weight = slope**2 / (slope**2 + _STRUCTURE**2)
    rows = np.linspace(0, now.shape[0], BANDS + 1).round().astype(int)
    for line in lines:
        for band in np.flatnonzero(line.x >= 0):
            centre, reach = (line.x[band] + 0.5) * scale - 0.5, line.width * scale / 2 + _CLEAR
            first, last = max(0, int(centre - reach)), int(centre + reach) + 2
            weight[rows[band] : rows[band + 1], first:last] = 0
    return np.asarray(weight, np.float32)


def _parts(moved: Plane, weight: Plane, whole: float) -> Plane:
    """Weighted medians of the parts; parts that know little are filled from those around, and from the whole."""
    rows = np.linspace(0, moved.shape[0], ROWS + 1).round().astype(int)
    columns = np.linspace(0, moved.shape[1], COLUMNS + 1).round().astype(int)
    value, trust = np.zeros((ROWS, COLUMNS), np.float32), np.zeros((ROWS, COLUMNS), np.float32)
    for row in range(ROWS):
        for column in range(COLUMNS):
            part = slice(rows[row], rows[row + 1]), slice(columns[column], columns[column + 1])
            value[row, column] = _median(moved[part].ravel(), weight[part].ravel())
            trust[row, column] = min(1.0, float(weight[part].mean()) / _ENOUGH)
    around = cv2.GaussianBlur(trust * value, (5, 3), 1.0) + 1e-3 * whole
    filled = around / (cv2.GaussianBlur(trust, (5, 3), 1.0) + 1e-3)
    return np.asarray(trust * value + (1 - trust) * filled, np.float32)


def _median(values: Plane, weights: Plane) -> float:
    total = float(weights.sum(dtype=np.float64))
    if total <= 0:
        return 0.0
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order[int(np.searchsorted(sums, sums[-1] / 2))]])
