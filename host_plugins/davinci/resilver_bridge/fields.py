"""Reading what came over a pipe or from a file: every value is of the type that is expected, or its place is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeVar

from resilver_client.errors import HostFailed
from resilver_otio.times import snap_rate

T = TypeVar("T")


class Fields:
    """An object of JSON, and where it lies. Every method raises HostFailed, naming the field."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise wrong(where, data, "an object")
        self._data: dict[str, Any] = data
        self.where = where

    def has(self, key: str) -> bool:
        """Whether there is a value, ``null`` being none."""
        return self._data.get(key) is not None

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        value = self._data.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def whole(self, key: str) -> int:
        """A whole number; ``86400.0`` is one, as Resolve writes frames either way."""
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise self._wrong(key, "a whole number")
        return int(value)

    def number(self, key: str) -> float:
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        return float(value)

    def fraction(self, key: str) -> Fraction:
        """Written as ``"24000/1001"``."""
        try:
            return Fraction(self.text(key))
        except (ValueError, ZeroDivisionError) as error:
            raise self._wrong(key, "a fraction") from error

    def maybe(self, read: Callable[[str], T], key: str) -> T | None:
        """``fields.maybe(fields.whole, "source_start")``: None where the version cannot say it."""
        return read(key) if self.has(key) else None

    def inner(self, key: str) -> Fields:
        return Fields(self._data.get(key), f"{self.where}.{key}")

    def each(self, key: str) -> Iterator[Fields]:
        """The objects of a list."""
        value = self._data.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        for number, item in enumerate(value):
            yield Fields(item, f"{self.where}.{key}[{number}]")

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def wholes(self, key: str) -> tuple[int, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise self._wrong(key, "a list of whole numbers")
        return tuple(value)

    def _wrong(self, key: str, wanted: str) -> HostFailed:
        return wrong(f"{self.where}.{key}", self._data.get(key), wanted)


def wrong(where: str, value: object, wanted: str) -> HostFailed:
    return HostFailed(
        f"what Resolve's side sent is not {wanted}: {value!r:.80}",
        where=where,
        remedy='run "resilver davinci doctor", and report this with what it says',
    )


def rate_of(text: str, where: str) -> tuple[Fraction, bool]:
    """The exact rate that Resolve's text stands for, and whether it counts drop frames: ``"29.97 DF"``, ``"24.0"``."""
    number, _, rest = text.strip().partition(" ")
    try:
        rate = Fraction(number)
        if not 1 <= rate <= 1000 or rest.strip().upper() not in ("", "DF"):
            raise ValueError(text)
    except (ValueError, ZeroDivisionError) as error:
        raise wrong(where, text, "a frame rate") from error
    return snap_rate(rate), rest.strip().upper() == "DF"
