"""Properties of deflicker: chunks equal the whole, finite support, walls, repeats, and frames of every kind."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.pictures import Image
from resilver_server.stages.deflicker import path, run
from resilver_server.stages.deflicker.spec import DeflickerParameters
from support.flicker import clock_of, deflickered, measured, rendered, stacked

RATE = Fraction(24)
FLICKER = replace(AgeSettings(), lost=0, repeated=0, dirt=1.0, scratches=0, recompression=0)


def still(count: int, height: int = 72, width: int = 96, seed: int = 2) -> list[Image]:
    """A scene that stands still: smooth random shapes."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.15, 0.75, (6, 8))
    rows, columns = np.linspace(0, 5, height), np.linspace(0, 7, width)
    upper, left = np.minimum(rows.astype(int), 4), np.minimum(columns.astype(int), 6)
    down, right = (rows - upper)[:, None], (columns - left)[None, :]
    corner = [[coarse[np.ix_(upper + i, left + j)] for j in (0, 1)] for i in (0, 1)]
    top = corner[0][0] * (1 - right) + corner[0][1] * right
    bottom = corner[1][0] * (1 - right) + corner[1][1] * right
    picture = (top * (1 - down) + bottom * down + rng.normal(0, 0.02, (height, width))).astype(np.float32)
    return [np.stack([picture] * 3)] * count


def flickering(count: int, seed: int = 1) -> list[Image]:
    return [f.frame for f in age(still(count), FLICKER, seed)]


def solved(rows: list[dict[str, np.ndarray]], walls: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    clock = clock_of(len(rows), RATE, walls)
    return dict(run.solve(stacked(rows), clock, RATE, DeflickerParameters()))


def test_measuring_in_chunks_is_measuring_the_whole() -> None:
    frames = flickering(20)
    whole = measured(frames)
    for start in (1, 7, 13):
        part = measured(frames[start - 1 :], start - 1)[1:]
        for row, again in zip(whole[start:], part, strict=True):
            assert all(np.array_equal(row[name], again[name]) for name in row)


def test_a_change_travels_no_further_than_the_window() -> None:
    rows = measured(flickering(200))
    changed = [dict(row) for row in rows]
    for k in range(100, 110):
        changed[k]["gain"] = changed[k]["gain"] + np.float32(0.1)
    before, after = solved(rows), solved(changed)
    differs = [k for k in range(200) if any((before[n][k] != after[n][k]).any() for n in before)]
    reach = int(2.5 * RATE) + 1
    assert differs
    assert min(differs) >= 100 - reach
    assert max(differs) <= 109 + reach


def test_nothing_looks_across_a_wall() -> None:
    rows = measured(flickering(80))
    changed = [dict(row) for row in rows]
    for k in range(40, 80):
        changed[k]["gain"] = changed[k]["gain"] * np.float32(-2)
    before, after = solved(rows, (40,)), solved(changed, (40,))
    for name in before:
        assert np.array_equal(before[name][:40], after[name][:40])
    assert not np.array_equal(before["gain"][40:], after["gain"][40:])


def test_repeats_are_left_out_and_their_frame_keeps_its_correction() -> None:
    frames = flickering(60)
    doubled = [frame for k, frame in enumerate(frames) for _ in range(1 + (k % 5 == 2))]
    shown = [k + sum(1 for j in range(k) if j % 5 == 2) for k in range(60)]
    rows = stacked(measured(doubled))
    clock = clock_of(len(doubled), RATE, frames=shown)
    with_repeats = run.solve(rows, clock, RATE, DeflickerParameters())
    plain_clock = replace(clock, frames=tuple(range(60)))
    without = run.solve(stacked(measured(frames)), plain_clock, RATE, DeflickerParameters())
    assert with_repeats["gain"].shape == without["gain"].shape
    assert np.allclose(with_repeats["gain"], without["gain"], atol=2e-3)


def test_local_flicker_goes_too() -> None:
    clean = still(90, 144, 192)
    settings = replace(FLICKER, flicker_gain=0, flicker_gamma=0, flicker_local=0.05, dirt=0, weave=0)
    given = [f.frame for f in age(clean, settings, 4)]
    result = deflickered(given, RATE)
    corners = [np.log([f[:, :48, :48].mean() for f in clip]) for clip in (given, result)]
    assert np.diff(corners[0]).std() > 0.02
    assert np.diff(corners[1]).std() < np.diff(corners[0]).std() / 3


def test_what_does_not_flicker_is_left_bit_for_bit() -> None:
    frames = still(40)
    for given, result in zip(frames, deflickered(frames, RATE), strict=True):
        assert np.array_equal(given, result)


def test_a_fade_course_is_followed_and_flicker_is_not() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(144) / 24
    fade = np.log(np.clip(times, 1 / 24, 1))
    noise = rng.normal(0, 0.04, 144)
    steps = np.diff(fade + noise, prepend=0.0)[:, None]
    smooth = fade + noise + path.flicker(steps, times, np.zeros(144, np.int64), 24.0, 2.0, fades=True)[:, 0]
    level = np.median(smooth[60:])
    assert np.abs(smooth - level - fade)[6:].max() < 0.05
    assert np.diff(smooth[60:]).std() < 0.1 * np.diff(noise).std()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (17, 33), (37, 1), (64, 65)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_every_size_and_flat_pictures_stay_finite(shape: tuple[int, int], level: float) -> None:
    frames = [np.full((3, *shape), level, np.float32)] * 6
    for result in deflickered(frames, RATE):
        assert result.shape == (3, *shape)
        assert np.isfinite(result).all()
        assert np.abs(result - level).max() < 1e-6


def test_one_frame_alone_and_black_between_pictures() -> None:
    frame = still(1)
    assert np.array_equal(deflickered(frame, RATE)[0], frame[0])
    black = np.zeros_like(frame[0])
    mixed = [*flickering(10), black, black, *flickering(10)]
    results = deflickered(mixed, RATE)
    assert all(np.isfinite(f).all() for f in results)
    assert not results[10].any()


def test_limit_and_local_are_obeyed() -> None:
    frames = flickering(30)
    rows = stacked(measured(frames))
    clock = clock_of(30, RATE)
    bounded = run.solve(rows, clock, RATE, DeflickerParameters(limit=0.01))
    assert np.abs(bounded["gain"]).max() <= 0.01 + 1e-6
    even = run.solve(rows, clock, RATE, DeflickerParameters(local=False))
    assert np.allclose(even["gain"], even["gain"][:, :1, :1])
    assert len(rendered(frames, clock, even)) == 30
