"""What a strip shows, in exact numbers. No bpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Shown:
    """Which frames of which media lie where on the timeline.

    At timeline frame ``start + k`` the media stands at frame ``first + k * speed``, backwards at ``first - k * speed``.
    Blender shows the media frame nearest to it.
    """

    name: str
    uid: str
    """Lasting id of the strip (``identity``)."""
    channel: int
    start: int
    """First timeline frame on which the strip's own media runs; inside metas cut to what they show."""
    stop: int
    """First timeline frame after it."""
    metas: tuple[str, ...]
    """Names of the metas around the strip, outermost first."""
    media: str
    """Absolute path; for a sequence its printf pattern."""
    kind: str
    """"movie", "sequence" or "still"."""
    first: Fraction
    """Media frame shown at ``start``, counted from the media's first; 0 for a still."""
    speed: Fraction
    """Media frames a timeline frame, above 0; 1 for a still."""
    reverse: bool
    media_rate: Fraction | None
    """Of the movie's own clock; None for pictures, which have none."""
    first_number: int | None
    """Number of a sequence's frame 0."""
    width: int
    height: int
    """Pixels of the media."""
    held_before: int = 0
    """Timeline frames before ``start`` on which the strip holds the frame that it shows there."""
    held_after: int = 0
    """The same from ``stop`` on, with its last frame."""

    def media_frame(self, frame: int | Fraction) -> Fraction:
        """Where the media stands at a timeline frame."""
        travel = (frame - self.start) * self.speed
        return Fraction(0) if self.kind == "still" else self.first - travel if self.reverse else self.first + travel

    def media_span(self) -> tuple[int, int]:
        """The media frames that are shown, half-open, as the server counts them (its ``shown_span``)."""
        if self.kind == "still":
            return 0, 1
        travel = (self.stop - self.start) * self.speed
        if not self.reverse:
            return floor(self.first), ceil(self.first + travel)
        return max(0, floor(self.first - travel) + 1), ceil(self.first) + 1

    def media_frames(self, start: int, stop: int, between: bool = False) -> tuple[int, int]:
        """The media frames of ``start <= timeline frame < stop``, half-open and within ``media_span``: those that
        Blender shows there, and those in between that it leaves out. Timeline frames beyond the media's own show its
        first or last one.

        Args:
            between: also the second of the two frames between which a timeline frame lies, for a result that was
                computed from both.
        """
        if self.kind == "still":
            return 0, 1
        first, last = (min(max(frame, self.start), self.stop - 1) for frame in (start, stop - 1))
        step = self.speed - 1 if self.speed > 1 else Fraction(0)
        ends = self.media_frame(first), self.media_frame(last) + (-step if self.reverse else step)
        low, high = min(ends), max(ends)
        found = (floor(low), ceil(high)) if between else (floor(low + _HALF), floor(high + _HALF))
        bottom, top = self.media_span()
        return min(max(found[0], bottom), top - 1), min(max(found[1], bottom), top - 1) + 1

    def played(self, files: Sequence[str]) -> list[str]:
        """For each timeline frame the one that belongs to it, of one file for each frame of ``media_span``."""
        low, stop = self.media_span()
        nearest = (floor(self.media_frame(frame) + _HALF) for frame in range(self.start, self.stop))
        return [files[min(max(low, number), stop - 1) - low] for number in nearest]

    def timeline_frame(self, media_frame: int) -> int:
        """The strip's timeline frame on which Blender comes nearest to a media frame."""
        if self.kind == "still":
            return self.start
        travel = self.first - media_frame if self.reverse else media_frame - self.first
        return min(max(self.start, floor(self.start + travel / self.speed + _HALF)), self.stop - 1)
