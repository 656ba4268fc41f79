"""Dirt where it is hardest to tell: at the ends of shots, as hairs and splice marks, beside fast limbs. Figures are
printed (-s)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest

from resilver_server.lab.dirt_roc import Rates, changed, detection_at, rates, to_find
from resilver_server.lab.pictures import Image
from resilver_server.stages.repair.spec import RepairParameters
from support.dirt import Dirty, Flags, dirty, repaired
from support.flicker import movie
from support.hairs import with_hairs, with_splices
from support.roc import CLIPS
from support.shared import footage

DIRT = RepairParameters(lines=False, bursts=False)
COUNT = 10


@cache
def aged(name: str) -> Dirty:
    file, start = CLIPS[name]
    return dirty(movie(footage("colour", file), COUNT, 448, start), seed=12)


@pytest.mark.parametrize("name", list(CLIPS))
def test_the_first_and_the_last_frame_are_cleaned(name: str) -> None:
    clip, ends = aged(name), (0, COUNT - 1)
    results = dict(zip(ends, repaired(clip.frames, DIRT, only=ends), strict=True))
    found = rates((changed(results[k], clip.frames[k]), clip.truth(k), clip.dirt[k]) for k in ends)
    print(name, "first and last", found)
    assert found.found >= 0.8
    assert found.false <= 0.001


Drawn = tuple[list[Image], list[Flags]]


@pytest.mark.parametrize("name", list(CLIPS))
@pytest.mark.parametrize(
    "draw", [lambda f: with_hairs(f, 14), lambda f: with_splices(f, 15, (3, 6))], ids=["hairs", "splices"]
)
def test_hairs_and_splice_marks_are_found(name: str, draw: Callable[[Sequence[Image]], Drawn]) -> None:
    whole = aged(name).without
    given, places = draw(whole)
    inner = range(3, 7)
    results = repaired(given, DIRT, only=inner)
    found = rates(
        (changed(r, given[k]), to_find(given[k], whole[k], places[k]), _near(places[k]))
        for r, k in zip(results, inner, strict=True)
    )
    print(name, found)
    assert found.found >= 0.9
    assert found.false <= 0.001


def _near(place: Flags) -> Flags:
    """A pixel around as well: a hair is softened by what is read at other places."""
    padded = np.pad(place, 1)
    rows, columns = place.shape
    return np.logical_or.reduce([padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)])


def test_fast_limbs_are_no_dirt() -> None:
    """Chaplin at sixteen frames a second, which no flow follows: the frames that were eaten most."""
    frames = movie(footage("film", "chaplin_1910s.mp4"), 20, 640, 0)
    worst = (2, 5, 6, 9, 12, 15)
    results = repaired(frames, DIRT, only=worst)
    shares = [float(changed(result, frames[k]).mean()) for result, k in zip(results, worst, strict=True)]
    print("changed, %:", [round(100 * share, 3) for share in shares])
    assert max(shares) < 0.001


def test_rates_leave_out_the_border_and_faint_dirt() -> None:
    given, without = np.full((3, 8, 8), 0.5, np.float32), np.full((3, 8, 8), 0.5, np.float32)
    given[:, 3, 3], given[:, 3, 4], given[:, 0, 0] = 0.6, 0.53, 1.0
    dirt = (given != without).any(axis=0)
    truth = to_find(given, without, dirt)
    assert np.argwhere(truth).tolist() == [[0, 0], [3, 3]]
    result = without.copy()
    result[:, 4, 4] = 0.4
    found = rates([(changed(result, given), truth, dirt)])
    assert found == Rates(1.0, 1 / 14)
    assert rates([]) == Rates(1.0, 0.0)


def test_detection_is_read_off_between_the_settings_of_a_sweep() -> None:
    curve = [Rates(0.9, 0.001), Rates(0.95, 0.003), Rates(0.8, 0.002)]
    assert detection_at(curve, (0.0, 0.0005, 0.001, 0.002, 0.5)) == pytest.approx((0, 0.45, 0.9, 0.925, 0.95))
    assert detection_at([Rates(0.4, 0.0)], (0.0, 1.0)) == (0.4, 0.4)
    assert detection_at([], (0.1,)) == (0.0,)
