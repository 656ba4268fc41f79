"""Regrain at work: the source's grain is measured and solved as for degrain, and made anew for each finished frame."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import FrameFormat
from resilver_server.stages import grain
from resilver_server.stages.contract import AnalysisFrame, Measurements, StageContext, State, Window
from resilver_server.stages.grain import Grain
from resilver_server.stages.grain.model import luma

from .spec import RegrainParameters

_SMALLEST, _LARGEST = 0.25, 16.0
"""Scales outside make no grain that could be seen."""


class Analyser:
    """Measures the grain of each frame of the source."""

    def __init__(self, parameters: RegrainParameters) -> None:
        self._parameters = parameters

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """As ``grain.measure``."""
        return grain.measure(frame, previous)


def solve(measurements: Measurements, clock: Clock, rate: Fraction, parameters: RegrainParameters) -> State:
    """As ``grain.solve``: looks at most ``grain.SECONDS`` to either side, and never across a wall."""
    return grain.solve(measurements, clock, rate)


class _Session:
    def __init__(self, parameters: RegrainParameters, given: FrameFormat) -> None:
        self._parameters, self._given = parameters, given

    def process(self, window: Window) -> torch.Tensor:
        frame = window.frames[window.centre]
        seen = Grain.of(window.state, window.centre)
        if seen.none or self._parameters.amount == 0:
            return frame
        height, width = frame.shape[-2:]
        made = grain.pattern(seen, height, width, self._scale(seen), self._seed(window.number)).to(frame)
        return frame + self._parameters.amount * grain.deviation(seen, luma(frame)) * made

    def _scale(self, seen: Grain) -> float:
        """Bars beside the picture make one of both ratios too large."""
        if self._parameters.size:
            return self._parameters.size
        height, width = seen.size
        enlarged = min(self._given.height / max(height, 1), self._given.width / max(width, 1))
        return min(max(enlarged, _SMALLEST), _LARGEST)

    def _seed(self, number: int) -> int:
        """One for each frame of a shot, the same in whatever chunk it is made."""
        return (self._parameters.seed << 40) + number


def open_session(parameters: RegrainParameters, context: StageContext) -> _Session:
    return _Session(parameters, context.input)
