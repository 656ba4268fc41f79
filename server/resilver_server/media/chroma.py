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


def _predict(even: Tensor) -> Tensor:
    """Values half-way after each of the samples in a row, edges held."""
    wide = torch.cat([even[:, :1], even, even[:, -1:], even[:, -1:]], dim=1)
    n = even.shape[1]
    inner = wide[:, 1 : n + 1] + wide[:, 2 : n + 2]
    outer = wide[:, :n] + wide[:, 3 : n + 3]
    return inner.mul_(9 / 16).sub_(outer, alpha=1 / 16)


def _up_cosited(plane: Tensor) -> Tensor:
    return torch.stack([plane, _predict(plane)], dim=2).flatten(1)


def _down_cosited(plane: Tensor) -> Tensor:
    even = plane[:, ::2]
    odd = plane[:, 1::2]
    residual = odd - _predict(even)[:, : odd.shape[1]]
    low = even.clone()
    low[:, : odd.shape[1]] += residual / 4
    low[:, 1:] += residual[:, : even.shape[1] - 1] / 4
    return low


def _up_midway(plane: Tensor) -> Tensor:
    before = torch.cat([plane[:1], plane[:-1]])
    after = torch.cat([plane[1:], plane[-1:]])
    near = plane * 0.75
    return torch.stack([near.add(before, alpha=0.25), near.add(after, alpha=0.25)], dim=1).flatten(0, 1)


def _down_midway(plane: Tensor) -> Tensor:
    if plane.shape[0] % 2:
        plane = torch.cat([plane, plane[-1:]])
    first, second = plane[::2], plane[1::2]
    before = torch.cat([first[:1], second[:-1]])
    after = torch.cat([first[1:], second[-1:]])
    return (first + second).mul_(0.75).sub_(before, alpha=0.25).sub_(after, alpha=0.25)
