"""What each block of two aligned frames says about the motion that is left between them.

Lucas and Kanade, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI 1981, block
by block, with gain and offset of each block freed as by Hager and Belhumeur, "Efficient Region Tracking With
Parametric Models of Geometry and Illumination", PAMI 20(10), 1998: flicker, of the whole frame or of parts, is not
taken for motion. Pixels that do not match (dirt, scratches) count little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .planes import Plane

Array = npt.NDArray[np.float64]

_EDGES = 16, 40
"""Least and most pixels of a block's edge; between them a tenth of the picture's smaller side."""
_SHARED = 8.0
"""Neighbouring pixels that, after the blur, say the same."""
_OUTLYING = 2.5
"""Deviations from which a pixel counts less."""
_TINY = 1e-9
_DARK = 1e-7
"""Variance that is always there: the steps of eight bits, averaged."""


@dataclass(frozen=True)
class Evidence:
    """Of n blocks: each measured a displacement, more or less surely, in one direction or in both."""

    place: Array
    """(n, 2) x, y of the block's centre, pixels from the picture's."""
    precision: Array
    """(n, 2, 2) inverse covariance of the displacement, 1 / pixels^2."""
    pull: Array
    """(n, 2) precision times displacement."""
    texture: Array
    """(n,) 0..1: how far the block can be told to have moved."""
    contrast: Array
    """(n,) sum of squares about the block's mean."""
    alike: Array
    """(n,) 0..1: 1 where both frames show the same, near 0 where they do not."""


def evidence(previous: Plane, current: Plane, margin: tuple[int, int], deviation: float) -> Evidence:
    """Of two aligned frames of one size; ``margin`` columns and rows on each side show nothing of the film.
    ``deviation``: pixels by which blocks may differ in earnest. No block is surer than this."""
    tiles = _Tiles.of(previous.shape)
    mean = (previous + current) * np.float32(0.5)
    down, across = np.gradient(mean)
    ones = np.ones_like(mean)
    features = np.stack([tiles.cut(plane) for plane in (ones, mean, across, down, current - previous)], axis=1)
    features[:, 1] -= features[:, 1].mean(axis=1, keepdims=True)
    seen = tiles.cut(_seen(previous.shape, margin))
    first = _freed(_moments(features, seen))
    return _judged(_moments(features, seen * _alike(features, first)), tiles.places(), deviation)


@dataclass(frozen=True)
class _Tiles:
    """Square blocks laid over the middle of a plane."""

    edge: int
    rows: int
    columns: int
    top: int
    left: int
    shape: tuple[int, int]

    @staticmethod
    def of(shape: tuple[int, ...]) -> _Tiles:
        height, width = shape[0], shape[1]
        edge = min(max(min(height, width) // 10, _EDGES[0]), _EDGES[1])
        rows, columns = height // edge, width // edge
        return _Tiles(edge, rows, columns, (height - rows * edge) // 2, (width - columns * edge) // 2, (height, width))

    def cut(self, plane: Plane) -> Plane:
        """(blocks, pixels)."""
        part = plane[self.top : self.top + self.rows * self.edge, self.left : self.left + self.columns * self.edge]
        blocks = part.reshape(self.rows, self.edge, self.columns, self.edge).transpose(0, 2, 1, 3)
        return blocks.reshape(self.rows * self.columns, self.edge**2)

    def places(self) -> Array:
        y = self.top + (np.arange(self.rows) + 0.5) * self.edge - self.shape[0] / 2
        x = self.left + (np.arange(self.columns) + 0.5) * self.edge - self.shape[1] / 2
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class _Freed:
    """Least squares per block once gain and offset are taken out: texture * displacement = -match."""

    texture: Array
    """(n, 2, 2)."""
    match: Array
    """(n, 2)."""
    power: Array
    """(n,) squared difference of the block."""
    explained: Array
    """(n, 3, 2) what offset and gain take of gradients and difference."""


def _seen(shape: tuple[int, ...], margin: tuple[int, int]) -> Plane:
    seen = np.zeros(shape, np.float32)
    seen[margin[1] : shape[0] - margin[1], margin[0] : shape[1] - margin[0]] = 1
    return seen


def _moments(features: Plane, weight: Plane) -> Array:
    """(n, 5, 5) sums of products of the features of each block."""
    weighted = features * weight[:, None]
    return np.asarray(weighted @ features.transpose(0, 2, 1), np.float64)


def _freed(moments: Array) -> _Freed:
    light, others = moments[:, :2, :2] + _TINY * np.eye(2), moments[:, 2:, 2:]
    mixed = moments[:, 2:, :2]
    explained = mixed @ np.linalg.inv(light)
    left = others - explained @ mixed.transpose(0, 2, 1)
    return _Freed(left[:, :2, :2], left[:, :2, 2], np.maximum(left[:, 2, 2], 0.0), explained)


def _alike(features: Plane, freed: _Freed) -> Plane:
    """(n, pixels) weights of pixels by how well they match once brightness and motion are reckoned with."""
    step = _displacement(freed)
    fitted = np.concatenate([freed.explained[:, 2] + (step[:, None] @ freed.explained[:, :2])[:, 0], -step], axis=1)
    # difference minus offset, gain and motion of the block
    off = features[:, 4] - (fitted.astype(np.float32)[:, None] @ features[:, :4])[:, 0]
    spread = 1.4826 * np.median(np.abs(off), axis=1, keepdims=True) + 1e-4
    return np.asarray(1 / np.maximum(np.abs(off) / (_OUTLYING * spread), 1.0) ** 2, np.float32)


def _displacement(freed: _Freed) -> Array:
    """(n, 2) pixels, at most one: weakly textured blocks would leap."""
    trace = np.trace(freed.texture, axis1=1, axis2=2)
    ridge = (0.01 * trace + _TINY)[:, None, None] * np.eye(2)
    step = -np.linalg.solve(freed.texture + ridge, freed.match[..., None])[..., 0]
    return np.asarray(np.clip(step, -1, 1), np.float64)


def _judged(moments: Array, place: Array, deviation: float) -> Evidence:
    freed = _freed(moments)
    step = _displacement(freed)
    left = freed.power + 2 * (step * freed.match).sum(axis=1) + np.einsum("bi,bij,bj->b", step, freed.texture, step)
    contrast = moments[:, 1, 1] + _TINY
    alike = 1 / (1 + (left / contrast) ** 2)
    variance = np.maximum(left, 0) / np.maximum(moments[:, 0, 0], 1) + _DARK
    trust = alike / (variance * _SHARED)
    sharp = freed.texture * trust[:, None, None]
    limit = np.linalg.inv(np.eye(2) + deviation**2 * sharp)
    precision = limit @ sharp
    pull = (limit @ (-freed.match * trust[:, None])[..., None])[..., 0]
    texture = np.trace(precision, axis1=1, axis2=2) * deviation**2 / 2
    return Evidence(place, precision, pull, texture, contrast, alike)
