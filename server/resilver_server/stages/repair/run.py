"""Repair at work."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import AnalysisFrame, Measurements, StageContext, State, Window

from . import bursts, dirt, lines, mend
from .spec import RepairParameters
from .view import View, found, offsets


class Analyser:
    """Keeps a small picture of every frame, by which burnt and missing ones are told, and looks for upright lines."""

    def __init__(self, parameters: RepairParameters) -> None:
        self._parameters = parameters
        self._lines = lines.LineAnalyser()

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """frame (1,) int64, picture (18, 24) float32; what ``LineAnalyser`` says, if lines are to go."""
        lasting = self._lines.measure(frame, previous) if self._parameters.lines else {}
        return {"frame": np.array([frame.index], np.int64), **bursts.measured(frame.luma), **lasting}


def solve(measurements: Measurements, clock: Clock, rate: Fraction, parameters: RepairParameters) -> State:
    """What ``bursts.solved`` says, and ``lines.solve_lines`` if lines are to go. The first looks at most five frames to
    either side, the second three seconds and ten frames, neither across a wall."""
    lasting = lines.solve_lines(measurements, clock, rate) if parameters.lines else {}
    return {**bursts.solved(measurements, clock, parameters.bursts), **lasting}


class _Session:
    def __init__(self, parameters: RepairParameters, context: StageContext) -> None:
        self._parameters = parameters

    def process(self, window: Window) -> torch.Tensor:
        if self._parameters.lines:
            window = replace(window, frames=lines.without(window.frames, window.centre, window.state))
        gap = bursts.gap(window.state, window.centre)
        if gap is not None:
            return self._rebuilt(window, gap)
        return self._without_dirt(window)

    def _rebuilt(self, window: Window, gap: bursts.Gap) -> torch.Tensor:
        ends = window.centre - gap.before, window.centre + gap.after
        if ends[0] < 0 or ends[1] >= len(window.frames):
            return window.frames[window.centre]
        first, last = (self._without_dirt(Window(window.frames, end, window.state)) for end in ends)
        return bursts.between(first, last, gap.position)

    def _without_dirt(self, window: Window) -> torch.Tensor:
        frame = window.frames[window.centre]
        if not self._parameters.dirt:
            return frame
        near = offsets(window)
        tried = dirt.spans(near)
        if not tried:
            return frame
        view = View(window, near)
        pieces = found(view, tried, self._parameters)
        return mend.mended(view, pieces, tried, self._parameters.grain) if pieces.labels.any() else frame


def open_session(parameters: RepairParameters, context: StageContext) -> _Session:
    return _Session(parameters, context)
