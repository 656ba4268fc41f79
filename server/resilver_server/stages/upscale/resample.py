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
from torch.nn import functional as F

from .geometry import Placement

_LOBES = 3


class Resampler:
    """Resamples the rectangle of a placement to its output rectangle. Tables are made once, on the device."""

    def __init__(self, height: int, width: int, placement: Placement, device: torch.device, dtype: torch.dtype) -> None:
        rows = axis_taps(height, float(placement.top), float(placement.height), placement.rows)
        columns = axis_taps(width, float(placement.left), float(placement.width), placement.columns)
        self._rows = _to_device(*rows, device, dtype)
        self._columns = _to_device(*columns, device, dtype)

    def __call__(self, frame: torch.Tensor) -> torch.Tensor:
        """(3, height, width) -> (3, rows, columns), same device and dtype."""
        by_row = _sums(frame.permute(1, 0, 2), *self._rows)
        by_column = _sums(by_row.permute(2, 1, 0), *self._columns)
        return by_column.permute(1, 2, 0).contiguous()


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
    """(outputs, taps) each."""
    indices, weights = (torch.from_numpy(np.ascontiguousarray(table.T)) for table in (index, weight))
    return indices.to(device), weights.to(dtype).to(device)


def _sums(lines: torch.Tensor, index: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted sums of lines: (inputs, a, b) -> (outputs, a, b)."""
    table = lines.reshape(lines.shape[0], -1)
    if table.device.type == "mps":  # has no bags of embeddings
        total = table[index[:, 0]] * weight[:, :1]
        for tap in range(1, index.shape[1]):
            total += table[index[:, tap]] * weight[:, tap : tap + 1]
    else:
        total = F.embedding_bag(index, table, mode="sum", per_sample_weights=weight)
    return total.view(index.shape[0], *lines.shape[1:])
