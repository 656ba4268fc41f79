"""Smoothing in space of the grain that averaging has left: each band is kept as far as it is more than grain.

Bands of an "à trous" pyramid (Starck, Murtagh, "Astronomical Image and Data Analysis", 2002), each weighted by the
local Wiener gain, 1 - grain / (grain + picture), its denominator estimated around each pixel (Lee, "Digital image
enhancement and noise filtering by use of local statistics", IEEE PAMI 2(2), 1980). How much of the grain lies in a band
follows from its measured correlation. Edges and texture stand out of the grain and stay.
"""

from __future__ import annotations

import numpy as np
import torch

from resilver_server.stages.grain import Grain
from resilver_server.stages.grain.bands import gains, softened
from resilver_server.stages.grain.model import LAGS, boxed

from .temporal import Steady

_EDGES = (5, 7, 11)
"""Of the squares over which a band's power is estimated."""
_SIZE = 4 * LAGS


def smoothed(steady: Steady, grain: Grain, strength: float) -> torch.Tensor:
    """(3, height, width). ``strength``: the grain's variance is taken for this many times as large; 0 leaves all."""
    if strength == 0:
        return steady.frame
    scale = torch.tensor(np.diag(grain.colour).clip(0.1), device=steady.frame.device, dtype=steady.frame.dtype)
    grains = strength * steady.deviation**2 * steady.left
    rest, result = steady.frame, torch.zeros_like(steady.frame)
    for band, share in enumerate(_shares(grain)):
        softer = softened(rest, 2**band)
        detail = rest - softer
        power = boxed((detail.square() / scale[:, None, None]).mean(dim=0), _EDGES[band])
        result += detail * (1 - share * grains / power.clamp(min=1e-12)).clamp(min=0)
        rest = softer
    return result + rest


def _shares(grain: Grain) -> list[float]:
    """How much of the variance of luma grain lies in each band."""
    steps = np.minimum(np.arange(_SIZE), _SIZE - np.arange(_SIZE))
    known = np.zeros((_SIZE // 2 + 1, _SIZE // 2 + 1))
    known[:LAGS, :LAGS] = grain.lags[0]
    spectrum = np.maximum(np.fft.fft2(known[steps[:, None], steps[None, :]]).real, 0)
    spectrum /= max(spectrum.sum(), 1e-12)
    return [float(np.sum(spectrum * passed**2)) for passed in gains(_SIZE)]
