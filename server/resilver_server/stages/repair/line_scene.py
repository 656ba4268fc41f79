"""How the scene moved sideways, apart from the lines that may lie over it.

A line on the film stays while the scene moves under it; so the motion beside it is what tells it from a pole. Flow is
OpenCV's DIS (Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016) on frames
reduced to a usual width. It is believed only where the picture has upright structure, and not beside any line that was
found: there the line itself would be followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .line_search import BANDS, Line, filled

Plane = npt.NDArray[np.float32]

ROWS, COLUMNS = 4, 16
"""Parts of a frame whose motion is told."""
_WIDTH = 320
_SMALLEST = 32
"""DIS reads outside of pictures with shorter edges."""
_BESIDE = 6
"""Reduced pixels beside a line in which flow follows the line: DIS compares patches of 8. (Painting lines over first
looks better and is worse: what is painted stands still, and slow flow with it.)"""
_STRUCTURE = 0.03
"""Slope of luma a reduced pixel at which flow is half believed; grain makes a third of it."""
_EVERY = 4
"""Reduced pixels from one that the whole's motion is taken from to the next."""
_LEAST, _FLAT = 1.0, 2.0
"""Pixels that must be believed before the whole is more than a median, and the price of its slopes in pixels."""
_DOUBTS = (4.0, 2.0, 1.0, 0.5, 0.5, 0.5)
"""Pixels at which a place that moves otherwise counts half, round by round."""
_ENOUGH = 0.03
"""Share of a part that must be believed before it stands on its own."""


def motion(current: Plane, previous: Plane, lines: Sequence[Line]) -> tuple[Plane, Plane]:
    """(ROWS, COLUMNS) pixels to the right since the frame before, and (4,) that of most of the frame: in its middle,
    how much more over its width and over its height, and its median. Zeros where frames are too small to tell."""
    height, width = current.shape
    scale = min(1.0, _WIDTH / width)
    size = round(width * scale), round(height * scale)
    if min(size) < _SMALLEST:
        return np.zeros((ROWS, COLUMNS), np.float32), np.zeros(4, np.float32)
    now, then = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32) for plane in (current, previous)
    )
    scale = size[0] / width
    places = [place for line in lines for place in _places(line, now.shape[0], scale)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    eight = [np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8) for plane in (now, then)]
    flow = np.asarray(search.calc(eight[0], eight[1], np.zeros((*now.shape, 2), np.float32)), np.float32)
    weight = _belief(now, places)
    moved, enlarged = -flow[..., 0], width / size[0]
    whole = _whole(moved, weight)
    return np.asarray(_parts(moved, weight, whole) * enlarged, np.float32), whole * np.float32(enlarged)


@dataclass(frozen=True)
class _Place:
    """Where a line is in a band of the reduced frame."""

    rows: slice
    first: int
    last: int


def _places(line: Line, height: int, scale: float) -> Iterator[_Place]:
    """A line's places in all bands, where it was not seen too: it may just be too faint there."""
    edges = np.linspace(0, height, BANDS + 1).round().astype(int)
    reach = line.width / 2 * scale + _BESIDE
    for band, x in enumerate(filled(line.x)):
        centre = (float(x) + 0.5) * scale - 0.5
        rows = slice(int(edges[band]), int(edges[band + 1]))
        yield _Place(rows, int(np.floor(centre - reach)), int(np.ceil(centre + reach)))


def _belief(now: Plane, places: Sequence[_Place]) -> Plane:
    """(rows, columns) 0..1."""
    slope = np.asarray(cv2.Sobel(cv2.GaussianBlur(now, (0, 0), 1.0), cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    weight = slope**2 / (slope**2 + _STRUCTURE**2)
    for place in places:
        weight[place.rows, max(0, place.first) : max(0, place.last + 1)] = 0
    return np.asarray(weight, np.float32)


def _whole(moved: Plane, weight: Plane) -> Plane:
    """(4,): the plane through most of the motion, as zooms and turns need it; by Cauchy weights about the median."""
    step = slice(_EVERY // 2, None, _EVERY)
    value, trust = moved[step, step].ravel().astype(np.float64), weight[step, step].ravel().astype(np.float64)
    median = _median(moved[step, step].ravel(), weight[step, step].ravel())
    found = np.array([median, 0.0, 0.0])
    if trust.sum() <= _LEAST:
        return np.array([median, 0.0, 0.0, median], np.float32)
    v, u = np.meshgrid(*(np.arange(size)[step] / size - 0.5 for size in moved.shape), indexing="ij")
    system = np.stack([np.ones_like(value), u.ravel(), v.ravel()], axis=1)
    for doubt in _DOUBTS:
        sure = trust / (1 + ((value - system @ found) / doubt) ** 2)
        weighted = system * sure[:, None]
        found = np.linalg.solve(weighted.T @ system + _FLAT * np.diag([1e-6, 1.0, 1.0]), weighted.T @ value)
    return np.asarray([*found, median], np.float32)


def plane_at(
    whole: npt.NDArray[np.floating], u: npt.NDArray[np.floating], v: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """What (..., 4) tells of places ``u``, ``v``, -0.5..0.5 over the frame's width and height."""
    return whole[..., 0] + whole[..., 1] * u + whole[..., 2] * v


def _parts(moved: Plane, weight: Plane, whole: Plane) -> Plane:
    """Weighted medians of the parts; parts that know little are filled from those around, and from the whole."""
    v, u = np.meshgrid(*((np.arange(count) + 0.5) / count - 0.5 for count in (ROWS, COLUMNS)), indexing="ij")
    expected = plane_at(whole, u, v).astype(np.float32)
    rows = np.linspace(0, moved.shape[0], ROWS + 1).round().astype(int)
    columns = np.linspace(0, moved.shape[1], COLUMNS + 1).round().astype(int)
    value, trust = np.zeros((ROWS, COLUMNS), np.float32), np.zeros((ROWS, COLUMNS), np.float32)
    for row in range(ROWS):
        for column in range(COLUMNS):
            part = slice(rows[row], rows[row + 1]), slice(columns[column], columns[column + 1])
            value[row, column] = _median(moved[part].ravel(), weight[part].ravel())
            trust[row, column] = min(1.0, float(weight[part].mean()) / _ENOUGH)
    beyond = cv2.GaussianBlur(trust * (value - expected), (5, 3), 1.0)
    around = expected + beyond / (cv2.GaussianBlur(trust, (5, 3), 1.0) + 0.1)
    return np.asarray(trust * value + (1 - trust) * around, np.float32)


def _median(values: Plane, weights: Plane) -> float:
    total = float(weights.sum(dtype=np.float64))
    if total <= 0:
        return 0.0
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order[int(np.searchsorted(sums, sums[-1] / 2))]])
