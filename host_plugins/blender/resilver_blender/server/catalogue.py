"""What the server can do, as plain objects that panels are drawn from. Knows no Blender.

Drawing must never wait for the network, so panels read what is in memory here; a thread fetches it, and a file keeps it
from one session to the next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resilver.v1 import catalogue_pb2
    from resilver_client.client import Client

Value = str | int | float | bool
_FORMAT = 1
"""Of the file; raised when its meaning changes."""


class Kind(StrEnum):
    """Of what kind a parameter's value is."""

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
    """White is where the film stays as it is."""
    KEY_FRAMES = "key-frames"
    """Frames of the film as they shall look in colour."""


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

    def defaults(self) -> dict[str, Value]:
        return {parameter.name: parameter.default for parameter in self.parameters}


@dataclass(frozen=True)
class PresetStage:
    stage: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    strength: float = 1.0


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    stages: tuple[PresetStage, ...] = ()


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
    permissive: bool
    size: int
    """Bytes to download."""
    installed: bool
    notes: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All that one server offers."""

    stages: tuple[Stage, ...] = ()
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
        tuple(Profile(found.name, found.summary, found.suffix, found.is_sequence) for found in client.profiles()),
        tuple(_model(model) for model in client.models()),
    )


def _stage(message: catalogue_pb2.Stage) -> Stage:
    schema = json.loads(message.parameters_schema or "{}")
    parameters = schema.get("properties", {})
    found = tuple(read_parameter(name, parameter) for name, parameter in parameters.items())
    known = {1: Input.MATTE, 2: Input.KEEP, 3: Input.KEY_FRAMES}  # StageInput; ones that a newer server has are left
    inputs = tuple(known[number] for number in getattr(message, "inputs", ()) if number in known)
    return Stage(message.name, message.summary, found, inputs, message.renders)


def read_parameter(name: str, schema: Mapping[str, Any]) -> Parameter:
    """A parameter from its JSON Schema (types string, integer, number and boolean; enum, default and limits)."""
    choices = tuple(str(choice) for choice in schema.get("enum", ()))
    kinds = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.FLAG}
    kind = Kind.CHOICE if choices else kinds.get(str(schema.get("type")), Kind.TEXT)
    empty: dict[Kind, Value] = {Kind.INTEGER: 0, Kind.NUMBER: 0.0, Kind.FLAG: False}
    default = schema.get("default", choices[0] if choices else empty.get(kind, ""))
    if kind is Kind.NUMBER:
        default = float(default)
    return Parameter(
        name, kind, default, str(schema.get("description", "")), schema.get("minimum"), schema.get("maximum"), choices
    )


def _preset(message: catalogue_pb2.Preset) -> Preset:
    from resilver_client.values import plain

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


def save(catalogue: Catalogue, file: Path) -> None:
    """Keep it for the next session; replaces the file in one step."""
    text = json.dumps({"format": _FORMAT, "catalogue": asdict(catalogue)}, indent=1)
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def load(file: Path) -> Catalogue | None:
    """What an earlier session has kept; None where there is nothing, or nothing that can be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return _read(kept["catalogue"]) if kept["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(kept: Mapping[str, Any]) -> Catalogue:
    return Catalogue(
        tuple(_read_stage(stage) for stage in kept["stages"]),
        tuple(
            Preset(preset["name"], preset["summary"], tuple(PresetStage(**stage) for stage in preset["stages"]))
            for preset in kept["presets"]
        ),
        tuple(Profile(**profile) for profile in kept["profiles"]),
        tuple(Model(**model) for model in kept["models"]),
    )


def _read_stage(kept: Mapping[str, Any]) -> Stage:
    parameters = tuple(
        Parameter(**{**item, "kind": Kind(item["kind"]), "choices": tuple(item["choices"])})
        for item in kept["parameters"]
    )
    inputs = tuple(Input(item) for item in kept["inputs"])
    return Stage(kept["name"], kept["summary"], parameters, inputs, kept["renders"])
