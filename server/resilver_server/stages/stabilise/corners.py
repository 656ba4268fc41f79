"""Courses of a camera that rests, pans evenly, and passes from one to the other, and how well they explain the places.

Between passages the velocity is even; over a passage it goes evenly from one to the next. All courses of a stretch
(right and down) have their passages at the same times: there is one camera. Each segment's velocity is, for each of
them, none (a rest), that of the segment before, or free. What is free is taken for normal with the deviation ``speed``
and integrated over, so that the evidence by itself asks a price for what a passage more explains (MacKay, "Bayesian
Interpolation", Neural Computation 4(3), 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .weave import Seen

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

REST, ALONG, FREE = 0, 1, 2
NEVER = 1e6
"""Delay at which passages lie that are not there."""
EVERY = 40.0
"""Seconds from one passage to the next, as a rule: most shots stand. The evidence of what is seen hardly leaves this a
say: with 2 seconds or 800 pans come out the same, and with 2 slow weave at rest passes for a pan now and then."""
OCTAVES = 5
"""Durations of passages, from a frame to a second and a half: all octaves alike."""
_PRIOR = np.log([0.5, 0.25, 0.25])
"""Half of all segments rest."""


@dataclass(frozen=True)
class Corners:
    """Of n stretches at most m passages each, in order; those that are not there lie at NEVER."""

    start: Array
    """(n, m) delay, as ``Seen`` has it."""
    stop: Array
    kind: Numbers
    """(n, k, m + 1) of the segment before the first passage, and of those that follow passages."""

    @staticmethod
    def none(count: int, courses: int, most: int) -> Corners:
        """Rests."""
        kind = np.full((count, courses, most + 1), ALONG, np.int64)
        kind[..., 0] = REST
        return Corners(np.full((count, most), NEVER), np.full((count, most), NEVER + 1), kind)

    def part(self, which: Rows) -> Corners:
        return Corners(self.start[which], self.stop[which], self.kind[which])

    def put(self, which: Rows, other: Corners) -> None:
        self.start[which], self.stop[which], self.kind[which] = other.start, other.stop, other.kind

    @property
    def there(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.start < NEVER / 2)

    def roomy(self, spare: int) -> Corners:
        """With room for so many passages more, and no more than that."""
        most = int(self.there.sum(axis=1).max(initial=0)) + spare
        found = Corners.none(len(self.start), self.kind.shape[1], most)
        same = min(most, self.start.shape[1])
        found.start[:, :same], found.stop[:, :same] = self.start[:, :same], self.stop[:, :same]
        found.kind[..., : same + 1] = self.kind[..., : same + 1]
        return found

    def ramps(self, delay: Array) -> Array:
        """(n, m + 1, width) courses: way at a velocity of one from the beginning, and since each passage."""
        return np.concatenate([delay[:, None], ramps(delay, self.start, self.stop)], axis=1)


def ramps(delay: Array, start: Array, stop: Array) -> Array:
    """(n, m, width) way of what gets from rest to a velocity of one between ``start`` and ``stop`` (n, m)."""
    lasting = np.maximum(stop - start, 1e-3)[..., None]
    since = delay[:, None] - start[..., None]
    begun = np.clip(since, 0, lasting)
    return np.asarray(begun**2 / (2 * lasting) + np.maximum(since - lasting, 0), np.float64)


def mixing(kind: Numbers) -> Array:
    """(..., m + 1, m + 1) how the ramps are made from free velocities: what starts a velocity and what ends it."""
    most = kind.shape[-1]
    chosen = np.where(kind == FREE, np.arange(most), np.where(kind == REST, -1, -2))
    for j in range(1, most):
        chosen[..., j] = np.where(chosen[..., j] == -2, chosen[..., j - 1], chosen[..., j])
    velocity = (chosen[..., None] == np.arange(most)).astype(np.float64)
    velocity[..., 1:, :] -= velocity[..., :-1, :].copy()
    return np.asarray(velocity, np.float64)


@dataclass(frozen=True)
class Sums:
    """Products of whitened ramps with each other and with the places."""

    gram: Array
    """(n, k, ..., m + 1, m + 1)."""
    match: Array
    """(n, k, ..., m + 1)."""

    @staticmethod
    def of(seen: Seen, corners: Corners) -> Sums:
        view = seen.seen(corners.ramps(seen.delay))
        return Sums(view @ view.swapaxes(-1, -2), (view @ seen.value[..., None])[..., 0])

    def evidence(self, mix: Array, speed: Array) -> tuple[Array, Array]:
        """(n, k, ...) log evidence against a rest, and (n, k, ..., m + 1) how much of each ramp there is. ``mix`` as
        of ``mixing``; ``speed`` of the same number of axes as the evidence."""
        power = speed[..., None, None] ** 2
        turned = mix.swapaxes(-1, -2)
        inner = np.eye(mix.shape[-1]) + power * (turned @ self.gram @ mix)
        match = turned @ self.match[..., None]
        solved = np.linalg.solve(inner, match)
        value = speed**2 * (match * solved)[..., 0].sum(axis=-1) - np.linalg.slogdet(inner)[1]
        return np.asarray(value / 2, np.float64), np.asarray((mix @ solved)[..., 0] * power[..., 0], np.float64)


def prior(corners: Corners, rate: float) -> Array:
    """(n,) log of how likely such passages and segments are before anything is seen."""
    count = corners.there.sum(axis=1)
    kinds = _PRIOR[corners.kind]
    kinds[..., 1:] *= corners.there[:, None]
    return np.asarray(kinds.sum(axis=(1, 2)) - count * price(rate), np.float64)


def price(rate: float) -> float:
    """Of a passage: that it begins at just this frame, and has a duration of just this octave."""
    return float(np.log(EVERY * rate * OCTAVES))


def kind_prior() -> Array:
    """(3,) by kind."""
    return np.asarray(_PRIOR, np.float64)


def replaced(seen: Seen, corners: Corners, which: int, start: Array, stop: Array) -> Sums:
    """With passage ``which`` of each stretch put to ``start`` .. ``stop`` (n, g): sums of (n, k, g, ...)."""
    view, other = seen.seen(corners.ramps(seen.delay)), seen.seen(ramps(seen.delay, start, stop))
    gram = view @ view.swapaxes(-1, -2)
    match = (view @ seen.value[..., None])[..., 0]
    tried = start.shape[1]
    grams = np.repeat(gram[:, :, None], tried, axis=2)
    matches = np.repeat(match[:, :, None], tried, axis=2)
    cross = other @ view.swapaxes(-1, -2)
    cross[..., which + 1] = (other**2).sum(axis=-1)
    grams[..., which + 1, :] = cross
    grams[..., :, which + 1] = cross
    matches[..., which + 1] = (other @ seen.value[..., None])[..., 0]
    return Sums(grams, matches)


def course(seen: Seen, corners: Corners, amounts: Array) -> Array:
    """(n, k, width) of ``amounts`` (n, k, m + 1) of the ramps, laid through the places."""
    found = amounts @ corners.ramps(seen.delay)
    return np.asarray(found + seen.level(found)[..., None], np.float64)
