"""What is put in place of dirt: what the neighbours show there, of the brightness and the grain around it.

Everything dense is done at the size that dirt is sought at; of the full frame only the places to fill are touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .planes import around, at, highest, sharply_at, smooth, spread

_UNSURE = 3
"""Pixels (of flow) around dirt whose motion is not believed: it is taken from farther around."""
_BLACK = 1e-3
_ALIKE = 0.1
"""Differences above are no matter of brightness."""
_TRUST = 2
"""Power of the error around a place by which the better neighbour is preferred."""


@dataclass(frozen=True)
class Guidance:
    """What filling knows of one neighbour, at the size dirt is sought at."""

    flow: torch.Tensor
    """(1, 2, h, w) in pixels of that size, dirt's own motion replaced by that around it."""
    gain: torch.Tensor
    """(1, 1, h, w) brightness of the frame over that of the neighbour, around each place."""
    error: torch.Tensor
    """(1, 1, h, w) mean difference around each place."""


def guidance(current: torch.Tensor, moved: torch.Tensor, flow: torch.Tensor, dirty: torch.Tensor) -> Guidance:
    """``current`` and ``moved`` (1, 1, h, w) as they are, ``flow`` (1, 2, h, w), ``dirty`` (1, 1, h, w) 0 or 1."""
    clean = 1 - dirty
    trusted = 1 - highest(dirty, 2 * _UNSURE)
    difference = current - moved
    alike = clean * (difference.abs() < _ALIKE)
    gain = (around(alike * current, 4, 2) + _BLACK) / (around(alike * moved, 4, 2) + _BLACK)
    error = (around(clean * (current - gain * moved).abs(), 4, 1) + _BLACK) / (around(clean, 4, 1) + _BLACK)
    return Guidance(spread(flow, trusted), gain, error)


def filled(
    frames: Mapping[int, torch.Tensor],
    places: tuple[torch.Tensor, torch.Tensor],
    pairs: tuple[torch.Tensor, torch.Tensor],
    known: Mapping[int, Guidance],
    factor: int,
) -> torch.Tensor:
    """(3, p) for p places (rows, columns) of the full frame, each from its own pair of neighbours.

    ``frames``: (3, h, w) by offset; ``pairs``: (p,) offsets of the one and of the other; ``factor``: by which the size
    of ``known`` is smaller.
    """
    rows, columns = places
    values, errors = [], []
    for wanted in pairs:
        value = torch.zeros((3, len(rows)), device=rows.device, dtype=next(iter(frames.values())).dtype)
        error = torch.zeros(len(rows), device=rows.device, dtype=value.dtype)
        for offset, guide in known.items():
            chosen = (wanted == offset).nonzero()[:, 0]
            if len(chosen):
                value[:, chosen], error[chosen] = _from(frames[offset], rows[chosen], columns[chosen], guide, factor)
        values.append(value)
        errors.append(error)
    return joined(values, errors, places, next(iter(frames.values())).shape[-2:])


def _from(
    frame: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, guide: Guidance, factor: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """(3, p) values of a neighbour at places of the frame, and (p,) how far it is off around them."""
    dtype = frame.dtype
    x, y = columns.to(dtype), rows.to(dtype)
    small = ((x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5)
    flow = at(guide.flow[0], *small) * factor
    gain, error = at(guide.gain[0], *small), at(guide.error[0], *small)[0]
    to_x, to_y = x + flow[0], y + flow[1]
    height, width = frame.shape[-2:]
    away = (to_x < -0.5) | (to_x > width - 0.5) | (to_y < -0.5) | (to_y > height - 0.5)
    return sharply_at(frame, to_x, to_y) * gain, torch.where(away, error + 1, error)


def joined(
    values: list[torch.Tensor],
    errors: list[torch.Tensor],
    places: tuple[torch.Tensor, torch.Tensor],
    shape: tuple[int, ...],
) -> torch.Tensor:
    """The better of two at each place, brought to the mean of both but for what is finer than about three pixels.

    The mean of two is nearer to the truth, but has half the grain of one.
    """
    weights = [1 / error.clamp(min=_BLACK) ** _TRUST for error in errors]
    share = weights[0] / (weights[0] + weights[1])
    better = torch.where(share >= 0.5, values[0], values[1])
    towards = values[0] * share + values[1] * (1 - share) - better
    rows, columns = places
    plane = better.new_zeros((1, 4, *shape))
    plane[0, :3, rows, columns] = towards
    plane[0, 3, rows, columns] = 1
    plane = smooth(smooth(plane))
    return better + plane[0, :3, rows, columns] / plane[0, 3, rows, columns]
