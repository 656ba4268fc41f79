"""Half-open spans of frame indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


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

    def split(self, size: int) -> Iterator[Span]:
        """Consecutive spans of ``size`` frames, the last one shorter where it must be."""
        for start in range(self.start, self.stop, size):
            yield Span(start, min(start + size, self.stop))
