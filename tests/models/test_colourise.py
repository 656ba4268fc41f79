"""One form of colour for both families: Cb and Cr of BT.709 at the frame's size."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resilver_server.models.architectures import DdcolorParameters, DeoldifyParameters, Parameters
from resilver_server.models.cards import card
from resilver_server.models.colourise import chroma, differences, joined, lab_to_rgb, luma_of
from resilver_server.models.loader import Network
from resilver_server.models.nets.build import build


class _Fixed(nn.Module):
    """Gives the same planes whatever it sees, and keeps what it saw."""

    def __init__(self, planes: Tensor) -> None:
        super().__init__()
        self.planes = nn.Parameter(planes, requires_grad=False)
        self.seen = torch.empty(0)

    def forward(self, frames: Tensor) -> Tensor:
        self.seen = frames
        return self.planes


def _fixed(model_id: str, planes: Tensor, edge: int) -> tuple[Network, _Fixed]:
    module = _Fixed(planes.expand(1, -1, edge, edge))
    return Network(module, dataclasses.replace(card(model_id), edge=edge), "fixed"), module


def test_lab_is_opencv_s() -> None:
    generator = np.random.default_rng(1)
    lab = (generator.random((40, 40, 3)) * (100, 160, 160) - (0, 80, 80)).astype(np.float32)
    expected = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    ours = lab_to_rgb(torch.from_numpy(lab).permute(2, 0, 1)).permute(1, 2, 0).numpy()
    assert np.abs(ours - expected).max() < 2e-3


def test_ddcolor_s_colours_are_those_of_lab() -> None:
    """As the published program joins them: own L, the network's a and b; compared with OpenCV's arithmetic."""
    luma = torch.linspace(0.1, 0.9, 12)[:, None].expand(12, 20)
    net, module = _fixed("ddcolor-tiny", torch.tensor([20.0, -15.0]).view(1, 2, 1, 1), 32)
    grey = luma[:, :, None].expand(12, 20, 3).numpy().copy()
    lab = cv2.cvtColor(grey, cv2.COLOR_RGB2LAB)
    lab[..., 1], lab[..., 2] = 20, -15
    expected = differences(torch.from_numpy(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)).permute(2, 0, 1))
    found = chroma(net, luma)
    assert found.shape == (2, 12, 20)
    assert torch.allclose(found, expected, atol=2e-3)
    assert module.seen.shape == (1, 3, 32, 32)
    assert torch.equal(module.seen[:, 0], module.seen[:, 2])
    assert 0.1 <= float(module.seen.min()) < 0.15


def test_deoldify_s_colours_are_those_of_its_picture() -> None:
    """Denormalised and held to 0..1, then colour differences; the network sees normalised grey."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    colour = torch.tensor([0.7, 0.4, 0.2])
    net, module = _fixed("deoldify-video", ((colour - mean) / deviation).view(1, 3, 1, 1), 16)
    found = chroma(net, torch.full((9, 7), 0.5))
    expected = differences(colour.view(3, 1, 1)).expand(2, 9, 7)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(module.seen[0, :, 3, 3], (0.5 - mean) / deviation, atol=1e-5)


def test_differences_are_joined_again() -> None:
    rgb = torch.rand(3, 8, 9, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(joined(luma_of(rgb), differences(rgb)), rgb, atol=1e-6)
    assert differences(torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1))[0].item() == pytest.approx(0.5)
    assert differences(torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1))[1].item() == pytest.approx(0.5)


SMALL: dict[str, Parameters] = {
    "ddcolor-tiny": DdcolorParameters((8, 16, 24, 32), (1, 1, 1, 1), features=32, queries=5, layers=3, feedforward=20),
    "deoldify-artistic": DeoldifyParameters((1, 1, 1, 1), bottleneck=False, deep=True, factor=1.5, stem=16),
}


@pytest.mark.parametrize("model", SMALL)
def test_any_frame_is_coloured(model: str) -> None:
    """Black, white, beyond the range, one pixel, odd sizes: finite, within range, the same each time."""
    torch.manual_seed(3)
    net = Network(build(SMALL[model]).eval().requires_grad_(False), card(model), "small")
    generator = torch.Generator().manual_seed(4)
    for luma in (torch.zeros(5, 9), torch.full((1, 1), 1.3), torch.rand(67, 33, generator=generator) * 1.4 - 0.2):
        found = chroma(net, luma, edge=64)
        assert found.shape == (2, *luma.shape)
        assert found.dtype is torch.float32
        assert torch.isfinite(found).all()
        assert float(found.abs().max()) <= 0.5
        assert torch.equal(found, chroma(net, luma, edge=64))


def test_what_does_not_fit() -> None:
    net, _ = _fixed("ddcolor-tiny", torch.zeros(1, 2, 1, 1), 32)
    for edge in (0, 40, -32):
        with pytest.raises(ValueError, match="no multiple of 32"):
            chroma(net, torch.zeros(4, 4), edge)
    with pytest.raises(ValueError, match="no colour"):
        chroma(Network(net.module, card("span-x2"), "x"), torch.zeros(4, 4), 32)
