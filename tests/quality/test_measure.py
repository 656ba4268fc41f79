"""Measurements against values worked out by hand or from the paper's formula written out plainly."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import FrameCountMismatch, GeometryMismatch
from resilver_server.lab.measure import brightness_trace, common_times, compare, picked, psnr, ssim
from resilver_server.lab.pictures import Image

RNG = np.random.default_rng(4)


def noise(*shape: int) -> Image:
    return RNG.uniform(0, 1, shape).astype(np.float32)


def test_psnr_of_a_constant_difference() -> None:
    assert psnr(np.zeros((3, 4, 4), np.float32), np.full((3, 4, 4), 0.1, np.float32)) == pytest.approx(20, abs=1e-5)
    frame = noise(3, 4, 4)
    assert psnr(frame, frame.copy()) == math.inf


def test_ssim_is_the_formula_of_the_paper() -> None:
    x, y = noise(14, 13), noise(14, 13)
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for row in range(4):
        for column in range(3):
            a = x[row : row + 11, column : column + 11].astype(np.float64)
            b = y[row : row + 11, column : column + 11].astype(np.float64)
            ma, mb = (weights * a).sum(), (weights * b).sum()
            va, vb = (weights * (a - ma) ** 2).sum(), (weights * (b - mb) ** 2).sum()
            cov = (weights * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    assert ssim(x, y) == pytest.approx(np.mean(values), abs=1e-9)


def test_equal_frames_are_alike_at_every_size() -> None:
    for shape in [(3, 1, 1), (3, 2, 9), (3, 40, 31)]:
        frame = noise(*shape)
        assert ssim(frame, frame) == pytest.approx(1)


def test_comparison_tells_brightness_and_change() -> None:
    a = [np.full((3, 12, 12), v, np.float32) for v in (0.2, 0.4, 0.3)]
    b = [np.full((3, 12, 12), v, np.float32) for v in (0.2, 0.2, 0.2)]
    result = compare(a, b)
    assert result.brightness[0] == pytest.approx((0.2, 0.4, 0.3))
    assert result.temporal_difference == pytest.approx((0.15, 0.0))
    assert result.frames[0].psnr == math.inf
    assert result.psnr == pytest.approx(-10 * math.log10((0.04 + 0.01) / 3), abs=1e-4)
    assert brightness_trace(a) == pytest.approx((0.2, 0.4, 0.3))


def test_luma_ignores_what_only_colour_shows() -> None:
    grey = np.full((3, 12, 12), 0.5, np.float32)
    tinted = grey + np.array([0.1, -0.1 * 0.2126 / 0.7152, 0], np.float32)[:, None, None]
    assert compare([grey], [tinted], luma=True).psnr > 120
    assert compare([grey], [tinted]).psnr < 30


def test_tensors_of_any_type_are_taken() -> None:
    frame = noise(3, 16, 16)
    assert compare([torch.from_numpy(frame)], [frame]).psnr == math.inf
    assert compare([torch.from_numpy(frame).half()], [frame]).psnr > 60


def test_unequal_clips_are_refused() -> None:
    frame = noise(3, 16, 16)
    with pytest.raises(GeometryMismatch, match="frame 1"):
        compare([frame, frame], [frame, noise(3, 16, 15)])
    with pytest.raises(FrameCountMismatch, match="3 and 1 frames"):
        compare([frame] * 3, [frame])
    with pytest.raises(FrameCountMismatch, match="empty"):
        compare([], [])


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from([16, 18, 24, 25, 30, 60, "24000/1001", "60000/1001"]),
    st.sampled_from([24, 50, 60, "30000/1001"]),
)
def test_common_times_are_all_the_equal_times(count_a: int, count_b: int, a: int | str, b: int | str) -> None:
    rate_a, rate_b = Fraction(a), Fraction(b)
    times_b = {Fraction(j) / rate_b: j for j in range(count_b)}
    expected = [(i, times_b[i / rate_a]) for i in range(count_a) if i / rate_a in times_b]
    assert list(common_times(count_a, rate_a, count_b, rate_b)) == expected


def test_picked_frames_and_a_clip_that_ends_too_soon() -> None:
    frames = [np.full((2, 2), k, np.float32) for k in range(6)]
    assert [int(f[0, 0]) for f in picked(iter(frames), [0, 3, 5])] == [0, 3, 5]
    with pytest.raises(FrameCountMismatch, match="frame 6"):
        list(picked(frames, [2, 6]))
