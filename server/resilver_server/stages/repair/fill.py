"""What is put in place of damage: what the frames around show there, of the brightness around it.

Everything dense is done at the size that dirt is sought at; of the full frame only the places to fill are touched.
Motion under damage is that of its surroundings, made exact there by the steps of Lucas and Kanade ("An Iterative Image
Registration Technique", IJCAI 1981). The frames are averaged as Hampel's family of robust means does it (Beaton and
Tukey, "The Fitting of Power Series", Technometrics 16(2), 1974, for the weights): the more of them, the less grain of
theirs is left, and what one of them shows alone, its own dirt, counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from resilver_server.stages.contract import Origin
from resilver_server.stages.planes import around, at, highest, sharply_at, spread

from . import motion

Places = tuple[torch.Tensor, torch.Tensor]
"""(p,) rows and (p,) columns of a full frame."""

_UNSURE = 6
"""Pixels (of flow) around damage whose motion is not believed: it is taken from farther around."""
_BLACK = 1e-3
_ALIKE = 0.1
"""Differences above are no matter of brightness or of a little motion."""
_STEPS = 2
"""By which motion is made exact."""
_FLAT = 1e-4
"""Mean square of slopes below which a picture says nothing of motion."""
_FARTHEST = 1.0
"""Pixels that a step may take."""
_TRUST = 3
"""Power of the error around a place by which better frames are preferred."""
_OWN, _APART = 5.0, 0.02
"""What a frame may differ by from the others: in units of the least error around, and beyond that."""
_HARDLY = 1e-6
"""Weight of a frame that differs by more: where all do, they count alike."""
_PART = 0.05
"""Share from which a place counts as taken from a side."""


@dataclass(frozen=True)
class Guidance:
    """What filling knows of n neighbours, at the size dirt is sought at."""

    flow: torch.Tensor
    """(n, 2, h, w) in pixels of that size; under damage it is that around it."""
    gain: torch.Tensor
    """(n, 1, h, w) brightness of the frame over that of the neighbour, around each place."""
    error: torch.Tensor
    """(n, 1, h, w) root of the mean square difference around each place."""


@dataclass(frozen=True)
class Filling:
    """What p places of a frame are filled with."""

    values: torch.Tensor
    """(3, p)."""
    origin: torch.Tensor
    """(p,) uint8 of ``Origin``; SPATIAL where no frame saw the place, and the value means nothing."""
    error: torch.Tensor
    """(p,) by how much the frame and the best neighbour differ around the place."""


def guidance(current: torch.Tensor, others: torch.Tensor, flow: torch.Tensor, damaged: torch.Tensor) -> Guidance:
    """``current`` (1, 1, h, w) and ``others`` (n, 1, h, w) lumas as they are, ``flow`` (n, 2, h, w) from the one to the
    others, ``damaged`` (1, 1, h, w) 0 or 1."""
    clean = 1 - damaged
    flow = spread(flow, (1 - highest(damaged, _UNSURE)).expand(len(flow), -1, -1, -1))
    moved = motion.moved(others, flow)
    gain = _gain(current, moved, clean)
    for _ in range(_STEPS):
        flow = flow + _step(current, gain * moved, clean)
        moved = motion.moved(others, flow)
        gain = _gain(current, moved, clean)
    square = clean * (current - gain * moved).square()
    error = (around(square, 4, 1) + _BLACK**2) / (around(clean, 4, 1) + _BLACK)
    return Guidance(flow, gain, error.sqrt())


def _gain(current: torch.Tensor, moved: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    alike = clean * ((current - moved).abs() < _ALIKE)
    return (around(alike * current, 4, 2) + _BLACK) / (around(alike * moved, 4, 2) + _BLACK)


def _step(current: torch.Tensor, moved: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """(n, 2, h, w) by how much farther each neighbour has to be moved."""
    off = current - moved
    alike = clean * (off.abs() < _ALIKE)
    across, down = torch.zeros_like(moved), torch.zeros_like(moved)
    across[..., 1:-1] = (moved[..., 2:] - moved[..., :-2]) / 2
    down[..., 1:-1, :] = (moved[..., 2:, :] - moved[..., :-2, :]) / 2
    products = (across * across, across * down, down * down, across * off, down * off)
    xx, xy, yy, x, y = (around(alike * product, 4, 2) for product in products)
    xx, yy = xx + _FLAT, yy + _FLAT
    step = torch.cat([yy * x - xy * y, xx * y - xy * x], dim=1) / (xx * yy - xy * xy)
    return step.clamp(-_FARTHEST, _FARTHEST)


def filled(
    frames: Mapping[int, torch.Tensor],
    places: Places,
    seen: Mapping[int, torch.Tensor],
    covers: Mapping[int, torch.Tensor],
    known: Guidance,
    factor: int,
) -> Filling:
    """What the neighbours, by offset, show at p places.

    ``frames``: (3, h, w) each; ``seen``: (p,) bool, whether it can show the place; ``covers``: (h, w) above 0 where it
    is damaged itself; ``known``: of the same frames, in the same order; ``factor``: by which its size is smaller.
    """
    values, errors, usable = [], [], []
    for index, (offset, frame) in enumerate(frames.items()):
        guide = known.flow[index], known.gain[index], known.error[index]
        value, error, inside = _from(frame, covers.get(offset), places, guide, factor)
        values.append(value)
        errors.append(error)
        usable.append(inside & seen[offset])
    error = torch.where(torch.stack(usable), torch.stack(errors), torch.inf)
    weights = _weights(torch.stack(values), error)
    whole = weights.sum(dim=0).clamp(min=1e-12)
    offsets = torch.tensor(list(frames), device=whole.device)
    before, after = (weights[side].sum(dim=0) / whole >= _PART for side in (offsets < 0, offsets > 0))
    origin = before * int(Origin.PREVIOUS) + after * int(Origin.NEXT)
    origin = torch.where(before | after, origin, int(Origin.SPATIAL)).to(torch.uint8)
    return Filling((torch.stack(values) * weights[:, None]).sum(dim=0) / whole, origin, error.amin(dim=0))


def _from(
    frame: torch.Tensor, cover: torch.Tensor | None, places: Places, guide: tuple[torch.Tensor, ...], factor: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(3, p) values of a neighbour at places of the frame, (p,) how far it is off around them, and (p,) bool whether it
    has them, undamaged."""
    y, x = (place.to(frame.dtype) for place in places)
    small = ((x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5)
    flow = at(guide[0], *small) * factor
    gain, error = at(guide[1], *small), at(guide[2], *small)[0]
    to_x, to_y = x + flow[0], y + flow[1]
    height, width = frame.shape[-2:]
    inside = (to_x >= -0.5) & (to_x <= width - 0.5) & (to_y >= -0.5) & (to_y <= height - 0.5)
    if cover is not None:
        inside &= at(cover[None], to_x, to_y)[0] == 0
    return sharply_at(frame, to_x, to_y) * gain, error, inside


def _weights(values: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    """(n, p) of (n, 3, p) values, with (n, p) errors: 0 where these are endless, and nearly so where a frame shows
    something else than most do."""
    weights = 1 / errors.clamp(min=_BLACK) ** _TRUST
    tone = values.mean(dim=1)
    order = torch.where(weights > 0, tone, torch.inf).argsort(dim=0)
    passed = weights.gather(0, order).cumsum(dim=0)
    middle = (passed < passed[-1:] / 2).sum(dim=0, keepdim=True)
    median = tone.gather(0, order).gather(0, middle)
    off = (tone - median) / (_OWN * errors.amin(dim=0) + _APART)
    return weights * ((1 - off.square()).clamp(min=0).square() + _HARDLY)
