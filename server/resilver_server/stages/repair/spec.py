"""Repair: takes away what lies on the film for a few frames, and rebuilds frames that are lost."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.spec import StageSpec, parameter

from .sizes import detection

DIRT_REACH = 4
"""Frames either side that dirt is looked for with: it stays for three at most, and one that is clean must be seen; two
at the ends of a shot, where all of them are on one side."""
LINE_REACH = 3
"""Frames either side that may have seen what lies under an opaque line."""
BURST_REACH = 4
"""Frames either side among which a burst of four has an undamaged one."""
_SEEKING = 96
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
    bursts: bool = parameter(True, "Rebuild up to four frames in a row that are burnt, blank or missing")


def _radius(parameters: RepairParameters) -> int:
    return max(DIRT_REACH * parameters.dirt, BURST_REACH * parameters.bursts, LINE_REACH * parameters.lines)


def _memory(given: FrameFormat, parameters: RepairParameters) -> int:
    window = (2 * _radius(parameters) + 1) * 3
    window += window * 2 * parameters.lines
    return 4 * given.pixels * (window + _FILLING + _SEEKING // detection(given.height, given.width) ** 2)


SPEC = StageSpec(
    name="repair",
    version=2,
    summary="Removes dust, dirt and line scratches, and rebuilds burnt and missing frames",
    parameters=RepairParameters,
    analysed=True,
    radius=_radius,
    memory=_memory,
)
