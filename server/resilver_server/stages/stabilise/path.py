"""What is added to a picture's place so that it takes the way the camera meant to go.

The film is gone through in stretches that overlap, at fixed times of its own: each is solved by itself, its places
summed from the steps measured in it, and neighbouring solutions go over into each other. The result for an entry
depends on what lies within the window, and a change in ten frames cannot travel through the film. Stretches look to
both sides alike, so nothing lags.

A step far outside what the picture does before and after it is a splice out of register, or a frame that jumped: no
camera moves in one frame alone. Such steps are taken out of the course altogether, to the end of the piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .course import smooth
from .weave import LAG, Seen, Weave

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

_APART = 0.5
"""Seconds from the middle of one stretch to that of the next; at most a quarter of the window."""
_THIRD = np.sqrt(20.0)
"""Deviation of third differences of independent values, in deviations of these."""
_SMALLEST = 0.02
"""Pixels: what measuring alone makes."""
_SEEN = 0.03, 0.08
"""Pixels of roughness: below the first the picture is steady and left alone, from the second it plainly is not."""
_OFF = 0.5, 1.0
"""Pixels a single frame may be off, however still the rest stands."""
_JUMP = 8.0, 0.5
"""Deviations of the shaking, and pixels at least, by which a step that no camera makes is outside its neighbours'."""
_NEIGHBOURS = 3
_BATCH = 64


def corrections(steps: Array, times: Array, pieces: Numbers, rate: float, window: float) -> Array:
    """(n, k) what to add to each entry's place so that the course runs smoothly, in the units of ``steps``.

    ``steps`` (n, k): pixels moved since the entry before, of each of k courses; ``times`` (n): seconds, increasing;
    ``pieces`` (n), increasing: entries of one number belong together, none other is looked at; ``rate``: usual entries
    a second. The result for an entry depends on entries at most ``window`` seconds away, but for single steps that are
    plainly none of the camera's: they count for all of their piece.
    """
    if not len(steps):
        return np.zeros_like(steps)
    stretches = _Stretches.of(times, pieces, window)
    found = np.zeros_like(steps)
    moving = np.flatnonzero(steps.any(axis=0))
    if not len(moving):
        return found
    cameras = [_without_jumps(steps[:, k], stretches, times, pieces) for k in moving]
    parts = []
    for first in range(0, len(stretches.start), _BATCH):
        which = slice(first, first + _BATCH)
        parts.append(_correction([stretches.cut(camera, times, which) for camera in cameras], rate))
    joined = np.concatenate(parts, axis=2)
    for k, camera, added in zip(moving, cameras, joined, strict=True):
        found[:, k] = stretches.joined(added, times) + _registers(camera - steps[:, k], pieces)
    return found


def least(values: Array, times: Array, pieces: Numbers, window: float) -> Array:
    """(n, k) least of the ``values`` (n, k) of entries at most ``window`` seconds away, of the same piece."""
    found = values.copy()
    last = np.searchsorted(times, times + window, side="right") - 1
    reach = int((last - np.arange(len(times))).max(initial=0))
    for distance in range(1, min(reach, len(values) - 1) + 1):
        near = (pieces[distance:] == pieces[:-distance]) & (times[distance:] - times[:-distance] <= window)
        earlier, later = values[:-distance], values[distance:]
        found[distance:] = np.where(near[:, None], np.minimum(found[distance:], earlier), found[distance:])
        found[:-distance] = np.where(near[:, None], np.minimum(found[:-distance], later), found[:-distance])
    return found


@dataclass(frozen=True)
class _Places:
    """Of n stretches; (width, n) each, places relative to the first of a stretch."""

    delay: Array
    known: Flags
    place: Array


@dataclass(frozen=True)
class _Stretches:
    """Of all pieces, in order: around times that are whole multiples of ``apart``."""

    apart: float
    start: Numbers
    """(n,) first entry."""
    stop: Numbers
    earlier: Numbers
    """(entries,) the stretch whose middle is the last not after an entry; the next one's is after it."""

    @staticmethod
    def of(times: Array, pieces: Numbers, window: float) -> _Stretches:
        apart = min(_APART, window / 4)
        slot = np.floor(times / apart).astype(np.int64)
        first = np.flatnonzero(np.diff(pieces, prepend=pieces[0] - 1))
        last = np.append(first[1:], len(times))
        counts = slot[last - 1] - slot[first] + 2
        before = np.cumsum(counts) - counts
        piece = np.repeat(np.arange(len(first)), counts)
        middle = (np.arange(len(piece)) - before[piece] + slot[first][piece]) * apart
        start = np.maximum(np.searchsorted(times, middle - (window - apart)), first[piece])
        stop = np.minimum(np.searchsorted(times, middle + (window - apart), side="right"), last[piece])
        own = np.repeat(np.arange(len(first)), last - first)
        return _Stretches(apart, start, stop, slot - slot[first][own] + before[own])

    def cut(self, steps: Array, times: Array, which: slice) -> _Places:
        start, stop = self.start[which], self.stop[which]
        rows = start + np.arange((self.stop - self.start).max())[:, None]
        known, inside = rows < stop, np.minimum(rows, len(steps) - 1)
        seen = np.where(known, steps[inside], 0.0)
        seen[0] = 0.0
        return _Places(times[inside] - times[start], known, np.cumsum(seen, axis=0))

    def joined(self, values: Array, times: Array) -> Array:
        """(entries,) from (width, n), each entry from the two stretches whose middles lie around it."""
        entries = np.arange(len(times))
        share = times / self.apart - np.floor(times / self.apart)
        earlier, later = (values[entries - self.start[each], each] for each in (self.earlier, self.earlier + 1))
        return np.asarray((1 - share) * earlier + share * later, np.float64)


def _without_jumps(steps: Array, stretches: _Stretches, times: Array, pieces: Numbers) -> Array:
    """(n,) steps, those that jump put back to between what the picture does before and after them."""
    size = len(stretches.start)
    parts = [stretches.cut(steps, times, slice(start, start + _BATCH)) for start in range(0, size, _BATCH)]
    rough = np.concatenate([_noise(part) for part in parts])
    deviation = np.maximum(rough[stretches.earlier], rough[stretches.earlier + 1])
    within = np.diff(pieces, prepend=pieces[0] - 1) == 0
    before = _neighbouring(steps, within, pieces, -1)
    after = _neighbouring(steps, within, pieces, 1)
    low, high = np.fmin(before, after), np.fmax(before, after)
    inside = np.where(within & ~np.isnan(low), np.clip(steps, low, high), steps)
    least = np.maximum(_JUMP[0] * deviation, _JUMP[1])
    jumps = np.flatnonzero(np.abs(steps - inside) > least)
    both = [_neighbouring(steps, within, pieces, way, whole=True) for way in (-1, 1)]
    off = steps - np.where(np.isnan(both).any(axis=0), inside, (low + high) / 2)
    for earlier, later in pairwise(jumps):
        # what jumped and came back has come back: between the two the film has not moved
        if pieces[earlier] == pieces[later] and abs(off[earlier] + off[later]) <= least[later]:
            off[later] = -off[earlier]
    found = steps.copy()
    found[jumps] -= off[jumps]
    return found


def _neighbouring(steps: Array, within: Flags, pieces: Numbers, way: int, whole: bool = False) -> Array:
    """(n,) median of the next steps that way, of the same piece; nan where there are none (``whole``: too few)."""
    entries = np.arange(len(steps))
    seen = np.full((_NEIGHBOURS, len(steps)), np.nan)
    for k in range(_NEIGHBOURS):
        other = np.clip(entries + way * (k + 1), 0, len(steps) - 1)
        same = (other == entries + way * (k + 1)) & (pieces[other] == pieces) & within[other]
        seen[k] = np.where(same, steps[other], np.nan)
    missing = np.isnan(seen)
    some = ~(missing.any(axis=0) if whole else missing.all(axis=0))
    found = np.full(len(steps), np.nan)
    found[some] = np.nanmedian(seen[:, some], axis=0)
    return found


def _registers(removed: Array, pieces: Numbers) -> Array:
    """(n,) how far places are off for good by what was ``removed`` from steps; most of a piece stays where it is."""
    found = np.zeros_like(removed)
    for piece in np.unique(pieces[removed != 0]):
        own = pieces == piece
        off = np.cumsum(removed[own])
        found[own] = off - np.percentile(off, 50, method="lower")
    return found


def _correction(places: Sequence[_Places], rate: float) -> Array:
    """(k, width, n) smooth place minus place, of k courses."""
    near = np.maximum([_roughness(each, 1) for each in places], _SMALLEST)
    weave = Weave.of(near.T, np.array([_roughness(each, LAG) for each in places]).T)
    place = np.array([each.place for each in places])
    known, delay = places[0].known, places[0].delay
    seen = Seen(np.ascontiguousarray(place.transpose(2, 0, 1)), np.ascontiguousarray(delay.T) * rate, known.T, weave)
    off = smooth(seen, near.T, rate).transpose(1, 2, 0) - place
    noise = np.array([_noise(each) for each in places])
    plain = np.maximum(_ramp(noise, *_SEEN)[:, None], _ramp(np.abs(off), *_OFF))
    return np.asarray(np.where(known.sum(axis=0) > 2, off * plain, 0.0), np.float64)


def _ramp(value: Array, low: float, high: float) -> Array:
    return np.asarray(np.clip((value - low) / (high - low), 0, 1), np.float64)


def _noise(places: _Places) -> Array:
    """(n,) deviation of the shaking from frame to frame: over lags shorter than what a hand does on purpose."""
    return np.asarray(np.maximum(_roughness(places, 1), _roughness(places, 2)), np.float64)


def _roughness(places: _Places, lag: int) -> Array:
    """(n,) by third differences over ``lag`` entries: pans and their starts have none. The median makes it indifferent
    to single jumps."""
    length = len(places.place)
    if length <= 3 * lag:
        return np.zeros(places.place.shape[1])
    parts = [slice(k * lag, length - (3 - k) * lag) for k in range(4)]
    known = np.logical_and.reduce([places.known[part] for part in parts])
    first, second, third, fourth = (places.place[part] for part in parts)
    jolt = np.where(known, np.abs(fourth - 3 * third + 3 * second - first), np.nan)
    jolt[:, ~known.any(axis=0)] = 0.0
    return np.asarray(1.4826 * np.nanmedian(jolt, axis=0) / _THIRD, np.float64)
