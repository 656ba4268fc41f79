"""What is known about the grain of a frame: second-order statistics, as film grain is usually described.

Grain is taken for a Gaussian field that is stationary but for its deviation, which depends on the tone: exposure
decides how many crystals are developed. Norkin and Birkbeck, "Film Grain Synthesis for AV1 Video Codec", DCC 2018,
describe it in the same way, by a scaling function of the tone and a correlation over a few pixels. Grain of the colours
is split into what follows luma and the rest, each with a correlation of its own, since chroma is often stored at half
the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.stages.contract import State

Array = npt.NDArray[np.float64]

TONES = 16
"""Tones at which the variance is known: (k + 1/2) / TONES, straight in between."""
LAGS = 8
"""Distances 0..LAGS - 1 pixels, across and down, over which grain may be correlated."""
LUMA = (0.2126, 0.7152, 0.0722)
"""ITU-R BT.709."""


@dataclass(frozen=True)
class Grain:
    """Grain of one frame. Values are of gamma-encoded RGB, 0..1."""

    level: Array
    """(TONES,) variance of luma grain."""
    lags: Array
    """(2, LAGS, LAGS) autocorrelation by distance down and across, 1 at distance 0: of luma grain, and of what colours
    have beyond it (0 where there is nothing). The same in all four quadrants."""
    colour: Array
    """(3, 3) covariance of the channels, in units of the luma variance: all 1 in black-and-white film."""
    size: tuple[int, int]
    """Height and width of the frame it was measured on; (0, 0) where nothing was measured."""

    @staticmethod
    def of(state: State, row: int) -> Grain:
        """From solved rows."""
        level, lags, colour = (
            np.asarray(state[f"grain_{name}"][row], np.float64) for name in ("level", "lags", "colour")
        )
        height, width = (int(value) for value in state["grain_size"][row])
        return Grain(level, lags, colour, (height, width))

    @property
    def none(self) -> bool:
        """Whether there is no grain to speak of: less than a tenth of an 8-bit step."""
        return bool(self.level.max(initial=0.0) < (0.1 / 255) ** 2)

    def follows(self) -> Array:
        """(3,) how much of the luma grain each channel has."""
        return np.asarray(self.colour @ np.array(LUMA), np.float64)

    def rest(self) -> Array:
        """(3, n) independent patterns of unit variance, weighted, that the channels have beyond luma's; n from 0 to 2.
        Parts below a thousandth of the luma variance are left out."""
        share = self.follows()
        values, vectors = np.linalg.eigh(self.colour - np.outer(share, share))
        kept = values > 1e-3
        return np.asarray(vectors[:, kept] * np.sqrt(values[kept]), np.float64)


def rows_of(level: Array, lags: Array, colour: Array, size: tuple[int, int]) -> dict[str, npt.NDArray[Any]]:
    """Arrays of one frame, or stacked, as analysis and solve name them."""
    return {
        "grain_level": level.astype(np.float32),
        "grain_lags": lags.astype(np.float32),
        "grain_colour": colour.astype(np.float32),
        "grain_size": np.array(size, np.int32),
    }


def deviation(grain: Grain, tone: torch.Tensor) -> torch.Tensor:
    """Standard deviation of luma grain at each ``tone`` (any shape, 0..1)."""
    level = torch.from_numpy(np.sqrt(grain.level)).to(tone)
    place = (tone * TONES - 0.5).clamp(0, TONES - 1)
    lower = place.floor().clamp(max=TONES - 2)
    index = lower.long()
    return torch.lerp(level[index], level[index + 1], place - lower)


def luma(frames: torch.Tensor) -> torch.Tensor:
    """(..., height, width) luma of (..., 3, height, width) frames."""
    red, green, blue = LUMA
    return red * frames[..., 0, :, :] + green * frames[..., 1, :, :] + blue * frames[..., 2, :, :]


def boxed(plane: torch.Tensor, edge: int) -> torch.Tensor:
    """(height, width) mean over a square around each pixel, as far as it lies in the frame. ``edge`` is odd."""
    summed = _summed(_summed(plane, edge, 1), edge, 0)
    down, across = (_summed(torch.ones_like(plane[:, 0] if axis == 0 else plane[0]), edge, 0) for axis in (0, 1))
    return summed / (down[:, None] * across)


def _summed(plane: torch.Tensor, edge: int, axis: int) -> torch.Tensor:
    """Sums along an axis by doubling: a few additions, where pooling takes as many as the edge is long."""
    half, size = edge // 2, plane.shape[axis]
    shape = [half if k == axis else length for k, length in enumerate(plane.shape)]
    empty = plane.new_zeros(shape)
    part, total = torch.cat([empty, plane, empty], dim=axis), torch.zeros_like(plane)
    done, width = 0, 1
    while width <= edge:
        if edge & width:
            total += part.narrow(axis, done, size)
            done += width
        if 2 * width <= edge:
            room = part.shape[axis] - width
            part = part.narrow(axis, 0, room) + part.narrow(axis, width, room)
        width *= 2
    return total
