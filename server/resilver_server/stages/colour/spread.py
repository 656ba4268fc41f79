"""Colour that is known here and there, spread over a frame along its luma.

What is close and has the same brightness has the same colour (Levin, Lischinski and Weiss, "Colorization using
Optimization", SIGGRAPH 2004), as weighted least squares between neighbouring pixels (Farbman, Fattal, Lischinski and
Szeliski, "Edge-Preserving Decompositions for Multi-Scale Tone and Detail Manipulation", SIGGRAPH 2008). Solved coarse
to fine, a fixed number of damped Jacobi steps a size: the same bits whatever the number of threads, which a solver with
sums over the frame would not give.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from resilver_server.stages.planes import reduced

_SIGMA = 0.02
"""Difference of luma over which neighbours have e times less to do with one another."""
_LEAST = 1e-3
"""What neighbours always have to do with one another."""
_STEPS = 20
_DAMPING = 0.9
_SMALLEST = 4


def spread(light: torch.Tensor, colour: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """(1, c, h, w) ``colour`` with places of little ``known`` filled from what is known around them.

    ``known`` is (1, 1, h, w), above 0; 1 counts as much as a neighbour of the same luma. ``light`` is (1, 1, h, w)."""
    height, width = light.shape[-2:]
    if min(height, width) <= _SMALLEST:
        mean = (known * colour).sum(dim=(2, 3), keepdim=True) / known.sum(dim=(2, 3), keepdim=True)
        start = mean.expand_as(colour)
    else:
        coarse = reduced(known, 2)
        below = spread(reduced(light, 2), reduced(known * colour, 2) / coarse, 4 * coarse)
        start = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return settled(start, light, colour, known, _STEPS)


def settled(
    start: torch.Tensor, light: torch.Tensor, colour: torch.Tensor, known: torch.Tensor, steps: int
) -> torch.Tensor:
    """``steps`` of the solver at one size, from ``start``."""
    across, down = _ties(light, -1), _ties(light, -2)
    degree = _passed(torch.ones_like(known), across, down)
    total, given = known + degree, known * colour
    found = start
    for _ in range(steps):
        found = torch.lerp(found, (given + _passed(found, across, down)) / total, _DAMPING)
    return found


def _ties(light: torch.Tensor, axis: int) -> torch.Tensor:
    return torch.exp(-light.diff(dim=axis).abs() / _SIGMA) + _LEAST


def _passed(values: torch.Tensor, across: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """What neighbours give each pixel, weighted."""
    total = torch.zeros_like(values)
    total[..., 1:] += across * values[..., :-1]
    total[..., :-1] += across * values[..., 1:]
    total[..., 1:, :] += down * values[..., :-1, :]
    total[..., :-1, :] += down * values[..., 1:, :]
    return total
