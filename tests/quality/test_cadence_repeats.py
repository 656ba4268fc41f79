"""Repeats made after grain and before weave, transfer noise and recompression are found; held cameras are not."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from support.cadences import measured, repeats_found, solved, tally
from support.shared import footage
from support.transfers import Bytes, Pictures, Transfer, pulled, read_luma, recompress, still_scene, transfer

SIZE = (320, 180)
COUNT = 60

CASES = [
    ("one-by-one-person-detection.mp4", 16, Transfer(rate=24, crf=23)),
    ("one-by-one-person-detection.mp4", 8, Transfer(rate=25, crf=20)),
    ("bigbuckbunny.mp4", 18, Transfer(rate=25, crf=18)),
    ("bigbuckbunny.mp4", 12, Transfer(rate=24, crf=23, grain=4, noise=3)),
    ("flower.mp4", 16, Transfer(rate=24, crf=23, weave=1.5)),
    ("flower.mp4", 24, Transfer(rate=30, crf=18)),
]


@pytest.mark.parametrize(("clip", "real", "how"), CASES, ids=lambda value: str(value)[:24])
def test_repeats_are_found(clip: str, real: int, how: Transfer) -> None:
    shown = pulled(real, how.rate, COUNT)
    film = read_luma(footage("colour", clip), max(shown) + 1, SIZE, start=5)
    cadence = solved(measured(transfer(film, shown, how)), how.rate)
    found = tally(shown, cadence)
    assert found.precision > 0.98, found
    assert found.recall > 0.98, found
    assert cadence.findings.rates[0][0] == real
    assert cadence.findings.cuts == ()


@pytest.mark.parametrize("crf", [18, 23])
def test_a_held_camera_on_a_still_scene_is_no_repeat(crf: int) -> None:
    shown = list(range(COUNT))
    cadence = solved(measured(transfer(still_scene(COUNT, SIZE), shown, Transfer(crf=crf, grain=5))), 24)
    assert repeats_found(cadence) == [False] * COUNT
    assert cadence.clock.times == tuple(Fraction(i, 24) for i in range(COUNT))


def test_real_frames_without_repeats_stay() -> None:
    """People walk into an empty scene and out of it: movement comes and goes, the grain is always new."""
    shown = list(range(COUNT))
    film = read_luma(footage("colour", "one-by-one-person-detection.mp4"), COUNT, SIZE, start=40)
    cadence = solved(measured(transfer(film, shown, Transfer(crf=20))), 24)
    assert repeats_found(cadence) == [False] * COUNT


def test_repeats_in_a_still_scene_are_found_by_their_grain() -> None:
    shown = pulled(18, 24, COUNT)
    film = still_scene(max(shown) + 1, SIZE)
    found = tally(shown, solved(measured(transfer(film, shown, Transfer(crf=20))), 24))
    assert (found.precision, found.recall) == (1, 1)


def test_a_frozen_picture_keeps_its_length() -> None:
    """Two seconds of film, a picture held for two seconds, film again: film is left alone, and what moves after the
    hold begins when it did."""
    still = [35] * 48
    shown = [*range(36), *still, *range(36, 60)]
    film = read_luma(footage("colour", "flower.mp4"), 60, SIZE)
    cadence = solved(measured(transfer(film, shown, Transfer(noise=0, weave=0))), 24)
    times = dict(zip(cadence.clock.frames, cadence.clock.times, strict=True))
    assert len(times) <= 60 + 48 // 4
    assert times[83] == Fraction(83, 24)  # last of the hold
    assert times[84] == Fraction(84, 24)
    assert all(abs(time - Fraction(frame, 24)) <= Fraction(1, 24) for frame, time in times.items())


@pytest.mark.parametrize("held", [2, 3])
def test_drawings_held_for_two_or_three_frames(held: int) -> None:
    shown = [index // held for index in range(COUNT)]
    drawings = recompress(np.stack([_drawing(index) for index in shown]), 24, 20)
    cadence = solved(measured(drawings), 24)
    found = tally(shown, cadence)
    assert found.precision > 0.98
    assert found.recall > 0.98
    assert cadence.findings.rates == ((Fraction(24, held), COUNT // held),)


def _drawing(index: int) -> Bytes:
    """A flat figure that walks and waves in front of a fixed background without any grain."""
    picture = np.full((180, 320), 200, np.uint8)
    picture[150:] = 120
    cv2.rectangle(picture, (20, 20), (90, 150), 90, -1)
    x = 40 + 5 * index
    cv2.circle(picture, (x, 80), 18, 40, -1, cv2.LINE_AA)
    cv2.line(picture, (x, 98), (x, 150), 40, 8, cv2.LINE_AA)
    cv2.line(picture, (x, 110), (x + 30, 110 + 12 * (index % 5 - 2)), 40, 6, cv2.LINE_AA)
    return picture


def test_even_motion() -> None:
    """A pan of constant speed at 16 frames a second, put into 24: at true times it moves evenly, as shown it jerks."""
    shown = pulled(16, 24, COUNT)
    speed = 3.3
    film = _pan(max(shown) + 1, speed)
    cadence = solved(measured(transfer(film, shown, Transfer(crf=20))), 24)
    positions = np.array([speed * shown[frame] for frame in cadence.clock.frames])
    even = np.diff(positions) / np.diff([float(time) for time in cadence.clock.times])
    jerky = np.diff(positions) / np.diff([float(time) for time in cadence.shown.times])
    assert np.abs(even / (speed * 16) - 1).max() < 0.03
    assert np.abs(jerky / (speed * 16) - 1).max() > 0.2
    assert cadence.shown.times == tuple(Fraction(frame, 24) for frame in cadence.clock.frames)
    whole = (positions[-1] - positions[0]) / float(cadence.clock.times[-1] - cadence.clock.times[0])
    assert whole == pytest.approx(speed * 16, rel=0.01)


def _pan(count: int, speed: float) -> Pictures:
    width, height = SIZE
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (height, width + int(speed * count) + 8)).astype(np.float32)
    world = 120 + sum(a * b / b.std() for a, b in ((25, _soft(noise, 12)), (18, _soft(noise, 3))))
    moves = [np.array([[1, 0, -speed * index], [0, 1, 0]], dtype=np.float64) for index in range(count)]
    pictures = [cv2.warpAffine(world.astype(np.float32), move, SIZE, flags=cv2.INTER_CUBIC) for move in moves]
    return np.stack(pictures).clip(16, 235).astype(np.float32)


def _soft(noise: Bytes | Pictures, sigma: float) -> Pictures:
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), dtype=np.float32)


def test_repeats_of_a_real_transfer() -> None:
    """Chaplin, about 17 frames a second in 25; these were seen by eye in pictures of the differences."""
    film = read_luma(footage("film", "chaplin_1910s.mp4"), 70, (640, 360), start=50)
    cadence = solved(measured(film.astype(np.uint8)), 25)
    found = [50 + frame for frame, repeat in enumerate(repeats_found(cadence)) if repeat]
    assert [frame for frame in found if 76 <= frame < 100] == [76, 80, 83, 86, 89, 92, 95, 98]
    assert cadence.findings.rates[0][0] == pytest.approx(17, abs=0.1)
