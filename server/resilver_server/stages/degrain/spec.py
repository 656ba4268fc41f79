"""Degrain: takes out a chosen part of the grain, along the motion of the picture."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.spec import StageSpec, parameter

_PLANES = 60
"""Float32 planes that rendering holds at most, a neighbour's window of places and three colours included."""


@dataclass(frozen=True)
class DegrainParameters:
    """What an artist may set."""

    amount: float = parameter(
        0.5, "Part of the grain that is taken out; the rest stays as it is, everywhere alike", minimum=0.0, maximum=1.0
    )
    neighbours: int = parameter(2, "Frames either side that are averaged along the motion", minimum=0, maximum=4)
    spatial: float = parameter(
        1.0, "How far grain is smoothed where neighbours do not confirm the picture", minimum=0.0, maximum=2.0
    )


def _radius(parameters: DegrainParameters) -> int:
    return parameters.neighbours


def _memory(given: FrameFormat, parameters: DegrainParameters) -> int:
    return _PLANES * 4 * given.pixels


SPEC = StageSpec(
    name="degrain",
    version=2,
    summary="Reduces grain by a chosen part, along the motion; keeps detail and what moves on its own",
    parameters=DegrainParameters,
    analysed=True,
    radius=_radius,
    memory=_memory,
)
