"""The grain of fills: what a fill lacks of the film around it is measured in places where the truth is known.

A fill is a mean of other frames, moved. It keeps what all of them show, texture and grain that a codec froze, and loses
what each has for itself, by as much as the number of neighbours, resampling and motion that was missed took away. None
of that can be told from the film's grain alone. So clean squares of the same frame are filled as the damage is, and
what is there says how much more a fill ought to have, band by band, by its tone and by how much it shows itself (ours;
held-out data in the sense of Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions", Journal of the
Royal Statistical Society B 36(2), 1974; the estimate in between by Nadaraya, "On Estimating Regression", Theory of
Probability and its Applications 9(1), 1964).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from .bands import BANDS, split, waves
from .measure import colours, correlation, levelled
from .model import LUMA, TONES, Array, Grain, luma

SAMPLE = 16
"""Edge in pixels of a square that is held out: as large as much of the dirt on film, and two waves of the coarsest
band."""
_APART = 40
"""Pixels from one to the next, at least: the motion over each is taken from around it."""
_MOST = 120
"""Squares in a frame: more add nothing."""
_CLEAR = 12
"""Pixels around a square that must be the film's own."""
_TONE, _LOG = 0.1, 0.5
"""Deviations of the Gaussians with which squares speak for others of another tone and logarithm of power."""
_FAR, _LITTLE = 2.0, 1e-3
"""Deviation, and weight, where there is none that near."""
LEAST = 1e-7
"""Power, in each band, that film is taken to have at least: 0.08 steps of 8 bits."""
_STRONGEST = 1.5
"""Gain that is believed at most."""
_DOUBT = 0.2
"""Of squares that tell as little, by a fifth, what the whole frame says counts as much."""
_USUAL = 2.5
"""Times the median by which a square may differ: where only grain differs, 99 of 100 do less even in the coarsest band
(chi-squared with ten degrees of freedom; it has 15 waves, not all alike)."""
POWERS = np.linspace(np.log(LEAST), 0.0, 33)
"""Logarithms of powers at which ``Lack`` is known; in steps of half of _LOG, about."""
_TONES = (np.arange(TONES) + 0.5) / TONES


Products = tuple[Array, Array, Array]
"""(n,) each, of one band over squares: mean squares of what is there, of what the fill shows, and of both together."""


@dataclass(frozen=True)
class Lack:
    """What fills of one frame lack, by band, tone and how strong the band is in the fill."""

    gain: torch.Tensor
    """(BANDS, TONES, powers) float32, 1 or a little more: by how much the band itself was weakened."""
    power: torch.Tensor
    """(BANDS, TONES, powers) float32: mean square of what is lacking beyond that."""
    kind: Grain
    """Its spectrum and colours; the level means nothing."""


def samples(taken: torch.Tensor) -> torch.Tensor:
    """(n, 2) int64 on the CPU: row and column of squares of SAMPLE pixels that are clean, evenly over the frame.

    ``taken`` (height, width): above 0 where the picture is not the film's own.
    """
    height, width = taken.shape
    step = max(_APART, round((height * width / _MOST) ** 0.5))
    rows, columns = (_starts(size, step) for size in (height, width))
    dirty = np.pad((taken > 0).cpu().numpy(), ((1, 0), (1, 0))).cumsum(0, dtype=np.int64).cumsum(1)
    low, high = rows - _CLEAR, np.minimum(rows + SAMPLE + _CLEAR, height)
    left, right = columns - _CLEAR, np.minimum(columns + SAMPLE + _CLEAR, width)
    inside = dirty[high][:, right] - dirty[low][:, right] - dirty[high][:, left] + dirty[low][:, left]
    found = np.argwhere(inside == 0)
    return torch.from_numpy(np.stack([rows[found[:, 0]], columns[found[:, 1]]], axis=1))


def squares(corners: torch.Tensor, height: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """(height, width) bool: where the squares are."""
    covered = np.zeros((height, width), bool)
    for row, column in corners.numpy():
        covered[row : row + SAMPLE, column : column + SAMPLE] = True
    return torch.from_numpy(covered).to(device)


def lacking(frame: torch.Tensor, filled: torch.Tensor, corners: torch.Tensor) -> Lack:
    """What ``filled`` lacks of ``frame``, both (3, height, width) RGB, 0..1, in the squares at ``corners``; their fills
    must be made as those of the damage are."""
    own, tone = _powers(filled, corners), _cut(luma(filled)[None], corners).mean(axis=(1, 2, 3))
    products = [_products(*pair) for pair in zip(_waves(frame, corners), _waves(filled, corners), strict=True)]
    tones = np.exp(-(((_TONES[:, None] - tone) / _TONE) ** 2) / 2)
    new = _new(products)
    gain, power = (np.empty((BANDS, len(_TONES), len(POWERS))) for _ in range(2))
    for band in range(BANDS):
        apart = POWERS[:, None] - np.log(own[band] + LEAST)
        weight = tones[:, None] * np.exp(-((apart / _LOG) ** 2) / 2)
        weight = weight + _LITTLE * np.exp(-((apart / _FAR) ** 2) / 2) + _LITTLE**3
        weight /= weight.sum(axis=-1, keepdims=True)
        gain[band], power[band] = _regression(products[band], weight, new)
    kind = _kind(levelled(_cut(frame - filled, corners)))
    return Lack(torch.from_numpy(gain).float(), torch.from_numpy(power).float(), kind)


def _powers(filled: torch.Tensor, corners: torch.Tensor) -> Array:
    """(BANDS, n) mean squares of the bands over the squares."""
    details = torch.stack(split(luma(filled)[None])[0])[:, 0]
    return np.asarray(np.square(_cut(details, corners)).mean(axis=(2, 3)).T)


def _products(there: Array, shown: Array) -> Products:
    whole, own, both = (np.sum(a * b, axis=1) / SAMPLE**2 for a, b in ((there, there), (shown, shown), (there, shown)))
    return whole, own, both


def _regression(products: Products, weight: Array, new: float) -> tuple[Array, Array]:
    """Gain, and mean square of what is lacking then, by (..., n) weights of the squares.

    Squares that differ far more than others like them show motion that was missed, not grain. Of what differs as much
    is lacking as squares like these say, and ``new`` where too much else is to be seen in them.
    """
    whole, own, both = products
    gain = ((weight @ both + LEAST) / (weight @ own + LEAST)).clip(1.0, _STRONGEST)
    differs = whole - 2 * gain[..., None] * both + gain[..., None] ** 2 * own
    most = _USUAL * _median(differs, weight)[..., None]
    lacks, told = _told(products)
    share = ((weight @ lacks + _DOUBT * new) / (weight @ told + _DOUBT)).clip(0, 1)
    return gain, share * np.sum(weight * np.minimum(differs, most), axis=-1)


def _new(products: list[Products]) -> float:
    """How much of what differs is lacking, over the whole frame: the rest is grain that the fill has of its own. All
    bands together, since few have few waves."""
    count = [len(basis) for basis in waves(SAMPLE)]
    lacks, told = (np.dot(count, [part.sum() for part in parts]) for parts in zip(*map(_told, products), strict=True))
    return float(np.clip(lacks / max(told, 1e-12), 0, 1))


def _told(products: Products) -> tuple[Array, Array]:
    """(n,) each: what is lacking, and what differs, over all that is to be seen: the more of it differs, the more a
    square can tell."""
    whole, own, both = products
    differs = whole - 2 * both + own
    return (whole - own) / (own + differs + LEAST), differs / (own + differs + LEAST)


def _median(values: Array, weight: Array) -> Array:
    """(...) weighted medians of (..., n) values."""
    order = np.argsort(values, axis=-1, kind="stable")
    passed = np.cumsum(np.take_along_axis(weight, order, axis=-1), axis=-1)
    middle = np.argmax(passed >= passed[..., -1:] / 2, axis=-1)[..., None]
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, axis=-1), middle, axis=-1)[..., 0])


def _starts(size: int, step: int) -> npt.NDArray[np.int64]:
    """Even places for squares with what must be clear around them, in the middle of an edge of ``size``."""
    room = size - SAMPLE - 2 * _CLEAR
    if room < 0:
        return np.zeros(0, np.int64)
    return np.arange(_CLEAR + room % step // 2, size - SAMPLE - _CLEAR + 1, step)


def _cut(planes: torch.Tensor, corners: torch.Tensor) -> Array:
    """(n, channels, SAMPLE, SAMPLE)."""
    step = torch.arange(SAMPLE)
    rows = (corners[:, 0, None] + step).to(planes.device)[:, :, None]
    columns = (corners[:, 1, None] + step).to(planes.device)[:, None, :]
    return planes[:, rows, columns].transpose(0, 1).cpu().double().numpy()


def _waves(picture: torch.Tensor, corners: torch.Tensor) -> list[Array]:
    """BANDS arrays (n, k): how much of each cosine is in the luma of the squares."""
    pixels = _cut(luma(picture)[None], corners).reshape(len(corners), -1)
    return [pixels @ basis.T for basis in waves(SAMPLE)]


def _kind(missed: npt.NDArray[np.float32]) -> Grain:
    """Spectrum and colours of (n, 3, SAMPLE, SAMPLE) levelled differences, all squares alike."""
    weight = np.ones(len(missed))
    lags, _ = correlation(np.tensordot(missed, np.array(LUMA), axes=(1, 0)), weight)
    colour, rest = colours(missed, weight)
    return Grain(np.ones(len(_TONES)), np.stack([lags, rest]), colour, (0, 0))
