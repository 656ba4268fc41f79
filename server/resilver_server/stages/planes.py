"""Small operations on (n, c, h, w) planes that stages share. Pure, and the same on every device."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F


def reduced(planes: torch.Tensor, factor: int) -> torch.Tensor:
    """(n, c, h, w) averaged over squares of ``factor``; the last row and column repeated where it does not divide."""
    if factor == 1:
        return planes
    height, width = planes.shape[-2:]
    padded = F.pad(planes, (0, -width % factor, 0, -height % factor), mode="replicate")
    return F.avg_pool2d(padded, factor)


def smooth(planes: torch.Tensor) -> torch.Tensor:
    """Binomial 1-2-1 filter in both directions, edges repeated."""
    wide = F.pad(planes, (1, 1, 1, 1), mode="replicate")
    across = (wide[..., :-2] + 2 * wide[..., 1:-1] + wide[..., 2:]) / 4
    return (across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]) / 4


def box(planes: torch.Tensor, reach: int) -> torch.Tensor:
    """Mean over squares of 2 ``reach`` + 1 pixels, edges repeated."""
    for padding, kernel in (((reach, reach, 0, 0), (1, 2 * reach + 1)), ((0, 0, reach, reach), (2 * reach + 1, 1))):
        planes = F.avg_pool2d(F.pad(planes, padding, mode="replicate"), kernel, 1)
    return planes


def around(planes: torch.Tensor, cell: int, reach: int) -> torch.Tensor:
    """Mean of a wide neighbourhood, about 2 * reach * cell pixels to every side, falling off: computed in cells."""
    height, width = planes.shape[-2:]
    small = box(box(reduced(planes, cell), reach), reach)
    return F.interpolate(small, scale_factor=cell, mode="bilinear", align_corners=False)[..., :height, :width]


def highest(planes: torch.Tensor, reach: int) -> torch.Tensor:
    """The largest value within ``reach`` pixels, over squares."""
    return _extreme(_extreme(planes, reach, -1, torch.maximum), reach, -2, torch.maximum)


def lowest(planes: torch.Tensor, reach: int) -> torch.Tensor:
    """The smallest value within ``reach`` pixels, over squares."""
    return _extreme(_extreme(planes, reach, -1, torch.minimum), reach, -2, torch.minimum)


def _extreme(
    planes: torch.Tensor, reach: int, axis: int, better: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """One axis at a time and by slices: thirty times as fast on a CPU as pooling."""
    size = planes.shape[axis]
    found = planes.clone()
    for step in range(1, min(reach, size - 1) + 1):
        near, far = found.narrow(axis, 0, size - step), found.narrow(axis, step, size - step)
        near.copy_(better(near, planes.narrow(axis, step, size - step)))
        far.copy_(better(far, planes.narrow(axis, 0, size - step)))
    return found


def spread(values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) ``values`` with places where (n, 1, h, w) ``known`` (0..1) is 0 filled smoothly from around them.

    Push and pull through a pyramid (Gortler, Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, section 4).
    """
    if min(values.shape[-2:]) < 1 or max(values.shape[-2:]) <= 1:
        return values * (known > 0)
    height, width = values.shape[-2:]
    weight = reduced(known, 2)
    coarse = reduced(values * known, 2) / weight.clamp(min=1e-6)
    coarse = spread(coarse, (4 * weight).clamp(max=1))
    filled = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return values * known + filled * (1 - known)


def at(planes: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(c, p) values of (c, h, w) planes at p places, bilinear, the edge repeated."""
    return _sampled(planes, x, y, _linear)


def sharply_at(planes: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The same by cubic convolution, which keeps grain (Keys, IEEE Transactions on Acoustics, Speech, and Signal
    Processing 29(6), 1981; a = -1/2)."""
    return _sampled(planes, x, y, _cubic)


def _sampled(
    planes: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    weights: Callable[[torch.Tensor], dict[int, torch.Tensor]],
) -> torch.Tensor:
    channels, height, width = planes.shape
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    left, top = x.floor(), y.floor()
    across, down = weights(x - left), weights(y - top)
    flat = planes.reshape(channels, -1)
    result = planes.new_zeros((channels, len(x)))
    for row, share in down.items():
        line = (top.long() + row).clamp(0, height - 1) * width
        for column, part in across.items():
            result += flat[:, line + (left.long() + column).clamp(0, width - 1)] * (share * part)
    return result


def _linear(t: torch.Tensor) -> dict[int, torch.Tensor]:
    return {0: 1 - t, 1: t}


def _cubic(t: torch.Tensor) -> dict[int, torch.Tensor]:
    return {
        -1: ((2 - t) * t - 1) * t / 2,
        0: ((3 * t - 5) * t * t + 2) / 2,
        1: ((4 - 3 * t) * t + 1) * t / 2,
        2: (t - 1) * t * t / 2,
    }
