"""A machine of which little memory may be used: the whole way on the CPU, where the limit is real."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resilver_client.errors import OutOfMemory
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import StageSettings
from resilver_server.scheduling.records import EventKind
from resilver_server.scheduling.requests import JobRequest
from support.jobs import decoded, film, manager, on_loop, request, rows, timeline
from support.models import installed_models

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its limit")
LIMIT = 320 << 20
MODEL = "span-x2"
"""Takes 4 kB for each pixel: half a gigabyte for a whole frame of the test's film."""


@pytest.fixture(scope="module")
def edit(tmp_path_factory: pytest.TempPathFactory) -> str:
    movie = film(tmp_path_factory.mktemp("film") / "film.mkv", 2, width=400, height=320)
    return timeline(movie, 2, ("shot", 0, 2))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return installed_models(tmp_path / "home", MODEL)


@pytest.fixture(scope="module")
def unlimited(edit: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a machine on which nobody sets a limit."""
    folder = tmp_path_factory.mktemp("unlimited")

    async def go() -> None:
        async with manager(installed_models(folder / "home", MODEL)) as running:
            await rows(running, (await running.submit(asked("a", edit, folder))).id)

    on_loop(go)
    return folder / "shot.mkv"


def asked(id: str, edit: str, folder: Path) -> JobRequest:
    plain = request(id, edit, folder)
    stage = StageSettings("upscale", {"model": MODEL, "scale": 2.0})
    return replace(plain, recipe=replace(plain.recipe, stages=(stage,)))


def test_a_limit_is_planned_for_and_kept(home: Path, edit: str, unlimited: Path, tmp_path: Path) -> None:
    """Tiles are chosen that fit, nothing runs out, and no seam shows beside a machine without a limit."""

    async def go() -> None:
        async with manager(home, memory_limit=LIMIT) as running:
            planned = (await running.plan(asked("p", edit, tmp_path / "small"))).shots[0].plan
            assert 0 < planned.numerics.tile < 320
            assert planned.memory <= LIMIT
            told = await rows(running, (await running.submit(asked("a", edit, tmp_path / "small"))).id)
            assert EventKind.SHRUNK not in [event.kind for event in told]

    on_loop(go)
    _same(tmp_path / "small/shot.mkv", unlimited)


def test_memory_that_runs_out_all_the_same_makes_tiles_smaller(
    home: Path, edit: str, unlimited: Path, tmp_path: Path
) -> None:
    """What was remembered of the network is a hundredth of the truth, so the plan is wrong, and the system refuses."""

    async def go() -> None:
        async with manager(home, memory_limit=LIMIT) as running:
            await running.plan(asked("p", edit, tmp_path / "small"))
        file = home / "calibration.json"
        file.write_text(json.dumps({name: taken // 100 for name, taken in json.loads(file.read_text()).items()}))
        async with manager(home, memory_limit=LIMIT) as running:
            wrong = await running.plan(asked("p", edit, tmp_path / "small"))
            assert wrong.shots[0].plan.numerics.tile == 0
            job = (await running.submit(asked("a", edit, tmp_path / "small"))).id
            kinds = [event.kind for event in await rows(running, job)]
            ended = await running.get(job)
            assert ended.state is JobState.SUCCEEDED, ended.failure
            assert EventKind.SHRUNK in kinds
            learned = await running.plan(asked("q", edit, tmp_path / "more"))
            assert 0 < learned.shots[0].plan.numerics.tile < 320

    on_loop(go)
    _same(tmp_path / "small/shot.mkv", unlimited)


def test_a_limit_under_which_nothing_fits_is_said_before_the_first_frame(home: Path, edit: str, tmp_path: Path) -> None:
    async def go() -> None:
        async with manager(home, memory_limit=32 << 20) as running:
            with pytest.raises(OutOfMemory, match="may be used"):
                await running.submit(asked("a", edit, tmp_path / "small"))

    on_loop(go)


def _same(one: Path, other: Path) -> None:
    pairs = zip(decoded(one), decoded(other), strict=True)
    assert all(np.abs(a.astype(int) - b.astype(int)).max() <= 1 for a, b in pairs)
