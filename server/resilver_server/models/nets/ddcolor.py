"""DDColor (Kang et al., 2023): one decoder for pixels, one for colours. Names are those of the published checkpoints,
with their spectral norms already folded into plain weights.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resilver_server.models.architectures import DdcolorParameters

from .convnext import Convnext
from .unet import ShuffleUp, StepUp

_HEADS = 8
_TEMPERATURE = 10_000.0
_SCALES = 3


class CrossAttention(nn.Module):
    """Colour queries look at the features of one scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.multihead_attn = nn.MultiheadAttention(channels, _HEADS, batch_first=True)
        self.norm = nn.LayerNorm(channels)

    def forward(self, colours: Tensor, embedded: Tensor, features: Tensor, places: Tensor) -> Tensor:
        found, _ = self.multihead_attn(colours + embedded, features + places, features, need_weights=False)
        normed: Tensor = self.norm(colours + found)
        return normed


class QueryAttention(nn.Module):
    """Colour queries look at one another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, _HEADS, batch_first=True)
        self.norm = nn.LayerNorm(channels)

    def forward(self, colours: Tensor, embedded: Tensor) -> Tensor:
        asked = colours + embedded
        found, _ = self.self_attn(asked, asked, colours, need_weights=False)
        normed: Tensor = self.norm(colours + found)
        return normed


class Feedforward(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, colours: Tensor) -> Tensor:
        normed: Tensor = self.norm(colours + self.linear2(F.relu(self.linear1(colours))))
        return normed


class ColourEmbedding(nn.Module):
    """Three layers, ReLU between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(channels, channels) for _ in range(3))

    def forward(self, colours: Tensor) -> Tensor:
        first, second, third = self.layers
        embedded: Tensor = third(F.relu(second(F.relu(first(colours)))))
        return embedded


class ColourDecoder(nn.Module):
    """Learned colour queries, asked of three scales of features in turn, then spread over the picture."""

    def __init__(self, parameters: DdcolorParameters) -> None:
        super().__init__()
        features, layers = parameters.features, range(parameters.layers)
        hidden = features // 2
        self.query_feat = nn.Embedding(parameters.queries, hidden)
        self.query_embed = nn.Embedding(parameters.queries, hidden)
        self.level_embed = nn.Embedding(_SCALES, hidden)
        self.input_proj = nn.ModuleList(nn.Conv2d(width, hidden, 1) for width in (features, features, hidden))
        self.transformer_cross_attention_layers = nn.ModuleList(CrossAttention(hidden) for _ in layers)
        self.transformer_self_attention_layers = nn.ModuleList(QueryAttention(hidden) for _ in layers)
        self.transformer_ffn_layers = nn.ModuleList(Feedforward(hidden, parameters.feedforward) for _ in layers)
        self.decoder_norm = nn.LayerNorm(hidden)
        self.color_embed = ColourEmbedding(hidden)

    def forward(self, scales: list[Tensor], pixels: Tensor) -> Tensor:
        """Features coarse to fine, and (n, features / 2, h, w) -> (n, queries, h, w)."""
        embedded = self.query_embed.weight[None]
        places = [sines(scale, embedded.shape[-1]) for scale in scales]
        seen = [self._projected(number, scale) for number, scale in enumerate(scales)]
        colours = self.query_feat.weight[None].expand(pixels.shape[0], -1, -1)
        layers = zip(
            self.transformer_cross_attention_layers,
            self.transformer_self_attention_layers,
            self.transformer_ffn_layers,
            strict=True,
        )
        for number, (cross, among, feedforward) in enumerate(layers):
            scale = number % _SCALES
            colours = feedforward(among(cross(colours, embedded, seen[scale], places[scale]), embedded))
        return torch.einsum("nqc,nchw->nqhw", self.color_embed(self.decoder_norm(colours)), pixels)

    def _projected(self, number: int, scale: Tensor) -> Tensor:
        projected: Tensor = self.input_proj[number](scale)
        return projected.flatten(2).mT + self.level_embed.weight[number]


def sines(scale: Tensor, channels: int) -> Tensor:
    """Where each pixel of (n, any, h, w) is, (1, h * w, channels): sines and cosines of many wavelengths, first of the
    row, then of the column (Carion et al., 2020). Computed in float32.
    """
    height, width = scale.shape[-2:]
    half = channels // 2
    lengths = _TEMPERATURE ** (2 * (torch.arange(half, device=scale.device) // 2) / half)

    def along(count: int) -> Tensor:
        steps = torch.arange(1, count + 1, device=scale.device, dtype=torch.float32)
        angles = (steps / (count + 1e-6) * (2 * math.pi))[:, None] / lengths
        return torch.stack((angles[:, 0::2].sin(), angles[:, 1::2].cos()), 2).flatten(1)

    rows, columns = along(height)[:, None].expand(-1, width, -1), along(width)[None].expand(height, -1, -1)
    return torch.cat((rows, columns), 2).flatten(0, 1)[None].to(scale.dtype)


class Decoder(nn.Module):
    """Pixels on the way up, and colours from three of its scales."""

    def __init__(self, parameters: DdcolorParameters) -> None:
        super().__init__()
        first, second, third, deepest = parameters.widths
        wide, narrow = parameters.features, parameters.features // 2
        self.layers = nn.ModuleList(
            (
                StepUp(deepest, third, wide, (wide,)),
                StepUp(wide, second, wide, (wide,)),
                StepUp(wide, first, narrow, (narrow,)),
            )
        )
        self.last_shuf = ShuffleUp(narrow, narrow, 4, normed=False)
        self.color_decoder = ColourDecoder(parameters)

    def forward(self, encoded: list[Tensor]) -> Tensor:
        features, scales = encoded[-1], []
        for step, beside in zip(self.layers, reversed(encoded[:-1]), strict=True):
            features = step(features, beside)
            scales.append(features)
        colours: Tensor = self.color_decoder(scales, self.last_shuf(features))
        return colours


class Encoder(nn.Module):
    def __init__(self, parameters: DdcolorParameters) -> None:
        super().__init__()
        self.arch = Convnext(parameters.widths, parameters.depths)

    def forward(self, frames: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.arch(frames)
        return features


class Ddcolor(nn.Module):
    """(n, 3, h, w) grey RGB 0..1, h and w multiples of 32 -> (n, 2, h, w): a and b of CIE Lab, about -100..100.

    ``mean`` and ``std`` (1, 3, 1, 1) come with the weights: the network sees (frames - mean) / std.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, parameters: DdcolorParameters) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.register_buffer("std", torch.ones(1, 3, 1, 1))
        self.encoder = Encoder(parameters)
        self.decoder = Decoder(parameters)
        self.refine_net = nn.Sequential(nn.Sequential(nn.Conv2d(parameters.queries + 3, 2, 1)))

    def forward(self, frames: Tensor) -> Tensor:
        seen = (frames - self.mean) / self.std
        refined: Tensor = self.refine_net(torch.cat((self.decoder(self.encoder(seen)), seen), 1))
        return refined
