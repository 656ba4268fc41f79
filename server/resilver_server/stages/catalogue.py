"""The one list of stages, in order of practice. Light: only what each stage says about itself."""

from __future__ import annotations

from collections.abc import Iterable

from resilver_client.errors import InvalidRecipe, UnknownStage
from resilver_server.domain.recipes import StageSettings

from .cadence.spec import SPEC as CADENCE
from .colour.spec import SPEC as COLOUR
from .deflicker.spec import SPEC as DEFLICKER
from .degrain.spec import SPEC as DEGRAIN
from .interpolate.spec import SPEC as INTERPOLATE
from .regrain.spec import SPEC as REGRAIN
from .repair.spec import SPEC as REPAIR
from .spec import StageSpec
from .stabilise.spec import SPEC as STABILISE
from .upscale.spec import SPEC as UPSCALE

STAGES: tuple[StageSpec, ...] = (CADENCE, STABILISE, DEFLICKER, REPAIR, DEGRAIN, COLOUR, UPSCALE, INTERPOLATE, REGRAIN)


def names() -> tuple[str, ...]:
    return tuple(spec.name for spec in STAGES)


def stage_spec(name: str) -> StageSpec:
    """The stage of that name. Raises UnknownStage."""
    for spec in STAGES:
        if spec.name == name:
            return spec
    raise UnknownStage(f"there is no stage {name!r}", remedy=f"known are {', '.join(names())}")


def in_order(stages: Iterable[StageSettings]) -> tuple[StageSettings, ...]:
    """The stages as they are applied: in the catalogue's order, however they were written down.

    Raises UnknownStage, and InvalidRecipe for a stage that is named twice.
    """
    given = list(stages)
    for settings in given:
        stage_spec(settings.stage)
    wanted = [settings.stage for settings in given]
    twice = next((name for name in wanted if wanted.count(name) > 1), None)
    if twice:
        raise InvalidRecipe("the stage is named twice", where=f"stage {twice}", remedy="name each stage once")
    return tuple(sorted(given, key=lambda settings: names().index(settings.stage)))
