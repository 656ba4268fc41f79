"""Colour: what an artist painted on a few frames of a shot, carried to all of them."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_client.errors import InvalidRecipe
from resilver_server.domain.formats import FrameFormat
from resilver_server.models.architectures import COLOURISERS
from resilver_server.models.cards import all_cards, card
from resilver_server.stages.spec import StageInput, StageSpec, parameter

NONE = "none"
LARGEST = 960 * 544
"""Pixels up to which frames are matched at their own size; larger ones are reduced by whole factors."""
_SEEKING = 400
"""Float32 planes at the size of matching: pictures, matches, the solver's pyramid and what is remembered."""
_FULL = 24
"""Float32 planes at full size."""


@dataclass(frozen=True)
class ColourParameters:
    """What an artist may set."""

    model: str = parameter(
        NONE, "Network that colours frames of scenes in which nobody painted a key frame: none, or a colouriser's id"
    )
    saturation: float = parameter(1.0, "Strength of all colours; 0 is grey", minimum=0.0, maximum=2.0)
    warmth: float = parameter(
        0.0,
        "Colder below 0, warmer above: 1 is what daylight of 5000 K is to that of 6500 K",
        minimum=-1.0,
        maximum=1.0,
    )
    palette: float = parameter(
        0.0,
        "How far colours that lie between those of the key frames are drawn to the nearest of these",
        minimum=0.0,
        maximum=1.0,
    )
    skin: float = parameter(
        0.5, "How far saturation and warmth leave alone what has the colour of skin", minimum=0.0, maximum=1.0
    )


def reduction(height: int, width: int) -> int:
    """Factor by which each side is reduced before frames are matched."""
    factor = 1
    while height * width > LARGEST * factor * factor:
        factor += 1
    return factor


def models(parameters: ColourParameters) -> tuple[str, ...]:
    return () if parameters.model == NONE else (parameters.model,)


def resolve(parameters: ColourParameters, given: FrameFormat, device: str) -> ColourParameters:
    """Raises InvalidRecipe for a network that gives no colour, ModelUnknown for one that there is not."""
    if parameters.model != NONE and card(parameters.model).architecture not in COLOURISERS:
        known = ", ".join(each.id for each in all_cards() if each.architecture in COLOURISERS)
        raise InvalidRecipe(f"{parameters.model} gives no colour", where="stage colour", remedy=f"known are {known}")
    return parameters


def _memory(given: FrameFormat, parameters: ColourParameters) -> int:
    seeking = given.pixels // reduction(given.height, given.width) ** 2
    return 4 * (_FULL * given.pixels + _SEEKING * seeking)


SPEC = StageSpec(
    name="colour",
    version=2,
    summary="Carries the colours of painted key frames, or a network's, through the shot; brightness is never altered",
    parameters=ColourParameters,
    analysed=True,
    advises=True,
    inputs=(StageInput.MATTE, StageInput.KEEP_MATTE, StageInput.KEY_FRAMES),
    resolve=resolve,
    models=models,
    memory=_memory,
)
