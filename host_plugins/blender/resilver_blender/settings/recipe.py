"""The panel's settings as a recipe. Knows no Blender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from resilver_client.catalogue import Catalogue, Kind, Parameter, Preset, Value
from resilver_client.errors import InvalidRecipe, UnknownPreset

if TYPE_CHECKING:
    from resilver.v1 import types_pb2

_DIGITS = 7
"""Significant digits of a number in Blender, which keeps single precision: 0.1 is 0.100000001 there."""
TAIL_FRAMES = 2
"""Further frames for strips that Blender conforms to the scene's rate: it cuts a conformed strip a frame short."""


@dataclass(frozen=True)
class StageChoice:
    """One stage as it is set."""

    stage: str
    parameters: Mapping[str, Value]
    strength: float = 1.0


@dataclass(frozen=True)
class Target:
    """What the result shall be."""

    size: tuple[int, int] | None = None
    """Pixels."""
    rate: str = ""
    """Frames a second, as the server reads it: "60", "60000/1001"; empty keeps what the stages say."""


NO_TARGET = Target()


@dataclass(frozen=True)
class Wish:
    """All that makes a recipe."""

    stages: tuple[StageChoice, ...]
    target: Target = NO_TARGET
    profile: str = ""
    tail_frames: int = TAIL_FRAMES
    change_maps: bool = False


def tail_of(layout: str) -> int:
    """Tail frames that a layout needs: none in a scene at the delivery's own rate."""
    return 0 if layout == "new-timeline" else TAIL_FRAMES


def size(text: str) -> tuple[int, int]:
    """``3840x2160``. Raises InvalidRecipe."""
    width, times, height = text.partition("x")
    if not (times and width.isdecimal() and height.isdecimal()):
        raise InvalidRecipe(f"{text!r} is no size", remedy="write it as 3840x2160")
    return int(width), int(height)


def number(value: float) -> float:
    """What was typed into a field of single precision."""
    return float(f"{value:.{_DIGITS}g}")


def clamped(parameter: Parameter, value: Value) -> Value:
    """The value within the parameter's limits and of its kind."""
    if parameter.kind in (Kind.TEXT, Kind.CHOICE):
        return str(value)
    if parameter.kind is Kind.FLAG:
        return bool(value)
    bounded = float(value)
    if parameter.minimum is not None:
        bounded = max(bounded, parameter.minimum)
    if parameter.maximum is not None:
        bounded = min(bounded, parameter.maximum)
    return round(bounded) if parameter.kind is Kind.INTEGER else number(bounded)


def of_preset(preset: Preset, catalogue: Catalogue) -> tuple[StageChoice, ...]:
    """The preset's stages with every parameter written out, in the order of the catalogue.

    Raises InvalidRecipe where the preset asks for a stage that the catalogue has not.
    """
    asked = {stage.stage: stage for stage in preset.stages}
    missing = [name for name in asked if catalogue.stage(name) is None]
    if missing:
        raise InvalidRecipe(f"the preset {preset.name!r} asks for {missing[0]}", remedy="refresh the catalogue")
    return tuple(
        StageChoice(stage.name, stage.filled(asked[stage.name].parameters), asked[stage.name].strength)
        for stage in catalogue.stages
        if stage.name in asked
    )


def named(name: str, catalogue: Catalogue) -> Preset:
    """The preset of that name. Raises UnknownPreset."""
    preset = catalogue.preset(name)
    if preset is None:
        known = ", ".join(found.name for found in catalogue.presets)
        raise UnknownPreset(f"there is no preset {name!r}", remedy=f"known are {known}")
    return preset


def differs(stages: Sequence[StageChoice], preset: Preset, catalogue: Catalogue) -> bool:
    """Whether these settings are no longer the preset's."""
    try:
        return tuple(stages) != of_preset(preset, catalogue)
    except InvalidRecipe:
        return True


def with_target(stages: Sequence[StageChoice], target: Target, catalogue: Catalogue) -> tuple[StageChoice, ...]:
    """The stages with the target's size and rate laid over those that bring them about, which are added if missing."""
    known = {choice.stage: choice for choice in stages}
    for name, values in _of_target(target).items():
        choice = known.get(name) or StageChoice(name, _defaults(name, catalogue))
        known[name] = replace(choice, parameters={**choice.parameters, **values})
    order = [stage.name for stage in catalogue.stages]
    return tuple(sorted(known.values(), key=lambda choice: order.index(choice.stage) if choice.stage in order else -1))


def _of_target(target: Target) -> dict[str, dict[str, Value]]:
    """The parameters that bring a target about, by stage."""
    changes: dict[str, dict[str, Value]] = {}
    if target.size:
        changes["upscale"] = {"width": target.size[0], "height": target.size[1]}
    if target.rate:
        changes["interpolate"] = {"rate": target.rate}
    return changes


def _defaults(name: str, catalogue: Catalogue) -> dict[str, Value]:
    stage = catalogue.stage(name)
    return stage.filled() if stage else {}


def build(wish: Wish, catalogue: Catalogue) -> types_pb2.Recipe:
    """The recipe as the server takes it. Raises InvalidRecipe where nothing is to be done."""
    from resilver.v1 import types_pb2
    from resilver_client.values import settings

    stages = with_target(wish.stages, wish.target, catalogue)
    if not stages:
        raise InvalidRecipe("no stage is switched on", remedy="choose a preset, or switch a stage on")
    delivery = types_pb2.Delivery(
        profile=wish.profile, keep_audio=False, tail_frames=wish.tail_frames, change_maps=wish.change_maps
    )
    messages = [settings(choice.stage, choice.parameters, choice.strength) for choice in stages]
    return types_pb2.Recipe(stages=messages, delivery=delivery)


def from_json(text: str, tail_frames: int, target: Target = NO_TARGET) -> types_pb2.Recipe:
    """A recipe that a script gives, in protobuf's JSON. Sound is left to the timeline, the tail is the layout's, and a
    target is laid over the stages that bring it about.

    Raises InvalidRecipe for anything else.
    """
    from google.protobuf import json_format

    from resilver.v1 import types_pb2
    from resilver_client.values import scalar

    try:
        recipe: types_pb2.Recipe = json_format.Parse(text, types_pb2.Recipe())
    except json_format.ParseError as error:
        raise InvalidRecipe(f"this is no recipe: {error}", remedy="write it as JSON of resilver.v1.Recipe") from error
    recipe.delivery.keep_audio, recipe.delivery.tail_frames = False, tail_frames
    for name, values in _of_target(target).items():
        stage = next((stage for stage in recipe.stages if stage.stage == name), None) or recipe.stages.add(stage=name)
        for parameter, value in values.items():
            stage.parameters[parameter].CopyFrom(scalar(value))
    return recipe
