"""A worker that was given up, and goes on all the same, must not be heard: neither its file nor its answer."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from faults.reel import Reel
from faults.settings import program
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling.records import EventKind
from support.jobs import manager, on_loop, rows


@pytest.mark.parametrize("kind", ["SolveTask", "RenderTask"])
def test_what_a_given_up_worker_writes_late_is_not_taken(
    tmp_path: Path, reel: Reel, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The first attempt dies and leaves a process that scribbles into the file of that attempt, over and over, while
    the second one is made."""
    program()
    monkeypatch.setenv("PYTHONPATH", os.environ["PYTHONPATH"])
    monkeypatch.setenv("LATE_KIND", kind)
    monkeypatch.setenv("LATE_FOLDER", str(tmp_path))
    monkeypatch.setattr("resilver_server.scheduling.patience.FIRST_WAIT", 0.01)

    async def check() -> None:
        async with manager(tmp_path / "home", worker_module="faults.late_engine", reserve_bytes=0) as running:
            job = (await running.submit(reel.request(tmp_path / "out"))).id
            told = await rows(running, job)
            assert [event.kind for event in told].count(EventKind.RETRY) == 1
            assert (await running.get(job)).state is JobState.SUCCEEDED
            scribbled = [path for path in (tmp_path / "home/content/tmp").iterdir()]
            assert scribbled, "the late one wrote"
        (tmp_path / "enough").touch()
        await asyncio.sleep(0.1)
        async with manager(tmp_path / "home", reserve_bytes=0):
            assert not [*(tmp_path / "home/content/tmp").iterdir()], "a start clears it away"

    on_loop(check)
    reel.assert_right(tmp_path / "out")
