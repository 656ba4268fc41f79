"""Repair: takes away what lies on the film for a few frames, and rebuilds frames that are lost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.spans import format_frames, parse_frames
from resilver_server.stages.spec import StageInput, StageSpec, parameter

from .sizes import detection

DIRT_REACH = 4
"""Frames either side that dirt is looked for with: it stays for three at most, and one that is clean must be seen; two
at the ends of a shot, where all of them are on one side."""
REACH = 4
"""Frames either side that a fill is made of, and among which a burst of four has one that is whole."""
BAD_FRAMES = "stage repair, parameter bad_frames"
"""What errors about the list name."""
_SEEKING = 160
"""Float32 planes at the size that dirt is sought at."""
_FILLING = 16
"""Float32 planes at full size, beyond the window's frames."""


@dataclass(frozen=True)
class RepairParameters:
    """What an artist may set."""

    dirt: bool = parameter(True, "Remove dust and dirt that stay for one to three frames")
    sensitivity: float = parameter(
        0.5,
        "How readily something is taken for dirt: each step of 0.25 halves what it has to stand out by",
        minimum=0.0,
        maximum=1.0,
    )
    largest: float = parameter(
        0.4,
        "How thick a piece of dirt may be, as a share of the frame's height: a hair is as thick as it is wide",
        minimum=0.002,
        maximum=1.0,
    )
    grain: bool = parameter(
        True,
        "Give what is filled in the grain of a frame; without, it is smooth, for film whose grain is reduced after",
    )
    lines: bool = parameter(True, "Remove upright line scratches that stay for half a second or longer")
    bad_frames: str = parameter(
        "",
        "Media frames that are rebuilt from those around them whatever they show, as in 120-122, 200: at most four in a"
        " row, between two that are whole",
        solved=True,
    )
    bursts: bool = parameter(True, "Rebuild up to four frames in a row that are burnt, blank or missing")


def _resolve(parameters: RepairParameters, given: FrameFormat, device: str) -> RepairParameters:
    """Raises InvalidRecipe for a list of bad frames that is none."""
    return replace(parameters, bad_frames=format_frames(parse_frames(parameters.bad_frames, BAD_FRAMES)))


def _radius(parameters: RepairParameters) -> int:
    """One for all: what is painted on a map and frames that are listed need neighbours whatever else is sought."""
    return REACH


def _memory(given: FrameFormat, parameters: RepairParameters) -> int:
    window = (2 * REACH + 1) * 3
    window += window * (1 + 2 * parameters.lines)
    return 4 * given.pixels * (window + _FILLING + _SEEKING // detection(given.height, given.width) ** 2)


SPEC = StageSpec(
    name="repair",
    version=2,
    summary="Removes dust, dirt and line scratches, and rebuilds burnt and missing frames",
    parameters=RepairParameters,
    analysed=True,
    inputs=(StageInput.MATTE, StageInput.KEEP_MATTE, StageInput.DEFECT_MAP),
    resolve=_resolve,
    radius=_radius,
    memory=_memory,
)
