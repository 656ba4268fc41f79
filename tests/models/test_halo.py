"""The halo on a card is what a tile needs to see (x4plus-anime, measured: 64 is off by 0.01 code values, 32 by 2.7)."""

from __future__ import annotations

import pytest
import torch

from support.models import network


def _frame() -> torch.Tensor:
    """(1, 3, 30, 80): waves and faint noise. Pure noise makes SPAN's attention run away, to values in the hundreds."""
    y, x = torch.meshgrid(torch.arange(30) / 30, torch.arange(80) / 80, indexing="ij")
    waves = torch.stack([0.5 + 0.3 * torch.sin(20 * x + 9 * y + shift) for shift in range(3)])
    noise = torch.randn(waves.shape, generator=torch.Generator().manual_seed(2))
    return (waves + 0.02 * noise)[None]


@pytest.mark.parametrize("model_id", ["realesr-animevideov3", "span-x2", "span-x4"])
def test_halo_is_enough_and_not_more(model_id: str) -> None:
    net = network(model_id)
    frame = _frame()
    cut, scale, halo = 40, net.scale, net.card.halo
    with torch.inference_mode():
        whole = net.module(frame)[..., cut * scale :]
        tiles = [net.module(frame[..., cut - seen :])[..., seen * scale :] for seen in (halo, halo // 2)]
    assert float((tiles[0] - whole).abs().max()) < 1e-5
    assert float((tiles[1] - whole).abs().max()) > 1e-4
