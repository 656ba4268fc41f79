"""What other frames saw where a line lies, as the scene moved under it.

Flow (DIS, see ``motion``) is sought between frames whose lines were taken out already, and read beside the line: under
it there is nothing to follow. A place counts where no line lay over it then, and where what is beside the line looks
the same there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from resilver_server.stages import planes

from . import motion, sizes
from .line_fill import Strip
from .line_joins import SIDE

_BESIDE = 8
"""Pixels beside the line, reduced or not, where flow is read: DIS compares patches of 8."""
_AGREE = 0.75
"""Pixels by which flow may differ from one side of the line to the other."""
_ALIKE, _OTHER = 0.02, 0.045
"""Mean difference beside the line up to which a frame is believed, and from which it is not."""
_TOUCHED = 0.01
_ROWS = 3.0
"""Deviation, in rows, of the window in which that is looked at."""


def flows(frames: torch.Tensor, centre: int) -> tuple[torch.Tensor, list[int]]:
    """(n - 1, 2, h, w) from frame ``centre`` to each of the others, and which these are; ``frames`` (n, 3, h, w)."""
    height, width = frames.shape[-2:]
    factor = sizes.flow(height, width)
    pictures = motion.guides(planes.reduced(motion.luma(frames), factor))
    others = [k for k in range(len(frames)) if k != centre]
    found = motion.flows(pictures, centre, others)
    return motion.enlarged(found, factor, height, width, frames), others


def seen_elsewhere(
    frames: torch.Tensor, masks: torch.Tensor, centre: int, flow: torch.Tensor, others: Sequence[int], where: Strip
) -> tuple[torch.Tensor, torch.Tensor]:
    """(3, height, 2 * half + 1) values and (height, 2 * half + 1) 0..1 how far they are believed.

    ``frames`` (n, 3, h, w) without their lines, ``masks`` (n, h, w) bool where these lay.
    """
    own = torch.gather(frames[centre], 2, where.columns.expand(3, -1, -1))
    inner = slice(SIDE, SIDE + 2 * where.half + 1)
    best = torch.zeros_like(own[:, :, inner])
    trust = torch.zeros_like(best[0])
    for step, other in zip(flow, others, strict=True):
        moved, agree = _beside(step, where)
        there, free = _read(frames[other], masks[other], where, moved)
        sides = torch.cat([own[..., :SIDE] - there[..., :SIDE], own[..., -SIDE:] - there[..., -SIDE:]], dim=-1)
        lift = _smooth(sides.mean(-1))
        apart = _smooth((sides - lift[..., None]).abs().mean(-1).mean(0)[None])[0]
        belief = ((_OTHER - apart) / (_OTHER - _ALIKE)).clamp(0, 1) * agree
        belief = belief[:, None] * free[:, inner]
        better = belief > trust
        best = torch.where(better, there[..., inner] + lift[..., None], best)
        trust = torch.where(better, belief, trust)
    return best, trust


def _beside(flow: torch.Tensor, where: Strip) -> tuple[torch.Tensor, torch.Tensor]:
    """(2, height) flow at the line, (height,) bool where both sides agree."""
    last = flow.shape[-1] - 1
    rows = torch.arange(flow.shape[1], device=flow.device)
    factor = max(1, round(last / 640))
    left = flow[:, rows, (where.columns[:, 0] - _BESIDE * factor).clamp(0, last)]
    right = flow[:, rows, (where.columns[:, -1] + _BESIDE * factor).clamp(0, last)]
    return (left + right) / 2, (left - right).abs().amax(0) < _AGREE


def _read(
    frame: torch.Tensor, mask: torch.Tensor, where: Strip, moved: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(3, height, columns) of (3, h, w) ``frame`` along the line, (2, height) ``moved`` away, and (height, columns) 1
    where (h, w) ``mask`` is not touched, 0 elsewhere."""
    height, width = mask.shape
    rows = torch.arange(height, device=moved.device, dtype=moved.dtype)
    x = (where.columns.to(moved) + moved[0][:, None]).clamp(0, width - 1)
    y = (rows + moved[1]).clamp(0, height - 1)[:, None].expand_as(x)
    seen = planes.sharply_at(frame, x.flatten(), y.flatten()).reshape(-1, *x.shape)
    covered = planes.at(mask[None].to(frame), x.flatten(), y.flatten()).reshape(x.shape)
    return seen, (covered < _TOUCHED).to(frame)


def _smooth(values: torch.Tensor) -> torch.Tensor:
    """(c, height) by a Gaussian along the height; ends repeated."""
    reach = round(2.5 * _ROWS)
    steps = torch.arange(-reach, reach + 1, device=values.device, dtype=values.dtype)
    kernel = torch.exp(-0.5 * (steps / _ROWS) ** 2)
    padded = F.pad(values[:, None], (reach, reach), mode="replicate")
    return F.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0]
