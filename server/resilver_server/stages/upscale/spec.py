"""Enlarging: a super-resolution network, then an exact resample to the size asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.spec import StageInput, StageSpec, parameter

from .geometry import Placement, place, target

NONE = "none"
_ALWAYS = "realesr-animevideov3"
_ON_GPUS = "realesrgan-x4plus"
_UP_TO_TWICE = "span-x2"


@dataclass(frozen=True)
class Parameters:
    model: str = parameter(
        "auto",
        "Card of the network; auto picks by size and device, none only resamples. A card you added goes by its id.",
    )
    width: int = parameter(0, "Output width in pixels; 0 follows from the height.", minimum=0, maximum=16384)
    height: int = parameter(0, "Output height in pixels; 0 follows from the width.", minimum=0, maximum=16384)
    scale: float = parameter(2.0, "Enlargement where neither width nor height is given.", minimum=0.1, maximum=16)
    fit: str = parameter(
        "letterbox",
        "What to do where the shapes differ: black bars, cut the edges, or stretch.",
        choices=("letterbox", "crop", "stretch"),
    )
    pixels: str = parameter("square", "Output pixels: square, or keep the source's shape.", choices=("square", "keep"))


def resolve(parameters: Parameters, given: FrameFormat, device: str) -> Parameters:
    """Size and model decided. No network for a picture that does not grow, an x2 network up to twice the size."""
    wanted = output_format(given, parameters)
    model = parameters.model
    if model == "auto":
        model = _automatic(given, place(given, wanted, parameters.fit), device)
    return replace(parameters, model=model, width=wanted.width, height=wanted.height)


def _automatic(given: FrameFormat, placement: Placement, device: str) -> str:
    growth = max(placement.columns / placement.width, placement.rows / placement.height)
    if growth <= 1:
        return NONE
    if growth <= 2:
        return _UP_TO_TWICE
    return _ALWAYS if device == "cpu" else _ON_GPUS


def output_format(given: FrameFormat, parameters: Parameters) -> FrameFormat:
    return target(given, parameters.width, parameters.height, parameters.scale, parameters.pixels == "square")


def models(parameters: Parameters) -> tuple[str, ...]:
    return () if parameters.model in (NONE, "auto") else (parameters.model,)


SPEC = StageSpec(
    name="upscale",
    version=3,
    summary="Enlarges with a super-resolution network, then resamples exactly to the size asked for.",
    parameters=Parameters,
    resolve=resolve,
    output_format=output_format,
    models=models,
    inputs=(StageInput.MATTE,),
)
