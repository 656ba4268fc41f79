"""Making grain: white noise through the filter that gives it the measured spectrum.

Newson, Delon and Galerne, "A Stochastic Film Grain Model for Resolution-Independent Rendering", Computer Graphics Forum
36(8), 2017, say what grain is when enlarged: the same field seen closer. A Gaussian field with the same autocorrelation
at scaled distances is its second-order likeness (Galerne, Gousseau, Morel, "Random Phase Textures: Theory and
Synthesis", IEEE TIP 20(1), 2011), and costs a filter.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import cv2
import numpy as np
import torch
from torch.nn.functional import conv2d

from .model import LAGS, Array, Grain

_RANK = 3
"""Products of a column and a row that a filter is made of: measured ones keep 0.995 of their power and more in two."""
_FADE = 5
"""Pixels from which correlation is brought to 0, so that cutting it off adds no rings to the spectrum."""
_SIZE = 4 * LAGS


def pattern(grain: Grain, height: int, width: int, scale: float, seed: int) -> torch.Tensor:
    """(3, height, width) float32 on the CPU: grain where luma has the deviation 1.

    ``scale``: how much larger than it was measured. The numbers come from the CPU's generator, so that they are the
    same on every device. Same arguments, same bits.
    """
    generator = torch.Generator().manual_seed(seed)
    follows = torch.from_numpy(grain.follows()).float()
    made = follows[:, None, None] * _field(grain.lags[0], height, width, scale, generator)
    for part in grain.rest().T:
        weights = torch.from_numpy(part.copy()).float()
        made = made + weights[:, None, None] * _field(grain.lags[1], height, width, scale, generator)
    return made


def _field(lags: Array, height: int, width: int, scale: float, generator: torch.Generator) -> torch.Tensor:
    """(height, width) Gaussian field of deviation 1 with that correlation at ``scale`` times the distance."""
    columns, rows = _filter(lags.tobytes(), scale)
    reach = columns.shape[1] - 1
    noise = torch.randn((1, 1, height + reach, width + reach), generator=generator)
    across = conv2d(noise, rows[:, None, None, :])
    return conv2d(across, columns[None, :, :, None])[0, 0]


@lru_cache(maxsize=64)
def _filter(lags: bytes, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    """(rank, length) columns and rows of the filter whose output on white noise has the correlation ``lags``."""
    kernel = _enlarged(_kernel(np.frombuffer(lags, np.float64).reshape(LAGS, LAGS)), scale)
    left, values, right = np.linalg.svd(kernel)
    columns = left[:, :_RANK].T * values[:_RANK, None]
    power = np.sum((columns.T @ right[:_RANK]) ** 2)
    scaled = columns / np.sqrt(max(power, 1e-12))
    return torch.from_numpy(scaled.copy()).float(), torch.from_numpy(right[:_RANK].copy()).float()


def spectrum(lags: Array, size: int) -> Array:
    """(size, size) power by frequency, as of ``numpy.fft``, of a field with the correlation ``lags``; its mean is 1."""
    steps = np.minimum(np.arange(size), size - np.arange(size))
    fade = np.where(
        np.arange(LAGS) < _FADE, 1.0, 0.5 + 0.5 * np.cos(np.pi * (np.arange(LAGS) - _FADE + 1) / (LAGS - _FADE + 1))
    )
    quadrant = np.zeros((size // 2 + 1, size // 2 + 1))
    quadrant[:LAGS, :LAGS] = lags * fade[:, None] * fade[None, :]
    power = np.maximum(np.fft.fft2(quadrant[steps[:, None], steps[None, :]]).real, 0)
    return np.asarray(power / max(float(power.mean()), 1e-12), np.float64)


def _kernel(lags: Array) -> Array:
    """(2 LAGS - 1, 2 LAGS - 1) filter without phase: the root of the spectrum."""
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(spectrum(lags, _SIZE))).real)
    middle = _SIZE // 2
    return np.asarray(kernel[middle - LAGS + 1 : middle + LAGS, middle - LAGS + 1 : middle + LAGS], np.float64)


def _enlarged(kernel: Array, scale: float) -> Array:
    """The filter at another size, an odd one."""
    if scale == 1:
        return kernel
    half = max(1, ceil((len(kernel) // 2) * scale))
    places = ((np.arange(2 * half + 1) - half) / scale + len(kernel) // 2).astype(np.float32)
    across, down = np.meshgrid(places, places)
    return np.asarray(
        cv2.remap(kernel.astype(np.float32), across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT), np.float64
    )
