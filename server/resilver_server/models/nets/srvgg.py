"""Real-ESRGAN's compact network, "SRVGGNetCompact" (Wang, Xie, Dong, Shan: Real-ESRGAN, 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import SrvggParameters


class Srvgg(nn.Module):
    """Plain convolutions at input size, pixel shuffle, plus the input enlarged by nearest neighbour.

    (n, 3, h, w) RGB 0..1 -> (n, 3, factor * h, factor * w), nominally 0..1, not clipped.
    """

    def __init__(self, parameters: SrvggParameters) -> None:
        super().__init__()
        features = parameters.features
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, padding=1), nn.PReLU(features)]
        for _ in range(parameters.convolutions):
            layers += [nn.Conv2d(features, features, 3, padding=1), nn.PReLU(features)]
        layers.append(nn.Conv2d(features, 3 * parameters.factor**2, 3, padding=1))
        self.body = nn.Sequential(*layers)
        self.factor = parameters.factor

    def forward(self, frames: Tensor) -> Tensor:
        detail = F.pixel_shuffle(self.body(frames), self.factor)
        return torch.add(detail, F.interpolate(frames, scale_factor=self.factor, mode="nearest"))
