"""What the two colourisers' decoders share: steps up that join features of the way down.

Names are those of the published checkpoints, with their spectral and weight norms already folded into plain weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Every place of a picture looks at every other (Zhang et al., 2019). (n, c, h, w) in and out.

    Weights are normalised over the places that ``query`` describes, for each place that ``key`` describes.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv1d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        places = features.flatten(2)
        looked_at, looking, carried = (layer(places).mT for layer in (self.query, self.key, self.value))
        seen = F.scaled_dot_product_attention(looking, looked_at, carried, scale=1.0)
        return (self.gamma * seen.mT + places).view(features.shape)


class ShuffleUp(nn.Module):
    """Enlarge by ``factor``: channels become pixels (Shi et al., 2016), then a mean over 2 x 2 against chequers."""

    def __init__(self, inputs: int, outputs: int, factor: int = 2, *, normed: bool) -> None:
        super().__init__()
        self.factor = factor
        channels = outputs * factor**2
        layers: list[nn.Module] = [nn.Conv2d(inputs, channels, 1, bias=not normed)]
        self.conv = nn.Sequential(*layers, *([nn.BatchNorm2d(channels)] if normed else []))

    def forward(self, features: Tensor) -> Tensor:
        enlarged = F.pixel_shuffle(F.relu(self.conv(features)), self.factor)
        return F.avg_pool2d(F.pad(enlarged, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


def convolution(inputs: int, outputs: int, *, attention: bool = False) -> nn.Sequential:
    """3x3, ReLU, then the batch norm, in this order; last the self-attention where there is one."""
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.ReLU(), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([SelfAttention(outputs)] if attention else []))


class StepUp(nn.Module):
    """Features from below, enlarged twice, joined with those beside; one convolution, or two in a row."""

    def __init__(self, below: int, beside: int, up: int, widths: tuple[int, ...], *, attention: bool = False) -> None:
        super().__init__()
        self.shuf = ShuffleUp(below, up, normed=True)
        self.bn = nn.BatchNorm2d(beside)
        self.names = ("conv",) if len(widths) == 1 else tuple(f"conv{1 + number}" for number in range(len(widths)))
        inputs = up + beside
        for name, width in zip(self.names, widths, strict=True):
            self.add_module(name, convolution(inputs, width, attention=attention and name == self.names[-1]))
            inputs = width

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        """(n, below, h, w) and (n, beside, about 2 h, about 2 w) -> (n, last width, size of beside)."""
        enlarged = self.shuf(below)
        if enlarged.shape[-2:] != beside.shape[-2:]:
            enlarged = F.interpolate(enlarged, beside.shape[-2:], mode="nearest")
        features = F.relu(torch.cat((enlarged, self.bn(beside)), 1))
        for name in self.names:
            features = self.get_submodule(name)(features)
        return features
