"""ResNet (He et al., 2016): the encoder of DeOldify. Names are those of its published checkpoints."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

_EXPANSION = 4
"""Of a bottleneck's channels at its end."""


class Residual(nn.Module):
    """Two 3x3 convolutions, or with ``bottleneck`` a 3x3 between two 1x1, added to what came in."""

    def __init__(self, inputs: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = width * _EXPANSION if bottleneck else width
        shapes: tuple[tuple[int, int, int], ...] = ((width, 3, stride), (width, 3, 1))
        if bottleneck:
            shapes = ((width, 1, 1), (width, 3, stride), (outputs, 1, 1))
        self.convolutions = range(1, 1 + len(shapes))
        channels = inputs
        for number, (after, kernel, step) in zip(self.convolutions, shapes, strict=True):
            layer = nn.Conv2d(channels, after, kernel, step, padding=kernel // 2, bias=False)
            self.add_module(f"conv{number}", layer)
            self.add_module(f"bn{number}", nn.BatchNorm2d(after))
            channels = after
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            layer = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(layer, nn.BatchNorm2d(outputs))

    def forward(self, features: Tensor) -> Tensor:
        found = features
        for number in self.convolutions:
            found = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(found))
            found = F.relu(found) if number != self.convolutions[-1] else found
        return F.relu(found + self.downsample(features))


class Resnet(nn.Sequential):
    """(n, 3, h, w) -> features at 1/2, 1/4, 1/8, 1/16 and 1/32. ``channels`` says how many of each."""

    def __init__(self, stem: int, blocks: tuple[int, ...], *, bottleneck: bool) -> None:
        stages, inputs, channels = [], stem, [stem]
        for number, count in enumerate(blocks):
            width, residuals = stem << number, []
            for place in range(count):
                stride = 2 if number > 0 and place == 0 else 1
                residuals.append(Residual(inputs, width, stride, bottleneck=bottleneck))
                inputs = width * _EXPANSION if bottleneck else width
            stages.append(nn.Sequential(*residuals))
            channels.append(inputs)
        first = nn.Conv2d(3, stem, 7, 2, padding=3, bias=False)
        super().__init__(first, nn.BatchNorm2d(stem), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), *stages)
        self.channels = tuple(channels)

    def forward(self, frames: Tensor) -> list[Tensor]:
        layers = list(self)
        features, found = frames, []
        for layer in layers[:3]:
            features = layer(features)
        found.append(features)
        features = layers[3](features)
        for stage in layers[4:]:
            features = stage(features)
            found.append(features)
        return found
