"""Regrain: lays grain like that of the source over the finished picture."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.spec import StageSpec, parameter

_PLANES = 16
"""Float32 planes that rendering holds: noise, its three filtered parts, the pattern, deviation and passing ones."""


@dataclass(frozen=True)
class RegrainParameters:
    """What an artist may set."""

    amount: float = parameter(
        1.0, "Deviation of the grain that is added, as a share of what the source has", minimum=0.0, maximum=4.0
    )
    size: float = parameter(
        0.0,
        "How much larger grains are, in pixels, than in the source: 1 as many; 0 as in film, enlarged with the picture",
        minimum=0.0,
        maximum=8.0,
    )
    seed: int = parameter(0, "Another number gives other grain of the same kind", minimum=0, maximum=65535)


def _memory(given: FrameFormat, parameters: RegrainParameters) -> int:
    return _PLANES * 4 * given.pixels


SPEC = StageSpec(
    name="regrain",
    version=1,
    summary="Adds grain as the source has it, by tone, size and colour, new in every frame",
    parameters=RegrainParameters,
    analysed=True,
    numbered=True,
    memory=_memory,
)
