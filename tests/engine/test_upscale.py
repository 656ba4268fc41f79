"""Where a picture goes when its size changes, and the exact resample."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import GeometryMismatch
from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.stages.contract import StageContext, Window
from resilver_server.stages.upscale.geometry import Placement, display_aspect, place, target
from resilver_server.stages.upscale.resample import Resampler, axis_taps
from resilver_server.stages.upscale.run import open_session
from resilver_server.stages.upscale.spec import SPEC, Parameters
from support.models import network
from support.tiny import moving, planned, write_clip
from support.tiny import whole as whole_shot

HD, UHD = FrameFormat(1920, 1080), FrameFormat(3840, 2160)
PAL = FrameFormat(720, 576, Fraction(16, 15))


def whole(height: int, width: int, rows: int, columns: int) -> Placement:
    return Placement(Fraction(0), Fraction(0), Fraction(width), Fraction(height), 0, 0, columns, rows)


def resampled(frame: torch.Tensor, placement: Placement) -> torch.Tensor:
    return Resampler(frame.shape[1], frame.shape[2], placement, torch.device("cpu"), torch.float32)(frame)


@pytest.mark.parametrize(
    ("given_format", "asked", "size"),
    [
        (FrameFormat(640, 480), {}, (1280, 960)),
        (FrameFormat(640, 480), {"height": 1080}, (1440, 1080)),
        (FrameFormat(640, 480), {"width": 3840}, (3840, 2880)),
        (PAL, {"height": 576}, (768, 576)),
        (PAL, {"height": 576, "pixels": "keep"}, (720, 576)),
        (FrameFormat(480, 368), {"width": 3840, "height": 2160}, (3840, 2160)),
        (FrameFormat(1, 1), {}, (2, 2)),
        (FrameFormat(641, 479), {"scale": 1.0}, (642, 480)),
    ],
)
def test_sizes(given_format: FrameFormat, asked: dict[str, int], size: tuple[int, int]) -> None:
    resolved = SPEC.resolve(SPEC.parse({"model": "none", **asked}), given_format, "cpu")
    found = SPEC.output_format(given_format, resolved)
    assert (found.width, found.height) == size
    assert SPEC.resolve(resolved, given_format, "cpu") == resolved


@pytest.mark.parametrize(
    ("given_format", "asked", "device", "model"),
    [
        (HD, {"width": 3840, "height": 2160}, "cuda:0", "span-x2"),
        (HD, {"width": 1280, "height": 720}, "cpu", "none"),
        (FrameFormat(640, 480), {"height": 2160}, "cpu", "realesr-animevideov3"),
        (FrameFormat(640, 480), {"height": 2160}, "cuda:0", "realesrgan-x4plus"),
        (HD, {"width": 1280, "height": 720, "model": "span-x4"}, "cpu", "span-x4"),
    ],
)
def test_the_network_follows_size_and_device(
    given_format: FrameFormat, asked: dict[str, int], device: str, model: str
) -> None:
    assert SPEC.resolve(SPEC.parse(asked), given_format, device).model == model


@given(st.integers(8, 800), st.integers(8, 800), st.sampled_from([Fraction(1), Fraction(16, 15), Fraction(8, 9)]))
def test_letterbox_keeps_the_shape_and_crop_fills(width: int, height: int, pixel: Fraction) -> None:
    source = FrameFormat(width, height, pixel)
    boxed, cropped = place(source, HD, "letterbox"), place(source, HD, "crop")
    shape = display_aspect(source)
    assert boxed.columns == HD.width or boxed.rows == HD.height
    assert 0 <= boxed.x == (HD.width - boxed.columns) // 2
    assert 0 <= boxed.y == (HD.height - boxed.rows) // 2
    off = abs(boxed.columns - boxed.rows * shape)
    assert off <= 3 * max(1, shape)  # bars of two pixels are not made, and sizes are even
    assert (cropped.columns, cropped.rows) == (HD.width, HD.height)
    assert cropped.left >= 0
    assert cropped.left + cropped.width <= width
    kept = cropped.width * pixel / cropped.height
    assert abs(kept / display_aspect(HD) - 1) < Fraction(1, 200)


def test_a_silent_frame_in_uhd_gets_even_bars() -> None:
    found = place(FrameFormat(480, 368), UHD, "letterbox")
    assert (found.columns, found.rows, found.x, found.y) == (2818, 2160, 511, 0)


@given(st.integers(1, 40), st.integers(1, 90), st.floats(0, 1, width=32))
def test_flat_stays_flat(size: int, outputs: int, level: float) -> None:
    frame = torch.full((3, size, 3), level)
    assert (resampled(frame, whole(size, 3, outputs, 5)) - level).abs().max() < 1e-6


def test_same_size_is_the_same_picture() -> None:
    frame = torch.rand(3, 9, 7)
    assert (resampled(frame, whole(9, 7, 9, 7)) - frame).abs().max() < 1e-6


@pytest.mark.parametrize(("size", "outputs"), [(40, 80), (40, 97), (80, 40), (81, 27)])
def test_nothing_is_shifted(size: int, outputs: int) -> None:
    """A slope stays the same slope, pixel centres where they belong, away from the repeated edges."""
    slope = ((torch.arange(size) + 0.5) / size).expand(3, 4, size).contiguous()
    found = resampled(slope, whole(4, size, 4, outputs))
    expected = (torch.arange(outputs) + 0.5) / outputs
    edge = 4 * max(1, outputs // size) + 2
    assert (found[0, 0] - expected)[edge:-edge].abs().max() < 2e-3


def test_shrinking_does_not_alias() -> None:
    stripes = (torch.arange(120) % 2).float().expand(3, 4, 120).contiguous()
    found = resampled(stripes, whole(4, 120, 4, 40))
    assert (found - 0.5)[..., 4:-4].abs().max() < 0.01  # the repeated edge is no stripe


def test_weights_are_lanczos() -> None:
    index, weight = axis_taps(40, 0, 40, 80)
    x = (43 + 0.5) / 2 - 0.5 - index[:, 43]
    expected = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    assert np.allclose(weight[:, 43], expected / expected.sum(), atol=1e-12)
    assert np.allclose(weight.sum(axis=0), 1)


def test_threads_change_no_bit() -> None:
    frame, placement = torch.rand(3, 90, 120), whole(90, 120, 200, 233)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = resampled(frame, placement)
        torch.set_num_threads(2)
        two = resampled(frame, placement)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one, two)


def test_target_needs_a_scale_only_without_a_size() -> None:
    assert target(FrameFormat(100, 50), 0, 0, 3.0, True) == FrameFormat(300, 150)
    assert target(FrameFormat(100, 50), 400, 0, 3.0, True) == FrameFormat(400, 200)


def test_grey_film_stays_grey() -> None:
    model = network("span-x2")
    picture = torch.rand(1, 24, 32, generator=torch.Generator().manual_seed(3)).expand(3, -1, -1) * 0.5 + 0.2
    assert (model.module(picture[None])[0].std(dim=0) > 1e-4).any(), "the network no longer tints: this is not needed"
    given, wanted = FrameFormat(32, 24), FrameFormat(64, 48)
    context = StageContext(given, wanted, torch.device("cpu"), torch.float32, {"span-x2": model})
    session = open_session(Parameters("span-x2", 64, 48), context)
    with torch.inference_mode():
        grey = session.process(Window(picture[None].contiguous(), 0, {}))
        colour = session.process(Window(torch.rand(1, 3, 24, 32) * 0.5 + 0.2, 0, {}))
    assert torch.equal(grey[0], grey[1])
    assert torch.equal(grey[1], grey[2])
    assert not torch.equal(colour[0], colour[1])


def test_a_size_that_the_profile_cannot_hold_is_refused_before_the_first_frame(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "clip.mkv", moving(3, 32, 24), Fraction(24))
    recipe = Recipe((StageSettings("upscale", {"width": 64, "height": 48, "model": "none"}),), Delivery("dnxhr-hq"))
    with pytest.raises(GeometryMismatch, match="dnxhr-hq"):
        planned(whole_shot(media), media, recipe)
