"""Which part of a brightness course is flicker: what swings about a course that seldom bends.

Each frame is looked at in a window of its own; all sums are taken inside it, never from the film's beginning: the
result for a frame depends on its window alone, to the last bit, and a change in ten frames cannot travel through the
film.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .trend import straightened

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_STIFFNESS = 0.1
"""Price of a bend; times the 3/2 power of the frames in half a window, as the sum of noise over a line grows."""
_LAGS = (1 / 16, 1 / 8, 1 / 4)
"""Seconds over which roughness is measured."""
_DRIFT, _FADE = 0.5, 0.8
"""Range of log brightness within the window: below the first it is drift, from the second a fade."""
_EVENT = 5.0
"""Changes beyond so many deviations of the flicker around are an event in the scene, and are kept beyond that."""
_WHOLE_SEEN = 0.003, 0.009
_LOCAL_SEEN = 0.006, 0.016
"""Deviations of log brightness: measuring alone makes the first (more in a part of the frame); the second is plain."""
_SMALLEST = 1e-6
_BATCH = 4096
_DEEPEST = 5.0
"""Log brightness beyond which a course is not followed."""


def flicker(
    steps: Array, times: Array, pieces: npt.NDArray[np.int64], rate: float, window: float, fades: bool
) -> Array:
    """(n, k) what to add to each course so that it runs smoothly.

    ``steps`` (n, k): change of the log brightness since the entry before; ``times`` (n): seconds, increasing;
    ``pieces`` (n): entries of one number belong together, none other is looked at; ``rate``: usual entries a second.
    With ``fades`` courses that rise or fall far are followed along straight lines of brightness, as fades are; all
    others are brought to their average. The result for an entry depends on entries at most ``window`` seconds away.
    """
    reach = _reach(times, window)
    found = np.zeros_like(steps)
    batch = max(1, _BATCH // max(1, steps.shape[1]))
    for start in range(0, len(steps), batch):
        entries = np.arange(start, min(len(steps), start + batch))
        course = _view(entries, steps, times, pieces, window, reach)
        added = _whole(course, reach, rate, window) if fades else _part(course, rate, window)
        found[entries] = added.reshape(len(entries), -1)
    return found


@dataclass(frozen=True)
class _Course:
    """Courses, each around an entry of its own; (n, window) each, values relative to the entry."""

    delay: Array
    known: Flags
    value: Array
    scale: Array
    """Deviation of each value as a multiple of the flicker's."""


def _bright(course: _Course) -> _Course:
    value = np.exp(np.clip(course.value, -_DEEPEST, _DEEPEST))
    return _Course(course.delay, course.known, value, value)


def _reach(times: Array, window: float) -> int:
    """Entries at most that lie within the window on one side."""
    last = np.searchsorted(times, times + window, side="right") - 1
    return int((last - np.arange(len(times))).max(initial=0))


def _view(
    entries: npt.NDArray[np.int64], steps: Array, times: Array, pieces: npt.NDArray[np.int64], window: float, reach: int
) -> _Course:
    around = entries[:, None] + np.arange(-reach, reach + 1)[None, :]
    inside = np.clip(around, 0, len(steps) - 1)
    delay = times[inside] - times[entries][:, None]
    known = (around == inside) & (pieces[inside] == pieces[entries][:, None]) & (np.abs(delay) <= window)
    seen = np.where(known[..., None], steps[inside], 0.0)
    after = np.cumsum(seen[:, reach + 1 :], axis=1)
    before = -np.cumsum(seen[:, reach:0:-1], axis=1)[:, ::-1]
    value = np.concatenate([before, np.zeros_like(seen[:, :1]), after], axis=1)
    value = value.transpose(0, 2, 1).reshape(-1, value.shape[1])
    count = steps.shape[1]
    return _Course(np.repeat(delay, count, axis=0), np.repeat(known, count, axis=0), value, np.ones_like(value))


def _whole(course: _Course, middle: int, rate: float, window: float) -> Array:
    """(n,) what to add to the log brightness of each course's entry, fades kept."""
    seen = _bright(course)
    noise = _noise(seen, rate)
    strength = _STIFFNESS * max(1.0, window * rate / 2) ** 1.5
    certain = np.maximum(noise, _SMALLEST)
    straight = straightened(seen.value, seen.known, seen.delay * rate, seen.scale, certain, strength)
    trend = np.log(np.clip(straight, np.exp(-_DEEPEST), np.exp(_DEEPEST)))
    fading = _fading(trend, course.known)
    added = fading * trend[:, middle] + (1 - fading) * _average(course, window)
    return np.clip(added, -_EVENT * noise, _EVENT * noise) * _visible(noise, *_WHOLE_SEEN)


def _part(course: _Course, rate: float, window: float) -> Array:
    """(n,) the same for parts of the frame, which do not fade by themselves."""
    noise = _noise(course, rate)
    added = _average(course, window)
    return np.clip(added, -_EVENT * noise, _EVENT * noise) * _visible(noise, *_LOCAL_SEEN)


def _fading(trend: Array, known: Flags) -> Array:
    """(n,) 0..1: 1 where the trend changes so much within the window that somebody must have meant it."""
    highest = np.where(known, trend, -np.inf).max(axis=1)
    lowest = np.where(known, trend, np.inf).min(axis=1)
    return np.asarray(np.clip((highest - lowest - _DRIFT) / (_FADE - _DRIFT), 0, 1), np.float64)


def _average(course: _Course, window: float) -> Array:
    """(n,) mean of the course, the nearer the heavier."""
    weight = course.known * (1 - np.abs(course.delay) / (window * 1.01))
    return np.asarray((weight * course.value).sum(axis=1) / weight.sum(axis=1), np.float64)


def _visible(noise: Array, unseen: float, plain: float) -> Array:
    """0 where nothing flickers (the film is left as it is), 1 where flicker is plain."""
    return np.asarray(np.clip((noise - unseen) / (plain - unseen), 0, 1), np.float64)


def _noise(course: _Course, rate: float) -> Array:
    """(n,) standard deviation of the flicker, the largest over several distances."""
    lags = sorted({max(1, round(rate * seconds)) for seconds in _LAGS})
    return np.asarray(np.max([_roughness(course, lag) for lag in lags], axis=0), np.float64)


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
