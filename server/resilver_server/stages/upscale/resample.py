"""Exact separable resampling with an antialiased Lanczos kernel.

Lanczos (1964) as used by Turkowski, "Filters for common resampling tasks" (Graphics Gems, 1990): a windowed sinc of
three lobes, widened by the reduction factor when the picture shrinks. Weights are computed in float64 and normalised,
so a flat picture stays flat; the sums are taken tap by tap in a fixed order, so that the bits depend neither on
threads nor on a BLAS library.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .geometry import Placement

_LOBES = 3
_STRIP = 128
"""Output rows worked on at a time: keeps the intermediate sums in cache, and memory small at 4K."""


class Resampler:
    """Resamples the rectangle of a placement to its output rectangle. Tables are made once, on the device."""

    def __init__(self, height: int, width: int, placement: Placement, device: torch.device, dtype: torch.dtype) -> None:
        rows = axis_taps(height, float(placement.top), float(placement.height), placement.rows)
        columns = axis_taps(width, float(placement.left), float(placement.width), placement.columns)
        self._rows = _to_device(*rows, device, dtype)
        self._columns = _to_device(*columns, device, dtype)

    def __call__(self, frame: torch.Tensor) -> torch.Tensor:
        """(3, height, width) -> (3, rows, columns), same device and dtype."""
        index, weight = self._rows
        strips = []
        for start in range(0, index.shape[1], _STRIP):
            part = slice(start, start + _STRIP)
            strips.append(_sum(_sum(frame, index[:, part], weight[:, part], 1), *self._columns, 2))
        return torch.cat(strips, dim=1)


def axis_taps(
    size: int, start: float, length: float, outputs: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Input indices and weights, both (taps, outputs), for one axis of ``size`` samples whose part from ``start``
    over ``length`` becomes ``outputs`` samples. Beyond the edge the last sample is repeated."""
    step = length / outputs
    stretch = max(1.0, step)
    centres = start + (np.arange(outputs) + 0.5) * step - 0.5
    first = np.floor(centres - _LOBES * stretch).astype(np.int64) + 1
    taps = first[None, :] + np.arange(int(np.ceil(2 * _LOBES * stretch)) + 1)[:, None]
    weights = _lanczos((taps - centres) / stretch)
    weights /= weights.sum(axis=0)
    used = np.abs(weights).max(axis=1) > 0
    return np.clip(taps[used], 0, size - 1), weights[used]


def _lanczos(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    value = np.where(np.abs(x) < _LOBES, np.sinc(x) * np.sinc(x / _LOBES), 0.0)
    return np.where(np.abs(value) < 1e-15, 0.0, value)


def _to_device(
    index: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(index).to(device), torch.from_numpy(weight).to(device, dtype)


def _sum(frame: torch.Tensor, index: torch.Tensor, weight: torch.Tensor, dim: int) -> torch.Tensor:
    """Weighted sum of the taps along ``dim`` (1 = rows, 2 = columns)."""
    shape = (1, -1, 1) if dim == 1 else (1, 1, -1)
    total = frame.index_select(dim, index[0]) * weight[0].view(shape)
    for tap in range(1, index.shape[0]):
        total += frame.index_select(dim, index[tap]).mul_(weight[tap].view(shape))
    return total
