"""Upright lines in one frame: places that are brighter or darker than both their sides, over much of the height.

After Newson, Almansa, Gousseau and Perez, "Robust Automatic Line Scratch Detection in Films", IEEE Transactions on
Image Processing 23(3), 2014: a pixel is marked where it stands out against both sides (an edge does not), and marks
that lie above each other make a line where chance would hardly have put so many, given how many marks there are around
(so that texture does not turn into lines). Where they bound the chance by a binomial tail along straight segments, here
it is a sum of likelihood ratios along a path that may wander: the expectation of its exponential is 1 for marks thrown
at random (Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical Statistics 16(2), 1945), so paths
of score s or better are expected exp(-s) times for every path that is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

BANDS = 12
"""Bands of a frame's height; a line is told band by band."""
MOST = 24
"""Lines at most that are told of a frame."""
_CELLS = 8
"""Rows of a band as they are looked at, each the mean of the film's own."""
_WIDEST = 0.012
"""Frame heights."""
_WIDTHS = (1, 3, 5, 9, 15, 25, 41)
_GAP = 1
"""Pixels beside a line that are neither line nor side: lines are never sharp."""
_LEAST = 1.2 / 255
"""Contrast below which nothing is marked."""
_APART = 20 / 255, 2.0
"""Sides that differ by more, or by more than so many contrasts, are an edge's."""
_AROUND = 1 / 8, 2
"""Neighbourhood in which marks are counted: frame widths, bands; to either side."""
_EXPECTED = 0.75
"""Share of cells marked along a line."""
_RARE, _DENSE = 0.03, 0.65
"""Limits of the share of cells marked by chance."""
_STAY, _STEP = -0.22, -2.3
"""Log chance that a line keeps its column from a band to the next, or goes one to a given side."""
_DARK, _BRINK, _BORDER = 0.07, 0.015, 0.2
"""Columns from the frame's edge on of which 19 in 20 cells are darker are no picture; nor are so many frame widths next
to them. A border wider than the last is taken for a dark scene."""
_CHANCE = 3.0
"""Paths by chance are expected exp(-this) times a frame."""
_TILT, _TELLING = 0.04, 4
"""Pixels to the side for each of height that lines lean at most, and bands that tell it. Film runs straight past what
scratches it: lines lean by its sway alone, about a pixel in a frame's height."""
_UPRIGHT = 8.0
"""Squared bands by which fitted lines are held upright: few bands tell no tilt."""
_SMALLEST = 32
"""Pixels of a side below which no line is looked for."""


@dataclass(frozen=True)
class Line:
    """A line of one frame."""

    x: Plane
    """(BANDS,) column of its centre in each band, pixels (0 is the centre of the first); -1 where it was not seen."""
    width: float
    """Pixels."""
    sign: float
    """1 bright, -1 dark."""
    score: float
    """Log of how much likelier it is than chance, above what the number of paths asks for."""


def find(planes: list[Plane]) -> list[Line]:
    """The likeliest lines of a frame, MOST at most, best first; ``planes`` are (height, width) views of it, 0..1."""
    if min(planes[0].shape) < _SMALLEST:
        return []
    found = [line for plane in planes for line in _of_plane(plane)]
    found = [line for line in found if abs(_tilt(line)) * BANDS <= _TILT * planes[0].shape[0]]
    kept: list[Line] = []
    for line in sorted(found, key=lambda line: -line.score):
        if len(kept) < MOST and not any(_overlap(line, other) for other in kept):
            kept.append(line)
    return kept


def _of_plane(plane: Plane) -> list[Line]:
    height, width = plane.shape
    cells = np.asarray(cv2.resize(plane, (width, BANDS * _CELLS), interpolation=cv2.INTER_AREA), np.float32)
    widths = [w for w in _WIDTHS if w <= max(3.0, _WIDEST * height) and 6 * w < width]
    tests = np.log(float(width) * BANDS * (BANDS + 1) / 2 * 2 * len(widths))
    left, right = _borders(cells)
    lines = []
    for wide in widths:
        sides = _Sides(cells, wide)
        for sign in (1.0, -1.0):
            marks = _marks(sides, sign)
            marks[:, :left] = 0
            marks[:, width - right :] = 0
            lines += _paths(sides, marks, sign, float(tests) + _CHANCE)
    return lines


def _borders(cells: Plane) -> tuple[int, int]:
    """Columns at the left and the right in which the picture's own edge lies."""
    width = cells.shape[1]
    dark = np.quantile(cells, 0.95, axis=0) < _DARK
    found = []
    for side in (dark, dark[::-1]):
        outside = width if side.all() else int(side.argmin())
        found.append(outside + round(_BRINK * width) if 0 < outside <= _BORDER * width else 0)
    return found[0], found[1]


class _Sides:
    """A plane of cells as lines of one width would see it."""

    def __init__(self, cells: Plane, width: int) -> None:
        self.width = width
        half, side = width // 2, max(2, width)
        reach = half + _GAP + side
        padded = np.pad(cells, ((0, 0), (reach + 1, reach)), mode="edge").astype(np.float64)
        padded[:, 0] = 0
        sums = np.cumsum(padded, axis=1)

        def mean(first: int, last: int) -> Plane:
            start, stop, count = reach + first, reach + last + 1, last - first + 1
            columns = cells.shape[1]
            return np.asarray((sums[:, stop : stop + columns] - sums[:, start : start + columns]) / count, np.float32)

        self.centre = mean(-half, half)
        self.left, self.right = mean(-reach, -half - _GAP - 1), mean(half + _GAP + 1, reach)
        self.margin = reach

    def contrast(self, sign: float) -> Plane:
        """How far the middle stands out against the nearer of both sides."""
        return np.asarray(sign * self.centre - np.maximum(sign * self.left, sign * self.right), np.float32)

    def mean_contrast(self, sign: float) -> Plane:
        return np.asarray(sign * (self.centre - (self.left + self.right) / 2), np.float32)


def _marks(sides: _Sides, sign: float) -> Plane:
    """(cells, width) 0 or 1: stands out against both sides, more than its surroundings and its neighbours."""
    contrast, level = sides.contrast(sign), sides.mean_contrast(sign)
    around = cv2.blur(np.abs(level), (2 * (4 * sides.margin) + 1, _CELLS + 1), borderType=cv2.BORDER_REFLECT)
    highest = cv2.dilate(level, np.ones((1, 3 + 2 * (sides.width // 3)), np.uint8))
    marked = (contrast > np.maximum(_LEAST, 0.5 * around)) & (level >= highest)
    marked &= np.abs(sides.left - sides.right) <= np.minimum(_APART[0], _LEAST + _APART[1] * contrast)
    marked[:, : sides.margin] = False
    marked[:, -sides.margin :] = False
    spread = cv2.dilate(marked.astype(np.uint8), np.ones((1, 3), np.uint8))
    return np.asarray(spread, np.float32)


def _paths(sides: _Sides, marks: Plane, sign: float, needed: float) -> list[Line]:
    """Lines of one width and polarity, the best first, no two on the same place."""
    score = _scores(marks)
    level = sides.mean_contrast(sign).reshape(BANDS, _CELLS, -1).mean(axis=1)
    lines: list[Line] = []
    while len(lines) < MOST:
        total, path = _best(score)
        if total < needed:
            break
        seen = [band for band in range(BANDS) if path[band] >= 0 and score[band, path[band]] > 0]
        x = np.full(BANDS, -1, np.float32)
        for band in seen:
            x[band] = path[band] + _beside(level[band], path[band])
        lines.append(Line(x, float(sides.width), sign, total - needed))
        for band in range(BANDS):
            if path[band] >= 0:
                clear = sides.width + 2
                score[band, max(0, path[band] - clear) : path[band] + clear + 1] = -1e3
    return lines


def _scores(marks: Plane) -> Plane:
    """(BANDS, width) log likelihood ratio of a line through each place against marks thrown at random."""
    columns = marks.shape[1]
    reach = max(8, round(_AROUND[0] * columns)), _AROUND[1] * _CELLS
    size = 2 * min(reach[0], columns - 1) + 1, 2 * reach[1] + 1
    chance = np.clip(cv2.blur(marks, size, borderType=cv2.BORDER_REFLECT), _RARE, _DENSE)
    hit, missed = np.log(_EXPECTED / chance), np.log((1 - _EXPECTED) / (1 - chance))
    return np.asarray(np.where(marks > 0, hit, missed).reshape(BANDS, _CELLS, columns).sum(axis=1), np.float32)


def _best(score: Plane) -> tuple[float, list[int]]:
    """The path of the largest sum, from any band to any later one; columns by band, -1 outside it."""
    columns = score.shape[1]
    total = np.zeros((BANDS, columns), np.float32)
    came = np.zeros((BANDS, columns), np.int64)
    before = np.full(columns + 2, -np.inf, np.float32)
    for band in range(BANDS):
        choices = np.stack([before[:-2] + _STEP, before[1:-1] + _STAY, before[2:] + _STEP])
        pick = choices.argmax(axis=0)
        best = np.take_along_axis(choices, pick[None], 0)[0]
        came[band] = np.where(best > 0, pick - 1, 2)
        total[band] = score[band] + np.maximum(best, 0)
        before[1:-1] = total[band]
    last, column = (int(k) for k in np.unravel_index(int(total.argmax()), total.shape))
    path = [-1] * BANDS
    value = float(total[last, column])
    for band in range(last, -1, -1):
        path[band] = column
        if came[band, column] == 2:
            break
        column += int(came[band, column])
    return value, path


def _beside(level: Plane, column: int) -> float:
    """How far the peak lies from its column: the top of a parabola through the highest of three and its neighbours."""
    if not 2 <= column < len(level) - 2:
        return 0.0
    peak = column - 1 + int(level[column - 1 : column + 2].argmax())
    before, here, after = (float(level[peak + k]) for k in (-1, 0, 1))
    bend = before - 2 * here + after
    beside = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < -1e-6 else 0.0
    return peak - column + beside


def _tilt(line: Line) -> float:
    """Pixels to the right from a band to the next; 0 where too little of it was seen to tell."""
    bands = np.flatnonzero(line.x >= 0)
    if len(bands) < _TELLING:
        return 0.0
    return float(np.polyfit(bands, line.x[bands].astype(np.float64), 1)[0])


def _overlap(line: Line, other: Line) -> bool:
    both = (line.x >= 0) & (other.x >= 0)
    near = (line.width + other.width) / 2 + 2
    return bool(both.any() and np.abs(line.x - other.x)[both].min() < near)


def filled(x: Plane) -> Plane:
    """The same with every band told: as far beside the upright that fits best as in the nearest band seen."""
    seen = x >= 0
    count = np.maximum(seen.sum(axis=-1, keepdims=True), 1)
    bands = np.arange(x.shape[-1], dtype=np.float32)
    middle = (bands * seen).sum(axis=-1, keepdims=True) / count
    mean = (x * seen).sum(axis=-1, keepdims=True) / count
    lever = (bands - middle) * seen
    tilt = (lever * (x - mean)).sum(axis=-1, keepdims=True) / ((lever**2).sum(axis=-1, keepdims=True) + _UPRIGHT)
    fitted = mean + tilt * (bands - middle)
    distance = np.abs(bands[:, None] - bands[None, :])
    nearest = np.where(seen[..., None, :], distance, np.inf).argmin(axis=-1)
    return np.asarray(fitted + np.take_along_axis(x - fitted, nearest, axis=-1), np.float32)
