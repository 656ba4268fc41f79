"""Measuring grain: in flat blocks of a frame, that look different in the frame before.

The variance of flat blocks is that of their grain (Olsen, "Estimation of noise in images: an evaluation", CVGIP 55(4),
1993, on block methods). Which blocks are flat is told by the frame before, at the place they came from: its grain is
another, so that the choice is not biased towards blocks that have little grain by chance. What differs
between both is grain, without the texture that they share. The comparison of both frames is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from resilver_server.stages.contract import AnalysisFrame

from .model import LAGS, LUMA, TONES, Array, rows_of
from .motion import flow

BLOCK = 24
"""Edge of a block in pixels."""
_CELL = 4
"""Pixels, each way, whose mean shows structure rather than grain."""
_MOST = 700
"""Blocks that are looked at in a frame: more add nothing."""
_BEST = 64
"""Blocks that correlation is taken from."""
_FLAT = 1e-7
"""Variance of a block that no film is in: bars, and what a codec left empty (a tenth of an 8-bit step, squared)."""
_AGREE = 0.35
"""Excess of the logarithm of a block's changing variance over its own at which its weight has dropped to 0.6; grain
alone gives about 0.2 in blocks of this size."""
_REPEATED = 0.02
"""Share of the variance that changes in a frame that repeats the one before, but for its codec."""
_QUIET = 0.3
"""Quantile of the variances of a frame's blocks from four times which blocks are doubted to be grain alone."""
_USUAL = 0.45
"""Quantile of the variances of blocks of one tone that is taken for grain: texture only adds."""


@dataclass(frozen=True)
class _Blocks:
    """n blocks of a frame. Planes of the first degree are taken out."""

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    tone: Array
    variance: Array
    weight: Array
    """How far a block can be trusted to show grain and nothing else."""
    flat: Array
    """(n, BLOCK, BLOCK) what is left of luma, without what the frame before has in common with it."""


def measure(frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
    """Of one frame: grain_frame (1,) int64, its number; grain_size (2,) int32, its height and width; float32:
    grain_level (TONES,) variance of luma by tone, 0 where unknown; grain_count (TONES,) how much each is worth;
    grain_lags (2, LAGS, LAGS) and grain_colour (3, 3) as in ``Grain``; grain_sure (1,) what these are worth.
    A frame that has none before it says nothing: alone, texture cannot be told from grain."""
    if previous is not None and previous.luma.shape != frame.luma.shape:
        previous = None
    found = _blocks(frame.luma, previous.luma) if previous is not None else None
    rows = _statistics(found, frame.luma.shape, frame.rgb.astype(np.float32) / np.float32(255))
    return {"grain_frame": np.array([frame.index], np.int64)} | rows


def _blocks(luma: npt.NDArray[np.float32], before: npt.NDArray[np.float32]) -> _Blocks | None:
    """None where there is no block to measure: the frame is too small or empty."""
    rows, columns = _places(luma.shape)
    if not len(rows):
        return None
    given = _cut(luma, rows, columns)
    tone, seen = given.mean(axis=(1, 2), dtype=np.float64), levelled(given)
    then = levelled(_cut(before, *_moved(luma, before, rows, columns)))
    flat, agreed = _grain_of(seen, then)
    weight = agreed * _evenness(then, tone)
    variance = _power(flat)
    some = (variance > _FLAT) & (weight > 0)
    if not some.any():
        return None
    weight = weight[some] * _below(variance[some], 2 * _quantile(variance[some], weight[some], _QUIET))
    return _Blocks(rows[some], columns[some], tone[some], variance[some], weight, flat[some])


def _grain_of(flat: npt.NDArray[Any], then: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Array]:
    """Blocks in which only grain is left, of its variance, and how sure that is: all 0 where a frame repeats the last.

    The difference of two blocks is the grain of both: what they share, texture and what a codec repeats, has gone out
    of it. It cannot vary more than the block does, unless the motion was missed. That grain is what changes is the safe
    side: taking lasting texture for grain would eat it.
    """
    difference = (flat - then) * np.float32(np.sqrt(0.5))
    changed, whole = _power(difference), _power(flat)
    film = whole > _FLAT
    if not film.any() or np.median(changed[film] / whole[film]) < _REPEATED:
        return difference, np.zeros(len(flat))
    more = np.log(np.maximum(changed, _FLAT) / np.maximum(whole, _FLAT)).clip(0)
    return difference, np.exp(-((more / _AGREE) ** 2) / 2)


def _places(shape: tuple[int, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Corners of at most about _MOST blocks, evenly over the frame."""
    height, width = shape
    count = (height // BLOCK) * (width // BLOCK)
    step = BLOCK * max(1, round(float(np.sqrt(count / _MOST))))
    rows, columns = (np.arange(0, size - BLOCK + 1, step) for size in (height, width))
    grid = np.meshgrid(rows, columns, indexing="ij")
    return grid[0].ravel(), grid[1].ravel()


def _cut(plane: Any, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """(n, BLOCK, BLOCK), or with channels behind."""
    views = np.lib.stride_tricks.sliding_window_view(plane, (BLOCK, BLOCK), axis=(0, 1))
    return np.asarray(views[rows, columns])


def _moved(
    luma: npt.NDArray[np.float32],
    before: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Corners of the blocks in the frame before, in whole pixels: anything finer would blur the grain."""
    height, width = luma.shape
    moves = flow(luma, before)
    scale = height / moves.shape[0], width / moves.shape[1]
    middle_rows = np.minimum((rows + BLOCK / 2) / scale[0], moves.shape[0] - 1).astype(np.int64)
    middle_columns = np.minimum((columns + BLOCK / 2) / scale[1], moves.shape[1] - 1).astype(np.int64)
    move = moves[middle_rows, middle_columns]
    down = np.round(move[:, 1] * scale[0]).astype(np.int64)
    right = np.round(move[:, 0] * scale[1]).astype(np.int64)
    return np.clip(rows + down, 0, height - BLOCK), np.clip(columns + right, 0, width - BLOCK)


@lru_cache(maxsize=4)
def _basis(edge: int) -> npt.NDArray[np.float32]:
    line = np.arange(edge) - (edge - 1) / 2
    planes = np.stack([np.ones((edge, edge)), np.tile(line, (edge, 1)), np.tile(line[:, None], (1, edge))])
    flat = planes.reshape(3, -1)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True), np.float32)


def levelled(blocks: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """(..., edge, edge) blocks without their mean and slope."""
    basis = _basis(blocks.shape[-1])
    pixels = np.ascontiguousarray(blocks, np.float32).reshape(*blocks.shape[:-2], -1)
    return np.asarray((pixels - (pixels @ basis.T) @ basis).reshape(blocks.shape), np.float32)


def _power(blocks: npt.NDArray[Any]) -> Array:
    return np.asarray(np.mean(np.square(blocks), axis=(1, 2), dtype=np.float64), np.float64)


def _evenness(flat: npt.NDArray[Any], tone: Array) -> Array:
    """(n,) 0..1: how far blocks are like noise. They have as little structure as the evenest fifth of blocks of their
    tone, and of all blocks in relation to their variance, and their values are spread as those of a Gaussian."""
    side = BLOCK // _CELL
    cells = flat.reshape(-1, side, _CELL, side, _CELL).mean(axis=(2, 4))
    structure, power = _power(cells) + 1e-12, _power(flat) + 1e-12
    peaked = np.mean(flat.astype(np.float64) ** 4, axis=(1, 2)) / power**2 - 3
    relative = structure / power
    usual = np.quantile(relative[power > _FLAT], 0.2) if (power > _FLAT).any() else 1.0
    result = _below(relative, usual) / (1 + np.square(np.maximum(peaked, 0)))
    bins = _bins(tone)
    for tone_bin in np.unique(bins):
        inside = bins == tone_bin
        result[inside] *= _below(structure[inside], np.quantile(structure[inside], 0.2))
    return np.asarray(result, np.float64)


def _below(values: Array, usual: Any) -> Array:
    """1 for what is usual, 1/2 for twice that, fast less for more."""
    return np.asarray(1 / (1 + (values / (2 * max(float(usual), 1e-12))) ** 4), np.float64)


def _bins(tone: Array) -> npt.NDArray[np.int64]:
    return np.clip((tone * TONES).astype(np.int64), 0, TONES - 1)


def _statistics(
    found: _Blocks | None, shape: tuple[int, ...], rgb: npt.NDArray[np.float32]
) -> dict[str, npt.NDArray[Any]]:
    level, worth = np.zeros(TONES), np.zeros(TONES)
    lags, colour, sure = np.zeros((2, LAGS, LAGS)), np.ones((3, 3)), 0.0
    if found is not None:
        bins = _bins(found.tone)
        best = np.argsort(-found.weight, kind="stable")[:_BEST]
        lags[0], beyond = correlation(found.flat[best], found.weight[best])
        places = found.rows[best], found.columns[best]
        channels = np.stack([levelled(_cut(rgb[..., k], *places)) for k in range(3)], axis=1)
        colour, lags[1] = colours(channels, found.weight[best])
        sure = float(found.weight[best].sum())
        for tone_bin in np.unique(bins):
            inside = bins == tone_bin
            level[tone_bin] = _quantile(found.variance[inside], found.weight[inside], _USUAL) * (1 - beyond)
            worth[tone_bin] = found.weight[inside].sum()
    rows = rows_of(level, lags, colour, (int(shape[0]), int(shape[1])))
    return rows | {"grain_count": worth.astype(np.float32), "grain_sure": np.array([sure], np.float32)}


def _quantile(values: Array, weights: Array, share: float) -> float:
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(passed, share * passed[-1]), len(order) - 1)])


def correlation(flat: npt.NDArray[Any], weight: Array) -> tuple[Array, float]:
    """(LAGS, LAGS) mean autocorrelation of (n, edge, edge) blocks, and what of it does not fade with distance.

    That part is no grain: shading of the picture where positive; where negative the mean and slope that were taken out.
    """
    size = 2 * flat.shape[-1]
    spectrum = np.abs(np.fft.rfft2(flat.astype(np.float64), (size, size))) ** 2
    scale = weight / np.maximum(_power(flat), _FLAT)
    mean = np.fft.irfft2(np.tensordot(scale, spectrum, axes=1) / weight.sum(), (size, size))
    steps = np.arange(LAGS)
    down, across = size // 2 - steps[:, None], size // 2 - steps[None, :]
    both = (mean[:LAGS, :LAGS] + mean[:LAGS, -steps % size]) / (2 * down * across)
    found = both / both[0, 0]
    beyond = float(np.clip(np.concatenate([found[-1, :], found[:-1, -1]]).mean(), -0.5, 0.5))
    return (found - beyond) / (1 - beyond), beyond


def colours(grain: npt.NDArray[Any], weight: Array) -> tuple[Array, Array]:
    """(3, 3) covariance of the channels of (n, 3, edge, edge) blocks over luma's variance, and (LAGS, LAGS) correlation
    of what differs from luma."""
    blocks = grain.astype(np.float64)
    luma = np.tensordot(np.array(LUMA), blocks, axes=(0, 1))
    scale = weight / np.maximum(_power(luma), _FLAT)
    colour = np.einsum("n,ncij,ndij->cd", scale, blocks, blocks) / (luma[0].size * weight.sum())
    share = colour @ np.array(LUMA)
    colour /= max(float(share @ np.array(LUMA)), 1e-3)
    rest = blocks - luma[:, None] * (colour @ np.array(LUMA))[None, :, None, None]
    beyond_luma = np.trace(colour) - float(np.sum((colour @ np.array(LUMA)) ** 2))
    if beyond_luma < 1e-3:
        return colour, np.zeros((LAGS, LAGS))
    lags = [correlation(rest[:, k], weight)[0] for k in range(3)]
    return colour, np.mean(lags, axis=0)
