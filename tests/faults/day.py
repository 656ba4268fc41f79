"""A day's worth of work: thousands of small jobs through one server. What it takes of memory, file handles and disk,
and how long it takes to list jobs, must not grow with what it has done.

    python -m faults.day --jobs 5000        (in tests/; prints a table)
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from faults.day_engine import LENGTH
from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_server.api.writing import write_request
from support.jobs import request, timeline
from support.serving import ServerProcess, server_process

TESTS = Path(__file__).resolve().parents[1]
CLIP = 60
"""Frames of a job: two chunks or three."""
_AT_ONCE = 16
"""Jobs that wait while others run."""
_ASKED = 40
"""Times that a list is asked for in one sample."""


@dataclass(frozen=True)
class Sample:
    """The server after so many jobs."""

    jobs: int
    seconds: float
    memory: int
    """Resident bytes of the server's own process."""
    private: int
    """Of these, what no other process shares: what it has allocated."""
    handles: int
    database: int
    """Bytes of its pages, those in the log included."""
    log: int
    """Bytes of its write-ahead log."""
    store: int
    """Bytes of all content, as files."""
    listing: tuple[float, ...]
    """Milliseconds of ListJobs, first page, sorted."""
    filtered: float
    """Milliseconds of ListJobs for states that no job is in: the median."""

    @property
    def median(self) -> float:
        return statistics.median(self.listing)

    @property
    def slowest(self) -> float:
        """The 99th of a hundred."""
        return self.listing[min(len(self.listing) - 1, round(0.99 * len(self.listing)))]


def day(home: Path, jobs: int, samples: int) -> list[Sample]:
    """Run ``jobs`` jobs on a server in ``home`` and look at it ``samples`` times, evenly. Raises AssertionError where a
    job does not succeed."""
    film = home / "film.mkv"
    home.mkdir(parents=True, exist_ok=True)
    film.write_bytes(b"1895")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH", ""))))
    found: list[Sample] = []
    marks = {round(jobs * (n + 1) / samples) for n in range(samples)}
    with server_process(home, program=("-m", "faults.day_server")) as server, server.client() as client:
        began = time.monotonic()
        for done in _work(client, home, film, jobs):
            if done in marks:
                found.append(_look(server, client, done, time.monotonic() - began))
    return found


def _work(client: Client, home: Path, film: Path, jobs: int) -> Iterator[int]:
    """How many are done, after each."""
    waiting: list[str] = []
    for number in range(jobs):
        waiting.append(client.submit(_message(home, film, number)).id)
        if len(waiting) == _AT_ONCE:
            _finish(client, waiting.pop(0))
            yield number + 2 - _AT_ONCE
    for position, job in enumerate(waiting):
        _finish(client, job)
        yield jobs - len(waiting) + position + 1


def _finish(client: Client, job: str) -> None:
    for _ in client.watch(job):
        pass
    state = client.get(job).state
    assert state == jobs_pb2.JOB_STATE_SUCCEEDED, (job, state)


def _message(home: Path, film: Path, number: int) -> jobs_pb2.JobRequest:
    edit = timeline(film, LENGTH, (f"shot {number}", number * 7, CLIP))
    return write_request(request(f"day {number}", edit, home / "out"))


def _look(server: ServerProcess, client: Client, jobs: int, seconds: float) -> Sample:
    process = Path(f"/proc/{server.process.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    database = server.home / "jobs.sqlite3"
    return Sample(
        jobs=jobs,
        seconds=seconds,
        memory=_kilobytes(status["VmRSS"]),
        private=_kilobytes(status["RssAnon"]),
        handles=len(list((process / "fd").iterdir())),
        database=_pages(database),
        log=Path(f"{database}-wal").stat().st_size,
        store=sum(path.stat().st_size for path in (server.home / "content").rglob("*") if path.is_file()),
        listing=tuple(sorted(_timed(lambda: client.list()) for _ in range(_ASKED))),
        filtered=statistics.median(
            _timed(lambda: client.list(states=[jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_PAUSED]))
            for _ in range(_ASKED // 2)
        ),
    )


def _pages(database: Path) -> int:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        count, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(count * size)


def _kilobytes(text: str) -> int:
    return int(text.split()[0]) * 1024


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


@dataclass(frozen=True)
class Course:
    """A quantity in the second quarter of the day, when everything has been used once, and in the last."""

    name: str
    early: float
    late: float
    unit: str = ""

    @property
    def growth(self) -> float:
        """Of the whole, from one to the other."""
        return self.late / self.early - 1 if self.early else float(self.late > 0)

    def __str__(self) -> str:
        return f"{self.name:28} {self.early:10.2f} {self.late:10.2f} {self.unit:5} {100 * self.growth:+6.1f} %"


def courses(samples: Sequence[Sample]) -> dict[str, Course]:
    """By name. The database is told by what a job adds to it."""
    quarter = len(samples) // 4
    second, last = samples[quarter : 2 * quarter], samples[3 * quarter :]

    def course(name: str, unit: str, of: Callable[[Sample], float]) -> Course:
        return Course(name, *(statistics.median(map(of, part)) for part in (second, last)), unit)

    added = [(b.database - a.database) / (b.jobs - a.jobs) / 1024 for a, b in ((s[0], s[-1]) for s in (second, last))]
    found = [
        course("memory", "MB", lambda s: s.memory / 2**20),
        course("memory, its own", "MB", lambda s: s.private / 2**20),
        course("file handles", "", lambda s: s.handles),
        Course("database a job", added[0], added[1], "KB"),
        course("write-ahead log", "MB", lambda s: s.log / 2**20),
        course("store", "MB", lambda s: s.store / 2**20),
        course("ListJobs, median", "ms", lambda s: s.median),
        course("ListJobs, 99 of 100", "ms", lambda s: s.slowest),
        course("ListJobs, no such state", "ms", lambda s: s.filtered),
    ]
    return {each.name: each for each in found}


BOUNDS = {
    "memory, its own": 0.08,
    "file handles": 0.1,
    "database a job": 0.15,
    "write-ahead log": 0.1,
    "store": 0.15,
    "ListJobs, median": 0.5,
}
"""Growth from the second quarter to the last that is still flat; times of single calls are told and not judged, since
other work on the machine decides them."""


def not_flat(found: Mapping[str, Course]) -> list[str]:
    """What grows, in words."""
    return [str(found[name]) for name, most in BOUNDS.items() if found[name].growth > most]


def main() -> None:
    parser = argparse.ArgumentParser(description="A day's worth of work.")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = day(given.home or Path(folder) / "home", given.jobs, given.samples)
    for sample in found:
        print(
            f"{sample.jobs:6} jobs {sample.seconds:7.1f} s  memory {sample.memory / 2**20:6.1f} MB "
            f"(own {sample.private / 2**20:6.1f})  handles {sample.handles:3}  "
            f"database {sample.database / 2**20:6.2f} MB, log {sample.log / 2**20:5.2f} MB  "
            f"store {sample.store / 2**20:5.2f} MB  "
            f"list {sample.median:5.1f} / {sample.slowest:5.1f} ms  none {sample.filtered:5.1f} ms"
        )
    print(f"\n{'':28} {'2nd quarter':>10} {'last':>10}")
    course = courses(found)
    print(*course.values(), sep="\n")
    print("\nnot flat:", *not_flat(course), sep="\n") if not_flat(course) else print("\nall of it is flat")


if __name__ == "__main__":
    main()
