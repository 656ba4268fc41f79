"""How like its predecessor a frame is once both are laid over each other: the numbers that tell a repeated frame,
which carries the same grain, from a new frame of the same scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]

LARGEST_WIDTH = 720
"""Wider pictures are reduced by a whole factor: film grain covers several pixels there."""
_BLOCK = 16
_MARGIN = 8
_FLAT_SHARE = 0.25
_STEPS = 5


@dataclass(frozen=True)
class PairLikeness:
    """All in code values of 255 after registration of the earlier picture onto the later."""

    shift: tuple[float, float]
    """Movement of the whole picture in analysis pixels, x and y."""
    difference: float
    """Median over blocks of the mean squared difference in the band of the grain."""
    moving: float
    """99th percentile of the smoothed absolute difference: how far the part that moves most differs."""
    grain: float
    """Correlation, -1..1, of the grain band in the flattest quarter of the picture."""


def analysis_picture(luma: npt.NDArray[np.float32]) -> Picture:
    """Luma 0..1 of any size as 0..255, at most LARGEST_WIDTH wide."""
    height, width = luma.shape
    factor = -(-width // LARGEST_WIDTH)
    if factor > 1:
        size = (max(1, width // factor), max(1, height // factor))
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return luma * np.float32(255)


def compare(before: Picture, after: Picture) -> PairLikeness:
    """Likeness of two pictures of one size, made by ``analysis_picture``."""
    shift, gain, offset = register(before, after)
    laid = _moved(before, shift) * np.float32(gain) + np.float32(offset)
    inside = _inside(after.shape)
    old, new = _grain_band(laid)[inside], _grain_band(after)[inside]
    energy_old, energy_new, common = _blocks(old * old), _blocks(new * new), _blocks(old * new)
    rough = np.abs(cv2.GaussianBlur(laid - after, (0, 0), 3.0))[inside]
    return PairLikeness(
        shift=(float(shift[0]), float(shift[1])),
        difference=float(np.median(energy_old + energy_new - 2 * common)),
        moving=float(np.percentile(rough, 99)),
        grain=_flat_correlation(energy_old, energy_new, common),
    )


def register(before: Picture, after: Picture) -> tuple[npt.NDArray[np.float64], float, float]:
    """Shift (x, y) in pixels, gain and offset that lay ``before`` over ``after``.

    Phase correlation on a small picture, then Gauss-Newton on translation, gain and offset with Cauchy weights, so
    that what moves by itself does not pull the whole (Lucas and Kanade 1981; Baker and Matthews 2004).
    """
    shift = _coarse_shift(before, after)
    old, new = (np.asarray(cv2.GaussianBlur(p, (0, 0), 1.2), dtype=np.float32) for p in (before, after))
    rows, columns = _inside(after.shape)
    inside = slice(rows.start, rows.stop, 2), slice(columns.start, columns.stop, 2)  # blurred: nothing is lost
    gain, offset = 1.0, 0.0
    for _ in range(_STEPS):
        laid = _moved(old, shift)
        step, gain, offset = _refine(laid, new, inside)
        shift = shift + step
        if np.abs(step).max() < 0.01:
            break
    return shift, gain, offset


def _refine(laid: Picture, new: Picture, inside: tuple[slice, slice]) -> tuple[npt.NDArray[np.float64], float, float]:
    across = cv2.Sobel(laid, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)[inside].ravel()
    down = cv2.Sobel(laid, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)[inside].ravel()
    flat = laid[inside].ravel()
    error = new[inside].ravel() - flat
    system = np.stack([-across, -down, flat, np.ones_like(flat)])
    weight = 1 / (1 + (error / (2 * np.abs(error).mean() + np.float32(1e-3))) ** 2)
    weighted = system * weight
    normal = (weighted @ system.T).astype(np.float64) + np.diag([1.0, 1.0, 1.0, 1e-3])
    solved = np.linalg.solve(normal, (weighted @ error).astype(np.float64))
    return np.clip(solved[:2], -2, 2), 1 + float(np.clip(solved[2], -0.5, 0.5)), float(solved[3])


def _coarse_shift(before: Picture, after: Picture) -> npt.NDArray[np.float64]:
    height, width = after.shape
    factor = max(1, width // 160)
    size = (width // factor, height // factor)
    if min(size) < 16:
        return np.zeros(2)
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (before, after)]
    (x, y), _ = cv2.phaseCorrelate(small[0], small[1], cv2.createHanningWindow(size, cv2.CV_32F))
    shift = np.array([x * factor, y * factor])
    likely = bool(np.isfinite(shift).all()) and abs(x) < size[0] / 4 and abs(y) < size[1] / 4
    return shift if likely else np.zeros(2)


def _moved(picture: Picture, shift: npt.NDArray[np.float64]) -> Picture:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], dtype=np.float64)
    size = (picture.shape[1], picture.shape[0])
    moved = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.float32)


def _grain_band(picture: Picture) -> Picture:
    """What grain looks like after a transfer: finer than about 10 pixels, coarser than the interpolation's loss."""
    fine = cv2.GaussianBlur(picture, (0, 0), 0.8) - cv2.GaussianBlur(picture, (0, 0), 3.0)
    return np.asarray(fine, dtype=np.float32)


def _inside(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The picture without its border, where registration has no true pixels; all of a tiny picture."""
    rows, columns = (min(_MARGIN, (size - 1) // 4) for size in shape)
    return slice(rows, shape[0] - rows), slice(columns, shape[1] - columns)


def _blocks(values: Picture) -> npt.NDArray[np.float32]:
    """Means of whole blocks, (n,)."""
    block = min(_BLOCK, *values.shape)
    rows, columns = values.shape[0] // block, values.shape[1] // block
    cut = values[: rows * block, : columns * block]
    return np.asarray(cut.reshape(rows, block, columns, block).mean(axis=(1, 3)).ravel(), dtype=np.float32)


def _flat_correlation(
    old: npt.NDArray[np.float32], new: npt.NDArray[np.float32], common: npt.NDArray[np.float32]
) -> float:
    """Over the blocks with least detail, because detail of a still scene is alike in every frame. Blocks that hold
    nothing at all (clipped black or white, a matte) say nothing and are left out."""
    energy = old + new
    living = np.flatnonzero(energy > 0.2)
    if not living.size:
        return 1.0
    flat = living[np.argsort(energy[living], kind="stable")[: max(1, int(living.size * _FLAT_SHARE))]]
    return float(common[flat].sum() / np.sqrt(old[flat].sum() * new[flat].sum() + 1e-9))
