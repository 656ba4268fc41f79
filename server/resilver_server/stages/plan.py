"""From a shot, its media and a recipe to a plan in which nothing is left open. No pixel is touched here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from resilver_client.errors import InvalidRecipe
from resilver_server.domain.formats import AudioInfo, ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.rates import Rate
from resilver_server.domain.recipes import Recipe, Scalar, StageSettings
from resilver_server.domain.shots import Shot
from resilver_server.media.profiles import CHANGES, Profile, ensure_encodes, profile, warnings
from resilver_server.media.sizes import picture_bytes, sound_bytes
from resilver_server.media.tagging import delivery_tags, fitting
from resilver_server.models import store
from resilver_server.models.cards import card
from resilver_server.planning.chunks import chunk_length
from resilver_server.planning.plans import ModelUse, Numerics, ShotPlan, StagePlan
from resilver_server.planning.tasks import Device
from resilver_server.planning.timemap import output_count, source_span

from . import memory
from .catalogue import in_order, stage_spec
from .interpolate.spec import output_rate
from .keys import keys_digest
from .mattes import matte_digest
from .spec import FIELDS, StageSpec

CADENCE = "cadence"
CUTS_ONLY: Mapping[str, Scalar] = {"repeats": "keep"}
"""Parameters of the cadence stage where nobody asked for it: cuts are found, every frame is kept."""
_HANDLE_SECONDS = 1
"""Media that is measured beyond the range, so that curves do not bend at its ends."""

_GIVEN_SOUND = AudioInfo(0, "", sample_rate=48_000, channels=2, duration=Fraction(0))
"""A sound track that is laid under, whose file nobody has looked at yet."""


@dataclass(frozen=True)
class _Resolved:
    """A stage with its own parameters object."""

    spec: StageSpec
    settings: StageSettings
    parameters: Any
    input: FrameFormat
    output: FrameFormat


def plan_shot(
    shot: Shot,
    media: MediaInfo,
    recipe: Recipe,
    device: Device,
    libraries: Mapping[str, str],
    per_pixel: memory.PerPixel = memory.bytes_per_pixel,
) -> ShotPlan:
    """Everything that is decided before a shot's first frame. ``per_pixel``: what networks take on ``device``.

    Raises InvalidRecipe, UnknownStage, UnknownProfile, InvalidRate, InvalidMatte, ModelUnknown, ModelNotInstalled,
    RangeOutsideMedia, InvalidRequest, GeometryMismatch for a size that the profile cannot hold, or OutOfMemory where
    not even the smallest tile fits the device.
    """
    chosen = profile(recipe.delivery.profile, media)
    stages = _resolve(_with_implied(in_order(recipe.stages)), media.format, device)
    rate = _rate(stages, shot)
    plans = tuple(_stage_plan(stage) for stage in stages)
    analysed = any(stage.spec.analysed for stage in stages)
    handle = sum(stage.radius for stage in plans) + 1 + (int(_HANDLE_SECONDS * shot.rate) if analysed else 0)
    frames = output_count(shot, rate)
    tile = memory.tile(plans, device, per_pixel)
    output = stages[-1].output if stages else media.format
    ensure_encodes(chosen, output)
    if recipe.delivery.change_maps:
        ensure_encodes(CHANGES, output)
    return ShotPlan(
        shot=shot,
        media=media,
        stages=plans,
        delivery=recipe.delivery,
        numerics=_numerics(device, tile, libraries),
        source=source_span(shot, rate, media.frame_count, recipe.delivery.tail_frames, handle),
        analysed=analysed,
        output_format=output,
        output_rate=rate,
        output_frames=frames,
        output_colour=_colour(media, chosen),
        chunk_frames=chunk_length(rate),
        memory=memory.needed(plans, tile, device, per_pixel),
        warnings=_warnings(shot, media, recipe, chosen, output),
    )


def output_bytes(plan: ShotPlan) -> int:
    """What the result will take on disk, estimated; a sound track of its own counts as stereo."""
    chosen = profile(plan.delivery.profile, plan.media)
    kept = plan.media.audio if plan.delivery.keep_audio else ()
    streams = kept if plan.delivery.audio is None else (_GIVEN_SOUND,)
    pictures = picture_bytes(chosen, plan.output_format, plan.total_frames)
    changes = picture_bytes(CHANGES, plan.output_format, plan.total_frames) if plan.delivery.change_maps else 0
    return pictures + changes + sound_bytes(chosen, streams, plan.duration)


def _with_implied(settings: tuple[StageSettings, ...]) -> tuple[StageSettings, ...]:
    """Stages that others cannot do without: whatever looks at more than one frame must know the cuts."""
    present = {stage.stage for stage in settings}
    wants = any(stage_spec(name).retimes or stage_spec(name).analysed for name in present)
    if not wants or CADENCE in present:
        return settings
    return (StageSettings(CADENCE, CUTS_ONLY), *settings)


def _resolve(settings: tuple[StageSettings, ...], given: FrameFormat, device: Device) -> list[_Resolved]:
    resolved = []
    for asked in settings:
        if not 0 <= asked.strength <= 1:
            raise InvalidRecipe(f"a strength of {asked.strength} is outside 0 to 1", where=f"stage {asked.stage}")
        spec = stage_spec(asked.stage)
        _ensure_takes(spec, asked)
        parameters = spec.resolve(spec.parse(asked.parameters), given, device.id)
        output = spec.output_format(given, parameters)
        values = {field.name: getattr(parameters, field.name) for field in dataclasses.fields(parameters)}
        resolved.append(_Resolved(spec, dataclasses.replace(asked, parameters=values), parameters, given, output))
        given = output
    return resolved


def _ensure_takes(spec: StageSpec, asked: StageSettings) -> None:
    """Raises InvalidRecipe for a picture that the stage does not take, or frames to keep where it makes none."""
    where = f"stage {asked.stage}"
    for kind, name in FIELDS.items():
        if getattr(asked, name) is not None and kind not in spec.inputs:
            words = name.replace("_", " ")
            raise InvalidRecipe(f"the stage takes no {words}", where=where, remedy=f"leave its {words} out")
    if asked.keep_frames and not spec.renders:
        raise InvalidRecipe("the stage changes no frames", where=where, remedy="leave its keep frames out")


def _rate(stages: list[_Resolved], shot: Shot) -> Rate:
    """The delivery's rate: that of the retiming stage, else the shot's own."""
    for stage in stages:
        if stage.spec.retimes:
            return output_rate(stage.parameters)
    return shot.rate


def _stage_plan(stage: _Resolved) -> StagePlan:
    idle = stage.settings.strength == 0
    return StagePlan(
        settings=stage.settings,
        version=stage.spec.version,
        input=stage.input,
        output=stage.output,
        radius=0 if idle else stage.spec.radius(stage.parameters),
        models=() if idle else tuple(_model(name) for name in stage.spec.models(stage.parameters)),
        matte_digest=matte_digest(stage.settings.matte),
        keep_digest=matte_digest(stage.settings.keep_matte),
        defect_digest=matte_digest(stage.settings.defect_map),
        keys_digest=keys_digest(stage.settings.key_frames),
        solved=stage.spec.solved,
    )


def _model(name: str) -> ModelUse:
    found = store.require(name)
    return ModelUse(found.id, found.digest, card(name).weights_licence)


def _numerics(device: Device, tile: int, libraries: Mapping[str, str]) -> Numerics:
    """Two GPUs of different make round differently, so a GPU's name counts as one of its libraries."""
    named = {} if device.id == "cpu" else {"device": device.name}
    return Numerics(
        device=device.id,
        dtype="float16" if device.half_precision else "float32",
        tile=tile,
        batch=1,
        libraries={**libraries, **named},
    )


def _colour(media: MediaInfo, chosen: Profile) -> ColourTags:
    """Tags of the result, as its profile can carry them."""
    tags = delivery_tags(media.colour, media.format, chosen.pixel_format)
    return fitting(tags, chosen.pixel_format, chosen.codec)


def _warnings(shot: Shot, media: MediaInfo, recipe: Recipe, chosen: Profile, output: FrameFormat) -> tuple[str, ...]:
    said = list(warnings(chosen, media))
    keeps = recipe.delivery.keep_audio and media.audio and not chosen.is_sequence
    if keeps and recipe.delivery.audio is None and (shot.speed != 1 or shot.rate != media.rate):
        said.append("the sound is left out, since the picture does not run at its own speed")
    if output.width % 2 or output.height % 2:
        said.append(f"the result is {output.width}x{output.height}: some players refuse odd sizes")
    return tuple(said)
