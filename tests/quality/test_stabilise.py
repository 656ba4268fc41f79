"""Properties of stabilise: chunks equal the whole, finite support, walls, borders, and frames of every kind."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.engine.chain import Chains
from resilver_server.lab.pictures import Image, to_luma
from resilver_server.stages.stabilise import planes, run
from resilver_server.stages.stabilise.warp import Move, Part, Places, moved
from support.flicker import clock_of, stacked
from support.tiny import frames_of, planned, whole, write_clip
from support.tiny import solved as solved_by_engine
from support.weave import DEFAULT, deviation, measured, rendered, solved, stabilised

RATE = Fraction(24)
SIMILARITY = replace(DEFAULT, motion="similarity")


def scene(height: int = 96, width: int = 128, seed: int = 2) -> Image:
    """Soft random shapes, finer ones over coarser."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width), 0.45, np.float32)
    for sigma, strength in ((2.0, 0.05), (5.0, 0.08), (12.0, 0.1)):
        noise = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), sigma)
        picture += np.float32(strength) * noise / noise.std()
    return np.stack([picture.clip(0.05, 0.95)] * 3)


def weaving(count: int, deviation: float = 1.0, seed: int = 1) -> tuple[list[Image], np.ndarray]:
    """A scene that stands still in a gate that does not, with grain; and its place, (count, 2)."""
    rng = np.random.default_rng(seed)
    still, shifts = torch.from_numpy(scene()), rng.normal(0, deviation, (count, 2))
    height, width = still.shape[1:]
    whole_frame = Part(0, height, 0, width)
    frames = [moved(still, Places.of(Move(x, y), height, width), whole_frame).numpy() for x, y in shifts]
    return [(frame + rng.normal(0, 0.01, frame.shape)).astype(np.float32) for frame in frames], shifts


def test_measuring_in_chunks_is_measuring_the_whole() -> None:
    frames, _ = weaving(16)
    at_once = measured(frames)
    for start in (1, 5, 11):
        part = measured(frames[start - 1 :], start - 1)[1:]
        for row, again in zip(at_once[start:], part, strict=True):
            assert all(np.array_equal(row[name], again[name]) for name in row)


@pytest.mark.parametrize("edges", ["fill", "crop"])
def test_chunked_equals_whole(edges: str, tmp_path: Path) -> None:
    """Through the engine: analysis in chunks of 4, frames rendered one by one by chains of their own."""
    frames, _ = weaving(14)
    pictures = np.stack(frames).transpose(0, 2, 3, 1).clip(0, 1)
    media = write_clip(tmp_path / "clip.mkv", pictures, RATE)
    settings = StageSettings("stabilise", {"edges": edges, "window": 0.3, "motion": "similarity"})
    plan = planned(whole(media), media, Recipe((settings,), Delivery("ffv1")))
    state, _ = solved_by_engine(plan, tmp_path / "whole")
    chunked, _ = solved_by_engine(plan, tmp_path / "chunked", chunk=4)
    at_once, _ = frames_of(plan, state, list(plan.outputs), Chains())
    single = [frames_of(plan, chunked, [output], Chains())[0][0] for output in plan.outputs]
    assert torch.equal(at_once, torch.stack(single))
    assert not torch.equal(at_once[5], torch.from_numpy(pictures[5].transpose(2, 0, 1).copy()))


def test_a_change_travels_no_further_than_the_window() -> None:
    rows = measured(weaving(24)[0]) * 8
    for k, row in enumerate(rows):
        rows[k] = {**row, "frame": np.array([k]), "agreed": np.ones(1, np.float32), "alike": np.ones(1, np.float32)}
        rows[k]["blocks"] = np.full(1, 50, np.float32)
    changed = [dict(row) for row in rows]
    for k in range(90, 96):
        changed[k]["step"] = changed[k]["step"] + np.float32(0.7)
    clock = clock_of(len(rows), RATE)
    before, after = (run.solve(stacked(each), clock, RATE, DEFAULT) for each in (rows, changed))
    differs = [k for k in range(len(rows)) if not np.array_equal(before["move"][k], after["move"][k])]
    reach = int(DEFAULT.window * RATE) + 1
    assert differs
    assert min(differs) >= 90 - reach
    assert max(differs) <= 95 + reach


def test_nothing_looks_across_a_wall_or_a_pair_that_cannot_be_compared() -> None:
    frames, _ = weaving(20)
    others = [np.ascontiguousarray(frame[:, ::-1, ::-1]) for frame in weaving(20, seed=5)[0]]
    cut = [*frames, *others]
    clock = clock_of(40, RATE, (20,))
    together = solved(cut, clock, RATE)
    alone = solved(frames, clock_of(20, RATE), RATE)
    assert np.array_equal(together["move"][:20], alone["move"])
    assert np.abs(together["move"][20:]).max() > 0.5
    unseen = solved(cut, clock_of(40, RATE), RATE)
    assert np.flatnonzero(unseen["first"]).tolist() == [0, 20]
    assert np.array_equal(unseen["move"], together["move"])


def test_repeats_are_left_out() -> None:
    frames, _ = weaving(30)
    doubled = [frame for k, frame in enumerate(frames) for _ in range(1 + (k % 5 == 2))]
    shown = [k + sum(1 for j in range(k) if j % 5 == 2) for k in range(30)]
    with_repeats = clock_of(len(doubled), RATE, frames=shown)
    state = solved(doubled, replace(with_repeats, times=tuple(k / RATE for k in range(30))), RATE)
    assert np.allclose(state["move"], solved(frames, clock_of(30, RATE), RATE)["move"], atol=0.02)


def test_what_stands_still_is_left_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    still = scene()
    frames = [(still + rng.normal(0, 0.01, still.shape)).astype(np.float32).clip(0, 1) for _ in range(30)]
    for given, result in zip(frames, stabilised(frames, RATE), strict=True):
        assert np.array_equal(given, result)


def test_flicker_and_dirt_are_not_taken_for_motion() -> None:
    rng = np.random.default_rng(3)
    frames, shifts = weaving(16)
    rows, columns = np.linspace(-1, 1, 96)[:, None], np.linspace(-1, 1, 128)[None, :]
    for k, frame in enumerate(frames):
        gain = 1 + rng.normal(0, 0.15) + rng.normal(0, 0.15) * rows + rng.normal(0, 0.15) * columns
        frames[k] = (frame * gain).astype(np.float32).clip(0, 1)
        for y, x in rng.integers(0, 90, (8, 2)):
            frames[k][:, y : y + 5, x : x + 4] = float(rng.uniform() < 0.5)
    steps = np.array([row["step"][:2] for row in measured(frames)])[1:]
    assert deviation(steps - np.diff(shifts, axis=0)) < 0.1


def test_turning_and_growing_are_measured_and_taken_out() -> None:
    rng = np.random.default_rng(4)
    still = torch.from_numpy(scene(180, 240))
    truth = rng.normal(0, 1, (24, 4)) * [0.5, 0.5, 0.003, 0.003]
    frame_part = Part(0, 180, 0, 240)
    frames = [moved(still, Places.of(Move(*map(float, row)), 180, 240), frame_part).numpy() for row in truth]
    steps = np.array([row["step"] for row in measured(frames, parameters=SIMILARITY)], np.float64)[1:]
    error = (steps - np.diff(truth, axis=0)) * [1, 1, 150, 150]
    assert deviation(error) < 0.1
    results = stabilised(frames, RATE, SIMILARITY)
    moving, steady = (np.std([to_luma(f)[20:-20, 20:-20] for f in clip], axis=0).mean() for clip in (frames, results))
    assert steady < moving / 5


def test_a_black_border_stays_where_it_is() -> None:
    frames, _ = weaving(24)
    framed = [np.pad(frame.clip(0, 1), ((0, 0), (6, 4), (20, 24))) for frame in frames]
    assert planes.border(to_luma(framed[0])) == (6, 4, 20, 24)
    for edges in ("fill", "crop", "black"):
        for result in stabilised(framed, RATE, replace(DEFAULT, edges=edges)):
            assert not result[:, :6].any()
            assert not result[:, -4:].any()
            assert not result[:, :, :20].any()
            assert not result[:, :, -24:].any()
            assert edges == "black" or result[:, 6:-4, 20:-24].min() > 0.01


def test_limit_and_amount_are_obeyed() -> None:
    frames, _ = weaving(24, 2.0)
    clock = clock_of(24, RATE)
    moves = solved(frames, clock, RATE)["move"]
    assert np.abs(moves).max() > 1.5
    whole_moves = solved(frames, clock, RATE, replace(DEFAULT, limit=0.2))["move"]
    assert np.abs(solved(frames, clock, RATE, replace(DEFAULT, limit=0.01))["move"]).max() <= 0.96 + 1e-6
    assert np.allclose(
        solved(frames, clock, RATE, replace(DEFAULT, amount=0.5, limit=0.2))["move"], whole_moves / 2, atol=1e-6
    )


def test_whole_pixels_are_copied_and_shifts_undo_each_other() -> None:
    picture = torch.from_numpy(scene())
    part = Part(10, 80, 10, 110)
    there = moved(picture, Places.of(Move(3.0, -2.0), 96, 128), part)
    assert torch.equal(there, picture[:, 12:82, 7:107])
    away = moved(picture, Places.of(Move(0.5, 0.5), 96, 128), Part(0, 96, 0, 128))
    back = moved(away, Places.of(Move(-0.5, -0.5), 96, 128), part)
    assert (back - picture[:, 10:80, 10:110]).abs().max() < 0.005
    turned = Places.of(Move(1.3, 0.4, 1e-9, 0.0), 96, 128)
    plain = Places.of(Move(1.3, 0.4), 96, 128)
    assert (moved(picture, turned, part) - moved(picture, plain, part)).abs().max() < 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (17, 33), (41, 1), (64, 65)])
@pytest.mark.parametrize("edges", ["fill", "crop", "black"])
def test_every_size_and_flat_pictures_stay_finite(shape: tuple[int, int], edges: str) -> None:
    parameters = replace(DEFAULT, edges=edges)
    for level in (0.0, 0.5, 1.0):
        frames = [np.full((3, *shape), level, np.float32)] * 4
        for result in stabilised(frames, RATE, parameters):
            assert result.shape == (3, *shape)
            assert np.abs(result - level).max() < 1e-6


def test_every_size_can_be_moved() -> None:
    """Even where nothing was measured and rows are made up."""
    rng = np.random.default_rng(6)
    for height, width in ((1, 1), (2, 3), (30, 41)):
        frames = [rng.random((3, height, width), np.float32) for _ in range(5)]
        state = {
            "move": rng.normal(0, 1, (5, 4)).astype(np.float32) * np.float32([1, 1, 0.01, 0.01]),
            "step": rng.normal(0, 1, (5, 4)).astype(np.float32) * np.float32([1, 1, 0.01, 0.01]),
            "first": np.array([[1], [0], [0], [1], [0]], np.uint8),
            "border": np.zeros((5, 4), np.int32),
        }
        for edges in ("fill", "crop", "black"):
            for result in rendered(frames, clock_of(5, RATE), state, replace(DEFAULT, edges=edges)):
                assert np.isfinite(result).all()


def test_one_frame_alone_and_black_between_pictures() -> None:
    frames, _ = weaving(20)
    assert np.array_equal(stabilised(frames[:1], RATE)[0], frames[0].clip(0, 1))
    black = np.zeros_like(frames[0])
    results = stabilised([*frames[:10], black, black, *frames[10:]], RATE)
    assert all(np.isfinite(f).all() for f in results)
    assert not results[10].any()
