"""What ``stages/NAME/run.py`` offers to the engine. Frames are planar RGB tensors; the engine owns device, dtype,
padding, tiling, strength, mattes and change maps, a stage the mathematics only.

A ``run`` module has, where its spec says so:

- ``Analyser(parameters)``: an object satisfying ``Analyser`` (spec.analysed)
- ``solve(measurements, clock, rate, parameters) -> State`` (spec.analysed)
- ``advice(state, clock) -> Advice`` (spec.advises)
- ``open_session(parameters, context) -> Session`` (spec.renders and not spec.retimes)
- ``open_session(parameters, context) -> Interpolator`` (spec.retimes)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.formats import FrameFormat
from resilver_server.models.loader import Network

Measurements = Mapping[str, npt.NDArray[np.generic]]
"""Arrays by name. From ``measure``: of one frame, any fixed shape. In ``solve``: stacked, first axis = media frame
minus ``clock``-independent source start (row r is media frame ``source.start + r``)."""
State = Mapping[str, npt.NDArray[np.generic]]
"""Solved arrays by name, first axis = entry of the clock. Rendering entry i may read rows i - radius .. i + radius
only: the engine hands over just these, and they go into the chunk's key."""


Advice = Mapping[str, Sequence[int]]
"""Media frames that people should look at, by reason, the most urgent first."""


@dataclass(frozen=True)
class AnalysisFrame:
    """One media frame as the analysis pass sees it."""

    index: int
    """Media frame number."""
    luma: npt.NDArray[np.float32]
    """(height, width), 0..1: the film's own luma, range expanded, not linearised."""
    rgb: npt.NDArray[np.uint8]
    """(height, width, 3): for libraries that want 8-bit pictures."""


class Analyser(Protocol):
    """Measures frames one by one. The result for a frame may depend on it and the frame before, on nothing else:
    this is what makes analysis in chunks equal to analysis in one piece."""

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[np.generic]]: ...


@dataclass(frozen=True)
class StageContext:
    """What a session is opened with."""

    input: FrameFormat
    output: FrameFormat
    device: torch.device
    dtype: torch.dtype
    networks: Mapping[str, Network]
    """By card id; weights already on the device, eval mode, no gradients. On a GPU they may be float16 while frames are
    float32: networks that enlarge take frames as they are and convert by themselves, RIFE's stage converts."""
    luma: tuple[float, float, float] = (0.2126, 0.7152, 0.0722)
    """What of R', G' and B' makes the luma of the results' matrix; BT.709 for RGB."""


@dataclass(frozen=True)
class KeyFrame:
    """A picture that a stage looks at beside its window, wherever in the shot it lies."""

    picture: torch.Tensor
    """(3, height, width) RGB, 0..1, at the size of the stage's input; of a reference at its own."""
    given: bool
    """Whether an artist gave it; else it is the film's own frame, untouched by any stage."""


@dataclass(frozen=True)
class Window:
    """The frames around the one to render."""

    frames: torch.Tensor
    """(n, 3, height, width) RGB, nominally 0..1. n = neighbours that exist within the scene and radius, plus one."""
    centre: int
    """Which of them is to be rendered."""
    state: State
    """Solved rows of the same n frames; empty if the stage has no analysis. Behind the retiming: for each output frame
    the row of the entry that it is, or follows."""
    number: int = 0
    """Which frame of the shot this is, whatever chunk it is rendered in: ahead of the retiming the number of the media
    frame, behind it that of the output frame. Only a stage whose spec says ``numbered`` may read it."""
    defects: torch.Tensor | None = None
    """(n, height, width), 0..1, of the same n frames: white where a scanner saw a defect. None unless the spec lists
    ``StageInput.DEFECT_MAP`` and the artist gave one."""
    keys: Mapping[int, KeyFrame] = field(default_factory=dict)
    """By number the key frames that the centre's row of the state asks for (``keys.KEYS``)."""


class Origin(IntEnum):
    """From where a stage took a pixel."""

    KEPT = 0
    """It was left alone, or is a function of itself."""
    PREVIOUS = 1
    """A frame before it."""
    NEXT = 2
    """A frame after it."""
    BOTH = 3
    """Frames on both sides."""
    SPATIAL = 4
    """Its surroundings in the frame itself."""


@dataclass(frozen=True)
class Made:
    """A frame by a stage that can tell more of it than its pixels."""

    frame: torch.Tensor
    """(3, output height, output width)."""
    origin: torch.Tensor
    """(output height, output width) uint8 of ``Origin``, for clips of change maps."""
    confidence: torch.Tensor | None = None
    """(output height, output width), 0..1: how sure the stage is, for previews."""


class Session(Protocol):
    """An open stage. ``process`` is pure in its argument: same window, same result."""

    def process(self, window: Window) -> torch.Tensor | Made:
        """(3, output height, output width), same device and dtype; alone, or with what else there is to tell."""


class Interpolator(Protocol):
    def between(self, before: torch.Tensor, after: torch.Tensor, position: Fraction) -> torch.Tensor:
        """The frame at ``position`` (0 < position < 1) between two (3, height, width) frames of one scene."""
