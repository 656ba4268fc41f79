"""A small network that guesses a frame's colours as it was taught them: an EfficientNet-Lite0 that looks, and a decoder
that joins what it saw from coarse to fine (Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import TaughtParameters

from .efficientnet import WIDTHS, EfficientNetLite, grey


class Taught(nn.Module):
    """Luma in, colour differences at half the size out."""

    def __init__(self, parameters: TaughtParameters) -> None:
        super().__init__()
        width = parameters.width
        self.encoder = EfficientNetLite()
        self.mood = nn.Linear(WIDTHS[-1], width)
        self.sides = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in WIDTHS)
        self.joints = nn.ModuleList(_Joint(width) for _ in pairwise(WIDTHS))
        self.last = nn.Conv2d(width, 2, 3, padding=1)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)

    def forward(self, luma: Tensor) -> Tensor:
        """(n, 1, h, w) luma, 0..1, sides multiples of 32, to (n, 2, h / 2, w / 2) Cb and Cr, -0.5..0.5."""
        features = self.encoder(grey(luma))
        sides = [side(feature) for side, feature in zip(self.sides, features, strict=True)]
        found = sides[-1] + self.mood(features[-1].mean(dim=(2, 3)))[:, :, None, None]
        for joint, side in zip(reversed(list(self.joints)), reversed(sides[:-1]), strict=True):
            found = joint(found, side)
        return 0.5 * torch.tanh(self.last(found))


class _Joint(nn.Module):
    """Two sizes of features into the finer one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        enlarged = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        return F.relu(self.second(F.relu(self.first(enlarged + fine))))
