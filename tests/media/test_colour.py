"""YUV and RGB by the tags: known colours, round trips to the code, siting, and the rule for untagged media."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resilver_client.errors import MediaUnreadable
from resilver_server.domain.formats import ColourTags, FrameFormat
from resilver_server.domain.spans import Span
from resilver_server.media.chroma import downsample, upsample
from resilver_server.media.colour import from_rgb, luma, rgb8, to_rgb
from resilver_server.media.layout import Model, chroma_shape, layout_of
from resilver_server.media.picture import Picture
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from resilver_server.media.tagging import WEIGHTS, delivery_tags, resolved
from support.clips import Plane, moving, planes_of
from support.shared import footage

CPU = torch.device("cpu")
BT709 = ColourTags("bt709", "bt709", "bt709", False)
YUV = [
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv411p",
    "yuv440p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p12le",
    "yuv422p16le",
]
RGB = ["rgb24", "bgr24", "gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "rgb48be", "rgb48le", "rgba64be"]


def picture(planes: tuple[Plane, ...], pixels: str, tags: ColourTags = BT709) -> Picture:
    return Picture(0, planes, pixels, tags)


def flat(pixels: str, codes: tuple[int, int, int], tags: ColourTags) -> list[float]:
    """RGB of a flat YUV picture."""
    layout = layout_of(pixels)
    small = chroma_shape((8, 8), layout.chroma)
    planes = tuple(
        np.full(shape, code, layout.dtype) for shape, code in zip(((8, 8), small, small), codes, strict=True)
    )
    rgb = to_rgb(picture(planes, pixels, tags), CPU, torch.float32)
    assert rgb.shape == (3, 8, 8)
    assert torch.allclose(rgb, rgb[:, :1, :1].expand_as(rgb), atol=1e-6)
    return [float(value) for value in rgb[:, 0, 0]]


@pytest.mark.parametrize(
    ("matrix", "codes", "expected"),
    [
        # 8-bit codes of pure colours, worked out by hand from H.273: Y' = Kr R + Kg G + Kb B, 16..235 and 16..240.
        ("bt709", (63, 102, 240), (1.0, 0.0, 0.0)),
        ("bt709", (173, 42, 26), (0.0, 1.0, 0.0)),
        ("bt709", (32, 240, 118), (0.0, 0.0, 1.0)),
        ("smpte170m", (81, 90, 240), (1.0, 0.0, 0.0)),
        ("smpte170m", (145, 54, 34), (0.0, 1.0, 0.0)),
        ("bt470bg", (41, 240, 110), (0.0, 0.0, 1.0)),
        ("bt709", (16, 128, 128), (0.0, 0.0, 0.0)),
        ("bt709", (235, 128, 128), (1.0, 1.0, 1.0)),
    ],
)
def test_published_codes_of_pure_colours(
    matrix: str, codes: tuple[int, int, int], expected: tuple[float, float, float]
) -> None:
    assert flat("yuv420p", codes, replace(BT709, matrix=matrix)) == pytest.approx(expected, abs=0.008)


def test_range_is_read_from_the_tags() -> None:
    assert flat("yuv420p", (0, 128, 128), replace(BT709, full_range=True)) == pytest.approx([0, 0, 0], abs=1e-6)
    assert flat("yuv420p", (255, 128, 128), replace(BT709, full_range=True)) == pytest.approx([1, 1, 1], abs=1e-6)
    assert flat("yuv420p10le", (64, 512, 512), BT709) == pytest.approx([0, 0, 0], abs=1e-6)
    assert flat("yuv420p10le", (940, 512, 512), BT709) == pytest.approx([1, 1, 1], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(YUV),
    st.sampled_from([*sorted(WEIGHTS), "ycgco"]),
    st.booleans(),
    st.integers(1, 23),
    st.integers(1, 17),
    st.integers(0, 2**32 - 1),
)
def test_yuv_goes_to_rgb_and_back_within_one_code(
    pixels: str, matrix: str, full: bool, width: int, height: int, seed: int
) -> None:
    """Any codes at all, noise included, at any size: super-whites and colours outside RGB are kept too."""
    layout = layout_of(pixels)
    width, height = width * layout.chroma[0], height * layout.chroma[1]
    random = np.random.default_rng(seed)
    small = chroma_shape((height, width), layout.chroma)
    low, high = int(layout.peak * 0.03), int(layout.peak * 0.97)
    planes = tuple(random.integers(low, high, shape, layout.dtype, True) for shape in ((height, width), small, small))
    tags = replace(BT709, matrix=matrix, full_range=full)
    back = from_rgb(to_rgb(picture(planes, pixels, tags), CPU, torch.float32), pixels, tags)
    for mine, before in zip(back, planes, strict=True):
        assert mine.dtype == before.dtype
        assert np.abs(mine.astype(int) - before.astype(int)).max() <= 1


@pytest.mark.parametrize("pixels", RGB)
def test_rgb_goes_through_unchanged(pixels: str) -> None:
    planes = planes_of(moving(0), pixels)
    tags = replace(BT709, matrix="gbr", full_range=True)
    back = from_rgb(to_rgb(picture(planes, pixels, tags), CPU, torch.float32), pixels, tags)
    assert all(np.array_equal(mine, before) for mine, before in zip(back, planes, strict=True))


@pytest.mark.parametrize("pixels", ["gray", "gray10le", "gray16be"])
@pytest.mark.parametrize("full", [True, False])
def test_grey_stays_grey(pixels: str, full: bool) -> None:
    planes = planes_of(moving(1), pixels)
    rgb = to_rgb(picture(planes, pixels, replace(BT709, full_range=full)), CPU, torch.float32)
    assert torch.equal(rgb[0], rgb[1])
    assert torch.equal(rgb[1], rgb[2])
    for target in ("yuv422p10le", "gbrp16le", "yuv420p"):
        back = from_rgb(rgb, target, delivery_tags(BT709, FrameFormat(128, 96), target))
        if layout_of(target).model is Model.YUV:
            assert (back[1] == 1 << layout_of(target).bits - 1).all()
            assert (back[2] == back[1]).all()


def test_every_ten_bit_code_survives_ten_bit_delivery() -> None:
    """A ramp of all legal codes: none is merged with its neighbour."""
    codes = np.tile(np.arange(64, 941, dtype=np.uint16), (2, 1))
    grey = np.full((2, 439), 512, np.uint16)
    tags = delivery_tags(BT709, FrameFormat(877, 2), "yuv422p10le")
    rgb = to_rgb(picture((codes, grey, grey), "yuv422p10le"), CPU, torch.float32)
    assert np.array_equal(from_rgb(rgb, "yuv422p10le", tags)[0], codes)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(2, 1), (2, 2), (4, 1), (1, 2), (4, 4)]),
    st.booleans(),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 1000),
)
def test_chroma_up_and_down_is_the_identity(
    chroma: tuple[int, int], centred: bool, height: int, width: int, seed: int
) -> None:
    plane = torch.rand(height, width, generator=torch.Generator().manual_seed(seed))
    full = upsample(plane, (height * chroma[1], width * chroma[0]), chroma, centred)
    assert full.shape == (height * chroma[1], width * chroma[0])
    assert torch.allclose(downsample(full, chroma, centred), plane, atol=1e-5)


def test_chroma_is_sited_left_and_midway_down() -> None:
    """A slope sampled where MPEG says it is comes back as the same slope at every luma sample."""
    x = torch.arange(0, 64, 2).float()
    y = torch.arange(0, 48, 2).float() + 0.5
    full = upsample(x[None, :] + 2 * y[:, None], (48, 64), (2, 2), centred=False)
    expected = torch.arange(64).float()[None, :] + 2 * torch.arange(48).float()[:, None]
    assert torch.allclose(full[4:-4, 4:-6], expected[4:-4, 4:-6], atol=1e-4)
    assert torch.allclose(
        downsample(expected, (2, 2))[2:-2, 2:-3], (x[None, :] + 2 * y[:, None])[2:-2, 2:-3], atol=1e-4
    )


def test_chroma_down_is_a_low_pass() -> None:
    """The finest stripes, which half resolution cannot hold, become flat instead of an alias."""
    stripes = (torch.arange(64) % 2).float()[None, :].expand(48, 64).contiguous()
    assert torch.allclose(downsample(stripes, (2, 1))[:, 2:-2], torch.tensor(0.5), atol=1e-5)
    assert torch.allclose(downsample(stripes.T.contiguous(), (1, 2))[2:-2], torch.tensor(0.5), atol=1e-5)


def test_untagged_media_is_decided_by_rule() -> None:
    nothing = ColourTags()
    assert resolved(nothing, FrameFormat(640, 360)) == ColourTags("smpte170m", "smpte170m", "smpte170m")
    assert resolved(nothing, FrameFormat(720, 576)) == ColourTags("bt470bg", "smpte170m", "bt470bg")
    assert resolved(nothing, FrameFormat(1280, 720)) == ColourTags("bt709", "bt709", "bt709")
    assert resolved(ColourTags("bt2020", "smpte2084", "bt2020nc"), FrameFormat(640, 360)).matrix == "bt2020nc"
    sequence = resolved(ColourTags(matrix="gbr", full_range=True), FrameFormat(480, 368), Model.RGB)
    assert sequence == ColourTags("bt709", "bt709", "gbr", True)


@pytest.mark.parametrize("pixels", ["yuv422p10le", "yuv420p", "gbrp16le", "rgb48be", "gbrpf32le"])
def test_delivery_tags_leave_nothing_unsaid(pixels: str) -> None:
    for tags in (
        ColourTags(),
        ColourTags(matrix="gbr", full_range=True),
        ColourTags("bt2020", "bt2020-10", "bt2020nc"),
    ):
        told = delivery_tags(tags, FrameFormat(720, 480), pixels)
        assert "unspecified" not in (told.primaries, told.transfer, told.matrix)
        assert told.full_range == (layout_of(pixels).model is Model.RGB)
        assert (told.matrix == "gbr") == (layout_of(pixels).model is Model.RGB)
        if tags.primaries == "bt2020":
            assert told.primaries == "bt2020"


def test_scene_linear_float_is_shown_through_srgb_and_back() -> None:
    linear = np.linspace(-0.5, 20, 96 * 128, dtype=np.float32).reshape(96, 128)
    tags = ColourTags("bt709", "linear", "gbr", True)
    rgb = to_rgb(picture((linear, linear, linear), "gbrpf32le", tags), CPU, torch.float32)
    middle = np.abs(linear - 0.18).argmin()
    assert float(rgb[0].flatten()[middle]) == pytest.approx(0.461, abs=0.003)
    back = from_rgb(rgb, "gbrpf32le", tags)
    assert np.allclose(back[0], linear, rtol=2e-5, atol=1e-6)


def test_unknown_matrices_are_refused_by_name() -> None:
    planes = planes_of(moving(0), "yuv420p")
    with pytest.raises(MediaUnreadable, match="ictcp"):
        to_rgb(picture(planes, "yuv420p", replace(BT709, matrix="ictcp")), CPU, torch.float32)
    with pytest.raises(MediaUnreadable):
        layout_of("bayer_rggb8")


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 3), (37, 53)])
@pytest.mark.parametrize("pixels", YUV)
def test_odd_and_one_pixel_sizes(shape: tuple[int, int], pixels: str) -> None:
    rgb = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    planes = from_rgb(rgb, pixels, BT709)
    assert planes[0].shape == shape
    assert planes[1].shape == chroma_shape(shape, layout_of(pixels).chroma)
    assert to_rgb(picture(planes, pixels), CPU, torch.float32).shape == (3, *shape)


def test_luma_and_eight_bits_agree_with_the_picture() -> None:
    info = probe(str(footage("colour", "flower.mp4")))
    with Reader(info) as reader:
        (frame,) = reader.read(Span(60, 61))
    light, shown = luma(frame), rgb8(frame)
    assert (light.dtype, light.shape) == (np.float32, (540, 960))
    assert (shown.dtype, shown.shape) == (np.uint8, (540, 960, 3))
    by_matrix = shown.astype(float) @ np.array([0.299, 0.587, 0.114]) / 255
    inside = ((shown > 0) & (shown < 255)).all(axis=2)
    assert np.abs(by_matrix - light)[inside].max() < 0.004


def test_half_precision_is_only_rounded_at_the_end() -> None:
    planes = planes_of(moving(0), "yuv420p10le")
    full = to_rgb(picture(planes, "yuv420p10le"), CPU, torch.float32)
    assert torch.equal(to_rgb(picture(planes, "yuv420p10le"), CPU, torch.float16), full.half())
