"""Frames at new times, on tensors."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch.nn import functional as F

from resilver_client.errors import InvalidRecipe
from resilver_server.models.nets.ifnet import Ifnet, Motion, merge
from resilver_server.stages.contract import Interpolator, StageContext

from .spec import BLEND, Parameters, reduction

_STRIP = 512
"""Rows that are warped and merged at a time."""


class Blend:
    """Both frames mixed by the time between them."""

    def between(self, before: torch.Tensor, after: torch.Tensor, position: Fraction) -> torch.Tensor:
        return before * float(1 - position) + after * float(position)


class Rife:
    """Motion by IFNet, on the whole frame (reduced where it is larger than ``spec.LARGEST_FLOW`` pixels); both frames
    warped and merged at their own size, strip by strip, which changes no bit."""

    def __init__(self, network: Ifnet, multiple: int) -> None:
        self._network = network
        self._multiple = multiple
        self._dtype = next(network.parameters()).dtype

    def between(self, before: torch.Tensor, after: torch.Tensor, position: Fraction) -> torch.Tensor:
        """(3, height, width); frames of any size."""
        height, width = before.shape[-2:]
        factor = reduction(height * width)
        first, second = (_padded(frame[None], self._multiple * factor) for frame in (before, after))
        small = [frame if factor == 1 else F.avg_pool2d(frame, factor) for frame in (first, second)]
        found = self._network.motion(small[0].to(self._dtype), small[1].to(self._dtype), float(position))
        motion = Motion(found.flow.to(first.dtype), found.mask.to(first.dtype))
        motion = motion.resized(first.shape[-2], first.shape[-1])
        strips = [
            merge(first, second, motion.cropped(top, min(top + _STRIP, height), 0, width), top)
            for top in range(0, height, _STRIP)
        ]
        return torch.cat(strips, dim=2)[0]


def _padded(frame: torch.Tensor, multiple: int) -> torch.Tensor:
    """(1, 3, h, w) grown to multiples at the right and below, the edge repeated."""
    height, width = frame.shape[-2:]
    return F.pad(frame, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def open_session(parameters: Parameters, context: StageContext) -> Interpolator:
    if parameters.model == BLEND:
        return Blend()
    network = context.networks[parameters.model]
    if not isinstance(network.module, Ifnet):
        raise InvalidRecipe(
            f"{parameters.model} does not interpolate", where="stage interpolate", remedy="choose a RIFE card"
        )
    return Rife(network.module, network.card.multiple)
