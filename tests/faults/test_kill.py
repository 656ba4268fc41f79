"""The short form of ``faults.kill`` for continuous integration: ten blows of a seed at two jobs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from faults.kill import Setting, attacked, table


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
def test_killed_at_random_every_job_ends_the_same(tmp_path: Path) -> None:
    tally = attacked(Setting(tmp_path, names=("cut", "look"), replayed=True), kills=10, seed=11)
    print(table(tally))
    assert tally.kills == 10
