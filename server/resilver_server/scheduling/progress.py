"""Where running shots stand. Kept in memory only: what has to survive is a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from resilver_server.planning.tasks import Progress

from .records import ShotPhase, ShotProgress


@dataclass
class _Shot:
    """One phase of one shot."""

    name: str
    phase: ShotPhase
    total: int
    finished: int
    at_start: int
    started: float
    running: dict[int, int] = field(default_factory=dict)
    stage: str = ""

    @property
    def done(self) -> int:
        return min(self.total, self.finished + sum(self.running.values()))


class Tracker:
    """Progress of one job. ``version`` grows with every change."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shots: dict[int, _Shot] = {}
        self.version = 0

    def enter(self, shot: int, name: str, phase: ShotPhase, total: int, finished: int = 0) -> None:
        """A phase begins; ``finished`` frames were done before (a resumed job)."""
        self._shots[shot] = _Shot(name, phase, total, finished, finished, self._clock())
        self.version += 1

    def leave(self, shot: int) -> None:
        self._shots.pop(shot, None)
        self.version += 1

    def reporter(self, shot: int, unit: int) -> Callable[[Progress], None]:
        """For the task of one chunk: its own frames count from 0."""

        def report(progress: Progress) -> None:
            entry = self._shots.get(shot)
            if entry is not None:
                entry.running[unit] = progress.done
                entry.stage = progress.stage
                self.version += 1

        return report

    def close(self, shot: int, unit: int, frames: int) -> None:
        """A chunk ended: with all its ``frames``, or with 0 where it failed."""
        entry = self._shots.get(shot)
        if entry is not None:
            entry.running.pop(unit, None)
            entry.finished += frames
            self.version += 1

    def frames_done(self, shot: int, unit: int) -> int:
        """Of a running chunk."""
        entry = self._shots.get(shot)
        return entry.running.get(unit, 0) if entry is not None else 0

    def snapshot(self) -> tuple[ShotProgress, ...]:
        return tuple(self._progress(number, self._shots[number]) for number in sorted(self._shots))

    def _progress(self, number: int, shot: _Shot) -> ShotProgress:
        elapsed = self._clock() - shot.started
        fresh = shot.done - shot.at_start
        speed = fresh / elapsed if elapsed > 0 else 0.0
        left = (shot.total - shot.done) / speed if speed > 0 else None
        return ShotProgress(number, shot.name, shot.phase, shot.stage, shot.done, shot.total, speed, left)
