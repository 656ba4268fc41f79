"""Real networks in tiles beside the same networks over the whole frame: no seam. ``support.tiles`` makes the whole
table."""

from __future__ import annotations

import pytest
import torch

from resilver_server.models.nets.ifnet import Ifnet
from resilver_server.stages.interpolate import run as interpolate
from support.models import network
from support.tiles import ALLOWED, differences, picture


@pytest.mark.parametrize("kind", ALLOWED)
@pytest.mark.parametrize(
    ("model", "size", "tiles"),
    [
        ("realesr-animevideov3", (210, 140), (192, 128, 64)),
        ("span-x2", (210, 140), (192, 128, 64)),
        ("span-x4", (210, 100), (192, 64)),
        ("realesrgan-x4plus-anime", (150, 64), (128, 64)),
    ],
)
def test_tiles_of_a_network_are_the_whole(model: str, size: tuple[int, int], tiles: tuple[int, ...], kind: str) -> None:
    for tile, off in differences(model, kind, *size, tiles).items():
        assert off.max() <= ALLOWED[kind], tile


def test_tiles_of_the_deepest_network_are_the_whole() -> None:
    (off,) = differences("realesrgan-x4plus", "film", 200, 32, (64,)).values()
    assert off.max() <= 0.1  # 96 pixels of halo; with 64 it is a third of a step here, and four in a larger frame


def test_motion_is_used_in_strips_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpolation seeks motion on the whole frame; what is cut is the warping, and that changes no bit."""
    net = network("rife-4.6")
    assert isinstance(net.module, Ifnet)
    rife = interpolate.Rife(net.module, net.card.multiple)
    before, after = (picture("film", 192, 128)[0].roll(step, 2) for step in (0, 5))
    found = []
    for rows in (1 << 20, 32):
        monkeypatch.setattr(interpolate, "_STRIP", rows)
        with torch.inference_mode():
            found.append(rife.between(before, after, interpolate.Fraction(1, 3)))
    assert torch.equal(*found)
