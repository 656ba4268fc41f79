"""The camera's own course in the places of a picture that weaves: rests, even pans, and passages between them.

A camera's course has, at most times, little of velocity, of bends, and of changes of bend (the three that Grundmann,
Kwatra and Essa, "Auto-Directed Video Stabilization with Robust L1 Optimal Camera Paths", CVPR 2011, weigh). Each is
taken for normal with a variance of its own at every entry, learned by expectation and maximisation (Tipping, "Sparse
Bayesian Learning and the Relevance Vector Machine", JMLR 1, 2001). Where the picture does not ask for them they shrink
to nothing: a rest is a rest. What is left is not pressed down as a price on sizes would: a pan keeps its corners.

The weave is taken for first-order autoregressive. Arrays are (width, n), n courses side by side, time first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, factorial

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_ROUNDS = 40
_ORDERS = (1, 2, 3)
"""Velocity, its change, and the change of that."""
_FIRST = (1.0, 0.1, 0.01)
"""Deviations to begin with, pixels a frame and so on; what is found hardly depends on them."""
_LEAST = 1e-3
"""Deviation below which a derivative is as good as none."""
_SHARE = (0.5, 0.8, 1.0)
"""How much each counts: they speak of the same course, and together would say more than is known."""
_ALONG = (0.25, 0.0, 0.05)
"""Seconds (sigma) over which entries share a variance: a slow start is no rest; bends come alone."""
_MOST_MEMORY = 0.8
_LAG = 4
"""Frames by which the roughness is compared with that of neighbours, to tell the memory."""
_TINY = 1e-9


@dataclass(frozen=True)
class Weave:
    """What is left of a place after a frame, and how much is new."""

    memory: Array
    """(n,) 0..0.8."""
    fresh: Array
    """(n,) variance, pixels^2."""

    @staticmethod
    def of(near: Array, far: Array) -> Weave:
        """From the ``roughness`` (n,) over one frame, above 0, and over ``Weave.lag()`` frames."""
        memories = np.linspace(0, _MOST_MEMORY, 81)
        memory = np.interp(far / near, np.sqrt(_rough(memories**_LAG) / _rough(memories)), memories)
        return Weave(memory, near**2 * (1 - memory**2) / _rough(memory))

    @staticmethod
    def lag() -> int:
        return _LAG


def _rough(memory: Array) -> Array:
    """Variance of third differences of values that remember each other, as a share of that of independent ones."""
    return np.asarray(1 - 1.5 * memory + 0.6 * memory**2 - 0.1 * memory**3, np.float64)


def smooth(place: Array, known: Flags, delay: Array, weave: Weave, rate: float) -> Array:
    """(width, n) the courses a camera would take, by ``place`` where ``known``.

    ``delay``: in usual frame times, increasing where known, which is a stretch without gaps; ``rate``: frames a second.
    """
    derivatives = [_Derivative.of(order, delay, known) for order in _ORDERS]
    prices = [each.known / first**2 for each, first in zip(derivatives, _FIRST, strict=True)]
    found = place
    for _ in range(_ROUNDS):
        bands, pull = _weaving(place, known, weave)
        for each, price in zip(derivatives, prices, strict=True):
            each.weigh(price, bands)
        found, spread = _solved(bands, pull)
        prices = [
            share * each.price(found, spread, along * rate)
            for each, share, along in zip(derivatives, _SHARE, _ALONG, strict=True)
        ]
    return found


def _weaving(place: Array, known: Flags, weave: Weave) -> tuple[list[Array], Array]:
    """Diagonals of the weave's precision, and the precision times the places."""
    bands = [np.zeros(place.shape) for _ in range(max(_ORDERS) + 1)]
    pull = _TINY * place
    pair = (known[1:] & known[:-1]) / weave.fresh
    fresh = (place[1:] - weave.memory * place[:-1]) * pair
    begins = known.copy()
    begins[1:] &= ~known[:-1]
    start = begins * (1 - weave.memory**2) / weave.fresh
    bands[0] += start + _TINY
    bands[0][1:] += pair
    bands[0][:-1] += weave.memory**2 * pair
    bands[1][:-1] -= weave.memory * pair
    pull += start * place
    pull[1:] += fresh
    pull[:-1] -= weave.memory * fresh
    return bands, pull


@dataclass(frozen=True)
class _Derivative:
    """Of a course at every entry: the sum of ``weights`` times the places from there on; uneven times are heeded."""

    weights: tuple[Array, ...]
    known: Flags

    @staticmethod
    def of(order: int, delay: Array, known: Flags) -> _Derivative:
        """Divided differences."""
        length = max(0, len(delay) - order)
        whole = np.logical_and.reduce([known[k : k + length] for k in range(order + 1)])
        weights = []
        for k in range(order + 1):
            weight = np.where(whole, float(factorial(order)), 0.0)
            for other in (j for j in range(order + 1) if j != k):
                weight /= np.where(whole, delay[k : k + length] - delay[other : other + length], 1.0)
            weights.append(weight)
        return _Derivative(tuple(weights), whole)

    def price(self, course: Array, spread: list[Array], along: float) -> Array:
        """Inverse variances, by the course and by how unsure it is; shared over ``along`` entries."""
        length = len(self.known)
        value = sum((w * course[k : k + length] for k, w in enumerate(self.weights)), np.zeros(self.known.shape))
        power = value**2
        for k, one in enumerate(self.weights):
            for j, other in enumerate(self.weights[k:]):
                power += (1 if j == 0 else 2) * one * other * spread[j][k : k + length]
        if along:
            power = _blurred(np.where(self.known, power, 0.0), along) / np.maximum(_blurred(self.known, along), _TINY)
        return np.where(self.known, 1 / (np.maximum(power, 0.0) + _LEAST**2), 0.0)

    def weigh(self, price: Array, bands: list[Array]) -> None:
        for k, one in enumerate(self.weights):
            for j, other in enumerate(self.weights[k:]):
                bands[j][k : k + len(one)] += price * one * other


def _blurred(values: npt.NDArray[np.generic], sigma: float) -> Array:
    reach = ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)))
    found = np.zeros(values.shape)
    for k, weight in enumerate(weights / weights.sum()):
        found += weight * padded[k : k + len(values)]
    return found


def _solved(bands: list[Array], pull: Array) -> tuple[Array, list[Array]]:
    """Solves positive definite systems side by side; ``bands[d][i]``: row i meets i + d. Returns the solutions, and the
    same diagonals of the inverse (Takahashi, Fagan and Chen, 1973). Both arguments are used up."""
    width, reach = len(pull), len(bands) - 1
    left = [np.zeros_like(pull) for _ in bands]
    for i in range(width):
        span = min(reach, width - 1 - i)
        for a in range(1, span + 1):
            left[a][i] = bands[a][i] / bands[0][i]
        for a in range(1, span + 1):
            for b in range(a, span + 1):
                bands[b - a][i + a] -= left[a][i] * bands[b][i]
            pull[i + a] -= left[a][i] * pull[i]
    found = pull / bands[0]
    inverse = [np.zeros_like(pull) for _ in bands]
    for i in range(width - 1, -1, -1):
        span = min(reach, width - 1 - i)
        for d in range(span, -1, -1):
            inverse[d][i] = 1 / bands[0][i] if d == 0 else 0.0
            for a in range(1, span + 1):
                inverse[d][i] -= left[a][i] * inverse[abs(d - a)][i + min(a, d)]
        for a in range(1, span + 1):
            found[i] -= left[a][i] * found[i + a]
    return found, inverse
