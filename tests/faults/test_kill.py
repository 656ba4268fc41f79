"""The short form of ``faults.kill``: eight blows of a seed in continuous integration, one of every kind among them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .kill import attacked, table


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
def test_killed_at_random_every_job_ends_the_same(tmp_path: Path) -> None:
    tally = attacked(tmp_path, kills=8, seed=11, names=("cut", "sound", "look"))
    print(table(tally))
    assert tally.kills == 8
