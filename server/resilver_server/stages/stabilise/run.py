"""Stabilise at work: measure how the picture moved, find what of the way was not meant, and move the frames back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import AnalysisFrame, Measurements, StageContext, State, Window

from . import edges, motion, path, planes
from .spec import StabiliseParameters
from .warp import Move, Part, Places, moved

Array = npt.NDArray[np.float64]

_AGREED = 0.15
"""Share of the textured picture that must move alike; below it the frame begins a piece of its own, as after a cut."""
_BLOCKS = 4.0
"""Blocks' worth of texture that must move alike."""
_ALIKE = 0.75
"""Share of the contrast that both frames must have in common."""
_WORN = 0.02
"""Share of the picture's height beside a black border that is soft, dark or rounded."""
_NONE = 1 << 20
"""Border of a frame that is black altogether: it says nothing of the border."""


class Analyser:
    """Measures how the picture moved since the frame before."""

    def __init__(self, parameters: StabiliseParameters) -> None:
        self._similarity = parameters.motion == "similarity"

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """frame (1,) int64; size (2,) and border (4,) int32, pixels; step (4,) float32: pixels right and down, growth,
        turn; agreed, blocks and alike (1,) float32."""
        border = planes.border(frame.luma)
        found = motion.NOTHING
        if previous is not None and previous.luma.shape == frame.luma.shape:
            found = self._between(previous.luma, frame.luma, border)
        return {
            "frame": np.array([frame.index], np.int64),
            "size": np.array(frame.luma.shape, np.int32),
            "border": np.array(border or (_NONE,) * 4, np.int32),
            "step": np.array([*found.shift, found.grow, found.turn], np.float32),
            "agreed": np.array([found.agreed], np.float32),
            "blocks": np.array([found.blocks], np.float32),
            "alike": np.array([found.alike], np.float32),
        }

    def _between(self, earlier: planes.Plane, later: planes.Plane, border: planes.Border | None) -> motion.Motion:
        before = planes.border(earlier)
        if border is None or before is None:
            return motion.NOTHING
        above, below, left, right = (max(pair) for pair in zip(before, border, strict=True))
        common = above, below, left, right
        first, second = (planes.reduce(planes.inside(luma, common)) for luma in (earlier, later))
        if first is None or second is None:
            return motion.NOTHING
        found = motion.between(first, second, self._similarity)
        return found.about((right - left) / 2, (below - above) / 2)


def solve(measurements: Measurements, clock: Clock, rate: Fraction, parameters: StabiliseParameters) -> State:
    """move (entries, 4) float32: how each entry is moved, as in ``Move``; step (entries, 4) float32: how the picture
    moved since the entry before; first (entries, 1) uint8: nothing before it may be compared; border (entries, 4)
    int32.

    Looks at most ``parameters.window`` seconds and one frame to either side, and never across a wall; splices out of
    register count for the whole of their piece.
    """
    steps, known = _between(measurements, clock)
    pieces = _pieces(known, clock.walls)
    times = np.array([float(time) for time in clock.times])
    size = np.asarray(measurements["size"][0], np.float64)
    unit = np.array([1, 1, np.hypot(*size) / 2, np.hypot(*size) / 2])
    added = path.corrections(steps * unit, times, pieces, float(rate), parameters.window)
    limit = parameters.limit * size[0] * np.array([1, 1, 0.5, 0.5])
    rows = np.asarray(clock.frames, np.int64) - int(measurements["frame"].ravel()[0])
    border = path.least(np.asarray(measurements["border"], np.float64)[rows], times, pieces, parameters.window)
    first = np.diff(pieces, prepend=pieces[:1] - 1) > 0
    return {
        "move": (np.clip(added * parameters.amount, -limit, limit) / unit).astype(np.float32),
        "step": steps.astype(np.float32),
        "first": first[:, None].astype(np.uint8),
        "border": np.where(border < _NONE, border, 0).astype(np.int32),
    }


def _between(measurements: Measurements, clock: Clock) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Steps (entries, 4) between entries, and whether all on the way could be measured. Repeats are summed up."""
    rows = np.asarray(clock.frames, np.int64) - int(measurements["frame"].ravel()[0])
    starts = np.concatenate([rows[:1], rows[:-1] + 1])
    stop = int(rows[-1]) + 1
    needed = {"agreed": _AGREED, "blocks": _BLOCKS, "alike": _ALIKE}
    enough = [np.asarray(measurements[name], np.float64).ravel() >= least for name, least in needed.items()]
    known = np.logical_and.reduce(enough)
    every = np.where(known[:, None], np.asarray(measurements["step"], np.float64), 0.0)[:stop]
    return np.add.reduceat(every, starts, axis=0), np.logical_and.reduceat(known[:stop], starts)


def _pieces(known: npt.NDArray[np.bool_], walls: tuple[int, ...]) -> npt.NDArray[np.int64]:
    first = ~known
    first[list(walls)] = True
    return np.asarray(np.cumsum(first), np.int64)


class _Session:
    def __init__(self, parameters: StabiliseParameters, context: StageContext) -> None:
        self._edges = parameters.edges
        both = 2.0 if parameters.motion == "similarity" else 1.0
        self._spare = both * parameters.limit * context.input.height

    def process(self, window: Window) -> torch.Tensor:
        frame = window.frames[window.centre]
        move = _move(window, "move", window.centre)
        if move == Move() and self._edges != "crop":
            return frame
        border = tuple(int(value) for value in window.state["border"][window.centre])
        area = Part(border[0], frame.shape[1] - border[1], border[2], frame.shape[2] - border[3])
        result = frame.clone()
        result[:, area.top : area.bottom, area.left : area.right] = self._steadied(window, move, area)
        return result

    def _steadied(self, window: Window, move: Move, area: Part) -> torch.Tensor:
        pictures = window.frames[:, :, area.top : area.bottom, area.left : area.right]
        height, width = pictures.shape[2:]
        x = (area.left + area.right - window.frames.shape[3]) / 2
        y = (area.top + area.bottom - window.frames.shape[2]) / 2
        places = Places.of(move.about(x, y), height, width)
        whole = Part(0, height, 0, width)
        if self._edges == "crop":
            zoom = 1 / max(0.1, 1 - 2 * self._spare / min(height, width))
            return moved(pictures[window.centre], Places.of(move.about(x, y), height, width, zoom), whole)
        if self._edges == "black":
            return edges.blackened(pictures[window.centre], places, whole)
        neighbours = [
            edges.Neighbour(pictures[k], Places.of((move + way).about(x, y), height, width))
            for k, way in _around(window)
        ]
        worn = edges.Worn(*(_WORN * height if sides else 0.0 for sides in window.state["border"][window.centre]))
        return edges.filled(pictures[window.centre], places, neighbours, worn)


def _around(window: Window) -> list[tuple[int, Move]]:
    """The neighbours of the same piece, nearest first, and how far the picture went from each to the frame in hand."""
    found: list[tuple[int, int, Move]] = []
    for direction in (-1, 1):
        way = Move()
        k = window.centre
        while 0 <= k + direction < len(window.frames):
            later = max(k, k + direction)
            if window.state["first"][later, 0]:
                break
            step = _move(window, "step", later)
            way = way + step if direction < 0 else way + step.back()
            k += direction
            found.append((abs(k - window.centre), k, way))
    return [(k, way) for _, k, way in sorted(found, key=lambda entry: entry[:2])]


def _move(window: Window, name: str, row: int) -> Move:
    x, y, grow, turn = (float(value) for value in window.state[name][row])
    return Move(x, y, grow, turn)


def open_session(parameters: StabiliseParameters, context: StageContext) -> _Session:
    return _Session(parameters, context)
