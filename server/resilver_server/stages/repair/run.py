"""Repair at work."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.domain.spans import parse_frames
from resilver_server.stages.contract import AnalysisFrame, Made, Measurements, StageContext, State, Window
from resilver_server.stages.planes import spread

from . import bursts, dirt, lines, mend
from .spec import BAD_FRAMES, RepairParameters
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
    """What ``bursts.solved`` says of frames found and listed, and ``lines.solve_lines`` if lines are to go. The first
    looks at most five frames to either side, the second three seconds and ten frames, neither across a wall."""
    lasting = lines.solve_lines(measurements, clock, rate) if parameters.lines else {}
    listed = parse_frames(parameters.bad_frames, BAD_FRAMES)
    return {**bursts.solved(measurements, clock, parameters.bursts, listed), **lasting}


class _Session:
    def __init__(self, parameters: RepairParameters) -> None:
        self._parameters = parameters

    def process(self, window: Window) -> Made:
        """The frame, and from where its pixels come. What lines were taken out of counts as it is told by ``lines``,
        where nothing was laid over it after."""
        film = window.frames[window.centre]
        origin = torch.zeros(film.shape[-2:], dtype=torch.uint8, device=film.device)
        if self._parameters.lines:
            frames, origin = lines.without(window.frames, window.centre, window.state)
            window = replace(window, frames=frames)
        hidden = None if window.defects is None else mend.covers(window.defects)
        gap = bursts.gap(window.state, window.centre)
        made = self._mended(window, hidden) if gap is None else self._rebuilt(window, hidden, gap)
        return Made(made.frame, torch.where(made.origin > 0, made.origin, origin))

    def _rebuilt(self, window: Window, hidden: torch.Tensor | None, gap: bursts.Gap) -> Made:
        ends = window.centre - gap.before, window.centre + gap.after
        if ends[0] < 0 or ends[1] >= len(window.frames):
            return _untouched(window)
        first, last = (self._mended(replace(window, centre=end), hidden).frame for end in ends)
        return bursts.between(first, last, gap.position)

    def _mended(self, window: Window, hidden: torch.Tensor | None) -> Made:
        """Without dirt, and with what the map shows filled."""
        if hidden is not None and not bool((hidden > 0).any()):
            hidden = None
        seeing = window if hidden is None else replace(window, frames=_smoothed_over(window.frames, hidden))
        near = offsets(window) if self._parameters.dirt else []
        tried = dirt.spans(near)
        view = View(seeing, near) if tried else None
        pieces = found(view, tried, self._parameters) if view else None
        cover = None if hidden is None else hidden[window.centre]
        if (pieces is None or not pieces.labels.any()) and (cover is None or not bool((cover > 0).any())):
            return _untouched(window)
        damaged = mend.damage(window, cover, pieces, tried)
        return mend.mended(window, seeing, damaged, hidden, view.flow if view else {}, self._parameters.grain)


def _smoothed_over(frames: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """(n, 3, h, w) with what maps hide filled from around it, so that neither motion nor dirt is seen there."""
    result = frames.clone()
    for frame, cover in zip(result, hidden, strict=True):
        if bool((cover > 0).any()):
            frame.copy_(spread(frame[None], (cover == 0)[None, None].to(frame.dtype))[0])
    return result


def _untouched(window: Window) -> Made:
    frame = window.frames[window.centre]
    return Made(frame, torch.zeros(frame.shape[-2:], dtype=torch.uint8, device=frame.device))


def open_session(parameters: RepairParameters, context: StageContext) -> _Session:
    return _Session(parameters)
