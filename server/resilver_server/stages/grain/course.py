"""Grain of a shot from the grain of its frames: averaged over the seconds around each, never across a cut."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import Measurements, State

from .model import LAGS, TONES, Array

SECONDS = 2
"""Either side of a frame, within its scene, that its grain is averaged over: the support of ``solve``."""
_NEAR, _FAR = 0.7, 3.0
"""Deviations, in tones, of the Gaussians with which tones that are well seen, and all tones, speak for their
neighbours."""
_LITTLE = 0.05
"""Share of all blocks of which a tone needs as many to be believed by half against its neighbours: what is seen in
a few blocks only may be texture."""


def solve(measurements: Measurements, clock: Clock, rate: Fraction) -> State:
    """grain_level (entries, TONES), grain_lags (entries, 2, LAGS, LAGS), grain_colour (entries, 3, 3) float32 and
    grain_size (entries, 2) int32. Looks at most SECONDS to either side. No grain where none was seen."""
    rows = np.asarray(clock.frames, np.int64) - int(np.ravel(measurements["grain_frame"])[0])
    own = [name for name in measurements if name.startswith("grain_")]
    picked = {name: np.asarray(measurements[name])[rows].astype(np.float64) for name in own}
    compared = np.ones((len(clock), 1))
    compared[list(clock.walls)] = 0  # with a frame of another scene
    count = picked["grain_count"] * compared
    sure = picked["grain_sure"] * compared
    shape = np.concatenate([picked[f"grain_{name}"].reshape(len(rows), -1) for name in ("lags", "colour")], axis=1)
    columns = [picked["grain_level"] * count, count, shape * sure, sure]
    summed = _summed(np.concatenate(columns, axis=1).astype(np.float64), clock, rate)
    level, worth, shapes, trust = np.split(summed, np.cumsum([TONES, TONES, shape.shape[1]]), axis=1)
    shapes = shapes / np.maximum(trust, 1e-9)
    lags, colour = shapes[:, : 2 * LAGS**2], shapes[:, 2 * LAGS**2 :]
    return {
        "grain_level": spread(level, worth).astype(np.float32),
        "grain_lags": lags.reshape(-1, 2, LAGS, LAGS).astype(np.float32),
        "grain_colour": colour.reshape(-1, 3, 3).astype(np.float32),
        "grain_size": picked["grain_size"].astype(np.int32),
    }


def _summed(values: Array, clock: Clock, rate: Fraction) -> Array:
    """Sums over each entry's neighbours, one after the other: what lies beyond them changes not even the last bit."""
    times = np.array([float(time) for time in clock.times])
    scenes = np.zeros(len(clock), np.int64)
    scenes[list(clock.walls)] = 1
    scenes = np.cumsum(scenes)
    summed = values.copy()
    for step in range(1, min(ceil(SECONDS * rate) + 1, len(clock))):
        near = (scenes[step:] == scenes[:-step]) & (times[step:] - times[:-step] <= SECONDS + 1e-9)
        summed[:-step] += values[step:] * near[:, None]
    for step in range(1, min(ceil(SECONDS * rate) + 1, len(clock))):
        near = (scenes[step:] == scenes[:-step]) & (times[step:] - times[:-step] <= SECONDS + 1e-9)
        summed[step:] += values[:-step] * near[:, None]
    return summed


def spread(level: Array, worth: Array) -> Array:
    """(entries, TONES) variance by tone: of well seen tones as it is, of others as in the tones around them
    (their harmonic mean, since texture only adds)."""
    places = np.arange(TONES)
    apart = np.abs(places[:, None] - places[None, :])
    near = np.exp(-((apart / _NEAR) ** 2) / 2)
    far = np.exp(-((apart / _FAR) ** 2) / 2) + 1e-6 * np.exp(-apart)
    inverse = worth**2 / np.maximum(level, 1e-12)
    wide = (worth @ far) / np.maximum(inverse @ far, 1e-12)
    doubt = _LITTLE * worth.sum(axis=1, keepdims=True)
    return np.asarray((level @ near + doubt * wide) / np.maximum(worth @ near + doubt, 1e-12), np.float64)
