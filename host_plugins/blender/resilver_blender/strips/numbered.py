"""Lists of picture files: a still, or a sequence without gaps. No bpy."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[^.\d][^.]*)$", re.DOTALL)


class NotASequence(ValueError):
    """The files do not count up by one. ``file`` is the first that breaks the row, ``why`` says how."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(file, why)
        self.file = file
        self.why = why


def sequence_of(names: Sequence[str]) -> tuple[str, int]:
    """Printf pattern of file names that count up by one, and the first number.

    Raises NotASequence for a name without a number, a gap, a step back, a repeat, or a name of another kind.
    """
    first = _parts(names[0])
    padded = len(first["number"])
    if first["number"][0] != "0" and any(len(name) != len(names[0]) for name in names):
        padded = 0
    start = int(first["number"])
    for position, name in enumerate(names):
        parts = _parts(name)
        if (parts["prefix"], parts["suffix"]) != (first["prefix"], first["suffix"]):
            raise NotASequence(name, f"its name is of another kind than {names[0]}")
        if int(parts["number"]) != start + position:
            raise NotASequence(name, f"number {start + position} should come here")
        if name != _name(first, start + position, padded):
            raise NotASequence(name, "its number is written with another count of digits")
    number = f"%0{padded}d" if padded else "%d"
    return first["prefix"].replace("%", "%%") + number + first["suffix"].replace("%", "%%"), start


def _parts(name: str) -> dict[str, str]:
    match = _NUMBER.match(name)
    if match is None:
        raise NotASequence(name, "its name ends in no number")
    return match.groupdict()


def _name(parts: dict[str, str], number: int, padding: int) -> str:
    return f"{parts['prefix']}{number:0{padding}d}{parts['suffix']}"
