"""Stabilise: takes out the weave of the gate and the shaking of the camera; keeps what the camera meant to do."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.spec import StageSpec, parameter

RADIUS = 5
"""Frames either side that edges are filled from: weave has then been on the other side, as good as always."""
_PLANES = 30
"""Float32 planes that moving a frame holds: both passes, places and weights of turned ones."""


@dataclass(frozen=True)
class StabiliseParameters:
    """What an artist may set."""

    window: float = parameter(
        4.0, "Seconds either side that the picture's place is steadied against", minimum=0.2, maximum=10.0
    )
    motion: str = parameter(
        "translation",
        "What is steadied: translation alone, or similarity: turning and growing as well (shrunken film, hand-held)",
        choices=("translation", "similarity"),
    )
    edges: str = parameter(
        "fill",
        "What the moved picture lets in at its edges: fill takes it from neighbouring frames, crop enlarges every frame"
        " alike by what the limit may cost, black leaves it black",
        choices=("fill", "crop", "black"),
    )
    limit: float = parameter(
        0.03, "Largest move of a frame, as a share of its height; more stays as it is", minimum=0.0, maximum=0.2
    )
    amount: float = parameter(
        1.0,
        "Share of the shaking that is taken out. Strength would lay the steadied picture over the other",
        minimum=0.0,
        maximum=1.0,
    )


def _radius(parameters: StabiliseParameters) -> int:
    return RADIUS if parameters.edges == "fill" else 0


def _memory(given: FrameFormat, parameters: StabiliseParameters) -> int:
    """Neighbours wait twice: as remembered, and as stacked."""
    return (_PLANES + 2 * 3 * 2 * _radius(parameters)) * 4 * given.pixels


SPEC = StageSpec(
    name="stabilise",
    version=3,
    summary="Steadies the picture that weaves in the gate; keeps pans, their starts and their stops",
    parameters=StabiliseParameters,
    analysed=True,
    radius=_radius,
    memory=_memory,
)
