"""SPAN: swift parameter-free attention network (Wan et al., 2024), with its three-branch convolutions already fused."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import SpanParameters

_BLOCKS = 6


class AttentionBlock(nn.Module):
    """Three convolutions whose result also weighs itself: features far from zero are kept, faint ones damped."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.c1_r = nn.Conv2d(channels, channels, 3, padding=1)
        self.c2_r = nn.Conv2d(channels, channels, 3, padding=1)
        self.c3_r = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """The block's result, and its first activated features."""
        first = F.silu(self.c1_r(given))
        last = self.c3_r(F.silu(self.c2_r(first)))
        return (last + given) * (torch.sigmoid(last) - 0.5), first


class Span(nn.Module):
    """(n, 3, h, w) RGB 0..1 -> (n, 3, factor * h, factor * w), nominally 0..1, not clipped.

    ``mean`` (3,) and ``range`` () come with the weights: the network sees (frames - mean) * range.
    """

    mean: Tensor
    range: Tensor

    def __init__(self, parameters: SpanParameters) -> None:
        super().__init__()
        channels = parameters.channels
        self.factor = parameters.factor
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("range", torch.ones(()))
        self.conv_1 = nn.Conv2d(3, channels, 3, padding=1)
        for number in range(1, _BLOCKS + 1):
            self.add_module(f"block_{number}", AttentionBlock(channels))
        self.conv_2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_cat = nn.Conv2d(4 * channels, channels, 1)
        self.upsampler = nn.Conv2d(channels, 3 * parameters.factor**2, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        entry = self.conv_1((frames - self.mean.view(1, 3, 1, 1)) * self.range)
        features, results = entry, []
        first = entry
        for number in range(1, _BLOCKS + 1):
            features, first = self.get_submodule(f"block_{number}")(features)
            results.append(features)
        joined = self.conv_cat(torch.cat((entry, self.conv_2(features), results[0], first), 1))
        return F.pixel_shuffle(self.upsampler(joined), self.factor)
