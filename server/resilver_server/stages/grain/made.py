"""Making grain: white noise through the filter that gives it the measured spectrum, then as strong as the tone asks.

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

from .model import LAGS, Array, Grain, deviation, luma

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


def grain_like(
    frame: torch.Tensor, mask: torch.Tensor, grain: Grain, seed: int, held: float | torch.Tensor = 0.0
) -> torch.Tensor:
    """``frame`` with grain laid over what was filled in, as the film around it has it.

    ``frame``: (3, height, width) RGB, 0..1, the fill in it. ``mask``: (height, width) 0..1, above 0 where it was
    filled; soft edges mix. ``grain``: ``Grain.of(state, row)``, or where nothing was solved
    ``surroundings(frame, mask)``. ``seed``: of this frame alone, say its media frame's number. ``held``: the share of
    grain's *variance* that the fill has by itself, a number or (height, width): 1 for pixels taken from one frame, 1/2
    for the mean of two, 0 for a smooth fill. Device and dtype stay; where ``mask`` is 0 the frame is kept bit for bit.

    The strength follows the tone alone. What lies right beside a fill must not decide it: its texture would pass for
    grain (tried: up to five times too much, where the truth is known).
    """
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    if grain.none or not len(rows):
        return frame
    box = tuple(slice(int(edge[0]), int(edge[-1]) + 1) for edge in (rows, columns))
    filled, covered = frame[:, *box], mask[box].to(frame)
    missing = 1 - torch.as_tensor(held).to(frame).clamp(0, 1)
    missing = missing[box] if missing.ndim else missing
    strength = deviation(grain, luma(filled)) * torch.sqrt(missing) * covered
    made = pattern(grain, filled.shape[1], filled.shape[2], 1.0, seed).to(frame)
    result = frame.clone()
    result[:, *box] = torch.where(covered > 0, filled + strength * made, filled)
    return result


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


def _kernel(lags: Array) -> Array:
    """(2 LAGS - 1, 2 LAGS - 1) filter without phase: the root of the spectrum."""
    steps = np.minimum(np.arange(_SIZE), _SIZE - np.arange(_SIZE))
    fade = np.where(
        np.arange(LAGS) < _FADE, 1.0, 0.5 + 0.5 * np.cos(np.pi * (np.arange(LAGS) - _FADE + 1) / (LAGS - _FADE + 1))
    )
    quadrant = np.zeros((_SIZE // 2 + 1, _SIZE // 2 + 1))
    quadrant[:LAGS, :LAGS] = lags * fade[:, None] * fade[None, :]
    power = np.fft.fft2(quadrant[steps[:, None], steps[None, :]]).real
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(np.maximum(power, 0))).real)
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
