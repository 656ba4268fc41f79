"""Frames left out of real clips and computed from their neighbours, beside a plain blend of the two.

Frames are numbered from 0 and lie in passages where much moves: a static frame blends at 50 dB and says nothing.
``pytest -s`` prints the table.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from support.models import network
from support.shared import footage

_CLIPS = {
    "bigbuckbunny.mp4": (40, 104),
    "one-by-one-person-detection.mp4": (66, 190),
    "sintel_demo_frames": (1, 8),
}
_LEAST_GAIN = 4.0
"""dB over the blend that RIFE 4.25 must reach on each clip; measured are 5.2 to 7.4."""


def _around(path: Path, middle: int) -> list[Tensor]:
    """Frames middle - 1, middle, middle + 1: (1, 3, h, w) 0..1."""
    wanted = range(middle - 1, middle + 2)
    if path.is_dir():
        files = sorted(path.glob("*.png"))
        pictures = [cv2.cvtColor(cv2.imread(str(files[k])), cv2.COLOR_BGR2RGB) for k in wanted]
    else:
        with av.open(str(path)) as clip:
            frames = zip(range(wanted.stop), clip.decode(video=0), strict=False)
            pictures = [frame.to_ndarray(format="rgb24") for number, frame in frames if number in wanted]
    return [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in pictures]


def _psnr(result: Tensor, truth: Tensor) -> float:
    return float(-10 * torch.log10(torch.mean((result.clamp(0, 1) - truth) ** 2)))


def _between(model: str, before: Tensor, after: Tensor) -> Tensor:
    net = network(model)
    height, width = before.shape[-2:]
    multiple = net.card.multiple
    border = (0, -width % multiple, 0, -height % multiple)
    padded = (F.pad(frame, border, mode="replicate") for frame in (before, after))
    with torch.inference_mode():
        found: Tensor = net.module(*padded, 0.5)[..., :height, :width]
    return found


@pytest.mark.parametrize("clip", _CLIPS)
def test_beats_a_blend_where_things_move(clip: str) -> None:
    path = footage("colour", clip)
    gains = []
    for middle in _CLIPS[clip]:
        before, truth, after = _around(path, middle)
        blend = _psnr((before + after) / 2, truth)
        results = {model: _psnr(_between(model, before, after), truth) for model in ("rife-4.25", "rife-4.6")}
        numbers = "  ".join(f"{model} {value:5.2f} dB" for model, value in results.items())
        print(f"{clip} frame {middle}: blend {blend:5.2f} dB  {numbers}")
        gains.append(results["rife-4.25"] - blend)
    assert np.mean(gains) > _LEAST_GAIN
