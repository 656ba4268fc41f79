"""Grain: measured, reduced and made, on aged clips with known grain and on real film. Numbers are printed (-s)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.engine.chain import Chains
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.grain import Around, Filler, Held, held_out
from resilver_server.lab.measure import psnr
from resilver_server.lab.pictures import Image, to_grey, to_luma
from resilver_server.stages import grain
from resilver_server.stages.contract import StageContext, State, Window
from resilver_server.stages.degrain import run as degrain
from resilver_server.stages.degrain.spec import DegrainParameters
from resilver_server.stages.grain import Grain
from resilver_server.stages.grain.model import LAGS, TONES
from support.flicker import analysis_frame, clock_of, movie, pictures, stacked
from support.shared import footage
from support.tiny import Pictures, frames_of, moving, planned, solved, whole, write_clip

RATE = Fraction(24)
GRAIN = replace(
    AgeSettings(), lost=0, repeated=0, flicker_gain=0, flicker_gamma=0, flicker_local=0, dirt=0, scratches=0
)
UNTOUCHED = replace(GRAIN, weave=0, noise=0, recompression=0)
PLACES = (np.arange(TONES) + 0.5) / TONES
KNOWN = GRAIN.grain * (0.25 + 0.75 * np.sqrt(4 * PLACES * (1 - PLACES)))
"""What ``lab.damage.apply_grain`` lays on, by tone."""


NOT_REACHED = {"san_francisco_fire_1906": [3]}
"""Of which film which figure (all, coarse, middle, fine) is printed, not gated: see decision 1130."""


def measured(frames: Sequence[Image]) -> tuple[State, npt.NDArray[np.float64]]:
    """Solved grain of a scene, and how many blocks each tone was seen in."""
    seen = [analysis_frame(k, frame) for k, frame in enumerate(frames)]
    rows = stacked([grain.measure(frame, seen[k - 1] if k else None) for k, frame in enumerate(seen)])
    return grain.solve(rows, clock_of(len(frames), RATE), RATE), rows["grain_count"].sum(axis=0)


def cleaned(frames: Sequence[Image], state: State, **parameters: float) -> torch.Tensor:
    """The middle one of five frames after degrain."""
    form = FrameFormat(frames[0].shape[-1], frames[0].shape[-2])
    context = StageContext(form, form, torch.device("cpu"), torch.float32, {})
    session = degrain.open_session(DegrainParameters(**parameters), context)  # type: ignore[arg-type]
    return session.process(Window(torch.from_numpy(np.stack(frames)), len(frames) // 2, state))


@pytest.mark.parametrize("name", ["one-by-one-person-detection.mp4", "flower.mp4"])
def test_known_grain_is_found(name: str) -> None:
    clean = movie(footage("colour", name), 12, 480, 300 if name.startswith("one") else 0)
    state, count = measured([f.frame for f in age(clean, UNTOUCHED, 3)])
    found = Grain.of(state, 6)
    seen = count > 0.05 * count.sum()
    ratio = np.sqrt(found.level[seen]) / KNOWN[seen]
    print(
        name, "deviation over the known one", ratio.round(2), "next pixel", found.lags[0, 0, 1].round(2), "known 0.60"
    )
    assert np.abs(np.average(ratio, weights=count[seen]) - 1) < 0.1
    assert np.abs(ratio - 1).max() < 0.25
    assert abs(found.lags[0, 0, 1] - 0.6) < 0.1


def test_film_whose_picture_only_repeats_has_no_grain() -> None:
    """What a codec froze cannot be told from texture, so it is left alone, to the bit."""
    frames = [to_grey(pictures(footage("film", "san_francisco_fire_1906"))[0][0])] * 5
    state, _ = measured(frames)
    assert Grain.of(state, 2).none
    assert torch.equal(cleaned(frames, state, amount=1.0), torch.from_numpy(frames[2]))


@pytest.mark.parametrize(
    ("name", "start", "gain"),
    [("one-by-one-person-detection.mp4", 300, 5.0), ("flower.mp4", 0, 5.0), ("bigbuckbunny.mp4", 0, 3.5)],
)
def test_grain_goes_and_edges_stay(name: str, start: int, gain: float) -> None:
    aged = list(age(movie(footage("colour", name), 9, 480, start), GRAIN, 3))
    frames, truth = [f.frame for f in aged], aged[4].aligned
    state, _ = measured(frames)
    middle = {key: values[2:7] for key, values in state.items()}
    result = cleaned(frames[2:7], middle, amount=1.0).numpy()
    before, after = psnr(frames[4], truth), psnr(result, truth)
    kept = sharpness(result, truth) / sharpness(frames[4], truth)
    print(name, "PSNR", round(before, 2), "to", round(after, 2), "sharpness of edges", round(kept, 3))
    assert after > before + gain
    assert kept > 0.94
    half = cleaned(frames[2:7], middle, amount=0.5).numpy()
    np.testing.assert_allclose(half, (result + frames[4]) / 2, atol=1e-6)


def sharpness(frame: Image, truth: Image) -> float:
    """Slope of ``frame`` along the slope of ``truth``, over the strongest 7 % of its edges."""
    down, right = np.gradient(cv2.GaussianBlur(to_luma(truth), (0, 0), 0.7))
    strength = np.hypot(down, right)
    edges = strength > max(np.quantile(strength, 0.93), 0.02)
    own_down, own_right = np.gradient(to_luma(frame))
    return float(((own_down * down + own_right * right)[edges] / strength[edges]).sum())


@pytest.mark.parametrize("start", [240, 440])
def test_nothing_trails_behind_people(start: int) -> None:
    """Where people walk, what is wrong over more than a pixel (a ghost is) is less than where nothing is done."""
    clean = movie(footage("colour", "one-by-one-person-detection.mp4"), 5, 480, start)
    aged = list(age(clean, GRAIN, 3))
    frames, truth = [f.frame for f in aged], aged[2].aligned
    state, _ = measured(frames)
    result = cleaned(frames, state, amount=1.0).numpy()
    moves = cv2.boxFilter(np.abs(to_luma(clean[4]) - to_luma(clean[0])), -1, (9, 9)) > 0.08
    assert moves.mean() > 0.05
    soft = [cv2.GaussianBlur(to_luma(frame) - to_luma(truth), (0, 0), 2)[moves] for frame in (frames[2], result)]
    errors = [float(np.sqrt(np.mean(error**2))) for error in soft]
    print("moving part", round(float(moves.mean()), 3), "soft error before", errors[0], "after", errors[1])
    assert errors[1] < errors[0]


def test_a_change_far_away_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    frames = [(0.5 + 0.02 * rng.standard_normal((3, 48, 64))).astype(np.float32) for _ in range(60)]
    changed = [*frames[:50], *[(frame * 0.8).astype(np.float32) for frame in frames[50:]]]
    rate = Fraction(8)
    states = []
    for clip in (frames, changed):
        seen = [analysis_frame(k, frame) for k, frame in enumerate(clip)]
        rows = stacked([grain.measure(frame, seen[k - 1] if k else None) for k, frame in enumerate(seen)])
        states.append(grain.solve(rows, clock_of(60, rate), rate))
    reach = 50 - grain.SECONDS * 8
    for name, values in states[0].items():
        assert np.array_equal(values[:reach], states[1][name][:reach])
    assert not np.array_equal(states[0]["grain_level"][reach:], states[1]["grain_level"][reach:])


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_made_grain_has_the_spectrum_it_was_asked_for(scale: float) -> None:
    steps = np.arange(LAGS)
    lags = np.exp(-(steps[:, None] ** 2 + steps[None, :] ** 2) / (4 * 0.7**2))
    given = Grain(np.full(TONES, 1e-4), np.stack([lags] * 2), np.ones((3, 3)), (400, 400))
    made = grain.pattern(given, 400, 400, scale, 5)
    assert torch.equal(made, grain.pattern(given, 400, 400, scale, 5))
    assert not torch.equal(made, grain.pattern(given, 400, 400, scale, 6))
    assert torch.allclose(made[0], made[2], atol=1e-6)
    step = int(scale)
    plane = made[1].numpy()
    assert abs(float(plane.std()) - 1) < 0.02
    assert abs(float((plane[:, step:] * plane[:, :-step]).mean()) - lags[0, 1]) < 0.04


def test_colours_grain_as_they_are_correlated() -> None:
    colour = np.array([[1.6, 0.9, 0.7], [0.9, 1.0, 0.8], [0.7, 0.8, 2.0]])
    weights = np.array([0.2126, 0.7152, 0.0722])
    colour /= weights @ colour @ weights
    lags = np.zeros((2, LAGS, LAGS))
    lags[:, 0, 0] = 1
    made = grain.pattern(Grain(np.full(TONES, 1e-4), lags, colour, (300, 300)), 300, 300, 1.0, 2)
    assert np.abs(np.cov(made.reshape(3, -1).numpy()) - colour).max() < 0.05


@pytest.mark.parametrize("name", ["one-by-one-person-detection.mp4", "flower.mp4", "bigbuckbunny.mp4"])
def test_fills_match_known_grain_and_nothing_else_is_touched(name: str) -> None:
    """Fills are the clean picture, so that what differs from it is the grain laid on, beside the film's own."""
    aged = list(age(movie(footage("colour", name), 9, 480, 300 if name.startswith("one") else 0), UNTOUCHED, 3))
    mask = torch.zeros(aged[0].frame.shape[-2:])
    for row in range(20, 230, 80):
        for column in range(20, 440, 80):
            mask[row : row + 16, column : column + 16] = 1
    corners, inside = grain.samples(mask), mask > 0
    made, there = [], []
    for number in (2, 4, 6):
        frame, truth = torch.from_numpy(aged[number].frame), torch.from_numpy(aged[number].clean)
        filled = torch.where(inside | grain.squares(corners, *mask.shape), truth, frame)
        result = grain.grain_like(frame, filled, mask, corners, number)
        assert torch.equal(result[:, ~inside], frame[:, ~inside])
        made.append((result - truth)[1][inside])
        there.append((frame - truth)[1][inside])
    ratio = float(torch.cat(made).var() / torch.cat(there).var())
    print(name, "variance of grain in fills over what was there", round(ratio, 3))
    assert abs(ratio - 1) < 0.1


def with_grain(around: Around, seed: int) -> Filler:
    """The plain fill, with the grain that it lacks."""
    damaged = cv2.dilate(around.damaged.astype(np.float32), np.ones((3, 3)))

    def fill(mask: Image) -> Image:
        place, frame = torch.from_numpy(mask), torch.from_numpy(around.frame)
        corners = grain.samples(torch.from_numpy(np.maximum(mask, damaged)))
        squares = grain.squares(corners, *mask.shape).float().numpy()
        filled = torch.from_numpy(around.filled(np.maximum(mask, squares)))
        return np.asarray(grain.grain_like(frame, filled, place, corners, seed).numpy())

    return fill


@pytest.mark.parametrize("name", ["great_train_robbery_1903", "san_francisco_fire_1906", "a_bomb", "chaplin"])
def test_fills_look_like_real_film(name: str) -> None:
    """Clean places are held out, filled from six neighbours, and compared with the pixels that were there."""
    parts = []
    for frames, centres in real(name):
        for centre in centres:
            around = Around(frames, centre)
            fill = with_grain(around, centre)
            parts += [held_out(around, fill, (13 * centre + 27 * k, 29 * centre + 53 * k)) for k in range(3)]
    held = Held.joined(parts)
    found = {kind: held.ratios(chosen).round(2) for kind, chosen in (("clean", held.clean), ("even", held.even))}
    print(name, f"{held.clean.sum()} of {len(held.clean)} places clean, fill over truth (all, *bands):", found)
    thirds = np.quantile(held.tone[held.clean], (0, 1 / 3, 2 / 3, 1))
    tones = [held.clean & (held.tone >= low) & (held.tone <= high) for low, high in pairwise(thirds)]
    print("  by tone, dark to light:", [float(held.ratios(chosen)[0].round(2)) for chosen in tones])
    reached = found["clean"] if name not in NOT_REACHED else np.delete(found["clean"], NOT_REACHED[name])
    assert np.abs(reached - 1).max() <= 0.1


def real(name: str) -> list[tuple[list[Image], range]]:
    """Shots of a film, and the frames of each whose places are held out."""
    if "19" in name:
        frames = pictures(footage("film", name))
        return [(frames, range(6, len(frames) - 4, 10))]
    if name == "chaplin":
        return [(movie(footage("film", "chaplin_1910s.mp4"), 9, 640, start), range(4, 5)) for start in (10, 180)]
    film = footage("film", "a_bomb_blast_effects_1950s.mp4")
    return [(movie(film, 11, 432, start), range(4, 8, 3)) for start in (20, 150, 320)]


@pytest.fixture(scope="module")
def grainy() -> Pictures:
    """Large enough for grain to be measured, with a cut and a repeat."""
    rng = np.random.default_rng(4)
    shown = 0.5 + 0.2 * (moving(10, 72, 56, cut=6) - 0.5) + 0.03 * rng.standard_normal((10, 56, 72, 1))
    shown[3] = shown[2]
    return np.asarray(shown, np.float32).clip(0, 1)


def test_chunked_equals_whole(grainy: Pictures, tmp_path: Path) -> None:
    media = write_clip(tmp_path / "clip.mkv", grainy, Fraction(16))
    stages = [
        StageSettings("cadence", {"cut_list": "6"}),
        StageSettings("degrain", {"amount": 0.8}),
        StageSettings("upscale", {"model": "none", "scale": 1.5}),
        StageSettings("interpolate", {"rate": "48", "model": "blend"}),
        StageSettings("regrain"),
    ]
    for chosen in (stages, [*stages[:3], stages[4]]):
        plan = planned(whole(media), media, Recipe(tuple(chosen), Delivery("ffv1")))
        state, _ = solved(plan, tmp_path / str(len(chosen)))
        again, _ = solved(plan, tmp_path / f"{len(chosen)}-parts", 3)
        together, _ = frames_of(plan, state, list(plan.outputs), Chains())
        without = replace(plan, stages=plan.stages[:-1])
        assert not torch.equal(together, frames_of(without, state, list(plan.outputs), Chains())[0])
        for outputs in plan.outputs.split(11):
            part, _ = frames_of(plan, again, list(outputs), Chains())
            assert torch.equal(part, together[outputs.start : outputs.stop])


def test_a_freeze_gets_new_grain_in_every_frame_and_every_chunk_its_own_key(grainy: Pictures, tmp_path: Path) -> None:
    media = write_clip(tmp_path / "clip.mkv", grainy, Fraction(16))
    frozen = whole(media, start=Fraction(2, 16), duration=Fraction(6), speed=Fraction(0))
    keys = {}
    for name in ("interpolate", "regrain"):
        stages = (StageSettings("interpolate", {"rate": "16", "model": "blend"}), StageSettings("regrain"))
        plan = planned(frozen, media, Recipe(stages[: 1 + (name == "regrain")], Delivery("ffv1")))
        state, result = solved(plan, tmp_path / name)
        keys[name] = [chunk.key for chunk in result.chunks]
    assert len(set(keys["interpolate"])) == 1
    assert len(set(keys["regrain"])) == len(keys["regrain"]) > 1
    first, second = frames_of(plan, state, [0, 1], Chains())[0]
    assert not torch.equal(first, second)
