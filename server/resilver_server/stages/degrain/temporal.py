"""Averaging along the motion, each neighbour as far as its picture agrees with the frame's.

A neighbour's patch that differs from the frame's by grain alone differs by a known variance: only what is beyond it is
a change of the picture. With a bias of variance B and grain of variance S the mean of both is best when the neighbour
counts S / (S + B). Its square is taken here, which is stricter with ghosts. Patches that are compared relative to the
noise: Boulanger, Kervrann, Bouthemy, "Space-Time Adaptation for Patch-Based Image Sequence Restoration", IEEE PAMI
29(6), 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample, interpolate

from resilver_server.stages.grain import Grain, deviation, motion
from resilver_server.stages.grain.model import boxed, luma

WARPED = 0.9
"""Variance that grain keeps when it is moved by parts of a pixel (bicubic, mean over all parts): 0.73 if it is white,
0.9 to 1 for grains blurred by half a pixel and more."""
_SMALLEST = (0.7 / 255) ** 2
"""Variance of differences that is never taken for a change: rounding to 8 bits, twice, and a little."""
_WIDE, _NARROW = 7, 3
"""Edges of the patches that must agree: the wide one tells small changes from grain, the narrow one sees small
things."""
_NARROW_SPREAD = 0.8
"""By how much more the narrow patch may differ by chance."""
_SAME = (0.15, 0.5)
"""Share of the expected difference below which a neighbour shows the same grain again (a repeat, or what a codec
repeated), and above which another."""


@dataclass(frozen=True)
class Steady:
    """A frame averaged with its neighbours."""

    frame: torch.Tensor
    """(3, height, width)."""
    left: torch.Tensor
    """(height, width) variance of the grain that is left, as a share of what there was."""
    deviation: torch.Tensor
    """(height, width) deviation of the luma grain that there was."""


def averaged(frames: torch.Tensor, centre: int, grain: Grain) -> Steady:
    """``frames`` (n, 3, height, width), the one at ``centre`` averaged with all others."""
    frame = frames[centre]
    lumas = luma(frames)
    spread = deviation(grain, boxed(lumas[centre], 5))
    expected = (1 + WARPED) * spread**2 + _SMALLEST
    scale = torch.tensor(np.sqrt(np.maximum(np.diag(grain.colour), 0.1)), device=frame.device, dtype=frame.dtype)
    small = [motion.reduced(plane.cpu().float().numpy()) for plane in lumas]
    total, weights = frame.clone(), torch.ones_like(spread)
    alike, fresh = torch.ones_like(spread), torch.zeros_like(spread)
    for index in (index for index in range(len(frames)) if index != centre):
        moved = _followed(frames[index], motion.between(small[centre], small[index]))
        weight, new = _agreement(frame - moved, scale, expected)
        total += weight * moved
        weights += weight
        alike += weight * (1 - new)
        fresh += WARPED * (weight * new) ** 2
    return Steady(total / weights, (alike**2 + fresh) / weights**2, spread)


def _agreement(
    difference: torch.Tensor, scale: torch.Tensor, expected: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(height, width) each: how far a neighbour counts, and how far its grain is another."""
    relative = (difference / scale[:, None, None]).square().mean(dim=0) / expected
    wide, narrow = boxed(relative, _WIDE), boxed(relative, _NARROW)
    beyond = torch.maximum(wide - 1, narrow - 1 - _NARROW_SPREAD).clamp(min=0)
    same, another = _SAME
    return (1 + (1 + WARPED) * beyond) ** -2, ((wide - same) / (another - same)).clamp(0, 1)


def _followed(frame: torch.Tensor, flow: motion.Plane) -> torch.Tensor:
    """(3, height, width): ``frame`` as seen from where the flow begins. Edges are held."""
    height, width = frame.shape[-2:]
    moves = torch.from_numpy(flow).to(frame).permute(2, 0, 1)[None]
    moves = interpolate(moves, size=(height, width), mode="bilinear", align_corners=False)[0]
    right, down = moves[0] * (width / flow.shape[1]), moves[1] * (height / flow.shape[0])
    columns = torch.arange(width, device=frame.device, dtype=frame.dtype) + right
    rows = torch.arange(height, device=frame.device, dtype=frame.dtype)[:, None] + down
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)
    mode = "bilinear" if frame.device.type == "mps" else "bicubic"  # which MPS does not know
    return grid_sample(frame[None], grid[None], mode=mode, padding_mode="border", align_corners=False)[0]
