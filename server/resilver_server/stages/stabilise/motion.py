"""The motion of the whole picture between two frames: coarse to fine, along what most of the picture does.

A start by phase correlation (Kuglin and Hines, "The Phase Correlation Image Alignment Method", 1975), then Gauss-Newton
steps on both frames moved half way towards each other, so that neither is softened more than the other. The blocks'
displacements are joined with weights of Geman and McClure after Black and Anandan, "The Robust Estimation of Multiple
Motions", CVIU 63(1), 1996: people, smoke and the splices of dirt drop out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .blocks import Evidence, evidence
from .planes import Plane, Reduced

Array = npt.NDArray[np.float64]

_ROUNDS = 8
_COARSE_STEPS, _FINE_STEPS = 6, 4
_DONE = 0.004
"""Pixels below which another step is not worth it."""
_SCALES = (48.0, 24.0, 12.0, 6.0, 3.0, 3.0, 3.0, 3.0)
"""Deviations from which a block counts less, round by round: from all blocks to those that agree."""
_DEVIATION, _DEPTH = 0.1, 0.05
"""Pixels, and share of the way, by which blocks may differ in earnest: uneven film and what moves slowly; depth."""
_EVEN = 4.0
"""Sigma, pixels of the coarsest size, of what is taken for light in the first comparison."""
_STIFF = 1e-9
_GRID = 16.0
"""OpenCV places pixels in 32nds: whole 16ths, halved, are met exactly, and the rest is left to the last step."""


@dataclass(frozen=True)
class Motion:
    """Where the picture went: a point (x, y) off the middle moved by shift + grow * (x, y) + turn * (-y, x)."""

    shift: tuple[float, float]
    grow: float
    turn: float
    agreed: float
    """0..1: share of the textured picture that moves so."""
    blocks: float
    """How many blocks' worth of texture that is."""
    alike: float
    """0..1: how much of the contrast both frames share; little across a cut."""

    def about(self, x: float, y: float) -> Motion:
        """The same motion, told from a middle that lies (x, y) off."""
        right = self.shift[0] + self.grow * x - self.turn * y
        down = self.shift[1] + self.turn * x + self.grow * y
        return Motion((right, down), self.grow, self.turn, self.agreed, self.blocks, self.alike)


NOTHING = Motion((0.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0)


def between(previous: Reduced, current: Reduced, similarity: bool) -> Motion:
    """Motion from ``previous`` to ``current``, in film pixels; without ``similarity`` a shift alone."""
    start = len(previous.levels) - 1
    pairs = list(zip(previous.levels, current.levels, strict=True))
    starts = [_refined(*pairs[-1], value, similarity, _COARSE_STEPS) for value in _starts(*pairs[-1])]
    found = max(starts, key=lambda start: start.alike)
    for level in range(start - 1, -1, -1):
        value = found.value * np.array([2, 2, 1, 1])
        steps = _FINE_STEPS if level == 0 else _COARSE_STEPS
        found = _refined(*pairs[level], value, similarity, steps)
    x, y, grow, turn = (float(number) for number in found.value)
    shift = x * current.scale[0], y * current.scale[1]
    return Motion(shift, grow, turn, found.agreed, found.blocks, found.alike)


@dataclass(frozen=True)
class _Found:
    value: Array
    """shift x, shift y, grow, turn, in pixels of a level."""
    agreed: float = 0.0
    blocks: float = 0.0
    alike: float = 0.0


def _starts(previous: Plane, current: Plane) -> list[Array]:
    """No motion, and what phase correlation says."""
    window = cv2.createHanningWindow(previous.shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(_detail(previous), _detail(current), window)
    return [np.zeros(4), np.array([x, y, 0, 0])]


def _detail(plane: Plane) -> Plane:
    """The plane without what is evenly lit: flicker has its own edges."""
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), _EVEN), np.float32)


def _refined(previous: Plane, current: Plane, value: Array, similarity: bool, steps: int) -> _Found:
    found = _Found(value)
    for _ in range(steps):
        near = np.concatenate([np.round(found.value[:2] * _GRID) / _GRID, found.value[2:]])
        reach = _reach(near, previous.shape)
        if 2 * max(reach) > min(previous.shape) // 2:
            return _Found(found.value)
        deviation = float(np.hypot(_DEVIATION, _DEPTH * np.hypot(*near[:2])))
        seen = evidence(_moved(previous, -near / 2), _moved(current, near / 2), reach, deviation)
        last, found = found.value, _joined(near, seen, similarity)
        if np.abs(found.value - last)[:2].max() < _DONE:
            break
    return found


def _reach(value: Array, shape: tuple[int, ...]) -> tuple[int, int]:
    """Columns and rows at the edges for which one of the frames has nothing to show."""
    across, down = shape[1] / 2, shape[0] / 2
    x = abs(value[0]) + abs(value[2]) * across + abs(value[3]) * down
    y = abs(value[1]) + abs(value[2]) * down + abs(value[3]) * across
    return int(np.ceil(x / 2)) + 2, int(np.ceil(y / 2)) + 2


def _moved(plane: Plane, value: Array) -> Plane:
    """The plane as seen through ``value``: out(p) = plane(p + motion at p)."""
    if not value.any():
        return plane
    x, y, grow, turn = value
    matrix = np.array([[1 + grow, -turn, x], [turn, 1 + grow, y]])
    centre = (np.array(plane.shape[::-1]) - 1) / 2
    matrix[:, 2] += centre - matrix[:, :2] @ centre
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = plane.shape[::-1]
    return np.asarray(cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _joined(near: Array, seen: Evidence, similarity: bool) -> _Found:
    """The motion ``near``, bettered by the one displacement that most blocks share."""
    model = _model(seen.place, similarity)
    along = seen.precision @ model
    normal = model.transpose(0, 2, 1) @ along
    target = np.einsum("bkm,bk->bm", model, seen.pull)
    alone = np.linalg.solve(seen.precision + _STIFF * np.eye(2), seen.pull[..., None])[..., 0]
    weight = np.ones(len(model))
    step = np.zeros(model.shape[2])
    for scale in _SCALES:
        matrix = np.tensordot(weight, normal, 1)
        step = np.linalg.solve(matrix + _STIFF * np.eye(len(step)), weight @ target)
        apart = model @ step - alone
        distance = np.einsum("bi,bij,bj->b", apart, seen.precision, apart)
        weight = 1 / (1 + distance / scale**2) ** 2
    value = near.copy()
    value[: len(step)] += step
    blocks = float(weight @ seen.texture)
    agreed = blocks / max(float(seen.texture.sum()), _STIFF)
    return _Found(value, agreed, blocks, float(seen.alike @ seen.contrast / seen.contrast.sum()))


def _model(place: Array, similarity: bool) -> Array:
    """(n, 2, 2 or 4): how each block moves with the parts of the motion."""
    x, y = place.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = [[one, zero, x, -y], [zero, one, y, x]]
    columns = 4 if similarity else 2
    return np.array([row[:columns] for row in rows]).transpose(2, 0, 1)
