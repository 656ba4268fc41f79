"""The way the camera meant to go: the course of the picture's place, less what shakes about it.

Each frame is looked at in a window of its own, whose steps are summed from that frame: the result depends on the
window alone, to the last bit, and a change in ten frames cannot travel through the film. The smooth course is the one
that seldom bends (l1 trend filtering, see ``deflicker.trend``), which Grundmann, Kwatra and Essa, "Auto-Directed Video
Stabilization with Robust L1 Optimal Camera Paths", CVPR 2011, found to be how cameramen move: rests, even pans, and
short passages between them. It looks to both sides alike, so nothing lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resilver_server.stages.deflicker.trend import straightened

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

_STIFFNESS = 0.5
"""Price of a bend; times the 3/2 power of the frames in half a window, as the sum of noise over a line grows."""
_OUTLYING = 8.0
"""Deviations from which a place counts less. Many: the middle of a swift start lies far off every straight line."""
_LAGS = (1, 2)
"""Frames over which roughness is measured: shorter than what a hand does on purpose."""
_THIRD = np.sqrt(20.0)
"""Deviation of third differences of independent values, in deviations of these."""
_SMALLEST = 0.02
"""Pixels: what measuring alone makes."""
_SEEN = 0.03, 0.08
"""Pixels of roughness: below the first the picture is steady and left alone, from the second it plainly is not."""
_JUMP = 0.5, 1.0
"""Pixels a single frame may be off, however still the rest stands."""
_BATCH = 4096


def corrections(steps: Array, times: Array, pieces: Numbers, rate: float, window: float) -> Array:
    """(n, k) what to add to each entry's place so that the course runs smoothly, in the units of ``steps``.

    ``steps`` (n, k): pixels moved since the entry before, of each of k courses; ``times`` (n): seconds, increasing;
    ``pieces`` (n): entries of one number belong together, none other is looked at; ``rate``: usual entries a second.
    The result for an entry depends on entries at most ``window`` seconds away.
    """
    reach = _reach(times, window)
    found = np.zeros_like(steps)
    for start in range(0, len(steps), _BATCH):
        entries = np.arange(start, min(len(steps), start + _BATCH))
        for k in range(steps.shape[1]):
            course = _view(entries, steps[:, k], times, pieces, window, reach)
            found[entries, k] = _correction(course, reach, rate, window)
    return found


def least(values: Array, times: Array, pieces: Numbers, window: float) -> Array:
    """(n, k) least of the ``values`` (n, k) of entries at most ``window`` seconds away, of the same piece."""
    found = values.copy()
    for distance in range(1, min(_reach(times, window), len(values) - 1) + 1):
        near = (pieces[distance:] == pieces[:-distance]) & (times[distance:] - times[:-distance] <= window)
        earlier, later = values[:-distance], values[distance:]
        found[distance:] = np.where(near[:, None], np.minimum(found[distance:], earlier), found[distance:])
        found[:-distance] = np.where(near[:, None], np.minimum(found[:-distance], later), found[:-distance])
    return found


@dataclass(frozen=True)
class _Course:
    """Courses, each around an entry of its own; (n, window) each, places relative to the entry's."""

    delay: Array
    known: Flags
    place: Array


def _reach(times: Array, window: float) -> int:
    """Entries at most that lie within the window on one side."""
    last = np.searchsorted(times, times + window, side="right") - 1
    return int((last - np.arange(len(times))).max(initial=0))


def _view(entries: Numbers, steps: Array, times: Array, pieces: Numbers, window: float, reach: int) -> _Course:
    around = entries[:, None] + np.arange(-reach, reach + 1)[None, :]
    inside = np.clip(around, 0, len(steps) - 1)
    delay = times[inside] - times[entries][:, None]
    known = (around == inside) & (pieces[inside] == pieces[entries][:, None]) & (np.abs(delay) <= window)
    seen = np.where(known, steps[inside], 0.0)
    after = np.cumsum(seen[:, reach + 1 :], axis=1)
    before = -np.cumsum(seen[:, reach:0:-1], axis=1)[:, ::-1]
    return _Course(delay, known, np.concatenate([before, np.zeros((len(entries), 1)), after], axis=1))


def _correction(course: _Course, middle: int, rate: float, window: float) -> Array:
    """(n,) smooth place minus place of each course's entry, which is 0."""
    noise = _noise(course)
    certain = np.maximum(noise, _SMALLEST)
    strength = _STIFFNESS * max(1.0, window * rate / 2) ** 1.5
    even = np.ones_like(course.place)
    straight = straightened(course.place, course.known, course.delay * rate, even, certain, strength, _OUTLYING)
    smooth = straight[:, middle]
    plain = np.maximum(_ramp(noise, *_SEEN), _ramp(np.abs(smooth), *_JUMP))
    return np.asarray(np.where(course.known.sum(axis=1) > 2, smooth * plain, 0.0), np.float64)


def _ramp(value: Array, low: float, high: float) -> Array:
    return np.asarray(np.clip((value - low) / (high - low), 0, 1), np.float64)


def _noise(course: _Course) -> Array:
    """(n,) deviation of the shaking from frame to frame, by third differences: pans and their starts have none. The
    median makes it indifferent to single jumps."""
    return np.asarray(np.max([_roughness(course, lag) for lag in _LAGS], axis=0), np.float64)


def _roughness(course: _Course, lag: int) -> Array:
    length = course.place.shape[1]
    if length <= 3 * lag:
        return np.zeros(len(course.place))
    parts = [slice(k * lag, length - (3 - k) * lag) for k in range(4)]
    known = np.logical_and.reduce([course.known[:, part] for part in parts])
    first, second, third, fourth = (course.place[:, part] for part in parts)
    jolt = np.where(known, np.abs(fourth - 3 * third + 3 * second - first), np.nan)
    jolt[~known.any(axis=1)] = 0.0
    return np.asarray(1.4826 * np.nanmedian(jolt, axis=1) / _THIRD, np.float64)
