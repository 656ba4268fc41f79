"""What is put in place of dirt: what the neighbours show there, of the brightness and the grain around it.

Everything dense is done at the size that dirt is sought at; of the full frame only the places to fill are touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .planes import around, at, highest, sharply_at, smooth, spread

Places = tuple[torch.Tensor, torch.Tensor]
"""(p,) rows and (p,) columns of a full frame."""

_UNSURE = 3
"""Pixels (of flow) around dirt whose motion is not believed: it is taken from farther around."""
_BLACK = 1e-3
_ALIKE = 0.1
"""Differences above are no matter of brightness."""
_NONE = 1e6
"""Error of a neighbour that there is not."""
_BORNE_OUT = 0.05
"""By how much neighbours further away may differ from the nearest."""
_AWAY = 1.0
"""Added to the error of a neighbour that did not see the place."""
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
    frame: torch.Tensor,
    frames: Mapping[int, torch.Tensor],
    places: Places,
    sources: torch.Tensor,
    known: Mapping[int, Guidance],
    factor: int,
    grain: bool,
) -> torch.Tensor:
    """(3, p) for p places (rows, columns) of (3, h, w) ``frame``, each from its own neighbours, or where none of them
    saw it from around it.

    ``frames``: (3, h, w) by offset; ``sources``: (n, p) offsets, the two nearest first, 0 for none; ``factor``: by
    which the size of ``known`` is smaller; ``grain``: whether what is filled shall have that of a frame.
    """
    rows, columns = places
    values = frame.new_zeros((len(sources), 3, len(rows)))
    errors = frame.new_full((len(sources), len(rows)), _NONE)
    for value, error, wanted in zip(values, errors, sources, strict=True):
        for offset, guide in known.items():
            chosen = (wanted == offset).nonzero()[:, 0]
            if len(chosen):
                value[:, chosen], error[chosen] = _from(frames[offset], rows[chosen], columns[chosen], guide, factor)
    found = _joined(values, errors, places, frame.shape[-2:], grain)
    unseen = errors.amin(dim=0) >= _AWAY
    return torch.where(unseen, around_of(frame, places), found) if bool(unseen.any()) else found


def around_of(frame: torch.Tensor, places: Places) -> torch.Tensor:
    """(3, p) what lies around the places of a frame that are to be filled, spread over them."""
    known = frame.new_ones((1, 1, *frame.shape[-2:]))
    known[0, 0, places[0], places[1]] = 0
    return spread(frame[None], known)[0, :, places[0], places[1]]


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
    return sharply_at(frame, to_x, to_y) * gain, torch.where(away, error + _AWAY, error)


def _joined(values: torch.Tensor, errors: torch.Tensor, places: Places, shape: torch.Size, grain: bool) -> torch.Tensor:
    """(3, p) mean of (n, 3, p) values, the better ones heavier; with ``grain`` what is finer than about three pixels is
    that of the better of the two nearest alone.

    A mean is nearer to the truth, but has a part of the grain of one. What the nearest two do not bear out may be dirt
    of the others.
    """
    middle = values[:2].mean(dim=0)
    reach = (values[0] - values[1]).abs().mean(dim=0) / 2 + _BORNE_OUT
    off = (values - middle).mean(dim=1).abs() > reach
    weights = 1 / errors.clamp(min=_BLACK) ** _TRUST
    weights[2:] = torch.where(off[2:], 0.0, weights[2:])
    mean = (values * weights[:, None]).sum(dim=0) / weights.sum(dim=0)
    if not grain:
        return mean
    better = torch.where(errors[0] <= errors[1], values[0], values[1])
    rows, columns = places
    plane = better.new_zeros((1, 4, *shape))
    plane[0, :3, rows, columns] = mean - better
    plane[0, 3, rows, columns] = 1
    plane = smooth(smooth(plane))
    return better + plane[0, :3, rows, columns] / plane[0, 3, rows, columns]
