"""What the laboratory takes for a frame, and its luma."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

Image = npt.NDArray[np.float32]
Frame = Image | torch.Tensor
"""(3, height, width) RGB or a (height, width) plane, 0..1, gamma-encoded; tensors on any device, of any float type."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""ITU-R BT.709 luma weights, on gamma-encoded values."""


def as_array(frame: Frame) -> Image:
    if isinstance(frame, torch.Tensor):
        return np.asarray(frame.detach().cpu().float().numpy(), np.float32)
    return np.asarray(frame, np.float32)


def to_luma(frame: Frame) -> Image:
    """(height, width) BT.709 luma of a (3, height, width) frame; a plane is returned as it is."""
    image = as_array(frame)
    return image if image.ndim == 2 else np.tensordot(LUMA, image, axes=(0, 0)).astype(np.float32)


def to_grey(frame: Frame) -> Image:
    """(3, height, width): the luma in all three channels."""
    return np.stack([to_luma(frame)] * 3)
