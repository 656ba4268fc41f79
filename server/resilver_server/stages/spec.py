"""What a stage says about itself before it runs. Standard library only: planning and the API read this.

Each stage is a folder ``stages/NAME`` with ``spec.py`` (this, nothing heavy) and ``run.py`` (the mathematics,
imported by workers alone). ``stages/catalogue.py`` lists them in order of practice.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from resilver_client.errors import InvalidRecipe
from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.recipes import Scalar

_JSON_TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}


def parameter(
    default: Scalar,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    solved: bool = False,
) -> Any:
    """A field of a stage's parameters dataclass, with what its JSON Schema says.

    ``solved``: it acts through what ``solve`` makes of it alone, as a list of frames does. Measuring and rendering
    see its default, and the names of chunks hold the solved rows instead of it: a list that grows by a frame renders
    only the chunks that see this frame again.
    """
    limits = {"minimum": minimum, "maximum": maximum, "enum": list(choices) or None}
    schema = {"description": description} | {key: value for key, value in limits.items() if value is not None}
    return dataclasses.field(default=default, metadata={"schema": schema, "solved": solved})


def _same_format(given: FrameFormat, parameters: Any) -> FrameFormat:
    return given


def _nothing(parameters: Any) -> tuple[str, ...]:
    return ()


def _no_radius(parameters: Any) -> int:
    return 0


def _as_given(parameters: Any, given: FrameFormat, device: str) -> Any:
    return parameters


def _no_memory(given: FrameFormat, parameters: Any) -> int:
    return 0


class StageInput(StrEnum):
    """Pictures that an artist gives to a stage beside the film."""

    MATTE = "matte"
    """White is where the stage works."""
    KEEP_MATTE = "keep-matte"
    """White is where the film stays as it is, bit for bit."""
    KEY_FRAMES = "key-frames"
    """Frames of the film as they shall look in colour."""
    DEFECT_MAP = "defect-map"
    """White is where a scanner saw a defect."""


FIELDS: Mapping[StageInput, str] = MappingProxyType(
    {
        StageInput.MATTE: "matte",
        StageInput.KEEP_MATTE: "keep_matte",
        StageInput.KEY_FRAMES: "key_frames",
        StageInput.DEFECT_MAP: "defect_map",
    }
)
"""Where ``StageSettings`` keeps an input. A test sees that no stage takes one that has no place here."""


@dataclass(frozen=True)
class StageSpec:
    """A stage of the catalogue. Callables take the stage's own parameters dataclass."""

    name: str
    version: int
    """Raised whenever the same parameters would give other pixels."""
    summary: str
    parameters: type
    """Frozen dataclass whose fields are made with ``parameter``."""
    analysed: bool = False
    """Whether ``run`` has an ``Analyser`` and a ``solve``."""
    advises: bool = False
    """Whether ``run`` has an ``advice``: which frames people should look at, told with the findings of a shot."""
    renders: bool = True
    """Whether it changes pixels (cadence only tells times)."""
    retimes: bool = False
    """Whether it computes frames at new times (interpolate)."""
    numbered: bool = False
    """Whether a frame's number decides its pixels, as it does for random numbers (regrain). The names of chunks then
    hold the numbers of their frames."""
    inputs: tuple[StageInput, ...] = (StageInput.MATTE, StageInput.KEEP_MATTE)
    """What it takes beside the film. The engine mixes by matte for every stage that renders, and keeps by keep matte
    for every one that leaves the size alone; a defect map and key frames come to ``process`` in its window. A stage
    with key frames is analysed: its ``solve`` says which ones a frame wants."""
    resolve: Callable[[Any, FrameFormat, str], Any] = _as_given
    """Parameters with every "auto" decided, from those asked for, the format that arrives and the device's id.
    Applied once, before the others below are asked; resolving twice changes nothing more."""
    output_format: Callable[[FrameFormat, Any], FrameFormat] = _same_format
    radius: Callable[[Any], int] = _no_radius
    models: Callable[[Any], tuple[str, ...]] = _nothing
    """Ids of the model cards it loads."""
    memory: Callable[[FrameFormat, Any], int] = _no_memory
    """Bytes at most for one untiled frame, float32, beyond its input and output."""

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the parameters; hosts draw their panels from it."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": self.summary,
            "type": "object",
            "additionalProperties": False,
            "properties": {
                field.name: _property(field, self._hints()) for field in dataclasses.fields(self.parameters)
            },
        }

    def parse(self, values: Mapping[str, Scalar]) -> Any:
        """The parameters dataclass, defaults filled in. Raises InvalidRecipe naming the parameter at fault."""
        known = {field.name: field for field in dataclasses.fields(self.parameters)}
        parsed: dict[str, Scalar] = {}
        for name, value in values.items():
            if name not in known:
                raise InvalidRecipe(
                    f"unknown parameter {name!r}", where=f"stage {self.name}", remedy=f"known are {', '.join(known)}"
                )
            parsed[name] = _checked(self.name, known[name], self._hints()[name], value)
        return self.parameters(**parsed)

    @property
    def solved(self) -> tuple[str, ...]:
        """Names of the parameters that act through the solved state alone."""
        return tuple(field.name for field in dataclasses.fields(self.parameters) if field.metadata["solved"])

    def unsolved(self, values: Mapping[str, Scalar]) -> Any:
        """The parameters as measuring and rendering see them: solved ones have their defaults."""
        return self.parse({name: value for name, value in values.items() if name not in self.solved})

    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.parameters)


def _property(field: dataclasses.Field[Any], hints: dict[str, Any]) -> dict[str, Any]:
    return {"type": _JSON_TYPES[hints[field.name]], "default": field.default, **field.metadata["schema"]}


def _checked(stage: str, field: dataclasses.Field[Any], kind: type, value: Scalar) -> Scalar:
    where = f"stage {stage}, parameter {field.name}"
    value = _cast(kind, value, where)
    schema = field.metadata["schema"]
    choices = schema.get("enum")
    if choices and value not in choices:
        raise InvalidRecipe(f"{value!r} is not one of {', '.join(choices)}", where=where)
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and ((low is not None and value < low) or (high is not None and value > high)):
        raise InvalidRecipe(f"{value} is outside {low} to {high}", where=where)
    return value


def _cast(kind: type, value: Scalar, where: str) -> Scalar:
    """Accepts what the command line writes: "0.5", "3", "true"."""
    if kind is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, str) and kind in (int, float):
        try:
            return kind(value)
        except ValueError as error:
            raise InvalidRecipe(f"{value!r} is no {_JSON_TYPES[kind]}", where=where) from error
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise InvalidRecipe(f"{value!r} is no {_JSON_TYPES[kind]}", where=where)
    return value
