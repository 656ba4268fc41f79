"""EfficientNet-Lite0 as an encoder.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in its Lite form
(Google, 2020): no squeeze-and-excitation, ReLU6 throughout, stem and head of fixed width. Padding is TensorFlow's
"same", as the published weights want it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEM = 32
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, repeats, stride of the first, kernel."""
_TAPS = (0, 2, 4, 10, 15)
"""Blocks whose output is the last of its size."""
WIDTHS = (16, 24, 40, 112, 320)
"""Channels of the features, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size."""
_EPSILON = 1e-3
MULTIPLE = 32
"""Height and width have to be multiples of it."""


class EfficientNetLite(nn.Module):
    """Features of five sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _Same(3, _STEM, 3, 2)
        self.bn0 = _norm(_STEM)
        blocks, width = [], _STEM
        for expansion, channels, repeats, stride, kernel in _STAGES:
            for number in range(repeats):
                blocks.append(_Block(width, channels, expansion, stride if number == 0 else 1, kernel))
                width = channels
        self.blocks = nn.ModuleList(blocks)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """(n, 3, h, w), 0..1, sides multiples of MULTIPLE, to features (n, WIDTHS[i], h / 2^(i+1), w / 2^(i+1))."""
        x = F.relu6(self.bn0(self.conv_stem((rgb * 255 - 127) / 128)))
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _TAPS:
                features.append(x)
        return features


class _Block(nn.Module):
    """Inverted residual (Sandler et al., MobileNetV2, CVPR 2018)."""

    def __init__(self, given: int, channels: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        inner = given * expansion
        self._expands, self._adds = expansion > 1, stride == 1 and given == channels
        if self._expands:
            self.expand_conv = _Same(given, inner, 1, 1)
            self.bn0 = _norm(inner)
        self.depthwise_conv = _Same(inner, inner, kernel, stride, groups=inner)
        self.bn1 = _norm(inner)
        self.project_conv = _Same(inner, channels, 1, 1)
        self.bn2 = _norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu6(self.bn0(self.expand_conv(x))) if self._expands else x
        inner = F.relu6(self.bn1(self.depthwise_conv(inner)))
        made: Tensor = self.bn2(self.project_conv(inner))
        return made + x if self._adds else made


class _Same(nn.Conv2d):
    """Convolution without bias, padded so that the size is divided by the stride, the odd pixel below and right."""

    def __init__(self, given: int, channels: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(given, channels, kernel, stride, groups=groups, bias=False)
        total = kernel - stride if stride > 1 else kernel - 1
        before = max(0, total) // 2
        self._pad = (before, max(0, total) - before) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self._pad) if any(self._pad) else x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


def published_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published state without its classifier, by the names here: theirs have an underscore before each part."""
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(("_conv_head", "_bn1", "_fc"))}
    return {".".join(part.removeprefix("_") for part in name.split(".")): tensor for name, tensor in kept.items()}


def is_published(state: dict[str, Tensor]) -> bool:
    """Whether a checkpoint is that of EfficientNet-Lite0."""
    stem, last = state.get("_conv_stem.weight"), state.get("_blocks.15._project_conv.weight")
    return stem is not None and last is not None and tuple(last.shape) == (WIDTHS[-1], 1152, 1, 1)


def grey(luma: Tensor) -> Tensor:
    """(n, 1, h, w) luma as three equal channels."""
    return torch.cat([luma] * 3, dim=1)
