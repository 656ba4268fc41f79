"""RIFE's IFNet, version 4 (Huang et al., Real-Time Intermediate Flow Estimation, 2022): motion towards both
neighbours of the frame in between, refined from coarse to fine, then both neighbours warped along it and merged.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import IfnetParameters

_SLOPE = 0.2
_DEPTH = 8


@dataclass(frozen=True)
class Motion:
    """What the network found for one time between two frames."""

    flow: Tensor
    """(n, 4, h, w), pixels of this size: x and y of the point to take from the frame before, then the one after."""
    mask: Tensor
    """(n, 1, h, w), 0..1: the weight of the frame before."""

    def resized(self, height: int, width: int) -> Motion:
        """The same motion for frames of another size, linearly interpolated."""
        old_height, old_width = self.flow.shape[-2:]
        if (old_height, old_width) == (height, width):
            return self
        flow = F.interpolate(self.flow, size=(height, width), mode="bilinear", align_corners=False)
        stretch = flow.new_tensor([width / old_width, height / old_height] * 2).view(1, 4, 1, 1)
        mask = F.interpolate(self.mask, size=(height, width), mode="bilinear", align_corners=False)
        return Motion(flow * stretch, mask)

    def cropped(self, top: int, bottom: int, left: int, right: int) -> Motion:
        return Motion(self.flow[..., top:bottom, left:right], self.mask[..., top:bottom, left:right])


def warp(image: Tensor, flow: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """``image`` (n, c, h, w) read at ``flow`` (n, 2, th, tw) pixels away from each point of a tile.

    The tile's first pixel is (``top``, ``left``) of the image; bilinear, border repeated. Coordinates are float32
    even in half precision, which cannot tell neighbouring pixels of a large frame apart.
    """
    height, width = image.shape[-2:]
    columns = torch.linspace(-1.0, 1.0, width, device=flow.device)[left : left + flow.shape[-1]]
    rows = torch.linspace(-1.0, 1.0, height, device=flow.device)[top : top + flow.shape[-2]]
    x = columns.view(1, 1, -1) + flow[:, 0].float() * (2.0 / max(width - 1, 1))
    y = rows.view(1, -1, 1) + flow[:, 1].float() * (2.0 / max(height - 1, 1))
    grid = torch.stack((x, y), -1)
    sampled = F.grid_sample(image.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.to(image.dtype)


def merge(before: Tensor, after: Tensor, motion: Motion, top: int = 0, left: int = 0) -> Tensor:
    """The frame in between, (n, 3, th, tw): the tile at (``top``, ``left``) that ``motion`` covers.

    ``before`` and ``after`` are whole frames of the size that the motion was made (or resized) for.
    """
    first = warp(before, motion.flow[:, :2], top, left)
    second = warp(after, motion.flow[:, 2:4], top, left)
    return first * motion.mask + second * (1 - motion.mask)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(_SLOPE, inplace=True))


class Encoder(nn.Module):
    """Features of one frame at its own size."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.cnn1 = nn.Conv2d(16, 16, 3, padding=1)
        self.cnn2 = nn.Conv2d(16, 16, 3, padding=1)
        self.cnn3 = nn.ConvTranspose2d(16, outputs, 4, stride=2, padding=1)

    def forward(self, frame: Tensor) -> Tensor:
        features = frame
        for convolution in (self.cnn0, self.cnn1, self.cnn2):
            features = F.leaky_relu(convolution(features), _SLOPE)
        encoded: Tensor = self.cnn3(features)
        return encoded


class ScaledResidual(nn.Module):
    """A residual convolution with a learnt gain a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, given: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(given) * self.beta + given, _SLOPE)


class FlowBlock(nn.Module):
    """One refinement, computed at 1/``scale`` of the frame's size."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(_convolution(inputs, width // 2), _convolution(width // 2, width))
        self.convblock = nn.Sequential(*(ScaledResidual(width) for _ in range(_DEPTH)))
        self.lastconv = nn.Sequential(
            nn.ConvTranspose2d(width, 4 * outputs, 4, stride=2, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, given: Tensor, flow: Tensor | None, scale: int) -> tuple[Tensor, Tensor, Tensor]:
        """Change of the flow, mask before the sigmoid, features for the next block; all at the frame's size."""
        small = _resize(given, 1 / scale)
        if flow is not None:
            small = torch.cat((small, _resize(flow, 1 / scale) / scale), 1)
        found = _resize(self.lastconv(self.convblock(self.conv0(small))), scale)
        return found[:, :4] * scale, found[:, 4:5], found[:, 5:]


def _resize(image: Tensor, factor: float) -> Tensor:
    return F.interpolate(image, scale_factor=factor, mode="bilinear", align_corners=False)


class Ifnet(nn.Module):
    """Frames are (n, 3, h, w) RGB 0..1, h and w multiples of the card's ``multiple``."""

    def __init__(self, parameters: IfnetParameters) -> None:
        super().__init__()
        self.count = len(parameters.widths)
        self.encoded, self.carried = parameters.encoded, parameters.carried
        both = 2 * (3 + parameters.encoded)
        if parameters.encoded:
            self.encode = Encoder(parameters.encoded)
        for number, width in enumerate(parameters.widths):
            inputs = both + 1 if number == 0 else both + 1 + 1 + parameters.carried + 4
            self.add_module(f"block{number}", FlowBlock(inputs, width, parameters.outputs))

    def forward(self, before: Tensor, after: Tensor, position: float) -> Tensor:
        """The frame at ``position`` (0 before, 1 after), same shape."""
        return merge(before, after, self.motion(before, after, position))

    def motion(self, before: Tensor, after: Tensor, position: float) -> Motion:
        """Flow and mask for the frame at ``position``, at the frames' size.

        Large frames: give reduced frames here, ``resized`` the motion, and ``merge`` the full ones tile by tile.
        """
        encoded = self._encode(before), self._encode(after)
        time = torch.full_like(before[:, :1], position)
        flow: Tensor | None = None
        mask, carried = before[:, :0], before[:, :0]
        for number in range(self.count):
            inputs = (*_seen(before, after, encoded, flow), time, mask, carried)
            block = self.get_submodule(f"block{number}")
            change, found, features = block(torch.cat(inputs, 1), flow, 2 ** (self.count - 1 - number))
            flow = change if flow is None else flow + change
            mask = self._mask(mask, found)
            carried = features[:, : self.carried]
        assert flow is not None
        return Motion(flow, torch.sigmoid(mask))

    def _encode(self, frame: Tensor) -> Tensor:
        return self.encode(frame) if self.encoded else frame[:, :0]

    def _mask(self, known: Tensor, found: Tensor) -> Tensor:
        """Versions with an encoder find the mask anew in each block, those without one add to it."""
        return found if self.encoded or known.shape[1] == 0 else known + found


def _seen(before: Tensor, after: Tensor, encoded: tuple[Tensor, Tensor], flow: Tensor | None) -> tuple[Tensor, ...]:
    """Both frames and their features as the next block sees them: aligned by the flow known so far."""
    if flow is None:
        return before, after, *encoded
    to_before, to_after = flow[:, :2], flow[:, 2:4]
    frames = warp(before, to_before), warp(after, to_after)
    if encoded[0].shape[1] == 0:
        return frames
    return *frames, warp(encoded[0], to_before), warp(encoded[1], to_after)
