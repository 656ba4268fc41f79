"""A short day of work: nothing grows with the number of jobs that were done. The long one is a command, ``day.py``."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from faults.day import Sample, courses, day, not_flat
from faults.day_server import STORE

JOBS = int(os.environ.get("RESILVER_DAY", "150"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what Linux tells of a process")
def test_a_day_of_small_jobs(tmp_path: Path) -> None:
    found = day(tmp_path / "home", JOBS, samples=12)
    course = courses(found)
    print("", *course.values(), sep="\n")
    assert not not_flat(course)
    assert found[-1].store <= 2 * STORE, "the quota holds but for what the jobs that wait need"
    assert len(list((tmp_path / "home/out").glob("*.mkv"))) == JOBS


def steady(jobs: int) -> Sample:
    mega = 2**20
    return Sample(jobs, 0.0, 70 * mega, 40 * mega, 25, jobs * 20_000, 4 * mega, STORE, (20.0,) * 40, 0.5)


@pytest.mark.parametrize(
    ("what", "grown"),
    [
        ("memory, its own", lambda s: dataclasses.replace(s, private=s.private + 100_000 * s.jobs)),
        ("file handles", lambda s: dataclasses.replace(s, handles=s.handles + s.jobs // 25)),
        ("database a job", lambda s: dataclasses.replace(s, database=s.database + 100 * s.jobs**2)),
        ("write-ahead log", lambda s: dataclasses.replace(s, log=s.log + 20_000 * s.jobs)),
        ("store", lambda s: dataclasses.replace(s, store=1000 * s.jobs)),
        ("ListJobs, median", lambda s: dataclasses.replace(s, listing=(10 + s.jobs / 5,) * 40)),
    ],
)
def test_what_grows_is_seen(what: str, grown: object) -> None:
    """The measure itself: a quantity that grows with every job is called by its name, and it alone."""
    assert callable(grown)
    flat = [steady(round(150 * (n + 1) / 12)) for n in range(12)]
    assert not not_flat(courses(flat))
    (said,) = not_flat(courses([grown(sample) for sample in flat]))
    assert said.startswith(what)
