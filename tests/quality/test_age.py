"""Ageing: every damage is there, its truth is true, and the same seed gives the same bytes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from resilver_server.lab import damage
from resilver_server.lab.age import AgedFrame, AgeSettings, age
from resilver_server.lab.pictures import Image, to_luma

NONE = AgeSettings(
    black_and_white=False,
    white=1.0,
    flicker_gain=0,
    flicker_gamma=0,
    flicker_local=0,
    grain=0,
    dirt=0,
    scratches=0,
    lost=0,
    repeated=0,
    weave=0,
    noise=0,
    recompression=0,
)


def clip(count: int, height: int = 60, width: int = 80) -> list[Image]:
    """Smooth pictures that slowly move, each its own mean."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return [
        np.stack(
            [0.5 + 0.3 * np.sin((columns + 2 * k) / 9 + c) * np.cos(rows / 7) for c in range(3)],
        ).astype(np.float32)
        for k in range(count)
    ]


def aged(settings: AgeSettings, count: int = 40, seed: int = 3) -> list[AgedFrame]:
    return list(age(clip(count), settings, seed))


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    first, again, other = (aged(AgeSettings(), 12, seed) for seed in (5, 5, 6))
    assert [f.frame.tobytes() for f in first] == [f.frame.tobytes() for f in again]
    assert [f.dirt_mask.tobytes() for f in first] == [f.dirt_mask.tobytes() for f in again]
    assert first[0].frame.tobytes() != other[0].frame.tobytes()


def test_without_damages_frames_pass_bit_for_bit() -> None:
    for given, result in zip(clip(6), aged(NONE, 6), strict=True):
        assert np.array_equal(given, result.frame)
        assert np.array_equal(given, result.clean)
        assert not result.dirt_mask.any()
        assert not result.repeat


def test_turning_one_damage_off_leaves_the_others_as_they_were() -> None:
    dirty, clear = aged(AgeSettings()), aged(replace(AgeSettings(), dirt=0))
    assert [f.source_index for f in dirty] == [f.source_index for f in clear]
    assert [f.gain for f in dirty] == [f.gain for f in clear]
    assert [f.weave for f in dirty] == [f.weave for f in clear]
    for a, b in zip(dirty, clear, strict=True):
        assert np.array_equal(a.scratch_mask, b.scratch_mask)


def test_black_and_white_is_luma_in_three_channels() -> None:
    result = aged(replace(NONE, black_and_white=True), 1)[0]
    assert np.allclose(result.frame, to_luma(clip(1)[0])[None], atol=1e-6)


def test_flicker_has_the_strength_asked_for_and_its_truth_is_the_measured_gain() -> None:
    frames = aged(replace(NONE, white=0.6, flicker_gain=0.06), 200)
    gains = np.log([f.frame.mean() / f.clean.mean() for f in frames])
    assert np.allclose(gains, np.log([f.gain for f in frames]), atol=1e-4)
    assert 0.04 < gains.std() < 0.08


def test_local_flicker_differs_across_the_frame() -> None:
    frames = aged(replace(NONE, white=0.6, flicker_local=0.05), 60)
    ratios = np.log([[f.frame[0, :, :20].mean() / f.clean[0, :, :20].mean() for f in frames],
                     [f.frame[0, :, -20:].mean() / f.clean[0, :, -20:].mean() for f in frames]])  # fmt: skip
    assert (ratios[0] - ratios[1]).std() > 0.03


def test_dirt_changes_the_picture_under_its_mask_alone() -> None:
    frames = aged(replace(NONE, dirt=6.0), 40)
    covered = sum(int(f.dirt_mask.sum()) for f in frames)
    assert covered > 40 * 6 * 2
    for f in frames:
        changed = np.abs(f.frame - f.clean).max(axis=0)
        assert changed[~f.dirt_mask].max(initial=0) < 0.06
    assert np.mean([np.abs(f.frame - f.clean)[:, f.dirt_mask].mean() for f in frames if f.dirt_mask.any()]) > 0.1


def test_most_dirt_lives_one_frame_and_none_longer_than_three() -> None:
    frames = aged(replace(NONE, dirt=0.5), 200)
    same = [
        np.logical_and(a.dirt_mask, b.dirt_mask).sum() > 0.5 * a.dirt_mask.sum()
        for a, b in itertools.pairwise(frames)
        if a.dirt_mask.any()
    ]
    assert 0.02 < np.mean(same) < 0.4
    assert not any(
        np.logical_and.reduce([f.dirt_mask for f in frames[k : k + 4]]).sum() > 8 for k in range(len(frames) - 4)
    )


def test_scratches_are_upright_and_last() -> None:
    frames = aged(replace(NONE, scratches=3.0), 60)
    assert np.mean([f.scratch_mask.any() for f in frames]) > 0.7
    columns = [set(np.flatnonzero(f.scratch_mask.mean(axis=0) > 0.5)) for f in frames]
    following = [len({c + d for c in a for d in (-1, 0, 1)} & b) / len(b) for a, b in itertools.pairwise(columns) if b]
    assert np.mean(following) > 0.9
    for f in frames:
        assert np.abs(f.frame - f.clean).max(axis=0)[~f.scratch_mask].max(initial=0) < 0.06


def test_repeats_show_the_same_grain_under_other_noise_and_weave() -> None:
    frames = aged(replace(NONE, repeated=0.3, grain=0.03, noise=0.004, weave=0.005), 60)
    repeats = [k for k, f in enumerate(frames) if f.repeat]
    assert len(repeats) > 6
    for k in repeats:
        before, after = frames[k - 1], frames[k]
        assert before.source_index == after.source_index
        assert before.weave != after.weave
        settled = [damage.shift(f.frame, -f.weave[0], -f.weave[1]) - f.clean for f in (before, after)]
        alike = np.corrcoef(settled[0][0, 4:-4, 4:-4].ravel(), settled[1][0, 4:-4, 4:-4].ravel())[0, 1]
        assert 0.8 < alike < 0.9999


def test_cadence_and_losses_are_told() -> None:
    frames = aged(replace(NONE, cadence=Fraction(3, 2)), 40)
    assert [f.source_index for f in frames] == [k for k in range(40) for _ in range(1 + k % 2)]
    gone = aged(replace(NONE, lost=0.2), 100)
    shown = [f.source_index for f in gone]
    assert 65 < len(shown) < 95
    assert shown[0] == 0
    assert max(np.diff(shown)) == 2
    assert all(np.array_equal(f.frame, clip(100)[f.source_index]) for f in gone[:10])


def test_weave_is_the_path_told() -> None:
    for f in aged(replace(NONE, weave=0.01), 10):
        assert np.abs(damage.shift(f.clean, *f.weave) - f.frame).max() < 1e-6
        assert np.array_equal(f.aligned, f.frame)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 7), (33, 17)])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_white_and_tiny_frames_stay_finite(shape: tuple[int, int], level: float) -> None:
    frames = [np.full((3, *shape), level, np.float32)] * 5
    for f in age(frames, AgeSettings(), 1):
        assert f.frame.shape == (3, *shape)
        assert np.isfinite(f.frame).all()
        assert f.frame.min() >= 0
        assert f.frame.max() <= 1


def test_frames_of_another_size_are_refused() -> None:
    frames = [np.zeros((3, 8, 8), np.float32), np.zeros((3, 8, 9), np.float32)]
    with pytest.raises(ValueError, match="frame 1"):
        list(age(frames, replace(AgeSettings(), lost=0), 1))
