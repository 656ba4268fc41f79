"""Between the properties of a scene and the plain objects that recipes are made of."""

from __future__ import annotations

from typing import Any

from resilver_client.catalogue import Catalogue, Input, Kind, Parameter, Preset, Value

from ..server.server import SERVER
from . import recipe
from .asking import Channel
from .recipe import StageChoice, Target

_FIELDS = {Kind.TEXT: "text", Kind.CHOICE: "text", Kind.INTEGER: "integer", Kind.NUMBER: "number", Kind.FLAG: "flag"}
CHANNEL_FIELDS = {Input.MATTE: "matte_channel", Input.KEEP: "keep_channel", Input.DEFECT_MAP: "defect_channel"}
"""Name of the property of a stage that holds the channel with these pictures. Key frames are files, of a strip."""


def field_of(item: Any) -> str:
    """Name of the property that holds the parameter's value, as panels draw it."""
    return "choice" if item.kind == Kind.CHOICE else _FIELDS[Kind(item.kind)]


def parameter_of(item: Any, catalogue: Catalogue) -> Parameter | None:
    """What the catalogue says of a stored parameter."""
    stage = catalogue.stage(item.stage)
    return stage.parameter(item.name) if stage else None


def value_of(item: Any, catalogue: Catalogue) -> Value:
    """The stored value, within its limits."""
    kind = Kind(item.kind)
    stored: Value = getattr(item, _FIELDS[kind])
    parameter = parameter_of(item, catalogue) or Parameter(item.name, kind, stored)
    return recipe.clamped(parameter, stored)


def keep_within(item: Any, context: Any) -> None:
    """Called by Blender when a number was typed: puts it within its limits."""
    if item.kind not in (Kind.INTEGER, Kind.NUMBER):
        return
    name, value = _FIELDS[Kind(item.kind)], value_of(item, SERVER.catalogue)
    if recipe.number(getattr(item, name)) != value:
        setattr(item, name, value)


def choose(owner: Any, preset: Preset, catalogue: Catalogue) -> None:
    """Fill the stages in from a preset; channels of mattes stay as they are."""
    owner.preset_name = preset.name
    fill(owner, recipe.of_preset(preset, catalogue), catalogue)


def fill(owner: Any, stages: tuple[StageChoice, ...], catalogue: Catalogue) -> None:
    """Set every stage of the catalogue: those given are on, with their values, the others off with defaults."""
    given = {choice.stage: choice for choice in stages}
    _drop_unknown(owner, catalogue)
    for position, stage in enumerate(catalogue.stages):
        item = owner.stages.get(stage.name) or _added(owner.stages, stage.name)
        owner.stages.move(owner.stages.find(stage.name), position)
        item = owner.stages[position]
        choice = given.get(stage.name)
        item.enabled, item.strength = choice is not None, choice.strength if choice else 1.0
        values = stage.filled(choice.parameters if choice else {})
        _write(item, stage.name, {parameter.name: parameter for parameter in stage.parameters}, values)


def adopt(owner: Any, catalogue: Catalogue) -> None:
    """Give a scene that has no settings yet the catalogue's first preset, and one that has them what is new in it."""
    if not catalogue.stages:
        return
    if not owner.stages and catalogue.presets:
        choose(owner, catalogue.presets[0], catalogue)
    elif not _fits(owner, catalogue):
        fill(owner, stages_of(owner, catalogue), catalogue)


def stages_of(owner: Any, catalogue: Catalogue) -> tuple[StageChoice, ...]:
    """The stages that are on."""
    return tuple(
        StageChoice(
            item.name,
            {parameter.name: value_of(parameter, catalogue) for parameter in item.parameters},
            recipe.number(item.strength),
        )
        for item in owner.stages
        if item.enabled
    )


def channels_of(owner: Any, catalogue: Catalogue) -> tuple[Channel, ...]:
    """The channels with mattes, for the stages that are on."""
    found = []
    for item in owner.stages:
        stage = catalogue.stage(item.name)
        for kind in stage.inputs if stage and item.enabled else ():
            if kind in CHANNEL_FIELDS and getattr(item, CHANNEL_FIELDS[kind]):
                found.append(Channel(item.name, kind, getattr(item, CHANNEL_FIELDS[kind])))
    return tuple(found)


def target_of(owner: Any) -> Target:
    sizes = {"preset": None, "custom": (owner.width, owner.height)}
    size = sizes[owner.size] if owner.size in sizes else recipe.size(owner.size)
    return Target(size, "" if owner.rate == "preset" else owner.rate)


def changed(owner: Any, catalogue: Catalogue) -> bool:
    """Whether the stages are no longer those of the chosen preset."""
    preset = catalogue.preset(owner.preset_name)
    return preset is not None and recipe.differs(stages_of(owner, catalogue), preset, catalogue)


def _added(collection: Any, name: str) -> Any:
    item = collection.add()
    item.name = name
    return item


def _fits(owner: Any, catalogue: Catalogue) -> bool:
    """Whether the scene's stages and parameters are the catalogue's."""
    stored = [(item.name, [(p.name, p.kind) for p in item.parameters]) for item in owner.stages]
    return stored == [(stage.name, [(p.name, p.kind.value) for p in stage.parameters]) for stage in catalogue.stages]


def _drop_unknown(owner: Any, catalogue: Catalogue) -> None:
    for number in reversed(range(len(owner.stages))):
        if catalogue.stage(owner.stages[number].name) is None:
            owner.stages.remove(number)


def _write(item: Any, stage: str, known: dict[str, Parameter], values: dict[str, Value]) -> None:
    item.parameters.clear()
    for name, parameter in known.items():
        stored = _added(item.parameters, name)
        stored.stage, stored.kind = stage, parameter.kind.value
        setattr(stored, _FIELDS[parameter.kind], recipe.clamped(parameter, values[name]))
