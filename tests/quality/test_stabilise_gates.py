"""What stabilise must reach, on aged clips with known truth and on film of 1903 and 1906. Numbers are printed (-s)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import islice

import numpy as np
import pytest

from resilver_server.lab import damage
from resilver_server.lab.age import AgedFrame, AgeSettings, age
from resilver_server.lab.measure import psnr
from resilver_server.lab.pictures import Image, to_grey
from resilver_server.stages.stabilise import path, run
from support.flicker import clock_of, distinct, movie, pictures, stacked
from support.shared import footage
from support.weave import DEFAULT, Array, deviation, fast, measured, panned, places, rendered, solved, stabilised

AGE = replace(AgeSettings(), lost=0, repeated=0)
RATE = Fraction(24)


def aged(frames: list[Image], weave: float, seed: int) -> list[AgedFrame]:
    """Aged by everything, with so many pixels of weave."""
    return list(age(frames, replace(AGE, weave=weave / frames[0].shape[-2]), seed))


def people(count: int, width: int) -> list[Image]:
    """A camera that stands, people who walk."""
    return movie(footage("colour", "one-by-one-person-detection.mp4"), count, width, 300)


def bunny() -> Image:
    return movie(footage("colour", "bigbuckbunny.mp4"), 1, 1280)[0]


def steps_of(frames: list[Image]) -> Array:
    return np.array([row["step"][:2] for row in measured(frames)], np.float64)[1:]


@pytest.mark.parametrize("clip", ["people walking", "a meadow", "a pan"])
def test_motion_is_measured_within_a_tenth_of_a_pixel(clip: str) -> None:
    course = np.zeros((24, 2))
    if clip == "people walking":
        frames = people(24, 768)
    else:
        course = np.outer(np.arange(24), [6.37, -1.81]) if clip == "a pan" else course
        frames = panned(bunny(), course - np.array([320, 60]), 270, 480)
    film = aged(frames, 1.0, 7)
    error = steps_of([f.frame for f in film]) - np.diff(course + places(film), axis=0)
    print(clip, "r.m.s.", np.sqrt((error**2).mean(axis=0)).round(3), "largest", np.abs(error).max().round(3))
    assert deviation(error) < 0.1


def test_weave_faster_than_two_hertz_goes() -> None:
    film = aged(people(96, 384), 1.0, 3)
    frames, truth = [f.frame for f in film], places(film)
    clock = clock_of(96, RATE)
    moves = np.asarray(solved(frames, clock, RATE)["move"], np.float64)[:, :2]
    before, after = (deviation(fast(course, RATE)) for course in (truth, truth + moves))
    print(
        "above 2 Hz:", round(before, 3), "to", round(after, 3), "all:", truth.std(axis=0), (truth + moves).std(axis=0)
    )
    assert before > 0.3
    assert after < 0.1


def pan(count: int) -> Array:
    """Rest, an even pan of 4 pixels a frame, rest."""
    place = 4.0 * np.clip(np.arange(count) - 32, 0, 64)
    return np.stack([-place, place / 8], axis=1)


@pytest.mark.parametrize("weave", [0.0, 0.3])
def test_a_pan_is_kept(weave: float) -> None:
    """Measured from aged pictures; 0.3 pixel is what the laboratory puts into frames of this size by itself."""
    course = pan(112)
    film = aged(panned(bunny(), course - np.array([10, 120]), 180, 320), weave, 2)
    frames, truth = [f.frame for f in film], course + places(film)
    moves = np.asarray(solved(frames, clock_of(112, RATE), RATE)["move"], np.float64)[:, :2]
    off = truth + moves - course
    off -= off.mean(axis=0)
    print(
        "weave", weave, "off by", deviation(off), "at most", np.abs(off).max(), "above 2 Hz", deviation(fast(off, RATE))
    )
    assert deviation(off) < 0.5
    assert deviation(fast(off, RATE)) < 0.1
    if not weave:
        assert np.abs(off).max() < 0.5


def travelled(time: Array, start: float, stop: float, speed: float, soft: float) -> Array:
    """Where an even pan of ``speed`` pixels a second has got to, which takes ``soft`` seconds to start and to stop."""

    def lasting(since: Array) -> Array:
        begun = np.clip(since, 0, soft)
        return begun**2 / (2 * soft) + np.maximum(since - soft, 0)

    return np.asarray(speed * (lasting(time - start) - lasting(time - stop + soft)), np.float64)


def scripted(time: Array) -> dict[str, Array]:
    """Ten seconds each, (n, 2)."""
    even = travelled(time, 2.5, 5.5, 96, 0.3)
    eased = travelled(time, 2.5, 6.5, 80, 1.0)
    up = travelled(time, 2, 4, 60, 0.3) - travelled(time, 6, 8, 60, 0.3)
    return {
        "standing": np.zeros((len(time), 2)),
        "even, starts in 0.3 s": np.stack([-even, 0 * even], axis=1),
        "eased, starts in 1 s": np.stack([eased, 0 * eased], axis=1),
        "up and down": np.stack([0 * up, up], axis=1),
        "diagonal": np.stack([-even, 0.6 * even], axis=1),
        "all the time": np.stack([-50 * time, 12 * time], axis=1),
    }


def left_of(courses: list[Array], rate: int, weave: float, seeds: range) -> list[Array]:
    """For each course (n, 2) what is left of ``weave`` pixels, by all seeds one after the other, (seeds, n, 2). Solved
    together, as pieces of one film."""
    count, pieces = len(courses[0]), len(courses) * len(seeds)
    shaken, given = [], []
    for course in courses:
        for seed in seeds:
            rng = np.random.default_rng([seed, rate])
            walk = damage.walk(rng, (2,), weave, AGE.weave_memory)
            shaken.append(np.array(list(islice(walk, count)), np.float64))
            off = rng.normal(0, 0.03, (count, 2)) * (weave > 0)
            given.append(np.diff(course + shaken[-1], axis=0, prepend=np.zeros((1, 2))) + off)
    times = np.concatenate([np.arange(count) / rate + 20 * k for k in range(pieces)])
    numbers = np.repeat(np.arange(pieces), count)
    moves = path.corrections(np.concatenate(given), times, numbers, float(rate), DEFAULT.window)
    left = np.array(shaken) + moves.reshape(pieces, count, 2)
    left -= left.mean(axis=1, keepdims=True)
    return np.split(left, len(courses))


@cache
def left_of_pans(rate: int) -> dict[str, tuple[float, float]]:
    """Pixels off the script, and of it above 2 Hz, over 16 films each. Told from courses alone, with what measuring
    adds. Three quarters of the laboratory's weave are slower than 2 Hz, and are nearly all that is left."""
    pans = scripted(np.arange(10 * rate) / rate)
    found = {}
    for name, left in zip(pans, left_of(list(pans.values()), rate, 1.0, range(40, 56)), strict=True):
        off, quick = left.reshape(-1, 2), np.concatenate([fast(each, Fraction(rate)) for each in left])
        found[name] = deviation(off), deviation(quick)
        print(f"{rate} {name}: off by {deviation(off):.3f}, at most {np.abs(off).max():.2f}; ", end="")
        print(f"above 2 Hz {deviation(quick):.3f}")
    return found


RATES = pytest.mark.parametrize("rate", [16, 18, 24, 25])
TURNS = "up and down"


@RATES
def test_of_a_pixel_of_weave_little_is_left_above_two_hertz(rate: int) -> None:
    assert max(quick for _, quick in left_of_pans(rate).values()) < 0.1


@RATES
def test_pans_under_a_pixel_of_weave_are_kept(rate: int) -> None:
    assert max(off for name, (off, _) in left_of_pans(rate).items() if name != TURNS) < 0.5


@RATES
def test_pans_that_turn_back_come_out_much_as_they_were(rate: int) -> None:
    assert left_of_pans(rate)[TURNS][0] < 0.65


@RATES
@pytest.mark.xfail(reason="0.5 to 0.6 pixel, as what knows the weave and the kind of pan: decision 1101", strict=False)
def test_pans_that_turn_back_are_kept(rate: int) -> None:
    assert left_of_pans(rate)[TURNS][0] < 0.5


@pytest.mark.parametrize("rate", [16, 24])
def test_pans_without_weave_are_left_alone(rate: int) -> None:
    pans = scripted(np.arange(10 * rate) / rate)
    for name, left in zip(pans, left_of(list(pans.values()), rate, 0.0, range(1)), strict=True):
        print(f"{rate} {name}: at most {np.abs(left).max():.3f}")
        assert np.abs(left).max() <= 0.05


def test_a_pan_that_starts_at_once_is_kept() -> None:
    """From rest to 4 pixels a frame between two frames, which no camera does, under a pixel of weave."""
    (left,) = left_of([pan(160)], 24, 1.0, range(40, 48))
    off, quick = deviation(left.reshape(-1, 2)), deviation(np.concatenate([fast(each, RATE) for each in left]))
    print(f"at once: off by {off:.3f}, at most {np.abs(left).max():.2f}; above 2 Hz {quick:.3f}")
    assert off < 0.5
    assert quick < 0.1


@pytest.mark.parametrize("shift", range(4))
def test_a_slow_pan_is_no_straight_line_through_its_rests(shift: int) -> None:
    """Half a pixel a frame for a second, beside two pixels a frame: over the slower way the whole is bettered, not
    harmed. Doing nothing is off by 0.9 pixel."""
    way = travelled(np.arange(64) / 24, 0.7 + shift / 20, 1.9 + shift / 20, 48, 0.25)
    (left,) = left_of([np.stack([-way, -way / 4], axis=1)], 24, 1.0, range(60, 66))
    print("off by", np.sqrt((left**2).mean(axis=(0, 1))).round(3))
    assert deviation(left.reshape(-1, 2)) < 0.75


@pytest.mark.parametrize("speed", [0.0, 30.0])
def test_splices_out_of_register_and_frames_that_jump(speed: float) -> None:
    """6 pixels up or down for one frame, for four, and for good, at rest and while the camera pans."""
    time = np.arange(120) / 24
    course = travelled(time, 1, 4, speed, 0.3)
    worst = 0.0
    for start, stop in ((60, 61), (60, 64), (60, 120), (1, 2), (119, 120), (30, 120)):
        for size in (6.0, -6.0):
            jump = np.zeros(120)
            jump[start:stop] = size
            rng = np.random.default_rng(start)
            steps = np.diff(course + jump, prepend=0.0) + rng.normal(0, 0.02, 120)
            moves = path.corrections(steps[:, None], time, np.zeros(120, np.int64), 24.0, DEFAULT.window)[:, 0]
            off = jump + moves
            worst = max(worst, float(np.abs(off - np.median(off)).max()))
    print("speed", speed, "off by at most", round(worst, 3))
    assert worst < 0.3


def test_starts_and_stops_do_not_lag() -> None:
    """Without weave the smooth course is the pan, corners and all; with it time may as well run backwards."""
    rng = np.random.default_rng(0)
    course = pan(157)
    times, pieces = np.arange(157) / 24, np.zeros(157, np.int64)
    steps = np.diff(course, axis=0, prepend=course[:1])
    assert np.abs(path.corrections(steps, times, pieces, 24.0, 2.0)).max() < 0.01
    place = course + rng.normal(0, 0.5, (157, 2))
    forwards, backwards = (np.diff(way, axis=0, prepend=way[:1]) for way in (place, place[::-1]))
    moves = path.corrections(forwards, times, pieces, 24.0, 2.0)
    assert np.abs(moves).max() > 0.5
    assert np.allclose(path.corrections(backwards, times, pieces, 24.0, 2.0)[::-1], moves, atol=0.1)


def test_nothing_wanders_off() -> None:
    """Over what is seen together moves come to nothing: the mean of the place is that of the smooth course. Over less
    they take slow weave out, so there what is left of it counts."""
    film = aged(people(96, 192), 1.0, 5)
    moves = np.asarray(solved([f.frame for f in film], clock_of(96, RATE), RATE)["move"], np.float64)[:, :2]
    left = places(film) + moves
    means = np.array([left[k : k + 49].mean(axis=0) for k in range(48)]) - left.mean(axis=0)
    print("mean move over 4 s", moves.mean(axis=0), "mean of what is left over 2 s at most", np.abs(means).max())
    assert np.abs(moves.mean(axis=0)).max() < 0.1
    assert np.abs(means).max() < 0.35


def test_a_moved_frame_is_as_sharp_as_before() -> None:
    clean = [to_grey(frame) for frame in people(12, 768)]
    settings = replace(
        AGE, weave=1.0 / clean[0].shape[-2], flicker_gain=0, flicker_gamma=0, flicker_local=0, dirt=0, scratches=0
    )
    film = list(age(clean, replace(settings, noise=0, recompression=0), 9))
    frames = [f.frame for f in film]
    sharpness = [
        float(np.mean([np.diff(f[1], axis=axis).std() for f in clip for axis in (0, 1)]))
        for clip in (frames, stabilised(frames, RATE))
    ]
    print("gradients", sharpness)
    assert sharpness[1] > 0.96 * sharpness[0]


def test_edges_are_filled_with_what_was_there() -> None:
    """A standing scene whose surroundings are known, seen through a smaller gate."""
    clean = [to_grey(bunny()[:, 100:280, 300:620])] * 32
    settings = replace(AGE, weave=1.5 / 180, dirt=0, scratches=0, grain=0.01, flicker_local=0)
    film = list(age(clean, settings, 4))
    frames = [cut_out(f.frame, 10) for f in film]
    clock = clock_of(32, RATE)
    state = solved(frames, clock, RATE)
    moves = np.asarray(state["move"], np.float64)[:, :2]
    scores: dict[str, float] = {}
    for edges in ("fill", "black"):
        results = rendered(frames, clock, state, replace(DEFAULT, edges=edges))
        known = [
            damage.apply_flicker(cut_out(damage.shift(f.clean, *place), 10), f.flicker)
            for f, place in zip(film, places(film) + moves, strict=True)
        ]
        scores[edges] = float(np.mean([psnr(rim(a), rim(b)) for a, b in zip(results, known, strict=True)]))
    print("PSNR in a rim of 4 pixels:", scores)
    assert scores["fill"] > scores["black"] + 6
    assert scores["fill"] > 28


def cut_out(frame: Image, margin: int) -> Image:
    return np.ascontiguousarray(frame[:, margin:-margin, margin:-margin])


def rim(frame: Image) -> Image:
    inside = np.zeros(frame.shape[-2:], bool)
    inside[4:-4, 4:-4] = True
    return np.ascontiguousarray(frame[:, ~inside])[:, None]


@pytest.mark.parametrize("name", ["great_train_robbery_1903", "san_francisco_fire_1906"])
def test_real_film_is_steadier(name: str) -> None:
    frames, rate = pictures(footage("film", name))[:32], Fraction(16)
    clock = clock_of(len(frames), rate, frames=distinct(frames))
    state = run.solve(stacked(measured(frames)), clock, rate, DEFAULT)
    shown = [[frames[k] for k in clock.frames], rendered(frames, clock, state)]
    before, after = (deviation(fast(np.cumsum(steps_of(clip), axis=0), rate)) for clip in shown)
    print(name, "above 2 Hz, pixels:", round(before, 3), "to", round(after, 3))
    assert before > 0.4
    assert after < before / 4
