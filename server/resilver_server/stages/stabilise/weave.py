"""The weave of the gate, and places and courses as it leaves them: independent from frame to frame, of deviation one.

Weave is taken for first-order autoregressive: of a frame's weave a share is left in the next one, and the rest is new.
Arrays are (n, k, ...): n stretches of film, k courses of each (right and down; growing and turning where asked for).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LAG = 4
"""Frames by which the roughness is compared with that of neighbours, to tell the memory."""
_MOST_MEMORY = 0.8
_MEMORIES = 17


@dataclass(frozen=True)
class Weave:
    """What is left of a place after a frame, and how much is new."""

    memory: Array
    """(n, k) 0..0.8."""
    fresh: Array
    """(n, k) variance, pixels^2."""

    @staticmethod
    def of(near: Array, far: Array) -> Weave:
        """From the roughness (deviation of third differences, as of independent places) over one frame, above 0, and
        over ``LAG`` frames; (n, k) each."""
        memories = np.linspace(0, _MOST_MEMORY, 81)
        memory = np.interp(far / near, np.sqrt(_rough(memories**LAG) / _rough(memories)), memories)
        return Weave(memory, fresh_of(near, memory))

    def part(self, which: npt.NDArray[np.intp]) -> Weave:
        return Weave(self.memory[which], self.fresh[which])


def fresh_of(near: Array, memory: Array) -> Array:
    """Variance of what is new, by the roughness over one frame."""
    return np.asarray(near**2 * (1 - memory**2) / _rough(memory), np.float64)


def _rough(memory: Array) -> Array:
    """Variance of third differences of values that remember each other, as a share of that of independent ones."""
    return np.asarray(1 - 1.5 * memory + 0.6 * memory**2 - 0.1 * memory**3, np.float64)


def memories() -> list[float]:
    """What the memory is looked for among."""
    return [float(value) for value in np.linspace(0, _MOST_MEMORY, _MEMORIES)]


@dataclass(frozen=True)
class Seen:
    """Places of n stretches, seen through the weave: whatever the place of the whole may be is taken out."""

    place: Array
    """(n, k, width)."""
    delay: Array
    """(n, width) usual frame times, increasing where known."""
    known: Flags
    """(n, width): a stretch without gaps from the first on."""
    weave: Weave

    def part(self, which: npt.NDArray[np.intp]) -> Seen:
        return Seen(self.place[which], self.delay[which], self.known[which], self.weave.part(which))

    def through(self, weave: Weave) -> Seen:
        return Seen(self.place, self.delay, self.known, weave)

    @property
    def last(self) -> Array:
        """(n,) delay of the last that is known."""
        return np.asarray(np.where(self.known, self.delay, 0.0).max(axis=1), np.float64)

    @cached_property
    def _filter(self) -> tuple[Array, Array]:
        """(n, k, width) how much of the one before is taken off, and what the rest is multiplied by."""
        memory, fresh = self.weave.memory[..., None], self.weave.fresh[..., None]
        gap = np.where(self.known[:, 1:], np.diff(self.delay, axis=1), 1.0)[:, None]
        left = memory**gap
        before = np.concatenate([np.zeros((*memory.shape[:2], 1)), left], axis=2)
        weight = np.sqrt((1 - memory**2) / np.where(before > 0, 1 - before**2, 1.0) / fresh)
        weight[..., 1:] = np.sqrt((1 - memory**2) / (1 - left**2) / fresh)
        return before, weight * self.known[:, None]

    @cached_property
    def one(self) -> Array:
        """(n, k, width) the place of the whole, of length one."""
        whole = self._independent(np.ones((len(self.place), 1, self.place.shape[2])))[:, :, 0]
        return np.asarray(whole / self.size[..., None], np.float64)

    @cached_property
    def size(self) -> Array:
        """(n, k) length of ``one`` before it was made one."""
        whole = self._independent(np.ones((len(self.place), 1, self.place.shape[2])))[:, :, 0]
        return np.asarray(np.sqrt((whole**2).sum(axis=-1)), np.float64)

    @cached_property
    def scale(self) -> Array:
        """(n, k) sum of logarithms of what independent values were multiplied by."""
        weight = self._filter[1]
        return np.asarray(np.log(np.where(weight > 0, weight, 1.0)).sum(axis=-1), np.float64)

    @cached_property
    def value(self) -> Array:
        """(n, k, width) the places."""
        return self._level(self._independent(self.place, own=True))

    def seen(self, courses: Array) -> Array:
        """(n, k, m, width) from courses (n, m, width) that every one of the k may take."""
        found = self._independent(courses)
        return np.asarray(found - (found @ self.one[..., None]) * self.one[:, :, None], np.float64)

    def level(self, courses: Array) -> Array:
        """(n, k) where the wholes of courses (n, k, width) lie below the places, at best."""
        off = self._independent(self.place - courses, own=True)
        return np.asarray((off * self.one).sum(axis=-1) / self.size, np.float64)

    def _level(self, values: Array) -> Array:
        return np.asarray(values - (values * self.one).sum(axis=-1, keepdims=True) * self.one, np.float64)

    def _independent(self, values: Array, own: bool = False) -> Array:
        """``own``: (n, k, width), one for each; else (n, m, width), all of them for each: (n, k, m, width)."""
        before, weight = self._filter
        if not own:
            before, weight, values = before[:, :, None], weight[:, :, None], values[:, None]
        found = weight * values
        found[..., 1:] -= (weight * before)[..., 1:] * values[..., :-1]
        return np.asarray(found, np.float64)
