"""Plain Python values for the small messages of the contract, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from google.protobuf.timestamp_pb2 import Timestamp

from resilver.v1 import types_pb2

from .errors import InvalidRequest

Value = str | int | float | bool


def rational(value: Fraction) -> types_pb2.Rational:
    """Exact. Raises InvalidRequest where numerator or denominator does not fit into 64 bits."""
    try:
        return types_pb2.Rational(numerator=value.numerator, denominator=value.denominator)
    except ValueError as error:
        raise InvalidRequest("a fraction beyond 64 bits", where=str(value)) from error


def fraction(message: types_pb2.Rational, where: str = "") -> Fraction:
    """Raises InvalidRequest, naming ``where``, unless the denominator is above 0."""
    if message.denominator <= 0:
        raise InvalidRequest(f"denominator {message.denominator} is not above 0", where=where)
    return Fraction(message.numerator, message.denominator)


def scalar(value: Value) -> types_pb2.Scalar:
    """A parameter's value with its type. Raises InvalidRequest for a whole number beyond 64 bits."""
    if isinstance(value, bool):
        return types_pb2.Scalar(flag=value)
    if isinstance(value, float):
        return types_pb2.Scalar(number=value)
    if isinstance(value, str):
        return types_pb2.Scalar(text=value)
    try:
        return types_pb2.Scalar(integer=value)
    except ValueError as error:
        raise InvalidRequest("a whole number beyond 64 bits", where=str(value)) from error


def plain(message: types_pb2.Scalar, where: str = "") -> Value:
    """Raises InvalidRequest, naming ``where``, for a message that holds nothing."""
    match message.WhichOneof("kind"):
        case "text":
            return message.text
        case "integer":
            return message.integer
        case "number":
            return message.number
        case "flag":
            return message.flag
    raise InvalidRequest("a parameter without a value", where=where)


def settings(
    stage: str,
    parameters: Mapping[str, Value] | None = None,
    strength: float = 1.0,
    matte: str | None = None,
    *,
    keep_matte: str | None = None,
    keep_frames: Iterable[tuple[int, int]] = (),
    defect_map: str | None = None,
    key_frames: str | None = None,
) -> types_pb2.StageSettings:
    """One stage of a recipe. ``keep_frames``: half-open spans of media frames."""
    return types_pb2.StageSettings(
        stage=stage,
        parameters={name: scalar(value) for name, value in (parameters or {}).items()},
        strength=strength,
        matte=matte,
        keep_matte=keep_matte,
        keep_frames=[types_pb2.Span(start=start, stop=stop) for start, stop in keep_frames],
        defect_map=defect_map,
        key_frames=key_frames,
    )


def timestamp(seconds: float) -> Timestamp:
    """Unix seconds, to the microsecond."""
    whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
    return Timestamp(seconds=whole, nanos=rest * 1000)
