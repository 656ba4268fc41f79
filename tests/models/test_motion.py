"""Motion found on whole frames, used in tiles and at other sizes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from resilver_server.models.nets.ifnet import Ifnet, Motion, merge, warp
from support.models import network

_PATH = Path(__file__).parent / "fixtures" / "rife_frames.py"
_SPEC = importlib.util.spec_from_file_location("rife_frames", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
rife_frames = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(rife_frames)


def _frames() -> tuple[Tensor, Tensor]:
    before, after = rife_frames.frames()
    return torch.from_numpy(before)[None], torch.from_numpy(after)[None]


def _ifnet() -> Ifnet:
    module = network("rife-4.25").module
    assert isinstance(module, Ifnet)
    return module


def test_warp_by_nothing_and_by_whole_pixels() -> None:
    image, _ = _frames()
    flow = torch.zeros(1, 2, *image.shape[-2:])
    assert torch.allclose(warp(image, flow), image, atol=1e-5)
    flow[:, 0], flow[:, 1] = 5, -2
    assert torch.allclose(warp(image, flow)[..., 2:, :-5], image[..., :-2, 5:], atol=1e-4)


def test_warp_in_half_precision_keeps_far_pixels_apart() -> None:
    """A float16 coordinate is off by two pixels at the right edge of a 4K frame."""
    image = torch.linspace(0, 1, 3840).view(1, 1, 1, -1).expand(1, 1, 4, -1).half()
    moved = warp(image, torch.ones(1, 2, 4, 3840).half())
    assert torch.allclose(moved[..., :-1].float(), image[..., 1:].float(), atol=1e-3)
    assert moved.dtype is torch.float16


def test_tiles_are_the_whole() -> None:
    before, after = _frames()
    with torch.inference_mode():
        motion = _ifnet().motion(before, after, 0.4)
        whole = merge(before, after, motion)
        tiles = [
            torch.cat([merge(before, after, motion.cropped(y, y + 50, x, x + 70), y, x) for x in range(0, 256, 70)], -1)
            for y in range(0, 128, 50)
        ]
    assert torch.equal(torch.cat(tiles, -2), whole)
    with torch.inference_mode():
        assert torch.equal(_ifnet()(before, after, 0.4), whole)


def test_resized_motion_is_in_pixels_of_the_new_size() -> None:
    flow = torch.tensor([1.0, 2.0, -3.0, -4.0]).view(1, 4, 1, 1).expand(1, 4, 8, 8)
    larger = Motion(flow, torch.full((1, 1, 8, 8), 0.25)).resized(16, 24)
    assert larger.flow[0, :, 5, 5].tolist() == pytest.approx([3.0, 4.0, -9.0, -8.0])
    assert larger.mask.unique().tolist() == [0.25]


def test_motion_from_reduced_frames_serves_the_full_ones() -> None:
    """Frames enlarged two times, motion found on the originals: as good as enlarging the result."""
    before, after = _frames()
    large = [F.interpolate(frame, scale_factor=2, mode="bicubic") for frame in (before, after)]
    with torch.inference_mode():
        motion = _ifnet().motion(before, after, 0.5).resized(256, 512)
        result = F.interpolate(merge(*large, motion), scale_factor=0.5, mode="area")
        direct = _ifnet()(before, after, 0.5)
    assert float((result - direct).abs().mean()) < 0.01
    assert float(((before + after) / 2 - direct).abs().mean()) > 0.03, "a blend would pass as well"


def test_ends_are_near_the_frames_themselves() -> None:
    before, after = _frames()
    with torch.inference_mode():
        near_before, near_after = _ifnet()(before, after, 0.02), _ifnet()(before, after, 0.98)
    assert float((near_before - before).abs().mean()) < float((near_before - after).abs().mean()) / 4
    assert float((near_after - after).abs().mean()) < float((near_after - before).abs().mean()) / 4
