"""DeOldify (Antic, 2018 to 2020): a U-Net on a ResNet, with self-attention. Names are those of the published
checkpoints, with their spectral and weight norms already folded into plain weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import DeoldifyParameters

from .resnet import Resnet
from .unet import ShuffleUp, StepUp, convolution

_RANGE = 3.0
"""Results lie between -3 and 3: normalised colours of photographs do."""
_ATTENTIVE = 1
"""The step up that ends with self-attention, at an eighth of the size."""


class Polish(nn.Module):
    """Two 3x3 convolutions at full size, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1)) for _ in range(2))

    def forward(self, features: Tensor) -> Tensor:
        found = features
        for layer in self.layers:
            found = F.relu(layer(found))
        return features + found


class Deoldify(nn.Module):
    """(n, 3, h, w) grey RGB, normalised with ImageNet's mean and deviation, h and w even -> (n, 3, h, w) RGB, likewise
    normalised, within -3..3.
    """

    def __init__(self, parameters: DeoldifyParameters) -> None:
        super().__init__()
        encoder = Resnet(parameters.stem, parameters.blocks, bottleneck=parameters.bottleneck)
        *besides, deepest = encoder.channels
        middle = nn.Sequential(convolution(deepest, 2 * deepest), convolution(2 * deepest, deepest))
        steps = _deep_steps if parameters.deep else _wide_steps
        ups, last = steps(deepest, besides[::-1], parameters)
        self.steps = range(4, 4 + len(ups))
        layers: dict[str, nn.Module] = {"0": encoder, "1": nn.BatchNorm2d(deepest), "3": middle}
        layers |= {str(number): step for number, step in zip(self.steps, ups, strict=True)}
        layers |= {"8": ShuffleUp(last, last, normed=False), "10": Polish(last + 3)}
        layers |= {"11": nn.Sequential(nn.Conv2d(last + 3, 3, 1))}
        self.layers = nn.ModuleDict(layers)

    def forward(self, frames: Tensor) -> Tensor:
        *besides, features = self.layers["0"](frames)
        features = self.layers["3"](F.relu(self.layers["1"](features)))
        for number, beside in zip(self.steps, reversed(besides), strict=True):
            features = self.layers[str(number)](features, beside)
        joined = torch.cat((self.layers["8"](features), frames), 1)
        return torch.sigmoid(self.layers["11"](self.layers["10"](joined))) * (2 * _RANGE) - _RANGE


def _deep_steps(below: int, besides: list[int], parameters: DeoldifyParameters) -> tuple[list[StepUp], int]:
    """Two convolutions a step, as wide as what they join, times the factor; the last step half as wide."""
    steps = []
    for number, beside in enumerate(besides):
        joined = below // 2 + beside
        width = int((joined // 2 if number == len(besides) - 1 else joined) * parameters.factor)
        steps.append(StepUp(below, beside, below // 2, (width, width), attention=number == _ATTENTIVE))
        below = width
    return steps, below


def _wide_steps(below: int, besides: list[int], parameters: DeoldifyParameters) -> tuple[list[StepUp], int]:
    """One convolution a step, all equally wide but the last, which is half as wide."""
    steps = []
    for number, beside in enumerate(besides):
        width = int(4 * parameters.stem * parameters.factor) // (2 if number == len(besides) - 1 else 1)
        steps.append(StepUp(below, beside, width, (width,), attention=number == _ATTENTIVE))
        below = width
    return steps, below
