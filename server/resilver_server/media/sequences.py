"""Numbered pictures in a folder: finding them, their numbers, and their gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from resilver_client.errors import MediaNotFound, MediaUnreadable, SequenceGap
from resilver_server.domain.formats import PICTURE_SUFFIXES

from .files import is_there

_PRINTF = re.compile(r"%(0(\d+))?d")
_NUMBERED = re.compile(r"(\D*)(\d+)(.*)", re.DOTALL)
"""A file name read backwards: what follows the last number, the number, what stands before it."""
_NAMED_GAPS = 8


Numbers = tuple[int, int | None]
"""Of files: the first, and one behind the last; None is the last that is there."""


@dataclass(frozen=True)
class Sequence:
    """A run of numbered pictures without gaps."""

    pattern: str
    """Absolute, in printf form."""
    first: int
    count: int

    def file(self, index: int) -> Path:
        """The file of frame ``index`` (from 0)."""
        return Path(self.pattern % (self.first + index))


def is_pattern(path: Path) -> bool:
    """Whether a path is a printf pattern of numbered files and not a file itself."""
    return bool(_PRINTF.search(path.name.replace("%%", ""))) and not is_there(path)


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def in_folder(folder: Path) -> Sequence:
    """The one sequence of pictures in a folder.

    Raises MediaUnreadable where there is none or more than one, SequenceGap where numbers are missing.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for path in _listed(folder):
        match = _NUMBERED.fullmatch(path.name[::-1])
        if match and is_picture(path) and not path.name.startswith("."):
            tail, digits, head = (part[::-1] for part in match.groups())
            groups.setdefault((head, tail), []).append(digits)
    if not groups:
        raise MediaUnreadable(
            "no numbered pictures in the folder",
            where=str(folder),
            remedy=f"it needs {', '.join(sorted(PICTURE_SUFFIXES))} files",
        )
    if len(groups) > 1:
        names = ", ".join(f"{head}#{tail}" for head, tail in sorted(groups))
        raise MediaUnreadable(
            f"several sequences in one folder: {names}",
            where=str(folder),
            remedy="name one by its pattern, as scan.%05d.png",
        )
    (head, tail), digits = next(iter(groups.items()))
    return _sequence(folder, head, tail, digits)


def by_pattern(pattern: Path, numbers: Numbers | None = None) -> Sequence:
    """The files that a printf pattern names; with ``numbers`` those from the first of them on, up to the last that is
    there. Raises MediaNotFound where there are none, SequenceGap for gaps among them.
    """
    match = _PRINTF.search(pattern.name)
    if match is None:
        raise MediaUnreadable("no number in the pattern", where=str(pattern), remedy="write it as scan.%05d.png")
    head, tail = (part.replace("%%", "%") for part in (pattern.name[: match.start()], pattern.name[match.end() :]))
    width = int(match[2]) if match[2] else 0
    digits = []
    folder = pattern.parent if is_there(pattern.parent) else Path(str(pattern.parent).replace("%%", "%"))
    for path in _listed(folder):
        inner = path.name[len(head) : len(path.name) - len(tail)]
        fits = path.name.startswith(head) and path.name.endswith(tail) and inner.isascii() and inner.isdigit()
        fits = fits and len(head) + len(tail) < len(path.name) and inner == f"{int(inner):0{width}d}"
        if fits and _wanted(int(inner), numbers):
            digits.append(inner)
    if not digits:
        raise MediaNotFound("no files of this pattern", where=str(pattern), remedy="check the folder and the numbering")
    found = _sequence(folder, head, tail, digits)
    if numbers is not None and found.first > numbers[0]:
        _refuse_gaps([numbers[0] - 1, found.first], found.pattern)
    return found


def _wanted(number: int, numbers: Numbers | None) -> bool:
    return numbers is None or (number >= numbers[0] and (numbers[1] is None or number < numbers[1]))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError as error:
        raise MediaNotFound("no such folder", where=str(folder), remedy="check the path or relink the clip") from error
    except OSError as error:
        what = f"the folder cannot be listed ({error.strerror})"
        raise MediaUnreadable(what, where=str(folder), remedy="check its permissions") from error


def _sequence(folder: Path, head: str, tail: str, digits: list[str]) -> Sequence:
    width = min(len(text) for text in digits)
    numbers = sorted(int(text) for text in digits)
    padded = width if any(text.startswith("0") for text in digits) else 0
    if any(text != f"{int(text):0{padded}d}" for text in digits) or len(set(numbers)) < len(numbers):
        raise MediaUnreadable(
            "numbers are written with different numbers of digits",
            where=str(folder / f"{head}#{tail}"),
            remedy="rename them",
        )
    place = str(folder).replace("%", "%%")
    name = f"{head.replace('%', '%%')}%{f'0{padded}' if padded > 1 else ''}d{tail.replace('%', '%%')}"
    pattern = f"{place}/{name}"
    _refuse_gaps(numbers, pattern)
    return Sequence(pattern, numbers[0], len(numbers))


def _refuse_gaps(numbers: list[int], pattern: str) -> None:
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    if not gaps:
        return
    named = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in gaps[:_NAMED_GAPS])
    more = f" and {len(gaps) - _NAMED_GAPS} more gaps" if len(gaps) > _NAMED_GAPS else ""
    raise SequenceGap(
        f"numbers are missing: {named}{more}",
        where=pattern,
        remedy="restore the files or choose the range before the gap",
    )
