"""Chroma planes to full size and back, by the siting of the samples.

Up and down are a pair of lifting steps (Sweldens 1996): bringing a plane up and down again gives the same plane, so
material that passes untouched keeps its chroma to the code.

- Samples sited on every second luma sample ("left", also 4:2:2): up keeps them and fills in between with the
  four-tap interpolator of Deslauriers and Dubuc (1989), (-1, 9, 9, -1) / 16. Down is the analysis filter of the 9/7-M
  wavelet that belongs to it, a low-pass: each kept sample plus a quarter of the two residuals beside it.
- Samples sited midway between two: up is linear, weights 3/4 and 1/4; down is its dual (-1, 3, 3, -1) / 4
  (Cohen, Daubechies and Feauveau 1992), which has a zero at the Nyquist frequency.
"""

from __future__ import annotations

import torch
from torch import Tensor


def upsample(plane: Tensor, size: tuple[int, int], chroma: tuple[int, int], centred: bool) -> Tensor:
    """A chroma plane (h, w) at luma size ``size`` = (height, width).

    ``chroma``: luma samples per chroma sample, across and down. ``centred``:
    sited midway across as well (JPEG); down it always is midway.
    """
    across, down = chroma
    while across > 1:
        plane = _up_midway(plane.T).T if centred else _up_cosited(plane)
        across //= 2
    while down > 1:
        plane = _up_midway(plane)
        down //= 2
    return plane[: size[0], : size[1]]


def downsample(plane: Tensor, chroma: tuple[int, int], centred: bool = False) -> Tensor:
    """The chroma plane of a full-size one; sizes are rounded up. The inverse of ``upsample`` on what that made."""
    across, down = chroma
    while down > 1:
        plane = _down_midway(plane)
        down //= 2
    while across > 1:
        plane = _down_midway(plane.T).T if centred else _down_cosited(plane)
        across //= 2
    return plane


def _predict(even: Tensor, out: Tensor) -> None:
    """Write the values half-way after each of the samples in a row into ``out``, edges held."""
    count = even.shape[1]
    wide = torch.cat([even[:, :1], even, even[:, -1:].expand(-1, 2)], dim=1)
    torch.add(wide[:, 1 : count + 1], wide[:, 2 : count + 2], out=out)
    out.mul_(9 / 16).sub_(wide[:, :count], alpha=1 / 16).sub_(wide[:, 3 : count + 3], alpha=1 / 16)


def _up_cosited(plane: Tensor) -> Tensor:
    made = plane.new_empty(*plane.shape, 2)
    made[..., 0] = plane
    _predict(plane, made[..., 1])
    return made.flatten(1)


def _down_cosited(plane: Tensor) -> Tensor:
    low = plane[:, ::2].contiguous()
    odd = plane[:, 1::2]
    count = odd.shape[1]
    residual = torch.empty_like(low)
    _predict(low, residual)
    residual = torch.sub(odd, residual[:, :count]).mul_(0.25)
    low[:, :count] += residual
    low[:, 1:] += residual[:, : low.shape[1] - 1]
    return low


def _up_midway(plane: Tensor) -> Tensor:
    made = plane.new_empty(plane.shape[0], 2, plane.shape[1])
    torch.lerp(plane[1:], plane[:-1], 0.25, out=made[1:, 0])
    torch.lerp(plane[:-1], plane[1:], 0.25, out=made[:-1, 1])
    made[0, 0], made[-1, 1] = plane[0], plane[-1]
    return made.flatten(0, 1)


def _down_midway(plane: Tensor) -> Tensor:
    if plane.shape[0] % 2:
        plane = torch.cat([plane, plane[-1:]])
    first, second = plane[::2], plane[1::2]
    low = torch.add(first, second).mul_(0.75)
    low[1:].sub_(second[:-1], alpha=0.25)
    low[:-1].sub_(first[1:], alpha=0.25)
    low[0].sub_(first[0], alpha=0.25)
    low[-1].sub_(second[-1], alpha=0.25)
    return low
