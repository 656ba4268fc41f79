"""Tiles: every pixel once, joints that add up, padding that leaves no trace."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from resilver_server.engine.tiling import Tiled, parts


class Doubling(torch.nn.Module):
    """Twice the size, then a blur that reaches three output pixels: a network with a known halo of two."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, int]] = []

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        self.shapes.append((frame.shape[-2], frame.shape[-1]))
        doubled = frame.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return F.avg_pool2d(doubled, 7, stride=1, padding=3, count_include_pad=False)


def tiled(tile: int, ramp: int = 0, multiple: int = 1) -> Tiled:
    return Tiled(Doubling(), scale=2, halo=2, multiple=multiple, tile=tile, ramp=ramp, check=lambda: None)


@given(st.integers(1, 200), st.integers(16, 80), st.sampled_from([0, 4]))
def test_parts_cover_the_axis_once(size: int, tile: int, ramp: int) -> None:
    found = parts(size, tile, ramp)
    assert (found[0].start, found[-1].stop) == (0, size)
    for before, after in pairwise(found):
        assert before.stop - after.start == 2 * ramp
    assert max(len(part) for part in found) <= tile + 2 * ramp


@given(st.integers(17, 60), st.integers(17, 60), st.sampled_from([16, 24, 0]), st.sampled_from([0, 4]))
def test_tiles_with_enough_halo_are_the_whole(height: int, width: int, tile: int, ramp: int) -> None:
    frame = torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(height * width))
    assert (tiled(tile, ramp)(frame) - Doubling()(frame)).abs().max() < 1e-6


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 3), (16, 8)])
def test_the_network_sees_multiples_and_the_result_does_not(height: int, width: int) -> None:
    module = tiled(0, multiple=8)
    assert module(torch.rand(1, 3, height, width)).shape == (1, 3, 2 * height, 2 * width)
    assert all(rows % 8 == columns % 8 == 0 for rows, columns in module._module.shapes)


def test_a_ramp_hides_a_joint() -> None:
    """A network without enough halo: a step at the joint without ramps, none with them."""

    class Mean(torch.nn.Module):
        def forward(self, frame: torch.Tensor) -> torch.Tensor:
            return frame.mean(dim=(2, 3), keepdim=True).expand_as(frame)

    def steps(ramp: int) -> float:
        module = Tiled(Mean(), scale=1, halo=0, multiple=1, tile=32, ramp=ramp, check=lambda: None)
        slope = torch.linspace(0, 1, 64).expand(1, 3, 4, 64)
        return float(module(slope).diff(dim=3).abs().max())

    assert steps(0) > 0.4
    assert steps(8) < 0.04
