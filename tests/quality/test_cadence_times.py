"""True times: arithmetic that holds for any pattern of repeats."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilver_server.stages.cadence.cuts import THUMBNAIL
from resilver_server.stages.cadence.run import scene_entries
from resilver_server.stages.cadence.spec import CadenceParameters
from resilver_server.stages.cadence.times import simplest_between, true_times
from support.cadences import repeats_found, solved
from support.transfers import pulled, repeats_of

RATE = 24
LONGEST = 3


def times_of(repeated: list[bool], at_wall: bool = False) -> tuple[list[int], list[Fraction]]:
    entries = scene_entries(np.array(repeated), 0, len(repeated), LONGEST)
    times = true_times(entries, 2 * RATE, at_wall)
    return [entry.row for entry in entries], [time for time, _ in times]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=160), st.booleans())
def test_times_increase_and_stay_where_they_were_shown(repeats: list[bool], at_wall: bool) -> None:
    rows, times = times_of([False, *repeats], at_wall)
    assert all(a < b for a, b in pairwise(times))
    assert all(abs(time - row) <= 1 for row, time in zip(rows, times, strict=True))
    assert not at_wall or times[0] == 0


@pytest.mark.parametrize(
    ("real", "rate"), [(16, 24), (18, 24), (18, 25), (24, 25), (24, 30), (12, 24), (8, 25), (6, 24)]
)
@pytest.mark.parametrize("phase", [0.0, 0.4])
def test_a_steady_rate_is_even(real: int, rate: int, phase: float) -> None:
    shown = pulled(real, rate, 10 * rate, phase)
    rows = scene_entries(np.array(repeats_of(shown)), 0, len(shown), 4)
    times = [time for time, _ in true_times(rows, 2 * rate, at_wall=False)]
    steps = np.diff([float(time) for time in times])
    assert steps[1:-1] == pytest.approx(rate / real, rel=0.02)
    assert np.abs(np.array(times, dtype=float) - [entry.row for entry in rows]).max() <= 1


@given(st.integers(1, 200))
@settings(max_examples=20, deadline=None)
def test_frames_without_repeats_keep_their_exact_times(count: int) -> None:
    rows, times = times_of([False] * count)
    assert times == [Fraction(row) for row in rows] == [Fraction(i) for i in range(count)]


def test_one_accidental_repeat_makes_no_rate() -> None:
    repeats = [False] * 120
    repeats[60] = True
    rows, times = times_of(repeats)
    assert times == [Fraction(row) for row in rows]


def test_a_hold_keeps_its_first_and_last_frame() -> None:
    repeats = [False] * 10 + [True] * 20 + [False] * 10
    rows, times = times_of(repeats)
    assert rows == [*range(10), 29, *range(30, 40)]
    assert times == [Fraction(row) for row in rows]


@given(st.fractions(0, 50), st.fractions(Fraction(1, 1000), 3))
@settings(max_examples=100, deadline=None)
def test_the_simplest_fraction_is_the_simplest(low: Fraction, width: Fraction) -> None:
    high = low + width
    found = simplest_between(low, high)
    assert low < found < high
    for denominator in range(1, found.denominator):
        assert int(low * denominator) + 1 >= high * denominator


def synthetic(repeats: list[bool], seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Measurements as of a grainy film: new frames differ about a hundred times more than repeats."""
    rng = np.random.default_rng(seed)
    count, again = len(repeats), np.array(repeats)
    spread = np.exp(rng.normal(0, 0.3, (2, count)))
    return {
        "change": rng.uniform(1, 6, count).astype(np.float32),
        "difference": (np.where(again, 0.2, 20) * spread[0]).astype(np.float32),
        "moving": (np.where(again, 0.8, 8) * spread[1]).astype(np.float32),
        "grain": np.where(again, 0.98, 0.1).astype(np.float32),
        "shift": np.zeros((count, 2), np.float32),
        "thumb": rng.integers(0, 255, (count, *THUMBNAIL)).astype(np.uint8),
    }


def test_ten_changed_frames_do_not_travel() -> None:
    """What the solve says about a frame depends on the seconds around it only."""
    shown = pulled(16, RATE, 40 * RATE)
    before = synthetic(repeats_of(shown))
    after = {name: values.copy() for name, values in before.items()}
    edited = slice(20 * RATE, 20 * RATE + 10)
    for name, value in (("difference", 30), ("moving", 12), ("grain", 0)):
        after[name][edited] = value
    old, new = (
        dict(zip(c.clock.frames, c.clock.times, strict=True)) for c in (solved(before, RATE), solved(after, RATE))
    )
    changed = [frame for frame in {*old, *new} if old.get(frame) != new.get(frame)]
    assert changed
    assert min(changed) > 12 * RATE
    assert max(changed) < 28 * RATE


def test_repeats_can_be_kept() -> None:
    repeats = repeats_of(pulled(16, RATE, 60))
    cadence = solved(synthetic(repeats), RATE, CadenceParameters(repeats="keep"), start=7)
    assert cadence.clock.frames == tuple(range(7, 67))
    assert cadence.clock.times == tuple(Fraction(frame, RATE) for frame in range(7, 67))


def test_nothing_repeats_across_a_cut() -> None:
    repeats = repeats_of(pulled(16, RATE, 96))
    cadence = solved(synthetic(repeats), RATE, CadenceParameters(cut_list="49"))
    assert repeats[49]
    assert not repeats_found(cadence)[49]
    wall = cadence.clock.walls[0]
    assert cadence.clock.frames[wall] == 49
    assert cadence.clock.times[wall] == Fraction(49, RATE)


def test_seconds_stay_seconds() -> None:
    rate = Fraction(24000, 1001)
    repeats = repeats_of(pulled(18, 24, 240))
    cadence = solved(synthetic(repeats), rate)
    assert abs(cadence.clock.times[-1] - cadence.clock.frames[-1] / rate) <= 1 / rate
    assert all(isinstance(time, Fraction) for time in cadence.clock.times)
    assert cadence.findings.rates[0][0] == rate * Fraction(3, 4)
