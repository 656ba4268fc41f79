"""Frames at new times, computed from the motion between filmed ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.rates import Rate, format_rate, parse_rate
from resilver_server.stages.spec import StageSpec, parameter

BLEND = "blend"
LARGEST_FLOW = 1920 * 1088
"""Pixels up to which motion is sought at the frame's own size; larger frames are halved until they fit."""


@dataclass(frozen=True)
class Parameters:
    rate: str = parameter("60", "Output frames a second: 60, 59.94, 60000/1001.")
    model: str = parameter("rife-4.25", "Card of the network; blend only mixes the two frames.")


def resolve(parameters: Parameters, given: FrameFormat, device: str) -> Parameters:
    return replace(parameters, rate=format_rate(parse_rate(parameters.rate)))


def output_rate(parameters: Parameters) -> Rate:
    """Raises InvalidRate."""
    return parse_rate(parameters.rate)


def models(parameters: Parameters) -> tuple[str, ...]:
    return () if parameters.model == BLEND else (parameters.model,)


def reduction(pixels: int) -> int:
    """Factor by which each side is reduced before motion is sought: 1, 2, 4, ..."""
    factor = 1
    while pixels > LARGEST_FLOW * factor * factor:
        factor *= 2
    return factor


SPEC = StageSpec(
    name="interpolate",
    version=1,
    summary="Computes frames at new times; filmed frames are handed on untouched, cuts are never crossed.",
    parameters=Parameters,
    retimes=True,
    resolve=resolve,
    models=models,
)
