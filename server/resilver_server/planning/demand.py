"""What has to be read for given output frames: demand, folded from the last stage back to the media.

A shot passes three domains: media frames, entries of the clock (distinct frames at their true times), and output
frames. Stages before the retiming see entries, stages after it output frames; each needs ``radius`` neighbours
within the scene. Everything here is arithmetic on indices; the engine pulls exactly what this says.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from resilver_server.domain.clocks import Clock
from resilver_server.domain.rates import Rate
from resilver_server.domain.spans import Span

from .timemap import TimeMap, shown_frame


@dataclass(frozen=True)
class Sample:
    """What an output frame is made of: an entry alone (position 0), or a place between two of one scene."""

    before: int
    after: int
    position: Fraction = Fraction(0)
    """0 <= position < 1."""

    @property
    def computed(self) -> bool:
        return self.position != 0


@dataclass(frozen=True)
class Sampler:
    """Which entries each output frame is made of."""

    clock: Clock
    mapping: TimeMap
    media_rate: Rate
    computes: bool
    """Whether frames between filmed ones are computed; otherwise the frame on screen at the time is held."""

    def sample(self, output: int) -> Sample:
        """A frame whose time meets an entry's is that entry. Nothing is computed across a wall, nor beyond the
        ends of the clock: there the frame on screen is held."""
        time = self.mapping.time(output)
        return self._between(time) if self.computes else self._held(time)

    def _held(self, time: Fraction) -> Sample:
        frame = shown_frame(time, self.media_rate, self.mapping.reverse)
        entry = max(0, bisect_right(self.clock.frames, frame) - 1)
        return Sample(entry, entry)

    def _between(self, time: Fraction) -> Sample:
        entry = self.clock.at(time)
        following = entry + 1
        if time <= self.clock.times[entry] or following >= len(self.clock):
            return Sample(entry, entry)
        if following not in self.clock.scene(entry):
            held = following if self.mapping.reverse else entry
            return Sample(held, held)
        start, stop = self.clock.times[entry], self.clock.times[following]
        return Sample(entry, following, (time - start) / (stop - start))

    def scene(self, output: int) -> Span:
        """The entries of the scene that an output frame belongs to."""
        return self.clock.scene(self.sample(output).before)


@dataclass(frozen=True)
class Demand:
    """The frames that pass each level of a chain for the output frames of a chunk."""

    sampler: Sampler
    before: tuple[int, ...]
    """Radii of the stages ahead of the retiming, in order."""
    after: tuple[int, ...]
    """Radii of the stages behind it, in order."""
    total: int
    """Output frames of the whole shot: neighbours beyond do not exist."""

    def output_window(self, output: int, radius: int) -> Span:
        """Output frames within ``radius`` of one, in its scene."""
        scene = self.sampler.scene(output)
        start, stop = output, output + 1
        while start > max(0, output - radius) and self.sampler.scene(start - 1) == scene:
            start -= 1
        while stop < min(self.total, output + radius + 1) and self.sampler.scene(stop) == scene:
            stop += 1
        return Span(start, stop)

    def entry_window(self, entry: int, radius: int) -> Span:
        """Entries within ``radius`` of one, in its scene."""
        return Span(entry, entry + 1).grow(radius, self.sampler.clock.scene(entry))

    def sampled(self, outputs: Iterable[int]) -> tuple[int, ...]:
        """Output frames that the retiming has to make, increasing."""
        needed = set(outputs)
        for radius in reversed(self.after):
            if radius:
                needed = {index for output in needed for index in self.output_window(output, radius)}
        return tuple(sorted(needed))

    def levels(self, outputs: Iterable[int]) -> tuple[tuple[int, ...], ...]:
        """Entries needed at each level, increasing: first of the source, then out of every stage ahead of the
        retiming."""
        samples = [self.sampler.sample(output) for output in self.sampled(outputs)]
        needed = {entry for sample in samples for entry in (sample.before, sample.after)}
        found = [tuple(sorted(needed))]
        for radius in reversed(self.before):
            if radius:
                needed = {index for entry in needed for index in self.entry_window(entry, radius)}
            found.insert(0, tuple(sorted(needed)))
        return tuple(found)

    def entries(self, outputs: Iterable[int]) -> tuple[int, ...]:
        """Entries of the clock whose media frames are read, increasing."""
        return self.levels(outputs)[0]

    def frames(self, outputs: Iterable[int]) -> tuple[int, ...]:
        """Media frames that are read, increasing."""
        return tuple(self.sampler.clock.frames[entry] for entry in self.entries(outputs))

    def span(self, outputs: Iterable[int]) -> Span:
        """Media frames that are decoded: from the first read to the last."""
        frames = self.frames(outputs)
        return Span(frames[0], frames[-1] + 1)

    @cached_property
    def reach(self) -> int:
        """Entries either side that one output frame may look at, the retiming included."""
        return sum(self.before) + 1
