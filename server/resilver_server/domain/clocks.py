"""When the frames of a list are, and where cuts wall them off."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction

from .spans import Span


@dataclass(frozen=True)
class Clock:
    """A list of distinct media frames in media order, their true times, and the walls between scenes."""

    frames: tuple[int, ...]
    """Media frame number of each entry (repeats are left out)."""
    times: tuple[Fraction, ...]
    """Media seconds of each entry; strictly increasing."""
    walls: tuple[int, ...] = ()
    """Entries that are the first after a cut, increasing. Nothing temporal looks across."""

    def __len__(self) -> int:
        return len(self.frames)

    def at(self, time: Fraction) -> int:
        """The entry shown at ``time``: the last one that is not later, or the first."""
        return max(0, bisect_right(self.times, time) - 1)

    def scene(self, entry: int) -> Span:
        """The entries between the cuts around ``entry``."""
        after = bisect_right(self.walls, entry)
        start = self.walls[after - 1] if after else 0
        stop = self.walls[after] if after < len(self.walls) else len(self.frames)
        return Span(start, stop)
