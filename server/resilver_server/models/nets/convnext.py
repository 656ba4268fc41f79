"""ConvNeXt (Liu et al., 2022): the encoder of DDColor. Names are those of the published checkpoints."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_EPSILON = 1e-6


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel, (n, c, h, w) in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=_EPSILON)

    def forward(self, features: Tensor) -> Tensor:
        normed: Tensor = super().forward(features.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class Block(nn.Module):
    """7x7 within each channel, then two layers across them, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        pixels: Tensor = self.norm(self.dwconv(features).permute(0, 2, 3, 1))
        pixels = self.gamma * self.pwconv2(F.gelu(self.pwconv1(pixels)))
        return features + pixels.permute(0, 3, 1, 2)


class Convnext(nn.Module):
    """(n, 3, h, w) -> four sets of features at 1/4, 1/8, 1/16 and 1/32, each through a norm of its own."""

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0]))
        downs = (
            nn.Sequential(ChannelNorm(finer), nn.Conv2d(finer, coarser, 2, stride=2))
            for finer, coarser in pairwise(widths)
        )
        self.downsample_layers = nn.ModuleList([stem, *downs])
        stages = (
            nn.Sequential(*(Block(width) for _ in range(depth))) for width, depth in zip(widths, depths, strict=True)
        )
        self.stages = nn.ModuleList(stages)
        for number, width in enumerate(widths):
            self.add_module(f"norm{number}", ChannelNorm(width))

    def forward(self, frames: Tensor) -> list[Tensor]:
        features, found = frames, []
        for number, (down, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            features = stage(down(features))
            found.append(self.get_submodule(f"norm{number}")(features))
        return found
