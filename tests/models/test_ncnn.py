"""Our networks and ncnn give the same pictures from the same files (float32, ncnn's half-precision options off)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from resilver_server.lab import bench_ncnn
from resilver_server.models.cards import card
from support.models import network

pytest.importorskip("ncnn")

_EDGES = {
    "realesr-animevideov3": 64,
    "span-x2": 64,
    "span-x4": 64,
    "realesrgan-x4plus-anime": 24,
    "realesrgan-x4plus": 16,
}


def _crop(edge: int) -> npt.NDArray[np.float32]:
    """(3, edge, edge) 0..1: waves, an edge and a little noise, from a seed."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:edge, 0:edge] / edge
    waves = np.stack([0.5 + 0.3 * np.sin(6 * x + 9 * y + shift) for shift in (0.0, 1.0, 2.0)])
    waves[:, :, edge // 2 :] *= 0.6
    return np.clip(waves + rng.normal(0, 0.02, waves.shape), 0, 1).astype(np.float32)


@pytest.mark.parametrize("model_id", _EDGES)
def test_equals_ncnn(model_id: str) -> None:
    crop = _crop(_EDGES[model_id])
    module = network(model_id).module
    with torch.inference_mode():
        ours = module(torch.from_numpy(crop)[None])[0].numpy()
    theirs = bench_ncnn.output(bench_ncnn.network(model_id, threads=1), crop)
    difference = np.abs(ours - theirs).max()
    print(f"{model_id}, {crop.shape[1]}x{crop.shape[2]}: max abs difference {difference:.2e}")
    assert ours.shape == theirs.shape == (3, crop.shape[1] * card(model_id).scale, crop.shape[2] * card(model_id).scale)
    assert difference < 1e-5
