"""Piecewise straight courses through noisy ones: l1 trend filtering, many short courses at a time.

Minimises  sum rho((v - s) / noise) + strength * sum |bend of s| / noise  over s, after Kim, Koh, Boyd and
Gorinevsky, "l1 Trend Filtering", SIAM Review 51(2), 2009, with Huber's rho, by iteratively reweighted least squares.
Fades, which are straight lines, are kept at any slope, with their corners; what swings about a line is left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_ROUNDS = 24
_OUTLYING = 2.0
"""Deviations from which a value counts less (Huber)."""
_TINY = 1e-9
_FINEST = 1e-3
"""Bends below this many deviations of the noise are as good as none."""


def straightened(
    value: Array,
    known: Flags,
    delay: Array,
    scale: Array,
    noise: Array,
    strength: float,
    outlying: float = _OUTLYING,
) -> Array:
    """(n, width) the course nearest to ``value`` that seldom bends.

    (n, width) each: ``value``; ``known``; ``delay`` in usual frame times, increasing where known; ``scale``, the
    deviation of each value in units of ``noise``, which is (n,) and above 0. Values further off than ``outlying``
    deviations count less.
    """
    unit = noise[:, None]
    bends = _Bends.of(delay, known)
    trust = known / scale**2
    data, pull = trust, np.zeros_like(value)
    found = value
    for round_ in range(_ROUNDS):
        found = _solved(data + _TINY, data * value, bends, pull)
        off = np.abs(value - found) / (scale * unit)
        data = trust / np.maximum(off / outlying, 1.0)
        floor = max(_FINEST, 0.5 ** (round_ + 1))
        pull = strength * bends.known / np.maximum(np.abs(bends.applied(found)) / unit, floor)
    return found


class _Bends:
    """Second differences over uneven times: before * s[j-1] + middle * s[j] + after * s[j+1], 0 where unknown."""

    def __init__(self, before: Array, middle: Array, after: Array, known: Flags) -> None:
        self.before, self.middle, self.after, self.known = before, middle, after, known

    @staticmethod
    def of(delay: Array, known: Flags) -> _Bends:
        three = np.zeros_like(known)
        three[:, 1:-1] = known[:, 2:] & known[:, 1:-1] & known[:, :-2]
        slopes = np.where(known[:, 1:] & known[:, :-1], 1 / np.maximum(np.diff(delay, axis=1), _TINY), 0.0)
        before, after = np.zeros_like(delay), np.zeros_like(delay)
        before[:, 1:] = np.where(three[:, 1:], slopes, 0.0)
        after[:, :-1] = np.where(three[:, :-1], slopes, 0.0)
        return _Bends(before, -before - after, after, three)

    def applied(self, course: Array) -> Array:
        bend = self.middle * course
        bend[:, 1:-1] += self.before[:, 1:-1] * course[:, :-2] + self.after[:, 1:-1] * course[:, 2:]
        return bend


def _solved(data: Array, target: Array, bends: _Bends, pull: Array) -> Array:
    """Solves (diag(data) + B' diag(pull) B) s = target for each row; five diagonals, LDL' along the course."""
    main = data + pull * bends.middle**2
    main[:, :-1] += (pull * bends.before**2)[:, 1:]
    main[:, 1:] += (pull * bends.after**2)[:, :-1]
    first, second = np.zeros_like(main), np.zeros_like(main)
    first[:, :-1] = (pull * bends.middle * bends.after)[:, :-1] + (pull * bends.before * bends.middle)[:, 1:]
    second[:, :-2] = (pull * bends.before * bends.after)[:, 1:-1]
    return _five_diagonals(main.T.copy(), first.T.copy(), second.T.copy(), target.T.copy()).T


def _five_diagonals(main: Array, first: Array, second: Array, x: Array) -> Array:
    """Positive definite systems side by side, (width, n): row i meets i + 1 by ``first``, i + 2 by ``second``."""
    width = len(main)
    one, two = np.zeros_like(main), np.zeros_like(main)
    for i in range(width):
        pivot = main[i]
        one[i], two[i] = first[i] / pivot, second[i] / pivot
        if i + 1 < width:
            main[i + 1] -= one[i] * first[i]
            first[i + 1] -= one[i] * second[i]
            x[i + 1] -= one[i] * x[i]
        if i + 2 < width:
            main[i + 2] -= two[i] * second[i]
            x[i + 2] -= two[i] * x[i]
    x /= main
    for i in range(width - 2, -1, -1):
        x[i] -= one[i] * x[i + 1]
        if i + 2 < width:
            x[i] -= two[i] * x[i + 2]
    return x
