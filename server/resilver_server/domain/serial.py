"""One way to write the frozen dataclasses of the domain as JSON, and to read them back.

Fractions are strings ("24000/1001"), enums their values, tuples lists. Unknown keys and wrong types are errors,
so that nothing is silently dropped on the way.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import TypeVar, cast

from resilver_client.errors import InvalidRequest

T = TypeVar("T")
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def to_json(value: object) -> Json:
    """A plain JSON value for a dataclass, or for anything made of them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return cast(Json, value.value)
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"not serialisable: {type(value).__name__}")


def canonical(value: object) -> str:
    """The one text of a value: sorted keys, no spaces. Digests are taken of it."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def dumps(value: object) -> str:
    return json.dumps(to_json(value), indent=1, allow_nan=False)


def loads(cls: type[T], text: str) -> T:
    """The dataclass that ``dumps`` or ``canonical`` wrote. Raises InvalidRequest naming the field at fault."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"not JSON: {error}", where=cls.__name__) from error
    return cast(T, from_json(cls, data, cls.__name__))


def from_json(kind: object, data: object, where: str) -> typing.Any:
    """``data`` read as ``kind`` (a type or annotation). ``where`` is the path used in error texts."""
    if kind in (object, typing.Any):
        return data
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _union(typing.get_args(kind), data, where)
    if origin is tuple:
        return _tuple(typing.get_args(kind), data, where)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(typing.get_args(kind), data, where)
    if isinstance(kind, type):
        return _plain(kind, data, where)
    raise InvalidRequest("unreadable field", where=where)


def _plain(kind: type, data: object, where: str) -> object:
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, data, where)
    if issubclass(kind, Enum):
        return _convert(kind, data, where)
    if kind is Fraction:
        if isinstance(data, bool) or not isinstance(data, str | int):
            raise InvalidRequest("expected a fraction", where=where)
        return _convert(Fraction, data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (kind is not bool and isinstance(data, bool)):
        raise InvalidRequest(f"expected {kind.__name__}, got {type(data).__name__}", where=where)
    return data


def _convert(kind: typing.Callable[[typing.Any], object], data: object, where: str) -> object:
    try:
        return kind(data)
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidRequest(f"bad value {data!r}", where=where) from error


def _dataclass(kind: type, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise InvalidRequest("expected an object", where=where)
    hints, fields = _parts(kind)
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise InvalidRequest(f"unknown field {unknown[0]!r}", where=where)
    missing = [name for name, field in fields.items() if name not in data and _required(field)]
    if missing:
        raise InvalidRequest(f"missing field {missing[0]!r}", where=where)
    return kind(**{name: from_json(hints[name], data[name], f"{where}.{name}") for name in data})


@cache
def _parts(kind: type) -> tuple[dict[str, object], dict[str, dataclasses.Field[typing.Any]]]:
    """Types and fields of a dataclass by name: asking Python for them takes longer than reading the data."""
    return typing.get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}


def _required(field: dataclasses.Field[typing.Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _union(options: tuple[object, ...], data: object, where: str) -> object:
    if data is None and type(None) in options:
        return None
    failure: InvalidRequest | None = None
    for option in options:
        if option is type(None):
            continue
        try:
            return from_json(option, data, where)
        except InvalidRequest as error:
            failure = failure or error
    raise failure or InvalidRequest("unreadable field", where=where)


def _tuple(items: tuple[object, ...], data: object, where: str) -> tuple[object, ...]:
    if not isinstance(data, list | tuple):
        raise InvalidRequest("expected a list", where=where)
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(from_json(items[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if len(items) != len(data):
        raise InvalidRequest(f"expected {len(items)} items", where=where)
    return tuple(from_json(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(items, data, strict=True)))


def _mapping(items: tuple[object, ...], data: object, where: str) -> dict[str, object]:
    if not isinstance(data, dict):
        raise InvalidRequest("expected an object", where=where)
    return {str(key): from_json(items[1], item, f"{where}.{key}") for key, item in data.items()}
