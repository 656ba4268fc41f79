"""Motion between a frame and its neighbours, and the neighbours moved along it.

Flow is OpenCV's DIS (Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016) on
reduced luma. It exists for the CPU alone, so small pictures go there and small flows come back; all that is done at
full size is done on the frames' device. Everything here is a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from resilver_server.stages.planes import highest, lowest

Bytes = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]
"""(height, width, 2): right and down, in pixels of the picture it belongs to."""

_SMALLEST = 32
"""DIS reads outside of pictures with shorter edges."""
_LUMA = (0.2126, 0.7152, 0.0722)
_REACH = 2
"""Reduced pixels around a place within which the neighbours must show a tone for the guide to keep it."""


def luma(frames: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) of (n, 3, h, w): BT.709 weights, gamma-encoded, as the frames are."""
    weights = torch.tensor(_LUMA, device=frames.device, dtype=frames.dtype)
    return torch.einsum("c,nchw->nhw", weights, frames)[:, None]


def guides(lumas: torch.Tensor) -> list[Bytes]:
    """What flow is sought on, from (n, 1, h, w) reduced lumas: 8-bit pictures of at least 32 x 32 pixels.

    Dirt is cut away first, or flow would go and find some: a tone that neither the frame before nor the one after
    shows within two pixels is brought to the nearest that they show.
    """
    low, high = lowest(lumas, _REACH), highest(lumas, _REACH)
    cut = lumas.clone()
    if len(lumas) > 2:
        floor, ceiling = torch.minimum(low[:-2], low[2:]), torch.maximum(high[:-2], high[2:])
        cut[1:-1] = torch.minimum(torch.maximum(lumas[1:-1], floor), ceiling)
    down, right = max(0, _SMALLEST - cut.shape[-2]), max(0, _SMALLEST - cut.shape[-1])
    if down or right:
        cut = F.pad(cut, (0, right, 0, down), mode="replicate")
    eight = (cut.clamp(0, 1) * 255).round().to(torch.uint8)[:, 0].cpu().numpy()
    return [np.ascontiguousarray(picture) for picture in eight]


def flows(pictures: Sequence[Bytes], centre: int, others: Sequence[int]) -> list[Flow]:
    """From picture ``centre`` to each of ``others``."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    empty = np.zeros((*pictures[centre].shape, 2), np.float32)
    return [np.asarray(search.calc(pictures[centre], pictures[other], empty.copy()), np.float32) for other in others]


def enlarged(found: Sequence[Flow], factor: int, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """(n, 2, height, width) flows at a size ``factor`` times as large, in its pixels, on the device of ``like``."""
    rows, columns = -(-height // factor), -(-width // factor)
    small = np.stack([flow[:rows, :columns].transpose(2, 0, 1) for flow in found])
    flow = torch.from_numpy(small).to(device=like.device, dtype=like.dtype)
    return enlarged_planes(flow, factor, height, width) * factor


def enlarged_planes(planes: torch.Tensor, factor: int, height: int, width: int) -> torch.Tensor:
    """(n, c, height, width) of planes reduced by ``factor``; bilinear."""
    if factor == 1:
        return planes
    large = F.interpolate(planes, scale_factor=factor, mode="bilinear", align_corners=False)
    return large[..., :height, :width]


def moved(planes: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) planes read where (n, 2, h, w) ``flow`` points; bilinear, the edge repeated.

    Places are limited to the frame beforehand: so grid_sample needs no border, which not every device has.
    """
    height, width = planes.shape[-2:]
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)[None, :]
    x = (columns + flow[:, 0]).clamp(0, width - 1) * (2 / max(1, width - 1)) - 1
    y = (rows + flow[:, 1]).clamp(0, height - 1) * (2 / max(1, height - 1)) - 1
    places = torch.stack([x, y], dim=-1)
    return F.grid_sample(planes, places, mode="bilinear", padding_mode="zeros", align_corners=True)
