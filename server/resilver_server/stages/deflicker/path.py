"""Which part of a brightness course is flicker: the part that a smooth course through its neighbourhood leaves.

Local linear fits with adaptive windows by the rule of intersecting confidence intervals (Goldenshluger and Nemirovski
1997; Katkovnik, Egiazarian and Astola, "Local Approximation Techniques in Signal and Image Processing", SPIE 2006):
before a frame, after it and around it each window grows while its fit agrees with the smaller ones. Fades, which are
smooth, are followed; a sudden lasting change is an edge between two windows and stays; jumps that do not last go.

All sums are taken within the window of the frame itself, never from the film's beginning: the result for a frame
depends on its window alone, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_SIZES = (1 / 4, 1 / 2, 1.0)
"""Window sizes that are tried, as parts of the largest."""
_CONFIDENCE = 4.0
"""Half width of a confidence interval in standard deviations (flicker is correlated, so more than the usual 2)."""
_LAGS = (1 / 32, 1 / 16, 1 / 8)
"""Distances, as parts of the largest window, over which roughness is measured."""
_FEWEST = 4
"""Entries from which a line is drawn."""
_EVENT = 5.0
"""Changes beyond so many deviations of the flicker around are an event in the scene, and are kept beyond that."""
_BATCH = 512
_VAGUE = 4.0
"""Fits of a larger variance (in variances of one frame) say too little."""
_DEEPEST = 5.0
"""Log brightness beyond which a course is not followed."""


def flicker(steps: Array, times: Array, pieces: npt.NDArray[np.int64], window: float, fades: bool) -> Array:
    """(n, k) what to add to each course so that it runs smoothly.

    ``steps`` (n, k): change of the log brightness since the entry before; ``times`` (n): seconds, increasing;
    ``pieces`` (n): entries of one number belong together, none other is looked at. With ``fades`` courses are fitted
    as brightness, in which a fade is a straight line, else as its logarithm. The result for an entry depends on
    entries at most ``window`` seconds away.
    """
    reach = _reach(times, window)
    found = np.zeros_like(steps)
    for start in range(0, len(steps), _BATCH):
        entries = np.arange(start, min(len(steps), start + _BATCH))
        view = _view(entries, steps, times, pieces, window, reach)
        courses = [_plain(view, k) if not fades else _bright(view, k) for k in range(steps.shape[1])]
        found[entries] = np.stack([_steadied(course, window, reach, fades) for course in courses], axis=1)
    return found


@dataclass(frozen=True)
class _View:
    """What lies around each of n entries; (n, window) each, courses (n, window, k) relative to the entry."""

    delay: Array
    known: Flags
    courses: Array


@dataclass(frozen=True)
class _Course:
    """One course around each of n entries; (n, window) each."""

    delay: Array
    known: Flags
    value: Array
    scale: Array
    """Deviation of each value as a multiple of the flicker's."""


def _plain(view: _View, k: int) -> _Course:
    return _Course(view.delay, view.known, view.courses[..., k], np.ones_like(view.delay))


def _bright(view: _View, k: int) -> _Course:
    value = np.exp(np.clip(view.courses[..., k], -_DEEPEST, _DEEPEST))
    return _Course(view.delay, view.known, value, value)


def _reach(times: Array, window: float) -> int:
    """Entries at most that lie within the window on one side."""
    last = np.searchsorted(times, times + window, side="right") - 1
    return int((last - np.arange(len(times))).max(initial=0))


def _view(
    entries: npt.NDArray[np.int64], steps: Array, times: Array, pieces: npt.NDArray[np.int64], window: float, reach: int
) -> _View:
    around = entries[:, None] + np.arange(-reach, reach + 1)[None, :]
    inside = np.clip(around, 0, len(steps) - 1)
    delay = times[inside] - times[entries][:, None]
    known = (around == inside) & (pieces[inside] == pieces[entries][:, None]) & (np.abs(delay) <= window)
    seen = np.where(known[..., None], steps[inside], 0.0)
    after = np.cumsum(seen[:, reach + 1 :], axis=1)
    before = -np.cumsum(seen[:, reach:0:-1], axis=1)[:, ::-1]
    return _View(delay, known, np.concatenate([before, np.zeros_like(seen[:, :1]), after], axis=1))


def _steadied(course: _Course, window: float, reach: int, fades: bool) -> Array:
    """(n,) what to add to the log brightness of each entry."""
    lags = sorted({max(1, round(reach * part)) for part in _LAGS})
    noise = np.max([_roughness(course, lag) for lag in lags], axis=0)
    sides = (course.delay < 0, course.delay > 0, np.ones_like(course.known))
    fits = [_adaptive(course, course.known & side, noise, window) for side in sides]
    own = 1.0 if fades else 0.0
    value = _merged(fits, noise, own)
    added = np.log(np.clip(value, np.exp(-_DEEPEST), None)) if fades else value
    return np.clip(added, -_EVENT * noise, _EVENT * noise)


def _roughness(course: _Course, lag: int) -> Array:
    """(n,) standard deviation of the flicker, from second differences of the course over ``lag`` entries.

    For independent values of deviation s second differences have deviation sqrt(6) s; the median makes it indifferent
    to single events. Flicker is correlated from frame to frame: differences over several frames see all of it.
    """
    length = course.value.shape[1]
    if length <= 2 * lag:
        return np.zeros(len(course.value))
    early, middle, late = (slice(k, length - 2 * lag + k) for k in (0, lag, 2 * lag))
    known = course.known[:, early] & course.known[:, middle] & course.known[:, late]
    bend = course.value[:, early] - 2 * course.value[:, middle] + course.value[:, late]
    seconds = np.where(known, np.abs(bend) / course.scale[:, middle], np.nan)
    missing = ~known.any(axis=1)
    seconds[missing] = 0.0
    return np.asarray(1.4826 * np.nanmedian(seconds, axis=1) / np.sqrt(6), np.float64)


def _adaptive(course: _Course, known: Flags, noise: Array, window: float) -> tuple[Array, Array]:
    """(estimate, variance factor), (n,) each, of the largest window whose fit agrees with all smaller ones."""
    n = len(noise)
    chosen, factor = np.zeros(n), np.full(n, np.inf)
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    growing = np.ones(n, bool)
    for size in _SIZES:
        weights = _linear(course, known & (np.abs(course.delay) <= size * window))
        variance = ((weights * course.scale) ** 2).sum(axis=1)
        usable = (variance > 0) & (variance < _VAGUE)
        estimate = (weights * course.value).sum(axis=1)
        margin = _CONFIDENCE * noise * np.sqrt(variance)
        low = np.where(usable, np.maximum(low, estimate - margin), low)
        high = np.where(usable, np.minimum(high, estimate + margin), high)
        growing &= low <= high
        take = growing & usable
        chosen, factor = np.where(take, estimate, chosen), np.where(take, variance, factor)
    return chosen, factor


def _linear(course: _Course, known: Flags) -> Array:
    """(n, window) weights that give the least-squares line's value at delay 0; nothing from fewer than _FEWEST entries."""
    weight = known / course.scale**2
    count = weight.sum(axis=1, keepdims=True)
    first = (weight * course.delay).sum(axis=1, keepdims=True)
    second = (weight * course.delay**2).sum(axis=1, keepdims=True)
    enough = known.sum(axis=1, keepdims=True) >= _FEWEST
    determinant = np.where(enough, count * second - first**2, 1.0)
    return np.where(enough, weight * (second - first * course.delay) / determinant, 0.0)


def _merged(fits: list[tuple[Array, Array]], noise: Array, own: float) -> Array:
    """Where before and after tell one story, all three weighted by their certainty; else the side nearer to the frame.

    The fit around the frame is left out where it contradicts the two sides. A frame whose neighbourhood tells nothing
    keeps its ``own`` value.
    """
    (before, doubt_before), (after, doubt_after), (around, doubt_around) = fits
    lone = np.isinf(doubt_before) | np.isinf(doubt_after)
    agree = lone | _alike(before, after, doubt_before, doubt_after, noise)
    sides, doubt_sides = _weighted(before, after, doubt_before, doubt_after)
    fits_in = _alike(around, sides, doubt_around, doubt_sides, noise)
    together, doubt = _weighted(sides, around, doubt_sides, np.where(fits_in, doubt_around, np.inf))
    nearer = np.where(np.abs(before - own) <= np.abs(after - own), before, after)
    return np.where(np.isinf(doubt), own, np.where(agree, together, nearer))


def _alike(a: Array, b: Array, doubt_a: Array, doubt_b: Array, noise: Array) -> Flags:
    """Whether two estimates agree within their confidence; those that know nothing agree with nothing."""
    finite = np.isfinite(doubt_a) & np.isfinite(doubt_b)
    margin = _CONFIDENCE * noise * np.sqrt(np.where(finite, doubt_a + doubt_b, 0.0))
    return np.asarray(finite & (np.abs(a - b) <= margin))


def _weighted(a: Array, b: Array, doubt_a: Array, doubt_b: Array) -> tuple[Array, Array]:
    """Mean of two estimates by their certainty, and its variance factor."""
    certainty = 1 / doubt_a + 1 / doubt_b
    known = certainty > 0
    safe = np.where(known, certainty, 1.0)
    return (a / doubt_a + b / doubt_b) / safe, np.where(known, 1 / safe, np.inf)
