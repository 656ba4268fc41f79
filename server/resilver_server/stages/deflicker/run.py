"""Deflicker at work: measure steps of exposure, find what of their sum is flicker, and take it out."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import AnalysisFrame, Measurements, StageContext, State, Window

from . import blocks, field, path
from .spec import DeflickerParameters

Array = npt.NDArray[np.float64]

_TRUST = 0.08
"""Share of the frame that must be comparable; below it the frame begins a piece of its own, as after a cut."""
_SURE = 0.35
"""Share from which a frame is corrected in full: a picture near black is left to be dark."""
_BLACK = 0.01
"""Tones below this keep the exposure change of this tone: the logarithm of black is not asked for."""
_LUMA = (0.2126, 0.7152, 0.0722)


class Analyser:
    """Measures how exposure changed since the frame before."""

    def __init__(self, parameters: DeflickerParameters) -> None:
        self._parameters = parameters

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """frame (1,) int64, gain (9, 12), gamma (1,), trust (1,) float32."""
        ratios = blocks.nothing_known()
        if previous is not None and previous.luma.shape == frame.luma.shape:
            ratios = blocks.compare(blocks.reduce(frame.luma), blocks.reduce(previous.luma))
        step = field.fit(ratios)
        return {
            "frame": np.array([frame.index], np.int64),
            "gain": step.gain,
            "gamma": np.array([step.gamma], np.float32),
            "trust": np.array([step.trust], np.float32),
        }


def solve(measurements: Measurements, clock: Clock, rate: Fraction, parameters: DeflickerParameters) -> State:
    """gain (entries, 9, 12) and gamma (entries, 1) float32: what to add to the log tones of each entry.

    Looks at most ``parameters.window`` seconds and one frame to either side, and never across a wall.
    """
    steps, trust = _between(measurements, clock)
    pieces = _pieces(len(clock), clock.walls, trust)
    times = np.array([float(time) for time in clock.times])
    whole, others = _separated(steps, parameters.local)
    flicker = partial(path.flicker, times=times, pieces=pieces, rate=float(rate), window=parameters.window)
    added = _joined(flicker(whole, fades=True), flicker(others, fades=False)) * _sureness(trust, pieces)[:, None]
    limited = np.clip(added, -parameters.limit, parameters.limit).astype(np.float32)
    return {"gain": limited[:, :-1].reshape(-1, *field.GRID), "gamma": limited[:, -1:]}


def _between(measurements: Measurements, clock: Clock) -> tuple[Array, Array]:
    """Steps (entries, points + 1) between entries, and the least trust on the way. Repeats between are summed up."""
    rows = np.asarray(clock.frames, np.int64) - int(measurements["frame"].ravel()[0])
    count = len(measurements["gain"])
    every = np.concatenate([measurements["gain"].reshape(count, -1), measurements["gamma"].reshape(count, -1)], axis=1)
    every = every.astype(np.float64)[: rows[-1] + 1]
    starts = np.concatenate([rows[:1], rows[:-1] + 1])
    trust = np.asarray(measurements["trust"], np.float64).ravel()[: rows[-1] + 1]
    return np.add.reduceat(every, starts, axis=0), np.minimum.reduceat(trust, starts)


def _pieces(count: int, walls: tuple[int, ...], trust: Array) -> npt.NDArray[np.int64]:
    first = trust < _TRUST
    first[list(walls)] = True
    return np.asarray(np.cumsum(first), np.int64)


def _sureness(trust: Array, pieces: npt.NDArray[np.int64]) -> Array:
    """(entries,) 0..1 how far to correct: by the better of the comparisons with the frames before and after."""
    same = pieces[1:] == pieces[:-1]
    before = np.concatenate([[0.0], np.where(same, trust[1:], 0.0)])
    after = np.append(before[1:], 0.0)
    return np.asarray(np.clip((np.maximum(before, after) - _TRUST) / (_SURE - _TRUST), 0, 1), np.float64)


def _separated(steps: Array, local: bool) -> tuple[Array, Array]:
    """(entries, 1): the whole frame's step; (entries, points + 1): what each point's differs from it, and gamma."""
    gain, gamma = steps[:, :-1], steps[:, -1:]
    whole = gain.mean(axis=1, keepdims=True)
    return whole, np.concatenate([(gain - whole) * local, gamma], axis=1)


def _joined(whole: Array, others: Array) -> Array:
    return np.concatenate([whole + others[:, :-1], others[:, -1:]], axis=1)


class _Session:
    def __init__(self, context: StageContext) -> None:
        format = context.input
        self._rows = self._weights(field.GRID[0], format.height, context)
        self._columns = self._weights(field.GRID[1], format.width, context)
        self._luma = torch.tensor(_LUMA, device=context.device, dtype=context.dtype)

    @staticmethod
    def _weights(points: int, size: int, context: StageContext) -> torch.Tensor:
        places = (np.arange(size) + 0.5) / size
        weights = torch.from_numpy(field.interpolation(points, places))
        return weights.to(device=context.device, dtype=context.dtype)

    def process(self, window: Window) -> torch.Tensor:
        frame = window.frames[window.centre]
        gain, gamma = (self._row(window, name, frame) for name in ("gain", "gamma"))
        luma = torch.tensordot(self._luma, frame, dims=1)
        tone = torch.log(luma.clamp(min=_BLACK)) - field.PIVOT
        added = self._rows @ gain @ self._columns.T + gamma * tone
        return frame * torch.exp(added)

    @staticmethod
    def _row(window: Window, name: str, like: torch.Tensor) -> torch.Tensor:
        row = np.asarray(window.state[name][window.centre], np.float32)
        return torch.from_numpy(row.copy()).to(device=like.device, dtype=like.dtype)


def open_session(parameters: DeflickerParameters, context: StageContext) -> _Session:
    return _Session(context)
