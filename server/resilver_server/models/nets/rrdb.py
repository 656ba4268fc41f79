"""ESRGAN's generator of residual-in-residual dense blocks (Wang et al., ESRGAN, 2018; Real-ESRGAN, 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import RrdbParameters

_RESIDUAL = 0.2
_SLOPE = 0.2


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the input and all results before it."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(features + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(features + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(features + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(features + 4 * growth, features, 3, padding=1)

    def forward(self, given: Tensor) -> Tensor:
        known = given
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            known = torch.cat((known, F.leaky_relu(convolution(known), _SLOPE)), 1)
        return torch.add(given, self.conv5(known), alpha=_RESIDUAL)


class ResidualDenseBlock(nn.Module):
    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(features, growth)
        self.rdb2 = DenseBlock(features, growth)
        self.rdb3 = DenseBlock(features, growth)

    def forward(self, given: Tensor) -> Tensor:
        return torch.add(given, self.rdb3(self.rdb2(self.rdb1(given))), alpha=_RESIDUAL)


class Rrdb(nn.Module):
    """(n, 3, h, w) RGB 0..1 -> (n, 3, s * h, s * w), nominally 0..1, not clipped; s = 2 ** upsamplings / unshuffle.

    With ``unshuffle`` above 1, h and w must be multiples of it.
    """

    def __init__(self, parameters: RrdbParameters) -> None:
        super().__init__()
        features = parameters.features
        self.unshuffle = parameters.unshuffle
        self.upsamplings = parameters.upsamplings
        self.conv_first = nn.Conv2d(3 * parameters.unshuffle**2, features, 3, padding=1)
        self.body = nn.Sequential(*(ResidualDenseBlock(features, parameters.growth) for _ in range(parameters.blocks)))
        self.conv_body = nn.Conv2d(features, features, 3, padding=1)
        for step in range(1, parameters.upsamplings + 1):
            self.add_module(f"conv_up{step}", nn.Conv2d(features, features, 3, padding=1))
        self.conv_hr = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        folded = F.pixel_unshuffle(frames, self.unshuffle) if self.unshuffle > 1 else frames
        features = self.conv_first(folded)
        features = features + self.conv_body(self.body(features))
        for step in range(1, self.upsamplings + 1):
            enlarged = F.interpolate(features, scale_factor=2, mode="nearest")
            features = F.leaky_relu(self.get_submodule(f"conv_up{step}")(enlarged), _SLOPE)
        picture: Tensor = self.conv_last(F.leaky_relu(self.conv_hr(features), _SLOPE))
        return picture
