"""How far two clips are apart. Frames are (3, height, width) RGB, 0..1, as arrays or tensors; nothing is resized.

PSNR over a peak of 1; SSIM after Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility
to Structural Similarity", IEEE Transactions on Image Processing 13(4), 2004: 11x11 Gaussian window of sigma 1.5,
K1 = 0.01, K2 = 0.03, mean over all windows that lie inside the frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from resilver_client.errors import FrameCountMismatch, GeometryMismatch

from .pictures import Frame, Image, as_array, to_luma

Picked = TypeVar("Picked")
_C1, _C2 = 0.01**2, 0.03**2
_WINDOW, _SIGMA = 11, 1.5


@dataclass(frozen=True)
class FrameScore:
    """One pair of frames."""

    psnr: float
    """dB; infinite where the frames are equal."""
    ssim: float
    brightness_a: float
    """Mean luma, 0..1."""
    brightness_b: float
    change_a: float
    """Mean absolute luma difference to the clip's frame measured before; 0 for the first."""
    change_b: float
    squared_error: float


@dataclass(frozen=True)
class Comparison:
    """Two clips, pair by pair."""

    frames: tuple[FrameScore, ...]

    @property
    def psnr(self) -> float:
        """dB of the mean squared error over all frames."""
        return _decibel(_mean(score.squared_error for score in self.frames))

    @property
    def ssim(self) -> float:
        return _mean(score.ssim for score in self.frames)

    @property
    def temporal_difference(self) -> tuple[float, float]:
        """Mean absolute change from frame to frame, of A and of B."""
        later = self.frames[1:]
        return _mean(score.change_a for score in later), _mean(score.change_b for score in later)

    @property
    def brightness(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean luma of every frame, of A and of B."""
        return tuple(s.brightness_a for s in self.frames), tuple(s.brightness_b for s in self.frames)


def compare(a: Iterable[Frame], b: Iterable[Frame], *, luma: bool = False) -> Comparison:
    """Measures frame against frame, holding two of each clip; ``luma`` takes PSNR and SSIM on luma alone.

    Raises GeometryMismatch where sizes differ and FrameCountMismatch where one clip is longer or both are empty.
    """
    scores: list[FrameScore] = []
    before: tuple[Image, Image] | None = None
    for index, (first, second) in enumerate(_paired(a, b)):
        _check_geometry(first, second, index)
        lumas = to_luma(first), to_luma(second)
        seen = lumas if luma else (first, second)
        error = squared_error(*seen)
        scores.append(
            FrameScore(
                psnr=_decibel(error),
                ssim=ssim(*seen),
                brightness_a=_average(lumas[0]),
                brightness_b=_average(lumas[1]),
                change_a=_average(np.abs(lumas[0] - before[0])) if before else 0.0,
                change_b=_average(np.abs(lumas[1] - before[1])) if before else 0.0,
                squared_error=error,
            )
        )
        before = lumas
    if not scores:
        raise FrameCountMismatch("both clips are empty", remedy="give clips with at least one frame")
    return Comparison(tuple(scores))


def psnr(a: Frame, b: Frame) -> float:
    """dB over a peak of 1; infinite for equal frames. Raises GeometryMismatch."""
    first, second = as_array(a), as_array(b)
    _check_geometry(first, second, 0)
    return _decibel(squared_error(first, second))


def ssim(a: Frame, b: Frame) -> float:
    """Mean structural similarity, of (height, width) or the mean over channels. Raises GeometryMismatch.

    Frames smaller than the window get the largest odd window that fits.
    """
    first, second = as_array(a), as_array(b)
    _check_geometry(first, second, 0)
    planes = zip(first.reshape(-1, *first.shape[-2:]), second.reshape(-1, *second.shape[-2:]), strict=True)
    return _mean(_ssim_plane(x.astype(np.float64), y.astype(np.float64)) for x, y in planes)


def squared_error(a: Image, b: Image) -> float:
    return float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))


def brightness_trace(frames: Iterable[Frame]) -> tuple[float, ...]:
    """Mean luma of every frame."""
    return tuple(_average(to_luma(frame)) for frame in frames)


def common_times(count_a: int, rate_a: Fraction, count_b: int, rate_b: Fraction) -> tuple[tuple[int, int], ...]:
    """Pairs (frame of A, frame of B) shown at exactly the same time, both clips beginning at 0."""
    ratio = rate_a / rate_b
    pairs = ((k * ratio.numerator, k * ratio.denominator) for k in range(count_a // ratio.numerator + 1))
    return tuple((i, j) for i, j in pairs if i < count_a and j < count_b)


def picked(frames: Iterable[Picked], indices: Iterable[int]) -> Iterator[Picked]:
    """The frames with these increasing numbers, without holding the others. Raises FrameCountMismatch if one lacks."""
    source = enumerate(frames)
    for wanted in indices:
        for index, frame in source:
            if index == wanted:
                yield frame
                break
        else:
            raise FrameCountMismatch(f"the clip ends before frame {wanted}", remedy="check that it is whole")


def _paired(a: Iterable[Frame], b: Iterable[Frame]) -> Iterator[tuple[Image, Image]]:
    lengths = [0, 0]
    for first, second in zip_longest(a, b):
        lengths[0] += first is not None
        lengths[1] += second is not None
        if lengths[0] == lengths[1] and first is not None and second is not None:
            yield as_array(first), as_array(second)
    if lengths[0] != lengths[1]:
        raise FrameCountMismatch(
            f"the clips have {lengths[0]} and {lengths[1]} frames",
            remedy="compare clips of equal length, or frames at common times",
        )


def _check_geometry(a: Image, b: Image, index: int) -> None:
    if a.shape != b.shape:
        raise GeometryMismatch(
            f"frames are {a.shape[-1]}x{a.shape[-2]} and {b.shape[-1]}x{b.shape[-2]}",
            where=f"frame {index}",
            remedy="measure never resizes: bring both to one size first",
        )


def _ssim_plane(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    size = min(_WINDOW, *((edge - 1) // 2 * 2 + 1 for edge in x.shape))
    margin = size // 2

    def mean(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        blurred = np.asarray(cv2.GaussianBlur(plane, (size, size), _SIGMA), np.float64)
        return blurred[margin : plane.shape[0] - margin, margin : plane.shape[1] - margin]

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return float(np.mean(luminance * structure))


def _average(plane: Image) -> float:
    return float(np.mean(plane, dtype=np.float64))


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return math.fsum(kept) / len(kept) if kept else 0.0


def _decibel(error: float) -> float:
    return math.inf if error == 0 else -10 * math.log10(error)
