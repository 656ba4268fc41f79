"""Motion on the whole frame, warping in strips: the stage around the network adds nothing and loses nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from resilver_client.errors import InvalidRate, InvalidRecipe
from resilver_server.domain.formats import FrameFormat
from resilver_server.models.nets.ifnet import Ifnet
from resilver_server.stages.contract import StageContext
from resilver_server.stages.interpolate import run, spec
from resilver_server.stages.interpolate.run import Blend, Rife, open_session
from support.models import network

HALF = Fraction(1, 2)


def pan(height: int, width: int, shift: float) -> torch.Tensor:
    """A smooth pattern moved sideways, (3, height, width)."""
    x = torch.arange(width) + shift
    y = torch.arange(height)[:, None]
    waves = [torch.sin(x / 9 + y / 23 + channel) + torch.cos(x / 17 - y / 11) for channel in range(3)]
    return torch.stack(waves) / 5 + 0.5


def rife() -> tuple[Rife, Ifnet]:
    found = network("rife-4.6")
    assert isinstance(found.module, Ifnet)
    return Rife(found.module, found.card.multiple), found.module


def error(found: torch.Tensor, height: int, width: int) -> float:
    return float((found - pan(height, width, 4)).abs()[:, 16:-16, 16:-16].mean())


@torch.inference_mode()
def test_strips_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, module = rife()
    before, after = pan(96, 128, 0), pan(96, 128, 8)
    whole = module(before[None], after[None], 0.5)[0]
    for rows in (512, 40, 7):
        monkeypatch.setattr(run, "_STRIP", rows)
        assert torch.equal(stage.between(before, after, HALF), whole)


@torch.inference_mode()
def test_a_pan_is_followed_at_full_and_at_reduced_size(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = rife()
    height, width = 150, 210  # no multiple of anything
    before, after = pan(height, width, 0), pan(height, width, 8)
    blended = error(Blend().between(before, after, HALF), height, width)
    for largest in (spec.LARGEST_FLOW, height * width // 4):
        monkeypatch.setattr(spec, "LARGEST_FLOW", largest)
        found = stage.between(before, after, HALF)
        assert found.shape == before.shape
        assert error(found, height, width) < blended / 5


@pytest.mark.parametrize(
    ("pixels", "factor"), [(1, 1), (1920 * 1080, 1), (2560 * 1440, 2), (3840 * 2160, 2), (7680 * 4320, 4)]
)
def test_large_frames_are_halved_until_they_fit(pixels: int, factor: int) -> None:
    assert spec.reduction(pixels) == factor


def test_blend_is_linear_in_time() -> None:
    found = Blend().between(torch.zeros(3, 2, 2), torch.ones(3, 2, 2), Fraction(1, 3))
    assert torch.allclose(found, torch.full((3, 2, 2), 1 / 3))


def test_an_enlarging_network_is_refused() -> None:
    span = network("span-x2")
    size = FrameFormat(8, 8)
    context = StageContext(size, size, torch.device("cpu"), torch.float32, {"span-x2": span})
    with pytest.raises(InvalidRecipe, match="does not interpolate"):
        open_session(spec.Parameters(model="span-x2"), context)


def test_rates_are_exact_in_the_plan() -> None:
    size = FrameFormat(8, 8)
    resolved = spec.SPEC.resolve(spec.SPEC.parse({"rate": "59.94"}), size, "cpu")
    assert resolved.rate == "60000/1001"
    with pytest.raises(InvalidRate):
        spec.SPEC.resolve(spec.SPEC.parse({"rate": "often"}), size, "cpu")
