"""Which rows repeat the row before. A repeat differs far less from its predecessor than the new frames on either
side of it do from theirs, in the grain as in what moves; how far less is learnt anew in every few seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_TWO_KINDS = 0.9
"""Contrast (natural log of energy ratios, summed) by which repeats and new frames must be apart at least."""
_ALONE = (1.8, 5.5)
"""Least and most contrast asked of a repeat where no two kinds show, as with one repeat a second."""
_IN_STEP, _HALF_IN_STEP, _OUT_OF_STEP = 0.4, 0.75, 1.4
"""Shares of the usual contrast asked where the rows a period before and after repeat, where one does, and none."""
_MOST = (4.0, 3.0, 2.0)
"""Beyond this the ratio of differences, of movement, of fresh grain says no more: the frames are identical."""
_LONGEST_PERIOD = 31
_CHANCE = 0.35
"""Share of the contradictions of chance that a pattern may have."""
_SIMPLER = 0.7
"""A longer period must contradict itself that much less."""
_STILL_GRAIN = 0.95
_STILL_MOVING = 1.5


@dataclass(frozen=True)
class Differences:
    """Of every row to the row before it, (n,) each; see ``pairs.PairLikeness``."""

    difference: Floats
    moving: Floats
    grain: Floats

    @classmethod
    def of(cls, measurements: Mapping[str, npt.NDArray[np.generic]]) -> Differences:
        return cls(*(measurements[name].astype(np.float64) for name in ("difference", "moving", "grain")))

    def rows(self, start: int, stop: int) -> Differences:
        return Differences(self.difference[start:stop], self.moving[start:stop], self.grain[start:stop])


def find_repeats(scene: Differences, reach: int, longest: int, sensitivity: float) -> Flags:
    """(n,) for the n rows of one scene; the first is never a repeat.

    ``reach`` rows on either side decide what is usual here; a new frame comes after ``longest`` repeats at most,
    unless the picture is held.
    """
    count = len(scene.difference)
    if count < 2:
        return np.zeros(count, dtype=bool)
    body = scene.rows(1, count)
    contrast, likely = _contrast(body, longest + 1)
    needed = np.array([_threshold(contrast[max(0, r - reach) : r + reach + 1]) for r in range(count - 1)]) / sensitivity
    needed[[0, -1]] *= _OUT_OF_STEP  # seen from one side only
    found = (contrast >= needed) & likely
    in_step = _pattern(found, reach)
    found &= (in_step != 0) | (contrast >= _OUT_OF_STEP * needed)
    found |= (contrast >= _IN_STEP * needed) & (in_step == 2)
    found |= (contrast >= _HALF_IN_STEP * needed) & (in_step == 1)
    for row in np.flatnonzero((in_step > 0) & ~found):
        found[row] = _like_repeats(body, found, int(row), reach)
    return np.concatenate(([False], found | _still(body)))


def _contrast(body: Differences, reach: int) -> tuple[Floats, Flags]:
    """How much less than its surroundings each row differs, and whether grain and movement agree on it."""
    fine, rough, fresh = _parts(body)
    around = [_around(values, reach) for values in (fine, rough, fresh)]
    contrast = np.zeros(len(fine))
    for values, near, most in zip((fine, rough, fresh), around, _MOST, strict=True):
        contrast += np.clip(np.log(near / values), -1, most)
    clean = around[0] < 0.5
    return contrast, (clean | (fine < 0.7 * around[0])) & (rough < 0.95 * around[1])


def _parts(body: Differences) -> tuple[Floats, Floats, Floats]:
    """Energies of the difference and of movement, and the share of fresh grain, kept off zero."""
    return body.difference + 0.05, (body.moving + 0.3) ** 2, 1.03 - body.grain


def _around(values: Floats, reach: int) -> Floats:
    """The smaller of the largest values within ``reach`` rows before and after: what a new frame differs by here,
    whether things begin to move or come to rest. At the ends of a scene the one side there is."""
    padded = np.concatenate((np.full(reach, -np.inf), values, np.full(reach, -np.inf)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach)
    before, after = windows[: len(values)].max(axis=1), windows[reach + 1 :].max(axis=1)
    both = np.where(np.isinf(before), after, np.where(np.isinf(after), before, np.minimum(before, after)))
    return np.asarray(np.where(np.isinf(both), values, both))


def _threshold(near: Floats) -> float:
    """Between the two kinds of rows by Otsu's split (1979); far outside of the one kind where there is one."""
    order = np.sort(near)
    count = len(order)
    if count < 4:
        return _ALONE[1]
    sizes = np.arange(1, count)
    sums = np.cumsum(order)
    low, high = sums[:-1] / sizes, (sums[-1] - sums[:-1]) / (count - sizes)
    split = int(np.argmax(sizes * (count - sizes) * (high - low) ** 2)) + 1
    apart = float(high[split - 1] - low[split - 1])
    middle = float(high[split - 1] + low[split - 1]) / 2
    valley = np.mean(np.abs(order - middle) < 0.2 * apart)
    two = apart >= _TWO_KINDS and valley <= 0.1 and apart >= 2 * (order[:split].std() + order[split:].std())
    if two:
        return middle
    usual = float(np.median(near))
    return float(np.clip(usual + 9 * np.median(np.abs(near - usual)), *_ALONE))


def _pattern(found: Flags, reach: int) -> npt.NDArray[np.int8]:
    """How many of the rows one period before and after repeat (0, 1, 2; a missing one counts as the other); -1 where
    there is no pattern. The period is the one that contradicts itself least in the rows around, if it does so far
    less than chance would."""
    share = _mean(found.astype(np.float64), reach)
    best = _CHANCE * 2 * share * (1 - share)
    in_step = np.full(len(found), -1, dtype=np.int8)
    for period in range(2, min(_LONGEST_PERIOD, len(found) // 2) + 1):
        known = np.arange(len(found)) >= period
        before, after = np.roll(found, period), np.roll(found, -period)
        contradiction = _mean(known & (found != before), reach) / np.maximum(_mean(known, reach), 1e-9)
        contradiction[_mean(known, reach) < 0.5] = 1
        before, after = np.where(known, before, after), np.where(known[::-1], after, before)
        better = contradiction < best
        in_step = np.where(better, before.astype(np.int8) + after, in_step)
        best = np.where(better, _SIMPLER * contradiction, best)
    return in_step


def _like_repeats(body: Differences, found: Flags, row: int, reach: int) -> bool:
    """Whether all that is measured is nearer to the repeats around than to the new frames."""
    near = slice(max(0, row - reach), row + reach + 1)
    again = found[near]
    for values in (np.log(part[near]) for part in _parts(body)):
        repeat, new = np.median(values[again]), np.median(values[~again])
        if new - repeat < 0.5 * _TWO_KINDS or values[row - near.start] > (repeat + new) / 2:
            return False
    return True


def _mean(values: Floats | Flags, reach: int) -> Floats:
    """Moving average over ``reach`` rows on either side, of the rows there are."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    rows = np.arange(len(values))
    first, last = np.maximum(rows - reach, 0), np.minimum(rows + reach + 1, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))


def _still(body: Differences) -> Flags:
    """Held pictures: the grain itself stands still and nothing moves, whatever the rows around do."""
    return (body.grain > _STILL_GRAIN) & (body.moving < _STILL_MOVING)
