"""Bands of a picture by fineness: the "à trous" pyramid with the B3 spline (Starck, Murtagh, "Astronomical Image and
Data Analysis", 2002). Their sum and the rest are the picture."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import pad

BANDS = 3
"""The finest holds what is shorter than about four pixels, each next what is twice as long."""
_SOFT = 0.5
"""Octaves from one band of ``partition`` to the next: sharp ones would ring where their strength changes."""


def split(planes: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
    """BANDS tensors, the finest first, and the rest, each (n, height, width) as ``planes``. Edges are held."""
    details, rest = [], planes
    for band in range(BANDS):
        softer = softened(rest, 2**band)
        details.append(rest - softer)
        rest = softer
    return details, rest


def gains(size: int) -> npt.NDArray[np.float64]:
    """(BANDS, size, size) what each band passes of each frequency of an FFT of that size."""
    passed, found = np.ones((size, size)), []
    for band in range(BANDS):
        line = np.cos(np.pi * np.fft.fftfreq(size) * 2**band) ** 4
        softer = passed * line[:, None] * line[None, :]
        found.append(passed - softer)
        passed = softer
    return np.stack(found)


@lru_cache(maxsize=2)
def waves(edge: int) -> list[npt.NDArray[np.float64]]:
    """BANDS arrays (k, edge * edge), the finest first: cosines (the orthonormal DCT) by which a square is told apart
    into bands without a look beyond its edge, the plane of the first degree taken out of each."""
    steps = np.arange(edge)
    line = np.cos(np.pi * (2 * steps[None, :] + 1) * steps[:, None] / (2 * edge)) * np.sqrt(2 / edge)
    line[0] /= np.sqrt(2)
    slope = (steps - (edge - 1) / 2) / np.linalg.norm(steps - (edge - 1) / 2) / np.sqrt(edge)
    plane = np.stack([np.full((edge, edge), 1 / edge), np.tile(slope, (edge, 1)), np.tile(slope[:, None], (1, edge))])
    plane = plane.reshape(3, -1)
    every = np.einsum("ax,by->abxy", line, line).reshape(edge, edge, -1)
    every = every - (every @ plane.T) @ plane
    fineness = np.hypot(steps[:, None], steps[None, :]) / edge
    edges = [np.inf, *(2.0 ** -(band + 1) for band in range(BANDS - 1)), 0.0]
    return [every[(low <= fineness) & (fineness < high)] for high, low in pairwise(edges)]


def partition(size: int) -> npt.NDArray[np.float64]:
    """(BANDS, size, size) gains for the frequencies of an FFT that divide a field as ``waves`` divide squares, softly;
    their sum is 1."""
    line = np.abs(np.fft.fftfreq(size)) * 2
    fineness = np.maximum(np.hypot(line[:, None], line[None, :]), 1e-9)
    passed = [np.zeros((size, size))]
    for band in range(BANDS - 1):
        place = np.clip((np.log2(fineness) + band + 1) / _SOFT + 0.5, 0, 1)
        passed.append((1 - np.cos(np.pi * place)) / 2)
    return np.stack([coarse - fine for fine, coarse in pairwise([*passed, np.ones((size, size))])])


def reach(edge: int) -> npt.NDArray[np.float64]:
    """(BANDS, 2 edge - 1, 2 edge - 1): what a field's correlation at each distance counts for the mean square of its
    ``waves`` over a square."""
    found = []
    for basis in waves(edge):
        spectrum = np.abs(np.fft.fft2(basis.reshape(-1, edge, edge), (2 * edge, 2 * edge))) ** 2
        counts = np.fft.fftshift(np.fft.ifft2(spectrum.sum(axis=0)).real)
        found.append(counts[1:, 1:] / edge**2)
    return np.stack(found)


def softened(planes: torch.Tensor, step: int) -> torch.Tensor:
    """(n, height, width) blurred by five taps ``step`` pixels apart; edges are held. By additions: convolutions with
    gaps are slow on a CPU."""
    held = pad(planes[:, None], (2 * step,) * 4, mode="replicate")[:, 0]
    for axis in (2, 1):
        size = held.shape[axis] - 4 * step
        lines = [held.narrow(axis, k * step, size) for k in range(5)]
        held = (lines[0] + lines[4] + 4 * (lines[1] + lines[3]) + 6 * lines[2]) / 16
    return held
