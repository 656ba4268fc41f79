"""True times of the frames of a scene, in source frames: even where a steady rate explains which frames repeat."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_HALF = Fraction(1, 2)
_PATTERN = 4
"""Repeats that make a pattern even if it does not come round twice."""


@dataclass(frozen=True)
class Entry:
    """A frame that is kept, with the rows it was shown for."""

    row: int
    shown: int
    """Rows until the next entry of the scene."""
    held: bool = False
    """Part of a held picture: its time stays as shown."""


@dataclass(frozen=True)
class Steady:
    """A rate that explains the entries around one of them."""

    step: Fraction
    """Source frames between film frames."""
    time: Fraction
    """Where that puts the entry, in source frames."""


def true_times(entries: list[Entry], reach: int, at_wall: bool) -> list[tuple[Fraction, Fraction | None]]:
    """Time in source frames of each entry of one scene, and the steady step found there (None: as shown).

    A time lies within half a source frame of the rows in which its frame was shown, so that times increase, and at
    most one after the first of them. Only entries within ``reach`` rows count. ``at_wall``: the scene begins with a
    cut, which stays where it was shown.
    """
    times: list[tuple[Fraction, Fraction | None]] = []
    for index, entry in enumerate(entries):
        steady = None if entry.held else _steady(entries, index, reach)
        exact = index == 0 and at_wall
        if steady is None or exact:
            times.append((Fraction(entry.row), steady.step if steady else None))
        else:
            times.append((_within(entry, steady.time), steady.step))
    return times


def _within(entry: Entry, time: Fraction) -> Fraction:
    """Half-open corridors of neighbours meet and do not overlap: this keeps times strictly increasing."""
    low, high = entry.row - _HALF, entry.row + entry.shown - _HALF - Fraction(1, 1024)
    return max(low, min(time, high, Fraction(entry.row + 1)))


def _steady(entries: list[Entry], index: int, reach: int) -> Steady | None:
    """The widest neighbourhood (reach, half, a quarter of it) that one rate explains."""
    for radius in (reach, reach // 2, reach // 4):
        near = _neighbours(entries, index, radius)
        if len(near) >= 4 and (found := _explain(near, index)) is not None:
            return found
    return None


def _neighbours(entries: list[Entry], index: int, radius: int) -> list[tuple[int, int]]:
    """(index, row) of the entries within ``radius`` rows, up to the first hold on either side. The first entry of a
    scene is left out: what it shows began before the cut."""
    row = entries[index].row
    first = last = index
    while first > 1 and row - entries[first - 1].row <= radius and not entries[first - 1].held:
        first -= 1
    while last + 1 < len(entries) and entries[last + 1].row - row <= radius and not entries[last + 1].held:
        last += 1
    return [(i, entries[i].row) for i in range(max(1, first), last + 1)]


def _explain(near: list[tuple[int, int]], index: int) -> Steady | None:
    """The simplest rate for which every row is its film frame's time rounded up. The times it gives lie in the middle
    of what that allows. One repeat by itself is an accident and no rate: the pattern shows twice, or has four repeats.
    """
    gaps = {after - row for (_, row), (_, after) in pairwise(near)}
    if len(gaps) == 1:
        step = Fraction(gaps.pop())
        return Steady(step, near[0][1] + (index - near[0][0]) * step)
    bounds = _step_bounds(near)
    if bounds is None:
        return None
    step = simplest_between(*bounds)
    late = [row * step.denominator - i * step.numerator for i, row in near]
    repeats = near[-1][1] - near[0][1] - (len(near) - 1)
    if max(late) - min(late) >= step.denominator or (len(near) < 2 * step.denominator and repeats < _PATTERN):
        return None
    return Steady(step, index * step + Fraction(max(late) + min(late), 2 * step.denominator))


def _step_bounds(near: list[tuple[int, int]]) -> tuple[Fraction, Fraction] | None:
    """Open bounds of the steps for which each row is the first at or after its film frame: rows i and j differ from
    (j - i) steps by less than one. Floats only find the pair; quotients of such small numbers do not tie falsely."""
    index, row = np.array(near).T
    earlier, later = _pairs_of(len(near))
    steps, rows = index[later] - index[earlier], row[later] - row[earlier]
    lowest, highest = int(np.argmax((rows - 1) / steps)), int(np.argmin((rows + 1) / steps))
    low = Fraction(int(rows[lowest]) - 1, int(steps[lowest]))
    high = Fraction(int(rows[highest]) + 1, int(steps[highest]))
    return (low, high) if low < high else None


@lru_cache(maxsize=256)
def _pairs_of(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(count, 1)


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the smallest denominator strictly between (Stern and Brocot)."""
    whole = low.numerator // low.denominator
    if whole + 1 < high:
        return Fraction(whole + 1)
    if low == whole:
        return whole + Fraction(1, int(1 / (high - whole)) + 1)
    return whole + 1 / simplest_between(1 / (high - whole), 1 / (low - whole))
