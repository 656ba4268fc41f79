"""Deflicker: takes out brightness that jumps from frame to frame, over the whole frame or parts of it."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.spec import StageSpec, parameter

_PLANES = 5
"""Float32 planes that rendering holds: luma, its logarithm, the gains and two passing ones."""


@dataclass(frozen=True)
class DeflickerParameters:
    """What an artist may set."""

    window: float = parameter(
        2.5, "Seconds either side that a frame's brightness is steadied against", minimum=0.1, maximum=10.0
    )
    local: bool = parameter(True, "Also remove flicker that differs across the frame")
    limit: float = parameter(0.5, "Largest change of a frame's log brightness", minimum=0.0, maximum=2.0)


def _memory(given: FrameFormat, parameters: DeflickerParameters) -> int:
    return _PLANES * 4 * given.pixels


SPEC = StageSpec(
    name="deflicker",
    version=1,
    summary="Steadies brightness that flickers, over the frame and in parts of it; keeps fades and cuts",
    parameters=DeflickerParameters,
    analysed=True,
    memory=_memory,
)
