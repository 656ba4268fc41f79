"""Degrain at work: neighbours that agree are averaged, what they do not confirm is smoothed a little in space."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.stages import grain
from resilver_server.stages.contract import AnalysisFrame, Measurements, StageContext, State, Window
from resilver_server.stages.grain import Grain

from .spatial import smoothed
from .spec import DegrainParameters
from .temporal import averaged


class Analyser:
    """Measures the grain of each frame."""

    def __init__(self, parameters: DegrainParameters) -> None:
        self._parameters = parameters

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """As ``grain.measure``."""
        return grain.measure(frame, previous)


def solve(measurements: Measurements, clock: Clock, rate: Fraction, parameters: DegrainParameters) -> State:
    """As ``grain.solve``: looks at most ``grain.SECONDS`` to either side, and never across a wall."""
    return grain.solve(measurements, clock, rate)


class _Session:
    def __init__(self, parameters: DegrainParameters) -> None:
        self._parameters = parameters

    def process(self, window: Window) -> torch.Tensor:
        frame = window.frames[window.centre]
        seen = Grain.of(window.state, window.centre)
        if seen.none or self._parameters.amount == 0:
            return frame
        steady = averaged(window.frames, window.centre, seen)
        clean = smoothed(steady, seen, self._parameters.spatial)
        return torch.lerp(frame, clean, self._parameters.amount)


def open_session(parameters: DegrainParameters, context: StageContext) -> _Session:
    return _Session(parameters)
