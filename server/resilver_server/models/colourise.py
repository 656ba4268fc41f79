"""The colours that a network gives a grey frame, in one form for all.

Published networks look at the whole picture made into a small square: 512 pixels (DDColor), 560 or 336 (DeOldify), as
the published programs do by default; those that were taught here at a picture of its own shape. Their colours are
enlarged to the frame; what is sharp in a picture is its luma.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .architectures import Architecture
from .loader import Network
from .nets.efficientnet import MULTIPLE

LUMA = (0.2126, 0.7152, 0.0722)
"""Of R', G', B' (ITU-R BT.709)."""
_BLUE, _RED = 1.8556, 1.5748
"""BT.709: Cb = (B' - Y') / 1.8556, Cr = (R' - Y') / 1.5748."""

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

_LINEAR_SRGB = ((3.240479, -1.53715, -0.498535), (-0.969256, 1.875991, 0.041556), (0.055648, -0.204043, 1.057311))
"""Linear sRGB from XYZ (BT.709 primaries, D65)."""
_WHITE = (0.950456, 1.0, 1.088754)
"""D65."""


def chroma(network: Network, luma: Tensor, edge: int | None = None) -> Tensor:
    """Cb and Cr (BT.709, each within -0.5..0.5) that the network gives a frame: float32 (2, h, w), on luma's device.

    ``luma`` is (h, w), nominally 0..1, not linearised; what lies outside is held to 0..1 for the network. ``edge`` is
    the side of the square in pixels (of taught networks the longer side): the card's where None, else a multiple of
    the card's ``multiple``.

    Pure: the same frame gives the same colours, and the frame's luma is not altered. Raises ValueError for an edge that
    does not fit, and for networks that give no colour.
    """
    edge = network.card.edge if edge is None else edge
    if edge <= 0 or edge % network.card.multiple:
        raise ValueError(f"{edge} is no multiple of {network.card.multiple}")
    seen = luma.float().clamp(0, 1)
    with torch.inference_mode():
        match network.card.architecture:
            case Architecture.DDCOLOR:
                return _of_ddcolor(network, seen, _resized(seen, edge, edge))
            case Architecture.DEOLDIFY:
                return _of_deoldify(network, seen, _resized(seen, edge, edge))
            case Architecture.TAUGHT:
                return taught_chroma(network.module, seen, edge)
    raise ValueError(f"{network.card.id} gives no colour")


def _of_ddcolor(network: Network, luma: Tensor, small: Tensor) -> Tensor:
    """a and b of CIE Lab, enlarged, beside the frame's own L."""
    ab = _enlarged(_run(network, small), luma)
    lightness = 116 * _cube_root(_linear(luma)) - 16
    return differences(lab_to_rgb(torch.cat((lightness[None], ab))))


def _of_deoldify(network: Network, luma: Tensor, small: Tensor) -> Tensor:
    """RGB whose luma is not used; what is enlarged is its colour differences."""
    mean, deviation = (small.new_tensor(values).view(1, 3, 1, 1) for values in (_IMAGENET_MEAN, _IMAGENET_DEVIATION))
    coloured = _run(network, (small - mean) / deviation) * deviation + mean
    return _enlarged(differences(coloured[0].clamp(0, 1))[None], luma)


def taught_chroma(module: nn.Module, luma: Tensor, edge: int) -> Tensor:
    """What ``nets.taught.Taught`` gives (h, w) luma, 0..1, made small until its longer side is ``edge``: (2, h, w)."""
    height, width = luma.shape
    share = min(1.0, edge / max(height, width))
    rows, columns = (max(1, round(side * share)) for side in (height, width))
    small = F.pad(_resized(luma, rows, columns), (0, -columns % MULTIPLE, 0, -rows % MULTIPLE), mode="replicate")
    with torch.inference_mode():
        half = module(small.to(next(module.parameters()).dtype)).float()
    whole = F.interpolate(half, small.shape[-2:], mode="bilinear", align_corners=False)
    return _enlarged(whole[..., :rows, :columns], luma)


def _resized(luma: Tensor, rows: int, columns: int) -> Tensor:
    return F.interpolate(luma[None, None], (rows, columns), mode="bilinear", align_corners=False, antialias=True)


def _run(network: Network, pictures: Tensor) -> Tensor:
    """In the network's own dtype; (1, 1, h, w) becomes three equal channels."""
    dtype = next(network.module.parameters()).dtype
    result: Tensor = network.module(pictures.expand(-1, 3, -1, -1).to(dtype))
    return result.float()


def _enlarged(planes: Tensor, luma: Tensor) -> Tensor:
    return F.interpolate(planes, luma.shape, mode="bilinear", align_corners=False)[0]


def luma_of(rgb: Tensor) -> Tensor:
    """(3, h, w) R'G'B' -> (h, w) BT.709 luma."""
    luma: Tensor = torch.tensordot(rgb.new_tensor(LUMA), rgb, dims=1)
    return luma


def differences(rgb: Tensor) -> Tensor:
    """(3, h, w) R'G'B' 0..1 -> (2, h, w) Cb and Cr of BT.709, -0.5..0.5."""
    luma = luma_of(rgb)
    return torch.stack(((rgb[2] - luma) / _BLUE, (rgb[0] - luma) / _RED))


def joined(luma: Tensor, chroma: Tensor) -> Tensor:
    """(h, w) and (2, h, w) Cb, Cr -> (3, h, w) R'G'B' with this luma but for rounding, not held to 0..1."""
    blue, red = luma + _BLUE * chroma[0], luma + _RED * chroma[1]
    return torch.stack((red, (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1], blue))


def lab_to_rgb(lab: Tensor) -> Tensor:
    """CIE Lab (3, h, w), L 0..100 -> sRGB (3, h, w), held to 0..1."""
    middle = (lab[0] + 16) / 116
    roots = torch.stack((middle + lab[1] / 500, middle, middle - lab[2] / 200))
    above = roots > 6 / 29
    white = lab.new_tensor(_WHITE).view(3, 1, 1)
    xyz = torch.where(above, roots**3, (roots - 16 / 116) * (108 / 841)) * white
    linear = torch.tensordot(lab.new_tensor(_LINEAR_SRGB), xyz, dims=1).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-6) ** (1 / 2.4) - 0.055)


def _linear(encoded: Tensor) -> Tensor:
    """sRGB's curve undone."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _cube_root(light: Tensor) -> Tensor:
    """CIE's, which is straight near black."""
    return torch.where(light > (6 / 29) ** 3, light.clamp(min=1e-6) ** (1 / 3), light * (841 / 108) + 16 / 116)
