"""Frames as people write them: ``"120-139, 200"``. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import InvalidRecipe

Spans = tuple[tuple[int, int], ...]
"""Half-open, in order; they neither overlap nor touch."""

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
"""Nine digits are a year of frames."""


def parse_frames(text: str, where: str = "") -> Spans:
    """Frames 120 to 139, both of them, and 200. Commas, semicolons or spaces stand between.

    Raises InvalidRecipe, naming ``where``, for anything else.
    """
    words = re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", text.strip()))
    return merged(_range(word, where) for word in words if word)


def format_frames(spans: Iterable[tuple[int, int]]) -> str:
    """What ``parse_frames`` reads."""
    return ", ".join(str(start) if stop - start == 1 else f"{start}-{stop - 1}" for start, stop in spans)


def merged(spans: Iterable[tuple[int, int]]) -> Spans:
    """The same frames in as few spans as there can be."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return tuple(found)


def _range(word: str, where: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(word)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if last < first:
        raise InvalidRecipe(f"{word!r} names no frames", where=where, remedy="write frames as in 120-139, 200")
    return first, last + 1
