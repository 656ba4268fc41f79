"""Where a frame's places lie in another frame of the scene, and how surely.

Flow is OpenCV's DIS (Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016),
down to the finest size and with weak smoothing: chroma is read once from far away, and must be met to less than a
pixel. It exists for the CPU alone, so small pictures go there and flows come back; all else is done on the frames'
device. A match is believed as far as the way back leads back, and as both sides look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from resilver_server.stages.planes import box

Bytes = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]
"""(height, width, 2): right and down, in pixels."""

_SMALLEST = 32
"""DIS reads outside of pictures with shorter edges."""
_SMOOTHNESS = 5.0
"""Of DIS's variational refinement; a quarter of its default, since edges of colour are worth more than calm flow."""
_RETURN, _RETURN_SHARE = 0.7, 0.02
"""Pixels by which a way back may miss, and share of the way."""
_UNLIKE = 0.035
"""Difference of luma, around a place, at which a match is hardly believed."""
_NEAR, _LOOSE_SHARE, _LOOSE = 3.0, 0.1, 3.0
"""The same for a match that is merely likely: pixels, share of the way, and times the difference of luma."""
_SAME = 0.03
"""Difference of chroma at which a place is no longer as good as the one beside it."""
_AWAY = 1e3
_LIGHT = 40
"""Pixels around within which a difference of mean luma is one of light or flicker."""


@dataclass(frozen=True)
class Seen:
    """A picture at the size of matching."""

    light: torch.Tensor
    """(1, 1, h, w) luma, 0..1."""
    eight: Bytes
    """The same for DIS, of at least 32 x 32 pixels."""


@dataclass(frozen=True)
class Match:
    """Of each place of a frame its place in another picture."""

    flow: torch.Tensor
    """(1, 2, h, w) right and down, in pixels of that size."""
    missed: torch.Tensor
    """(1, 2, h, w) by how much the way back misses the place it began at."""
    like: torch.Tensor
    """(1, 1, h, w) squared difference of luma around a place, in units of what is hardly believed; large outside."""

    def belief(self, colour: torch.Tensor) -> torch.Tensor:
        """(1, 1, h, w), 0..1: how surely a place has the colour that (1, 2, h, w) ``colour`` of the other picture has
        where it leads. A way back that misses by a few pixels does no harm where colour is the same there."""
        apart = moved(colour, self.flow) - moved(colour, self.flow + self.missed)
        returns = self._returns(_RETURN, _RETURN_SHARE)
        same = torch.exp(-apart.square().sum(dim=1, keepdim=True) / _SAME**2) * self._returns(_NEAR, _RETURN_SHARE)
        return torch.maximum(returns, same) * torch.exp(-self.like)

    def likelihood(self) -> torch.Tensor:
        """(1, 1, h, w), 0..1: whether a place is at least near, and of the same thing."""
        return self._returns(_NEAR, _LOOSE_SHARE) * torch.exp(-self.like / _LOOSE**2)

    def _returns(self, pixels: float, share: float) -> torch.Tensor:
        return torch.exp(-((_length(self.missed) / (pixels + share * _length(self.flow))) ** 2))


def seen(light: torch.Tensor) -> Seen:
    """Of (1, 1, h, w) luma."""
    light = light.clamp(0, 1)
    down, right = max(0, _SMALLEST - light.shape[-2]), max(0, _SMALLEST - light.shape[-1])
    wide = F.pad(light, (0, right, 0, down), mode="replicate") if down or right else light
    return Seen(light, np.ascontiguousarray((wide[0, 0] * 255).round().to(torch.uint8).cpu().numpy()))


def matched(here: Seen, there: Seen) -> Match:
    """Each place of ``here`` in ``there``."""
    light = here.light
    flow, back = (_tensor(found, light) for found in (_fine(here.eight, there.eight), _fine(there.eight, here.eight)))
    apart = light - moved(there.light, flow)
    apart = apart - box(apart, _LIGHT)
    like = box(apart * apart, 2) / _UNLIKE**2 + _AWAY * (1 - _inside(flow))
    return Match(flow, flow + moved(back, flow), like)


def moved(planes: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """(1, c, h, w) planes read where (1, 2, h, w) ``flow`` points; bilinear, the edge repeated."""
    x, y = _places(flow)
    height, width = flow.shape[-2:]
    x = x.clamp(0, width - 1) * (2 / max(1, width - 1)) - 1
    y = y.clamp(0, height - 1) * (2 / max(1, height - 1)) - 1
    return F.grid_sample(planes, torch.stack([x, y], dim=-1), mode="bilinear", align_corners=True)


def _fine(here: Bytes, there: Bytes) -> Flow:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    search.setVariationalRefinementAlpha(_SMOOTHNESS)
    return np.asarray(search.calc(here, there, np.zeros((*here.shape, 2), np.float32)), np.float32)


def _tensor(flow: Flow, like: torch.Tensor) -> torch.Tensor:
    height, width = like.shape[-2:]
    part = np.ascontiguousarray(flow[:height, :width].transpose(2, 0, 1))
    return torch.from_numpy(part)[None].to(device=like.device, dtype=like.dtype)


def _length(flow: torch.Tensor) -> torch.Tensor:
    return flow.square().sum(dim=1, keepdim=True).sqrt()


def _places(flow: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    height, width = flow.shape[-2:]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    return columns + flow[:, 0], rows + flow[:, 1]


def _inside(flow: torch.Tensor) -> torch.Tensor:
    x, y = _places(flow)
    height, width = flow.shape[-2:]
    within = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    return within[:, None].to(flow.dtype)
