"""What a server offers, as plain objects that hosts draw their panels from: stages, presets, profiles and models.

Importing this module imports neither gRPC nor protobuf: panels are drawn from what is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resilver.v1 import catalogue_pb2

    from .client import Client

Value = str | int | float | bool
"""Of a parameter."""


class Kind(StrEnum):
    """Of what kind a parameter's value is, and so which field is shown for it."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"


class Input(StrEnum):
    """Pictures that an artist gives to a stage beside the film."""

    MATTE = "matte"
    """White is where the stage works."""
    KEEP = "keep"
    """White is where the film stays as it is. A stage that takes this can leave whole frames alone, too."""
    KEY_FRAMES = "key-frames"
    """Frames of the film as they shall look in colour."""
    DEFECT_MAP = "defect-map"
    """White is where a scanner saw a defect."""


OWN_KEYS: Mapping[Input, str] = {
    Input.MATTE: "mattes",
    Input.KEEP: "keep_mattes",
    Input.KEY_FRAMES: "key_frames",
    Input.DEFECT_MAP: "defect_maps",
}
"""Under which key of a clip's ``metadata.resilver`` its own pictures lie, by the name of the stage."""
KEEP_FRAMES = "keep_frames"
"""The same for the media frames that a stage leaves alone, as in ``"120-139, 200"``."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a stage, read from its JSON Schema."""

    name: str
    kind: Kind
    default: Value
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    name: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[Input, ...] = ()
    renders: bool = True
    """Whether it changes pixels: only then it has a strength."""

    @property
    def keeps(self) -> bool:
        """Whether it can leave frames of the film as they are."""
        return Input.KEEP in self.inputs

    def filled(self, given: Mapping[str, Value] | None = None) -> dict[str, Value]:
        """``given`` with every other parameter at its default: written out, a recipe means the same on a server with
        other defaults."""
        return {**{parameter.name: parameter.default for parameter in self.parameters}, **(given or {})}

    def parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True)
class PresetStage:
    """A stage as a preset sets it; parameters that it leaves out have their defaults."""

    stage: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    strength: float = 1.0


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    stages: tuple[PresetStage, ...] = ()

    def stage(self, name: str) -> PresetStage | None:
        """None where the preset has it off."""
        return next((stage for stage in self.stages if stage.stage == name), None)


@dataclass(frozen=True)
class Profile:
    name: str
    summary: str
    suffix: str
    is_sequence: bool = False


@dataclass(frozen=True)
class Model:
    id: str
    title: str
    code_licence: str
    weights_licence: str
    """SPDX expressions."""
    permissive: bool
    size: int
    """Bytes to download."""
    installed: bool
    notes: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All that one server offers."""

    stages: tuple[Stage, ...] = ()
    """In the order in which they are applied."""
    presets: tuple[Preset, ...] = ()
    profiles: tuple[Profile, ...] = ()
    models: tuple[Model, ...] = ()

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def preset(self, name: str) -> Preset | None:
        return next((preset for preset in self.presets if preset.name == name), None)

    def profile(self, name: str) -> Profile | None:
        return next((profile for profile in self.profiles if profile.name == name), None)

    def model(self, name: str) -> Model | None:
        return next((model for model in self.models if model.id == name), None)


def fetch(client: Client) -> Catalogue:
    """Ask the server. Takes as long as the network takes: for a thread. Raises what the client's calls raise."""
    return Catalogue(
        tuple(_stage(stage) for stage in client.stages()),
        tuple(_preset(preset) for preset in client.presets()),
        tuple(Profile(each.name, each.summary, each.suffix, each.is_sequence) for each in client.profiles()),
        tuple(_model(model) for model in client.models()),
    )


def read_parameter(name: str, schema: Mapping[str, Any]) -> Parameter:
    """A parameter from its JSON Schema (types string, integer, number and boolean; enum, default and limits)."""
    choices = tuple(str(choice) for choice in schema.get("enum", ()))
    kinds = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.FLAG}
    kind = Kind.CHOICE if choices else kinds.get(str(schema.get("type")), Kind.TEXT)
    empty: dict[Kind, Value] = {Kind.INTEGER: 0, Kind.NUMBER: 0.0, Kind.FLAG: False}
    default = schema.get("default", choices[0] if choices else empty.get(kind, ""))
    described, limits = str(schema.get("description", "")), (schema.get("minimum"), schema.get("maximum"))
    return Parameter(name, kind, float(default) if kind is Kind.NUMBER else default, described, *limits, choices)


def _stage(message: catalogue_pb2.Stage) -> Stage:
    properties = json.loads(message.parameters_schema or "{}").get("properties", {})
    parameters = tuple(read_parameter(name, schema) for name, schema in properties.items())
    return Stage(message.name, message.summary, parameters, _inputs(message), message.renders)


def _inputs(message: catalogue_pb2.Stage) -> tuple[Input, ...]:
    """Those that are known here: a newer server may have more."""
    from resilver.v1 import catalogue_pb2

    known: dict[int, Input] = {
        catalogue_pb2.STAGE_INPUT_MATTE: Input.MATTE,
        catalogue_pb2.STAGE_INPUT_KEEP_MATTE: Input.KEEP,
        catalogue_pb2.STAGE_INPUT_KEY_FRAMES: Input.KEY_FRAMES,
        catalogue_pb2.STAGE_INPUT_DEFECT_MAP: Input.DEFECT_MAP,
    }
    return tuple(known[number] for number in message.inputs if number in known)


def _preset(message: catalogue_pb2.Preset) -> Preset:
    from .values import plain

    stages = tuple(
        PresetStage(
            stage.stage,
            {name: plain(value, stage.stage) for name, value in stage.parameters.items()},
            stage.strength if stage.HasField("strength") else 1.0,
        )
        for stage in message.recipe.stages
    )
    return Preset(message.name, message.summary, stages)


def _model(message: catalogue_pb2.Model) -> Model:
    from resilver.v1 import catalogue_pb2

    return Model(
        message.id,
        message.title,
        message.code_licence,
        message.weights_licence,
        message.permissive,
        message.size,
        message.state == catalogue_pb2.MODEL_STATE_INSTALLED,
        message.notes,
    )
