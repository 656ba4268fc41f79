"""Half-open spans of frame indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from resilver_client import frames


@dataclass(frozen=True, order=True)
class Span:
    """Frames ``start <= index < stop``. Empty when ``start == stop``; never negative in length."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.stop < self.start:
            raise ValueError(f"span ends before it starts: [{self.start}, {self.stop})")

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.start <= index < self.stop

    def covers(self, other: Span) -> bool:
        return self.start <= other.start and other.stop <= self.stop

    def intersect(self, other: Span) -> Span:
        """The common part; empty (at the nearer bound) where there is none."""
        start = max(self.start, other.start)
        return Span(start, max(start, min(self.stop, other.stop)))

    def hull(self, other: Span) -> Span:
        """The smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))

    def grow(self, radius: int, within: Span) -> Span:
        """``radius`` frames more on either side, kept inside ``within``."""
        return Span(max(within.start, self.start - radius), min(within.stop, self.stop + radius))

    def split(self, size: int, phase: int = 0) -> Iterator[Span]:
        """Consecutive spans of ``size`` frames, cut where an index plus ``phase`` is a multiple of ``size``: the first
        and the last are shorter where they must be."""
        start = self.start
        while start < self.stop:
            stop = min(start + size - (start + phase) % size, self.stop)
            yield Span(start, stop)
            start = stop


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same frames as spans in order that neither overlap nor touch; empty ones are left out."""
    found: list[Span] = []
    for span in sorted(span for span in spans if len(span)):
        if found and span.start <= found[-1].stop:
            found[-1] = found[-1].hull(span)
        else:
            found.append(span)
    return tuple(found)


def parse_frames(text: str, where: str = "") -> tuple[Span, ...]:
    """``"120-139, 200"``: frames 120 to 139, both of them, and 200, merged. Commas, semicolons or spaces stand between.

    Raises InvalidRecipe, naming ``where``, for anything else.
    """
    return tuple(Span(start, stop) for start, stop in frames.parse_frames(text, where))


def format_frames(spans: Iterable[Span]) -> str:
    """What ``parse_frames`` reads."""
    return frames.format_frames((span.start, span.stop) for span in spans)
