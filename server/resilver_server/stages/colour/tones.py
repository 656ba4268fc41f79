"""Luma and chroma of pictures, and what an artist may do to chroma. Luma is never touched.

Chroma is (n, 2, h, w): B' - Y' and R' - Y', gamma-encoded, as wide as the picture's own values.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from resilver_server.stages.planes import box

Weights = tuple[float, float, float]
"""What of R', G' and B' makes luma; sums to 1."""

_WARM = (1.0886, 1.0, 0.8720)
"""R', G', B' of white under CIE D50 as seen by an eye used to D65, over those of green: xy 0.34567, 0.35850 (CIE 15)
in linear sRGB, to the power 1 / 2.2."""
_FARTHEST, _HALVINGS = 40.0, 24
"""Of the step along luma's weights that brings a colour into 0..1: at most 2 over blue's weight; and to 5e-6."""
_DARKEST = 0.02
"""Added to both sides before lumas are compared by their ratio."""
_AROUND = 2
"""Pixels around over which luma is taken, so that grain counts little."""
_DARKER = 1.25
"""How much darker a place has to be to have less chroma."""
_SKIN_BLUE = (77, 127)
_SKIN_RED = (133, 173)
"""Eight-bit Cb and Cr of skin, whoever's it is (Chai and Ngan, "Face Segmentation Using Skin-Color Map in Videophone
Applications", IEEE Transactions on Circuits and Systems for Video Technology 9(4), 1999)."""
_SOFT = 6.0
"""Codes over which skin fades into what is none."""
_BINS = 65
"""Of a palette, each way: odd, so that grey has one of its own."""
_WIDEST = 1.0
"""Chroma at a palette's edge."""


def luma(rgb: torch.Tensor, weights: Weights) -> torch.Tensor:
    """(n, 1, h, w) of (n, 3, h, w)."""
    return torch.einsum("c,nchw->nhw", rgb.new_tensor(weights), rgb)[:, None]


def chroma(rgb: torch.Tensor, weights: Weights) -> torch.Tensor:
    """(n, 2, h, w) of (n, 3, h, w)."""
    return rgb[:, [2, 0]] - luma(rgb, weights)


def joined(light: torch.Tensor, colour: torch.Tensor, weights: Weights) -> torch.Tensor:
    """(n, 3, h, w) of luma and chroma; where that would leave 0..1 the nearest colour within that has this luma, so
    that no channel is ever clipped and luma stays what it is. Where luma itself lies outside there is no colour."""
    red, green, blue = weights
    away = torch.cat([colour[:, 1:], -(red * colour[:, 1:] + blue * colour[:, :1]) / green, colour[:, :1]], dim=1)
    away = torch.where(_room(light, away) < 1, _nearest(light, away, weights), away)
    return light + _room(light, away) * away


def shading(here: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """(1, 1, h, w) by how much chroma goes with luma from one picture to another of the same thing.

    The shade of a thing has less chroma, and dark things have little: less than 1 where a place is clearly darker. What
    flicker and grain make of it is nothing."""
    ratio = (box(here, _AROUND) + _DARKEST) / (box(there, _AROUND) + _DARKEST)
    return (ratio * _DARKER).clamp(max=1)


def _room(light: torch.Tensor, away: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w), 0..1: how much of differences from luma has room in 0..1."""
    over = away.amax(dim=1, keepdim=True).clamp(min=1e-6)
    under = (-away).amax(dim=1, keepdim=True).clamp(min=1e-6)
    return torch.minimum((1 - light) / over, light / under).clamp(0, 1)


def _nearest(light: torch.Tensor, away: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Differences from luma of the nearest R', G', B' within 0..1 of that luma, whose own mean is 0 but for rounding.

    What is nearest in a box and on a plane is ``clip(colour + step * normal)``; the step that meets the plane is found
    by halving."""
    normal = away.new_tensor(weights)[:, None, None]
    wanted = light.clamp(0, 1)
    low = torch.full_like(wanted, -_FARTHEST)
    high = -low
    for _ in range(_HALVINGS):
        step = (low + high) / 2
        beyond = luma((wanted + away + step * normal).clamp(0, 1), weights) > wanted
        low, high = torch.where(beyond, low, step), torch.where(beyond, step, high)
    found = (wanted + away + (low + high) / 2 * normal).clamp(0, 1)
    return found - luma(found, weights)


def graded(
    colour: torch.Tensor, light: torch.Tensor, saturation: float, warmth: float, skin: float, weights: Weights
) -> torch.Tensor:
    """Chroma with an artist's saturation and warmth, the less so the more it is of skin."""
    if saturation == 1 and warmth == 0:
        return colour
    changed = _warmed(colour, light, warmth, weights) * saturation
    return torch.lerp(changed, colour, skin * _skin(colour, weights)) if skin else changed


def _warmed(colour: torch.Tensor, light: torch.Tensor, warmth: float, weights: Weights) -> torch.Tensor:
    """Gains of the three channels as light of another colour makes them (von Kries), brought back to the same luma."""
    if warmth == 0:
        return colour
    red, green, blue = weights
    rest = -(red * colour[:, 1:] + blue * colour[:, :1]) / green
    rgb = light + torch.cat([colour[:, 1:], rest, colour[:, :1]], dim=1)
    lit = rgb * rgb.new_tensor([gain**warmth for gain in _WARM])[:, None, None]
    return chroma(lit, weights) * (light / luma(lit, weights).clamp(min=1e-3)).clamp(0, 2)


def _skin(colour: torch.Tensor, weights: Weights) -> torch.Tensor:
    """(n, 1, h, w), 0..1: how far chroma is that of skin."""
    blue = 128 + 224 * colour[:, :1] / (2 * (1 - weights[2]))
    red = 128 + 224 * colour[:, 1:] / (2 * (1 - weights[0]))
    inside = [torch.minimum(value - low, high - value) for value, (low, high) in ((blue, _SKIN_BLUE), (red, _SKIN_RED))]
    return (torch.minimum(*inside) / _SOFT + 1).clamp(0, 1)


def palette(colours: list[torch.Tensor]) -> torch.Tensor:
    """(1, 2, bins, bins): for each chroma the mean of those around it that pictures have, as far as they have them.

    One step of mean shift (Comaniciu and Meer, "Mean Shift: A Robust Approach Toward Feature Space Analysis", IEEE PAMI
    24(5), 2002) over a histogram, for all chroma at once. ``colours``: (1, 2, h, w) each.
    """
    flat = torch.cat([colour.flatten(2)[0] for colour in colours], dim=1)
    places = (_to_bins(flat)).round().long().clamp(0, _BINS - 1)
    count = torch.bincount(places[0] * _BINS + places[1], minlength=_BINS**2).to(flat.dtype)
    many = (count.reshape(1, 1, _BINS, _BINS) / count.sum()).sqrt()  # large grounds shall not swallow small things
    axis = torch.linspace(-_WIDEST, _WIDEST, _BINS, device=flat.device, dtype=flat.dtype)
    own = torch.stack(torch.meshgrid(axis, axis, indexing="ij"))[None]
    near = _around(many)
    drawn = _around(many * own) / near.clamp(min=1e-6)
    return torch.where(near > 1e-4, drawn, own)


def held(colour: torch.Tensor, drawn: torch.Tensor, hold: float) -> torch.Tensor:
    """Chroma moved towards a palette's by ``hold``, 0..1."""
    if not hold:
        return colour
    places = _to_bins(colour) * (2 / (_BINS - 1)) - 1
    grid = torch.stack([places[:, 1], places[:, 0]], dim=-1).clamp(-1, 1)
    return torch.lerp(colour, F.grid_sample(drawn, grid, mode="bilinear", align_corners=True), hold)


def _to_bins(colour: torch.Tensor) -> torch.Tensor:
    return (colour / _WIDEST + 1) * ((_BINS - 1) / 2)


def _around(planes: torch.Tensor) -> torch.Tensor:
    """Blurred over about 3 bins either side, a tenth of full chroma."""
    taps = torch.exp(-0.5 * (torch.arange(-4, 5, device=planes.device, dtype=planes.dtype) / 1.5) ** 2)
    kernel = (taps[:, None] * taps[None, :] / taps.sum() ** 2)[None, None]
    flat = planes.transpose(0, 1)
    return F.conv2d(F.pad(flat, (4, 4, 4, 4)), kernel).transpose(0, 1)
