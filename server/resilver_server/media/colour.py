"""The one place where YUV becomes RGB and RGB becomes YUV, by the tags of the media and by nothing else.

Matrices and ranges are those of ITU-T H.273 (ISO/IEC 23091-2). Nothing is linearised: R'G'B' stays in the transfer of
the file. The one exception is scene-linear float media (EXR), see ``docs/decisions/0101-exr-is-shown-through-srgb.md``.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from resilver_client.errors import MediaUnreadable
from resilver_server.domain.formats import ColourTags

from .chroma import downsample, upsample
from .layout import Layout, Model, Plane, layout_of
from .picture import Picture
from .tagging import WEIGHTS, delivery_tags, resolved

__all__ = ["delivery_tags", "from_rgb", "luma", "resolved", "rgb8", "to_rgb", "to_rgb8"]


def to_rgb(picture: Picture, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(3, height, width) RGB on ``device``: 0 is black, 1 is white, in the media's own transfer.

    Float32 inside whatever ``dtype`` is asked for. YUV may carry values a little outside 0..1 and they are kept, so
    that an untouched frame goes back to its own codes. Raises MediaUnreadable for a matrix that is not a linear one.
    """
    layout = picture.layout
    planes = [_upload(plane, device) for plane in picture.planes]
    if layout.model is Model.GREY:
        grey = _unit(planes[0], layout, picture.colour.full_range)
        return grey.to(dtype).expand(3, -1, -1).contiguous()
    if layout.model is Model.RGB:
        rgb = torch.stack([_unit(plane, layout, picture.colour.full_range) for plane in planes])
        return (_srgb_curve(rgb) if picture.colour.transfer == "linear" else rgb).to(dtype)
    luma = _unit(planes[0], layout, picture.colour.full_range)
    size = (picture.height, picture.width)
    blue, red = (
        upsample(_difference(plane, layout, picture.colour.full_range), size, layout.chroma, picture.centred_chroma)
        for plane in planes[1:]
    )
    return _matrix(luma, blue, red, picture.colour.matrix).to(dtype)


def luma(picture: Picture) -> npt.NDArray[np.float32]:
    """(height, width) float32, 0..1: the media's own luma with its range expanded, not linearised.

    For RGB the luma of the matrix that its tags resolve to (BT.709 for untagged RGB).
    """
    layout = picture.layout
    if layout.model is not Model.RGB:
        plane = _unit(_upload(picture.planes[0], torch.device("cpu")), layout, picture.colour.full_range)
        return cast("npt.NDArray[np.float32]", plane.numpy())
    rgb = to_rgb(picture, torch.device("cpu"), torch.float32)
    return cast("npt.NDArray[np.float32]", _mixed(rgb, _rows("bt709")[0], 1).numpy())


def rgb8(picture: Picture) -> npt.NDArray[np.uint8]:
    """(height, width, 3) RGB, rounded to 8 bits."""
    return to_rgb8(to_rgb(picture, torch.device("cpu"), torch.float32))


def to_rgb8(rgb: Tensor) -> npt.NDArray[np.uint8]:
    """(height, width, 3) uint8 of a (3, height, width) tensor, rounded and clipped."""
    codes = rgb.detach().float().mul(255).add_(0.5).clamp_(0, 255.5).to(torch.uint8)
    return cast("npt.NDArray[np.uint8]", codes.permute(1, 2, 0).contiguous().cpu().numpy())


def from_rgb(rgb: Tensor, pixel_format: str, tags: ColourTags) -> tuple[Plane, ...]:
    """Component planes of ``pixel_format`` for a (3, height, width) RGB tensor, rounded to the nearest code.

    Range and matrix by ``tags`` (RGB formats are always full range); chroma is brought down to where MPEG sites it
    (left across, midway down). Codes are
    clipped to what the format may hold, not to nominal white. Raises MediaUnreadable for an unknown matrix.
    """
    layout = layout_of(pixel_format)
    rgb = rgb.detach().float()
    if layout.floating:
        linear = _srgb_linear(rgb)
        return tuple(linear.cpu().numpy().astype(layout.dtype))
    if layout.model is Model.RGB:
        return tuple(_codes(channel * layout.peak, layout) for channel in rgb)
    to_luma, to_blue, to_red = _rows(tags.matrix)
    span, black = _luma_scale(layout, tags.full_range)
    light = _codes(_mixed(rgb, to_luma, span).add_(black), layout)
    if layout.model is Model.GREY:
        return (light,)
    scale, middle = _chroma_scale(layout, tags.full_range)
    blue, red = (
        _codes(downsample(_mixed(rgb, row, scale), layout.chroma).add_(middle), layout) for row in (to_blue, to_red)
    )
    return light, blue, red


def _upload(plane: Plane, device: torch.device) -> Tensor:
    contiguous = np.ascontiguousarray(plane)
    if not contiguous.flags.writeable:  # torch warns of memory that it may not write; nothing here writes to it
        contiguous = contiguous.copy()
    return torch.from_numpy(contiguous).to(device).to(torch.float32)


def _unit(codes: Tensor, layout: Layout, full_range: bool) -> Tensor:
    if layout.floating:
        return codes
    span, black = _luma_scale(layout, full_range)
    return codes.sub_(black).div_(span) if black else codes.div_(span)


def _luma_scale(layout: Layout, full_range: bool) -> tuple[int, int]:
    """Codes from black to white, and the code of black."""
    step = 1 << max(0, layout.bits - 8)
    return (layout.peak, 0) if full_range else (219 * step, 16 * step)


def _chroma_scale(layout: Layout, full_range: bool) -> tuple[int, int]:
    """Codes from -0.5 to 0.5 of a colour difference, and the code of none."""
    middle = 1 << (layout.bits - 1)
    return (layout.peak if full_range else 224 << (layout.bits - 8)), middle


def _difference(codes: Tensor, layout: Layout, full_range: bool) -> Tensor:
    scale, middle = _chroma_scale(layout, full_range)
    return codes.sub_(middle).div_(scale)


def _matrix(luma: Tensor, blue: Tensor, red: Tensor, name: str) -> Tensor:
    if name == "gbr":
        raise MediaUnreadable("YUV pixels are tagged with the RGB matrix", remedy="set the right matrix in the file")
    if name == "ycgco":  # H.273 equation 63: red carries Co, blue carries Cg
        base = luma - blue
        return torch.stack([base + red, luma + blue, base - red])
    kr, kb = _weights(name)
    kg = 1 - kr - kb
    out = torch.empty((3, *luma.shape), dtype=torch.float32, device=luma.device)
    torch.add(luma, red, alpha=2 * (1 - kr), out=out[0])
    torch.add(luma, red, alpha=-2 * kr * (1 - kr) / kg, out=out[1])
    out[1].add_(blue, alpha=-2 * kb * (1 - kb) / kg)
    torch.add(luma, blue, alpha=2 * (1 - kb), out=out[2])
    return out


Row = tuple[float, float, float]


def _rows(name: str) -> tuple[Row, Row, Row]:
    """What of R, G and B makes luma and the two colour differences (-0.5..0.5) of a matrix."""
    if name == "ycgco":
        return (0.25, 0.5, 0.25), (-0.25, 0.5, -0.25), (0.5, 0.0, -0.5)
    kr, kb = _weights(name)
    kg = 1 - kr - kb
    blue, red = 0.5 / (1 - kb), 0.5 / (1 - kr)
    return (kr, kg, kb), (-kr * blue, -kg * blue, 0.5), (0.5, -kg * red, -kb * red)


def _mixed(rgb: Tensor, row: Row, scale: float) -> Tensor:
    """The three channels weighted by ``row`` and multiplied by ``scale``."""
    return rgb[0].mul(row[0] * scale).add_(rgb[1], alpha=row[1] * scale).add_(rgb[2], alpha=row[2] * scale)


def _weights(name: str) -> tuple[float, float]:
    if name not in WEIGHTS:
        raise MediaUnreadable(
            f"the colour matrix {name} is not supported", remedy=f"use media in one of {', '.join(WEIGHTS)}"
        )
    return WEIGHTS[name]


def _codes(values: Tensor, layout: Layout) -> Plane:
    """The nearest codes, as an array of the layout's dtype. Changes ``values``."""
    kind = torch.uint8 if layout.bits <= 8 else torch.uint16
    rounded = values.add_(0.5).clamp_(0, layout.peak + 0.5).to(kind)
    return cast(Plane, rounded.cpu().numpy())


def _srgb_curve(linear: Tensor) -> Tensor:
    """Scene-linear to sRGB (IEC 61966-2-1), mirrored below zero and carried on above one."""
    size = linear.abs()
    curved = size.clamp(min=0.0031308).pow(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(size <= 0.0031308, size * 12.92, curved).copysign(linear)


def _srgb_linear(shown: Tensor) -> Tensor:
    size = shown.abs()
    opened = size.clamp(min=0.04045).add(0.055).div_(1.055).pow_(2.4)
    return torch.where(size <= 0.04045, size / 12.92, opened).copysign(shown)
