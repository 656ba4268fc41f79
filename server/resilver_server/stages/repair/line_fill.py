"""Taking a line scratch out of a frame.

Where light still came through the line, what lies under it is kept: along the line the values are a mixture
(1 - a) * film + a * level, as Bruni and Vitulano have it ("A Generalized Model for Scratch Detection", IEEE
Transactions on Image Processing 13(1), 2004), with an opacity and a level of its own for each column across the line.
Both are found by regression against the picture on its two sides, in a window that slides along the line, and the
mixture is undone.
Where nearly nothing came through, the sides are joined across the line along the direction in which they match best, as
deinterlacers join rows (Doyle and Looymans, "Progressive Scan Conversion Using Edge Information", 1990), with grain
borrowed from beside the line where averaging took it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

SIDE = 3
"""Columns of each side that its level is taken from."""
_WINDOW = 1 / 24, 5.0
"""Deviation of the window along the line: frame heights, rows at least."""
_PRIOR = 0.03
"""Deviation of the picture along the line that tells opacity from level as well as no opacity is expected."""
_OPAQUE, _CLEAR = 0.75, 0.5
"""Opacity from which sides are joined, and up to which the mixture is undone."""
_LEAST, _SURE = 0.8 / 255, 2.0
"""Contrast, and multiple of its standard error, from which a line is there at all."""
_SOFT = 1.0
"""Pixels by which lines are wider than what stands out of them."""


@dataclass(frozen=True)
class Strip:
    """The pixels along a line, a row of them for each row of the frame."""

    columns: torch.Tensor
    """(height, 2 * reach + 1) int64 columns of the frame, clamped to it."""
    offset: torch.Tensor
    """(height, 2 * reach + 1) pixels to the right of the line's centre."""
    along: torch.Tensor
    """(height,) 1 where the line may be, 0 elsewhere."""
    half: int
    """Columns to each side of the middle one that the line may take."""
    mask: torch.Tensor
    """(height, 2 * half + 1) bool."""


def strip(x: npt.NDArray[np.float32], width: float, height: int, columns: int, like: torch.Tensor) -> Strip:
    """The pixels along a line of one frame: ``x`` (bands,) as solved, -1 where it is not."""
    bands = np.flatnonzero(x >= 0)
    rows = np.arange(height)
    middle = (bands + 0.5) * height / len(x) - 0.5
    centre = np.interp(rows, middle, x[bands].astype(np.float64))
    there = np.isin(np.minimum(rows * len(x) // height, len(x) - 1), bands)
    reach = width / 2 + _SOFT
    half = int(np.ceil(reach + 0.5))
    around = np.round(centre).astype(np.int64)[:, None] + np.arange(-half - SIDE, half + SIDE + 1)
    offset = around - centre[:, None]
    inner = slice(SIDE, 2 * half + 1 + SIDE)
    inside = (around >= 0) & (around < columns)
    mask = (np.abs(offset) <= reach) & there[:, None] & inside
    return Strip(
        columns=torch.from_numpy(np.clip(around, 0, columns - 1)).to(like.device),
        offset=torch.from_numpy(offset).to(like),
        along=torch.from_numpy(there.astype(np.float64)).to(like),
        half=half,
        mask=torch.from_numpy(np.ascontiguousarray(mask[:, inner])).to(like.device),
    )


def repaired(frame: torch.Tensor, where: Strip) -> tuple[torch.Tensor, torch.Tensor]:
    """(3, height, 2 * half + 1) values in place of the line, (height, 2 * half + 1) bool where they count."""
    seen = torch.gather(frame, 2, where.columns.expand(3, -1, -1))
    inner = seen[..., SIDE : SIDE + 2 * where.half + 1]
    flat = across(seen, where.half)
    level, opacity, there = mixture(inner, flat, where)
    undone = (inner - level) / (1 - opacity)
    keep = ((_OPAQUE - opacity) / (_OPAQUE - _CLEAR)).clamp(0, 1)
    joined = flat
    return keep * undone + (1 - keep) * joined, where.mask & there[:, None]


def across(seen: torch.Tensor, half: int) -> torch.Tensor:
    """(3, height, 2 * half + 1): from the level of one side to that of the other in a straight line."""
    left, right = seen[..., :SIDE].mean(-1, keepdim=True), seen[..., -SIDE:].mean(-1, keepdim=True)
    distance = half + (SIDE + 1) / 2
    share = (torch.arange(-half, half + 1, device=seen.device, dtype=seen.dtype) + distance) / (2 * distance)
    return left * (1 - share) + right * share


def mixture(inner: torch.Tensor, flat: torch.Tensor, where: Strip) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What is added (3, height, columns) and the opacity (3, height, columns) along the line, (height,) bool where
    there is a line at all."""
    height = inner.shape[1]
    deviation = max(_WINDOW[1], _WINDOW[0] * height)
    smooth = _short(flat)
    beyond = inner - flat
    weight = where.along.expand(*beyond.shape[:1], height)[..., None].expand_as(beyond)
    for _ in range(2):
        total = _slide(weight, deviation).clamp(min=1e-6)
        mean, mean_flat = _slide(weight * beyond, deviation) / total, _slide(weight * smooth, deviation) / total
        varied = (_slide(weight * smooth**2, deviation) / total - mean_flat**2).clamp(min=0)
        together = _slide(weight * beyond * smooth, deviation) / total - mean * mean_flat
        slope = (together / (varied + _PRIOR**2)).clamp(-0.95, 0.3)
        left = beyond - mean - slope * (smooth - mean_flat)
        spread = (_slide(weight * left**2, deviation) / total).sqrt().clamp(min=1e-4)
        weight = where.along[None, :, None] / (1 + (left / (2 * spread)) ** 2)
    count = (total / _slide(torch.ones_like(total), deviation) * deviation * 3.5).clamp(min=1)
    middle = slice(where.half - 1, where.half + 2)
    contrast = mean[..., middle].abs().amax(-1).amax(0)
    error = (spread / count.sqrt())[..., middle].amax(-1).amax(0)
    there = (contrast > _LEAST) & (contrast > _SURE * error)
    return mean - slope * mean_flat, -slope, there


def _short(plane: torch.Tensor) -> torch.Tensor:
    """Means of five rows: the grain of the sides would pass for opacity."""
    return _slide(plane, 1.5)


def _slide(plane: torch.Tensor, deviation: float) -> torch.Tensor:
    """(channels, height, columns) smoothed along the height by a Gaussian; the ends repeated."""
    reach = max(1, round(2.5 * deviation))
    steps = torch.arange(-reach, reach + 1, device=plane.device, dtype=plane.dtype)
    kernel = torch.exp(-0.5 * (steps / deviation) ** 2)
    channels, height, columns = plane.shape
    lines = plane.permute(0, 2, 1).reshape(-1, 1, height)
    padded = F.pad(lines, (reach, reach), mode="replicate")
    smooth = F.conv1d(padded, (kernel / kernel.sum())[None, None])
    return smooth.reshape(channels, columns, height).permute(0, 2, 1)
