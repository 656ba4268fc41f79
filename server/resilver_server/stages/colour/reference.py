"""The colours of one picture that is of no frame of the film: a photograph of the place, a still of another film.

Each place takes the colours of those places of the picture whose brightness and texture are like its own (Welsh,
Ashikhmin and Mueller, "Transferring Color to Greyscale Images", SIGGRAPH 2002, brightness brought together as
there), the better ones heavier instead of the best alone, and a little those at the same height: sky is
above, ground below.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from resilver_server.stages.planes import box

_CELLS = 4096
"""Places of each picture, about."""
_QUERIES = 1024
"""Places that are compared at a time."""
_LIKE = 0.01
"""Squared distance of features over which a place counts e times less."""
_HEIGHT = 0.15
"""Weight of where a place lies, from top to bottom."""
_DEVIATION = 0.25
"""Deviation of luma that pictures are brought to for the comparison."""


def transferred(
    light: torch.Tensor, other_light: torch.Tensor, other_colour: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, 2, h, w) chroma and (1, 1, h, w) belief, 0..1, for (1, 1, h, w) luma, from another picture's luma and chroma
    of any size."""
    own, theirs = _features(light), _features(other_light)
    colours = F.interpolate(other_colour, theirs.shape[-2:], mode="bilinear", align_corners=False, antialias=True)
    keys, values = theirs[0].flatten(1).T, colours[0].flatten(1).T
    found, belief = [], []
    for queries in torch.split(own[0].flatten(1).T, _QUERIES):
        apart = (queries[:, None] - keys[None]).square().sum(dim=2)
        nearest = apart.amin(dim=1, keepdim=True)
        found.append(torch.softmax((nearest - apart) / _LIKE, dim=1) @ values)
        belief.append(torch.exp(-nearest / _LIKE))
    planes = torch.cat([torch.cat(found), torch.cat(belief)], dim=1).T.reshape(1, 3, *own.shape[-2:])
    large = F.interpolate(planes, light.shape[-2:], mode="bilinear", align_corners=False)
    return large[:, :2], large[:, 2:]


def _features(light: torch.Tensor) -> torch.Tensor:
    """(1, 4, rows, columns): luma, its deviations close by and farther around, and the height in the frame."""
    height, width = light.shape[-2:]
    scale = min(1.0, (_CELLS / (height * width)) ** 0.5)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    level = (light - light.mean()) * (_DEVIATION / light.std(correction=0).clamp(min=0.02))
    fine = (box(level * level, 2) - box(level, 2) ** 2).clamp(min=0).sqrt()
    small, near = (
        F.interpolate(plane, size, mode="bilinear", align_corners=False, antialias=True) for plane in (level, fine)
    )
    wide = (box(small * small, 2) - box(small, 2) ** 2).clamp(min=0).sqrt()
    rows = torch.linspace(0, 1, size[0], device=light.device, dtype=light.dtype)[:, None].expand(*size)
    return torch.cat([small, near, wide, _HEIGHT * rows[None, None]], dim=1)
