"""Frames of an edit on the grid of another rate. No bpy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from resilver_otio.locate import cut_frame


@dataclass(frozen=True)
class Grid:
    """Two scenes that begin at the same moment."""

    begins: int
    """The old scene's first frame; the new one's is 1."""
    old: Fraction
    """Frames a second of the old scene."""
    new: Fraction

    def at(self, frame: int) -> int:
        """The new frame of a cut: every cut goes through the one rounding that the server's results are made for."""
        return 1 + int(cut_frame(Fraction(frame - self.begins) / self.old, self.new))

    def time_at(self, frame: float | Fraction) -> float:
        """The moment of an old frame in new frames, unrounded: for what is no cut."""
        return 1 + float((Fraction(frame) - self.begins) / self.old * self.new)
