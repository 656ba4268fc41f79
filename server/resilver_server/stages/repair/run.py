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

from . import bursts, dirt, fill, lines, motion, sizes, things
from .planes import around, reduced, smooth
from .spec import DIRT_REACH, RepairParameters

_THINGS = 0.04
"""Share of the height within which things are looked for in the frames around."""
_DOUBTFUL = 0.1
"""Share of the height that dirt may measure for which only frames of one side speak."""
_NEAREST = 4
"""Pixels, at least."""
_ALIKE = 0.08
"""Differences above are no matter of brightness."""
_FEW = 1e-3
"""Share of alike pixels around, below which brightness is left as it is."""
_BLOCK = 16
"""Pixels whose mean is compared, for the exposure of the whole frame."""
_FLAT = 1e-3
"""Variance (of tones 0..1) below which contrast says nothing."""
_STEEPEST = 1.6
"""Largest change of contrast."""


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
        self._largest = parameters.largest * context.input.height

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
        offsets = _offsets(window)
        tried = dirt.spans(offsets)
        if not tried:
            return frame
        view = _View(window, offsets)
        found = self._pieces(view, tried)
        return view.mended(found, tried, self._parameters.grain) if found.labels.any() else frame

    def _pieces(self, view: _View, tried: list[dirt.Span]) -> dirt.Pieces:
        sensitivity, smoothed = self._parameters.sensitivity, smooth(view.current)[0]
        score, trace = dirt.scores(smoothed, view.smoothed, view.flow, tried)
        found = dirt.pieces(score, sensitivity, self._largest / view.factor)
        found = dirt.within(found, tried, max(_NEAREST, _DOUBTFUL * smoothed.shape[-2]))
        reach = max(_NEAREST, round(_THINGS * smoothed.shape[-2]))
        found = things.without_things(found, tried, smoothed, view.smoothed, reach)
        return dirt.with_rims(found, trace, sensitivity)


class _View:
    """A frame and its neighbours, moved onto it, at the size dirt is sought at."""

    def __init__(self, window: Window, offsets: list[int]) -> None:
        self._window = window
        height, width = window.frames.shape[-2:]
        self.factor = sizes.detection(height, width)
        lumas = reduced(motion.luma(window.frames), self.factor)
        coarser = sizes.flow(height, width) // self.factor
        centre = window.centre
        pictures = motion.guides(reduced(lumas, coarser))
        found = motion.flows(pictures, centre, [centre + offset for offset in offsets])
        rows, columns = lumas.shape[-2:]
        flow = motion.enlarged(found, coarser, rows, columns, lumas)
        self.current = lumas[centre : centre + 1]
        plain = motion.moved(lumas[[centre + offset for offset in offsets]], flow)
        level = _levelled(smooth(self.current), smooth(plain))
        self.smoothed = dict(zip(offsets, level, strict=True))
        self._plain = dict(zip(offsets, plain[:, None], strict=True))
        self.flow = dict(zip(offsets, flow[:, None], strict=True))

    def mended(self, found: dirt.Pieces, tried: list[dirt.Span], grain: bool) -> torch.Tensor:
        """The frame with the places found filled; not a bit changed elsewhere."""
        frames, centre = self._window.frames, self._window.centre
        height, width = frames.shape[-2:]
        dirty = torch.from_numpy(found.labels > 0).to(frames.device)[None, None].to(frames.dtype)
        rows, columns = _full(found.labels > 0, self.factor, height, width)
        offsets = np.array([_sources(span) for span in tried])
        sources = offsets[found.span[found.labels[rows // self.factor, columns // self.factor]]].T
        known = {
            offset: fill.guidance(self.current, self._plain[offset], self.flow[offset], dirty)
            for offset in sorted({int(offset) for offset in np.unique(sources)} - {0})
        }
        places = torch.from_numpy(rows).to(frames.device), torch.from_numpy(columns).to(frames.device)
        wanted = torch.from_numpy(np.ascontiguousarray(sources)).to(frames.device)
        neighbours = {offset: frames[centre + offset] for offset in known}
        result = frames[centre].clone()
        result[:, places[0], places[1]] = fill.filled(
            frames[centre], neighbours, places, wanted, known, self.factor, grain
        )
        return result


def _sources(span: dirt.Span) -> tuple[int, ...]:
    """Four offsets that a place is filled from, 0 for none."""
    return (span.first, span.second, *span.further, 0, 0)[:4]


def _full(
    mask: npt.NDArray[np.bool_], factor: int, height: int, width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    large = mask.repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width]
    rows, columns = np.nonzero(large)
    return rows, columns


def _offsets(window: Window) -> list[int]:
    """Neighbours that may tell what the frame showed: near, and not to be rebuilt themselves."""
    reach = range(-DIRT_REACH, DIRT_REACH + 1)
    near = (offset for offset in reach if offset and 0 <= window.centre + offset < len(window.frames))
    return [offset for offset in near if bursts.gap(window.state, window.centre + offset) is None]


def _levelled(current: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) neighbours brought to the brightness and the contrast of the frame around each place, by a line
    through what is alike: as flicker, fog and fades differ from frame to frame, dirt does not."""
    moved = moved * _exposure(current, moved)
    alike = ((current - moved).abs() < _ALIKE).to(moved.dtype)

    def mean(planes: torch.Tensor) -> torch.Tensor:
        return (around(alike * planes, 8, 5) + _FEW / 2) / share

    share = around(alike, 8, 5) + _FEW
    here, there = mean(current), mean(moved)
    both, own = mean(current * moved) - here * there, mean(moved * moved) - there * there
    slope = ((both + _FLAT) / (own + _FLAT)).clamp(1 / _STEEPEST, _STEEPEST)
    return here + slope * (moved - there)


def _exposure(current: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """(n, 1, 1, 1) by how much all of the frame is brighter than its neighbours: the median over blocks."""
    here, there = reduced(current, _BLOCK), reduced(moved, _BLOCK)
    ratio = ((here + _FEW) / (there + _FEW)).flatten(1).median(dim=1).values
    return ratio[:, None, None, None]


def open_session(parameters: RepairParameters, context: StageContext) -> _Session:
    return _Session(parameters, context)
