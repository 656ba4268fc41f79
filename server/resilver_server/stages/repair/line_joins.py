"""Both sides of a line joined across it, along the direction in which they match best.

As deinterlacers join rows (Doyle and Looymans, "Progressive Scan Conversion Using Edge Information", Signal Processing
of HDTV II, 1990), turned by 90 degrees.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

SIDE = 3
"""Columns that are known on each side of a line."""
_STEEPEST = 6
"""Rows at most that a direction climbs across the line."""
_ROWS = 2
"""Rows above and below that are compared too."""
_DEARER = 1.5 / 255
"""Price of each row: without it grain would choose the direction."""


def joined(seen: torch.Tensor, half: int) -> torch.Tensor:
    """(3, height, 2 * half + 1) between the sides of ``seen`` (3, height, 2 * (half + SIDE) + 1)."""
    left, right = seen[..., :SIDE], seen[..., -SIDE:]
    share = torch.arange(1, 2 * half + 2, device=seen.device, dtype=seen.dtype) / (2 * half + 2)
    steepest = min(_STEEPEST, 2 * half + 2)
    costs, values = [], []
    for climb in range(-steepest, steepest + 1):
        near, far = _read(left, -climb * share), _read(right, climb * (1 - share))
        apart = (near[..., -1, :] - far[..., 0, :]).abs() + 0.5 * (near[..., -2, :] - far[..., 1, :]).abs()
        costs.append(_around(apart.mean(0)) + _DEARER * abs(climb))
        values.append(near[..., -1, :] * (1 - share) + far[..., 0, :] * share)
    best = torch.stack(costs).argmin(dim=0)
    return torch.stack(values).gather(0, best[None, None].expand(1, 3, -1, -1))[0]


def _read(side: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """(3, height, SIDE, columns): ``side`` (3, height, SIDE) read ``rows`` (columns,) further down; ends repeated."""
    height = side.shape[1]
    places = (torch.arange(height, device=rows.device, dtype=rows.dtype)[:, None] + rows).clamp(0, height - 1)
    first = places.floor()
    upper = first.long()
    lower = (upper + 1).clamp(max=height - 1)
    part = (places - first)[None, :, None, :]
    read = [side[:, at].permute(0, 1, 3, 2) for at in (upper, lower)]
    return read[0] * (1 - part) + read[1] * part


def _around(cost: torch.Tensor) -> torch.Tensor:
    """(height, columns) averaged over some rows."""
    padded = F.pad(cost.T[:, None], (_ROWS, _ROWS), mode="replicate")
    return F.avg_pool1d(padded, 2 * _ROWS + 1, stride=1)[:, 0].T
