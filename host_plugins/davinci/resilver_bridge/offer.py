"""What the server offers, as the page draws it: stages with their parameters, presets, profiles and models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from resilver.v1 import catalogue_pb2
from resilver_client.client import Client
from resilver_client.errors import InvalidRequest
from resilver_client.values import Value, plain


class Kind(StrEnum):
    """What a parameter takes, and so which field the page shows for it."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"


_KINDS = {"integer": Kind.WHOLE, "number": Kind.NUMBER, "boolean": Kind.SWITCH}


@dataclass(frozen=True)
class Parameter:
    """One property of a stage's JSON Schema."""

    name: str
    kind: Kind
    default: Value
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, value: object) -> Value:
        """What the page sends as a value of this kind; limits are the server's to check. Raises InvalidRequest."""
        if isinstance(value, bool):
            if self.kind is Kind.SWITCH:
                return value
        elif isinstance(value, int | float):
            if self.kind is Kind.NUMBER:
                return float(value)
            if self.kind is Kind.WHOLE and float(value).is_integer():
                return int(value)
        elif isinstance(value, str) and self.kind in (Kind.TEXT, Kind.CHOICE):
            return value
        raise InvalidRequest(f"{value!r} is no {self.kind.value}", where=self.name, remedy="enter another value")


@dataclass(frozen=True)
class Stage:
    name: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    renders: bool = True
    """Whether it changes pixels: only then it has a strength."""

    def defaults(self) -> dict[str, Value]:
        return {parameter.name: parameter.default for parameter in self.parameters}

    def parameter(self, name: str) -> Parameter:
        """Raises InvalidRequest where there is none of that name."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise InvalidRequest(f"{self.name} has no parameter {name!r}", remedy="load the page again")


@dataclass(frozen=True)
class PresetStage:
    """A stage as a preset sets it, every parameter written out."""

    parameters: Mapping[str, Value]
    strength: float = 1.0


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    stages: Mapping[str, PresetStage] = field(default_factory=dict)


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
    licence: str
    """SPDX expression of the weights."""
    permissive: bool
    size: int
    """Bytes to download."""
    installed: bool
    notes: str = ""


@dataclass(frozen=True)
class Offer:
    """All that one server offers."""

    stages: tuple[Stage, ...] = ()
    """In the order in which they are applied."""
    presets: tuple[Preset, ...] = ()
    profiles: tuple[Profile, ...] = ()
    models: tuple[Model, ...] = ()

    def stage(self, name: str) -> Stage:
        """Raises InvalidRequest where this server has none of that name."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise InvalidRequest(f"this server has no stage {name!r}", remedy="choose another preset")

    def preset(self, name: str) -> Preset | None:
        return next((preset for preset in self.presets if preset.name == name), None)

    def has_stage(self, name: str) -> bool:
        return any(stage.name == name for stage in self.stages)


def fetch(client: Client) -> Offer:
    """Ask the server. Raises what the client's calls raise."""
    stages = tuple(_stage(message) for message in client.stages())
    known = {stage.name: stage for stage in stages}
    return Offer(
        stages,
        tuple(_preset(message, known) for message in client.presets()),
        tuple(Profile(each.name, each.summary, each.suffix, each.is_sequence) for each in client.profiles()),
        tuple(_model(message) for message in client.models()),
    )


def _stage(message: catalogue_pb2.Stage) -> Stage:
    properties = json.loads(message.parameters_schema or "{}").get("properties", {})
    parameters = tuple(read_parameter(name, schema) for name, schema in properties.items())
    return Stage(message.name, message.summary, parameters, message.renders)


def read_parameter(name: str, schema: Mapping[str, Any]) -> Parameter:
    """A parameter from its JSON Schema: string, integer, number or boolean, with enum, default and limits."""
    choices = tuple(str(choice) for choice in schema.get("enum", ()))
    kind = Kind.CHOICE if choices else _KINDS.get(str(schema.get("type")), Kind.TEXT)
    empty: dict[Kind, Value] = {Kind.WHOLE: 0, Kind.NUMBER: 0.0, Kind.SWITCH: False}
    default = schema.get("default", choices[0] if choices else empty.get(kind, ""))
    described = str(schema.get("description", ""))
    limits = schema.get("minimum"), schema.get("maximum")
    return Parameter(name, kind, float(default) if kind is Kind.NUMBER else default, described, *limits, choices)


def _preset(message: catalogue_pb2.Preset, known: Mapping[str, Stage]) -> Preset:
    stages = {}
    for asked in message.recipe.stages:
        given = {name: plain(value, asked.stage) for name, value in asked.parameters.items()}
        defaults = known[asked.stage].defaults() if asked.stage in known else {}
        stages[asked.stage] = PresetStage({**defaults, **given}, asked.strength if asked.HasField("strength") else 1.0)
    return Preset(message.name, message.summary, stages)


def _model(message: catalogue_pb2.Model) -> Model:
    installed = message.state == catalogue_pb2.MODEL_STATE_INSTALLED
    return Model(
        message.id, message.title, message.weights_licence, message.permissive, message.size, installed, message.notes
    )
