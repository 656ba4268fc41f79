"""Our IFNet and the published code give the same frames from the same weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from support.models import network

_FOLDER = Path(__file__).parent / "fixtures"
_SPEC = importlib.util.spec_from_file_location("rife_frames", _FOLDER / "rife_frames.py")
assert _SPEC is not None
assert _SPEC.loader is not None
rife_frames = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(rife_frames)


@pytest.mark.parametrize("position", rife_frames.POSITIONS)
@pytest.mark.parametrize("model", ["rife-4.25", "rife-4.6"])
def test_equals_the_published_code(model: str, position: float) -> None:
    before, after = (torch.from_numpy(frame)[None] for frame in rife_frames.frames())
    with np.load(_FOLDER / "rife_upstream.npz") as kept:
        expected = kept[f"{model}@{position}"]
    with torch.inference_mode():
        ours = network(model).module(before, after, position)[0].numpy()
    difference = np.abs(ours[:, :: rife_frames.STRIDE, :: rife_frames.STRIDE] - expected).max()
    print(f"{model} at {position}: max abs difference {difference:.2e}")
    assert difference < 1e-4
    assert np.abs(expected - (before + after)[0, :, ::3, ::3].numpy() / 2).max() > 0.1, "a blend would pass as well"
