"""Taking a line scratch out of a frame.

Where light still came through the line, what lies under it is kept: along the line the values are a mixture
(1 - a) * film + a * level, as Bruni and Vitulano have it ("A Generalized Model for Scratch Detection", IEEE
Transactions on Image Processing 13(1), 2004), with an opacity and a level of its own for each column across the line.
Both are found by regression against the picture on its two sides, in a window that slides along the line, and the
mixture is undone.
Where nearly nothing came through, the place is taken from a frame that saw it (``line_time``), or else the sides are
joined across the line (``line_joins``). Grain that is missing afterwards is borrowed from beside the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from .line_joins import SIDE, joined

_WINDOW = 1 / 24, 5.0
"""Deviation of the window along the line: frame heights, rows at least."""
_PRIOR = 0.03
"""Deviation of the picture along the line that tells opacity from level as well as no opacity is expected."""
_OPAQUE, _CLEAR = 0.75, 0.5
"""Opacity from which sides are joined, and up to which the mixture is undone."""
_LEAST, _SURE = 0.8 / 255, 2.0
"""Contrast, and multiple of its standard error, from which a line is there at all."""
_SIDES, _ROWS = (-1, 1), 11
"""Where grain is borrowed from: the sides, and so many rows away."""
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


@dataclass(frozen=True)
class Repair:
    """What becomes of a line."""

    values: torch.Tensor
    """(3, height, 2 * half + 1)."""
    there: torch.Tensor
    """(height, 2 * half + 1) bool, where they count."""
    guessed: torch.Tensor
    """(3, height, 2 * half + 1) 0..1, how far they were joined from the sides."""
    seen: torch.Tensor | None = None
    """(height, 2 * half + 1) 0..1, how far other frames told them instead."""


def repaired(frame: torch.Tensor, where: Strip) -> Repair:
    """A line of a (3, height, width) frame, from this frame alone."""
    seen = torch.gather(frame, 2, where.columns.expand(3, -1, -1))
    inner = seen[..., SIDE : SIDE + 2 * where.half + 1]
    level, opacity, there = mixture(inner, across(seen, where.half), where)
    undone = (inner - level) / (1 - opacity)
    guessed = ((opacity - _CLEAR) / (_OPAQUE - _CLEAR)).clamp(0, 1)
    counts = where.mask & there[:, None]
    if bool((guessed.amax(0) * counts).any()):
        undone = (1 - guessed) * undone + guessed * joined(seen, where.half)
    return Repair(undone, counts, guessed)


def with_grain(frame: torch.Tensor, where: Strip, repair: Repair) -> torch.Tensor:
    """The values with as much grain as there is beside the line: what is missing is read left of it, some rows further
    down, so that none is seen twice in a row."""
    height = frame.shape[1]
    deviation = max(_WINDOW[1], _WINDOW[0] * height)
    count = 2 * where.half + 1
    beside = [
        _grain(torch.gather(frame, 2, _beside(where, side * (count + 2), frame).expand(3, -1, -1))) for side in _SIDES
    ]
    wanted = torch.minimum(*(_power(grain, deviation) for grain in beside))
    missing = (wanted - _power(_grain(repair.values), deviation)).clamp(min=0)
    grain = beside[0].roll(_ROWS, dims=1)
    return repair.values + grain * (missing / _power(grain, deviation).clamp(min=1e-8)).sqrt().clamp(max=1)


def _beside(where: Strip, shift: int, frame: torch.Tensor) -> torch.Tensor:
    """(height, 2 * half + 1) columns as far beside the line; mirrored where the frame ends."""
    last = frame.shape[2] - 1
    columns = where.columns[:, SIDE : SIDE + 2 * where.half + 1] + shift
    return last - (last - columns.abs()).abs().clamp(max=last)


def _grain(plane: torch.Tensor) -> torch.Tensor:
    return plane - _short(plane)


def _power(grain: torch.Tensor, deviation: float) -> torch.Tensor:
    """(3, height, 1) variance of grain around each row."""
    return _slide((grain**2).mean(-1, keepdim=True), deviation)


def across(seen: torch.Tensor, half: int) -> torch.Tensor:
    """(3, height, 2 * half + 1): from the level of one side to that of the other in a straight line."""
    left, right = seen[..., :SIDE].mean(-1, keepdim=True), seen[..., -SIDE:].mean(-1, keepdim=True)
    distance = half + (SIDE + 1) / 2
    share = (torch.arange(-half, half + 1, device=seen.device, dtype=seen.dtype) + distance) / (2 * distance)
    return left * (1 - share) + right * share


def mixture(inner: torch.Tensor, flat: torch.Tensor, where: Strip) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What is added (3, height, columns) and the opacity (3, height, columns) along the line, (height,) bool where
    there is a line at all.

    Both are courses along the line for places across it that are half a pixel apart; a line that wanders by parts of a
    pixel keeps them.
    """
    deviation = max(_WINDOW[1], _WINDOW[0] * inner.shape[1])
    places = _Places(where, deviation)
    smooth, beyond = _short(flat), inner - flat
    weight = where.along[None, :, None].expand_as(beyond)
    for _ in range(2):
        total = places.summed(weight).clamp(min=1e-6)
        mean, mean_flat = (places.summed(weight * values) / total for values in (beyond, smooth))
        varied = (places.summed(weight * smooth**2) / total - mean_flat**2).clamp(min=0)
        together = places.summed(weight * beyond * smooth) / total - mean * mean_flat
        slope = places.read((together / (varied + _PRIOR**2)).clamp(-0.95, 0.3))
        mean, mean_flat = places.read(mean), places.read(mean_flat)
        left = beyond - mean - slope * (smooth - mean_flat)
        spread = (_slide(where.along[None, :, None] * left**2, deviation) / places.along).sqrt().clamp(min=1e-4)
        weight = where.along[None, :, None] / (1 + (left / (2 * spread)) ** 2)
    middle = slice(where.half - 1, where.half + 2)
    contrast = mean[..., middle].abs().amax(-1).amax(0)
    error = (spread / (3.5 * deviation * places.along).clamp(min=1).sqrt())[..., middle].amax(-1).amax(0)
    there = (contrast > _LEAST) & (contrast > _SURE * error)
    return mean - slope * mean_flat, -slope, there


class _Places:
    """Places across a line, half a pixel apart, and what lies around each along it."""

    def __init__(self, where: Strip, deviation: float) -> None:
        self._deviation = deviation
        offset = where.offset[:, SIDE : SIDE + 2 * where.half + 1]
        reach = 2 * (where.half + 1)
        places = torch.arange(-reach, reach + 1, device=offset.device, dtype=offset.dtype) / 2
        self._share = (1 - 2 * (offset[..., None] - places).abs()).clamp(min=0)
        self.along = _slide(where.along[None, :, None], deviation).clamp(min=1e-6)

    def summed(self, values: torch.Tensor) -> torch.Tensor:
        """(3, height, places) sums of (3, height, columns) in the window along the line."""
        return _slide(torch.einsum("chk,hkp->chp", values, self._share), self._deviation)

    def read(self, courses: torch.Tensor) -> torch.Tensor:
        """(3, height, columns) of (3, height, places)."""
        return torch.einsum("chp,hkp->chk", courses, self._share)


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
