"""What a server has done since it began, as plain numbers. Nobody's name and no path is among them."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from resilver_server.domain.jobs import JobState

from .ledger import Ledger

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)
"""Upper bounds in seconds, each included: of small preview chunks and of 4K ones."""


@dataclass
class Histogram:
    """How often something took how long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """By ``BOUNDS``; the last is what took longer."""
    total: float = 0.0
    """Seconds altogether."""

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class Counts:
    """Written on the event loop; numbers may be read from any thread. Kinds are those of content: ``segment``,
    ``state``, ``measurement``."""

    done: Counter[str] = field(default_factory=Counter)
    """Pieces of content that were made, by kind."""
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Attempts that ended with an error, by kind and reason."""
    retried: Counter[str] = field(default_factory=Counter)
    """Tries again after a transient error, by reason."""
    seconds: dict[str, Histogram] = field(default_factory=dict)
    """That making one took, by kind, waiting for a worker included."""
    frames: int = 0
    """Output frames that were rendered."""

    def made(self, kind: str, seconds: float) -> None:
        self.done[kind] += 1
        self.seconds.setdefault(kind, Histogram()).observe(seconds)


@dataclass(frozen=True)
class Tally:
    """What the database says."""

    jobs: Mapping[JobState, int]
    stored_bytes: int
    stored: int
    """Pieces of content in the store."""


async def tally(ledger: Ledger) -> Tally:
    def work(connection: sqlite3.Connection) -> Tally:
        jobs = {state: 0 for state in JobState}
        jobs |= {JobState(state): count for state, count in connection.execute(_JOBS)}
        size, number = connection.execute("SELECT coalesce(sum(bytes), 0), count(*) FROM content").fetchone()
        return Tally(jobs, size, number)

    return await ledger.read(work)


_JOBS = "SELECT state, count(*) FROM job GROUP BY state"
