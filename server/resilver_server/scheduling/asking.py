"""What a clip asks for beside its place: pictures, kept frames and parameters of its own, and which files it shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from resilver_client.errors import ClipUnsupported, InvalidRecipe
from resilver_otio.types import ClipRequest
from resilver_server.domain.formats import FieldFilter
from resilver_server.domain.recipes import Recipe, Scalar, StageSettings
from resilver_server.domain.spans import Span, parse_frames
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import ProbeTask
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.spec import FIELDS, StageInput

_INPUTS: Mapping[str, StageInput] = {
    "mattes": StageInput.MATTE,
    "keep_mattes": StageInput.KEEP_MATTE,
    "key_frames": StageInput.KEY_FRAMES,
    "defect_maps": StageInput.DEFECT_MAP,
}
"""By the key of ``metadata.resilver`` (``resilver_otio.types.PICTURES``)."""


def own_recipe(clip: ClipRequest, recipe: Recipe) -> Recipe:
    """The recipe as it holds for one clip: its own pictures, kept frames and parameters in place of the recipe's.

    Raises ClipUnsupported, naming clip and stage, for a stage that is not in the recipe or does not take them, and
    UnknownStage as the recipe itself would.
    """
    own: dict[str, dict[str, Any]] = {}
    for key, paths in clip.pictures.items():
        for stage, path in paths.items():
            own.setdefault(stage, {})[_field(clip, recipe, key, stage)] = path
    for stage, text in clip.keep_frames.items():
        own.setdefault(stage, {})["keep_frames"] = _kept(clip, recipe, stage, text)
    for stage, parameters in clip.parameters.items():
        own.setdefault(stage, {})["parameters"] = _parameters(clip, recipe, stage, parameters)
    stages = tuple(dataclasses.replace(each, **own.get(each.stage, {})) for each in recipe.stages)
    return dataclasses.replace(recipe, stages=stages)


def mattes(recipe: Recipe) -> tuple[str, ...]:
    """Paths of all mattes, keep mattes and defect maps that a recipe's stages take."""
    names = (name for kind, name in FIELDS.items() if kind is not StageInput.KEY_FRAMES)
    found = (getattr(stage, name) for name in names for stage in recipe.stages)
    return tuple(path for path in found if path is not None)


def key_frames(recipe: Recipe) -> tuple[str, ...]:
    """Paths of all key frames that a recipe's stages take."""
    return tuple(stage.key_frames for stage in recipe.stages if stage.key_frames is not None)


def _field(clip: ClipRequest, recipe: Recipe, key: str, stage: str) -> str:
    """Name of the field of ``StageSettings`` that takes a picture."""
    _settings(clip, recipe, key, stage)
    wanted = _INPUTS[key]
    if wanted not in stage_spec(stage).inputs:
        remedy = "take them away from the clip"
        raise ClipUnsupported(f"the stage takes no {_words(key)}", where=_where(clip, stage), remedy=remedy)
    return FIELDS[wanted]


def _kept(clip: ClipRequest, recipe: Recipe, stage: str, text: str) -> tuple[Span, ...]:
    _settings(clip, recipe, "keep_frames", stage)
    if not stage_spec(stage).renders:
        raise ClipUnsupported("the stage changes no frames", where=_where(clip, stage), remedy="keep none from it")
    try:
        return parse_frames(text)
    except InvalidRecipe as error:
        raise ClipUnsupported(f"keep frames: {error.what}", where=_where(clip, stage), remedy=error.remedy) from error


def _parameters(clip: ClipRequest, recipe: Recipe, stage: str, own: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    laid = {**_settings(clip, recipe, "parameters", stage).parameters, **own}
    try:
        stage_spec(stage).parse(laid)
    except InvalidRecipe as error:
        raise ClipUnsupported(error.what, where=f"clip {clip.name or clip.id}, {error.where}") from error
    return laid


def _settings(clip: ClipRequest, recipe: Recipe, key: str, stage: str) -> StageSettings:
    """The recipe's own of that stage."""
    settings = recipe.stage(stage)
    if settings is None:
        what, remedy = f"it has {_words(key)} for a stage that is not in the recipe", "add the stage, or take them away"
        raise ClipUnsupported(what, where=_where(clip, stage), remedy=remedy)
    return settings


def _where(clip: ClipRequest, stage: str) -> str:
    return f"clip {clip.name or clip.id}, stage {stage}"


def _words(key: str) -> str:
    return key.replace("_", " ")


def probe_task(clip: ClipRequest) -> ProbeTask:
    """How the clip's media is to be looked at. Of a sequence that the timeline counts only the files that it names:
    what else lies in the folder, and what is missing there, is no matter."""
    rate = clip.play_rate or clip.media_rate if clip.is_sequence else None
    return ProbeTask(clip.media, rate, FieldFilter(clip.fields), _numbers(clip))


def _numbers(clip: ClipRequest) -> tuple[int, int | None] | None:
    if not clip.is_sequence or clip.first_number is None:
        return None
    if clip.available_duration is None or clip.media_rate is None:
        return clip.first_number, None
    count = clip.available_duration * clip.media_rate
    return clip.first_number, clip.first_number + int(count) if count >= 1 and count.denominator == 1 else None


def preview_bytes(plan: ShotPlan, frames: int) -> int:
    """What a preview takes at most: pictures of 8 bits, as PNG about as large as they are plain; one with before and
    after, and the change map of every stage."""
    pictures = 2 + len(plan.stages)
    return min(frames, plan.total_frames) * pictures * 3 * plan.output_format.pixels
