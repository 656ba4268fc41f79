"""Media that changes under a job: what is told apart by dates, what by reading, and what becomes of the other shots."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resilver_client.errors import Cancelled, MediaChanged, MediaNotFound
from resilver_server.domain.digests import digest_file
from resilver_server.domain.formats import MediaKind
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import StageSettings
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ShotPlan, StagePlan
from resilver_server.scheduling.records import EventKind, ShotPhase
from resilver_server.scheduling.stamps import confirm, same, stamps_of
from resilver_server.stages.mattes import matte_digest
from support.jobs import chunk_done, film, manager, on_loop, request, rows, timeline, until
from support.plans import shot_plan

COUNT = 500


def scans(folder: Path) -> ShotPlan:
    """A sequence of three blocks."""
    for number in range(COUNT):
        (folder / f"scan.{number:04d}.dpx").write_text(f"frame {number:04d}")
    plan = shot_plan(f"{folder}/scan.%04d.dpx")
    media = dataclasses.replace(plan.media, kind=MediaKind.SEQUENCE, frame_count=COUNT)
    return dataclasses.replace(plan, media=media, source=Span(0, COUNT))


def known(plan: ShotPlan) -> dict[int, str]:
    return {frame: digest_file(plan.media.path % frame) for frame in plan.source}


def never() -> None:
    """Nobody stops the reading."""


def read(plan: ShotPlan, text: str, digests: dict[int, str]) -> None:
    confirm(plan, text, stamps_of(plan), digests, never)


def copied_over(file: Path) -> None:
    """Another content of the same size and date, as ``cp -p`` leaves it."""
    dates = file.stat()
    file.write_text(file.read_text().replace("frame", "FRAME"))
    os.utime(file, ns=(dates.st_atime_ns, dates.st_mtime_ns))


def moved_over(file: Path) -> None:
    other = file.with_name("other")
    other.write_text(file.read_text().replace("frame", "FRAME"))
    shutil.copystat(file, other)
    other.replace(file)


def cut_short(file: Path) -> None:
    os.truncate(file, 3)


@pytest.mark.parametrize("harm", [copied_over, moved_over, cut_short])
def test_another_content_is_noticed_whatever_its_dates(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    plan = scans(tmp_path)
    text, digests, file = stamps_of(plan).text, known(plan), Path(plan.media.path % 300)
    harm(file)
    assert same(plan, text, Span(0, 100)), "blocks that nobody asks for are not looked at"
    assert not same(plan, text, Span(200, 260))
    with pytest.raises(MediaChanged, match=f"shot, {file}"):
        read(plan, text, digests)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    plan = scans(tmp_path)
    text, file = stamps_of(plan).text, Path(plan.media.path % 300)
    file.unlink()
    with pytest.raises(MediaNotFound, match=f"shot, {file}"):
        same(plan, text, Span(299, 301))


def test_what_was_only_touched_goes_on_and_is_read_once(tmp_path: Path) -> None:
    plan = scans(tmp_path)
    text, digests = stamps_of(plan).text, known(plan)
    os.utime(plan.media.path % 300)
    read(plan, text, digests)
    assert same(plan, stamps_of(plan).text, plan.source)
    with pytest.raises(MediaChanged):
        read(plan, text, {})  # nobody knows what it held


def test_before_anything_was_read_a_file_may_be_moved_away_and_back(tmp_path: Path) -> None:
    plan = scans(tmp_path)
    text, file = stamps_of(plan).text, Path(plan.media.path % 300)
    file.rename(tmp_path / "away")
    (tmp_path / "away").rename(file)
    assert not same(plan, text, plan.source)
    read(plan, text, {})


def test_a_matte_that_is_painted_on_is_noticed(tmp_path: Path) -> None:
    plan, matte = scans(tmp_path), tmp_path / "matte.png"
    matte.write_text("white")
    settings = StageSettings("deflicker", matte=str(matte))
    stage = dataclasses.replace(plan.stages[0], settings=settings, matte_digest=matte_digest(str(matte)))
    assert isinstance(stage, StagePlan)
    plan = dataclasses.replace(plan, stages=(stage,))
    text, digests = stamps_of(plan).text, known(plan)
    assert same(plan, text, plan.source)
    matte.touch()
    assert not same(plan, text, plan.source)
    read(plan, text, digests)
    matte.write_text("black")
    with pytest.raises(MediaChanged, match="deflicker"):
        read(plan, text, digests)


def test_a_reading_can_be_stopped(tmp_path: Path) -> None:
    plan = scans(tmp_path)
    text, digests = stamps_of(plan).text, known(plan)
    os.utime(plan.media.path % 300)

    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        confirm(plan, text, stamps_of(plan), digests, stop)


def test_one_shot_stops_by_name_and_the_others_are_finished(tmp_path: Path) -> None:
    """The second of three shots is replaced while the first is rendered; the third is touched, which is nothing."""
    movies = [film(tmp_path / f"film {number}.mkv", 96, seed=number) for number in range(3)]
    kept = shutil.copy2(movies[1], tmp_path / "kept")
    edit = three(movies)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            job = (await running.submit(request("a", edit, tmp_path / "out"))).id
            await until(running.watch(job), chunk_done)
            film(tmp_path / "other.mkv", 96, seed=9).replace(movies[1])
            movies[2].touch()
            told = await rows(running, job)
            record = await running.get(job)
            assert record.state is JobState.FAILED
            assert [shot.phase is ShotPhase.DONE for shot in record.shots] == [True, False, True]
            assert record.failure is not None
            assert isinstance(record.failure.error(), MediaChanged)
            assert record.failure.where == f"shot 1, {movies[1]}"
            assert [event.shot for event in told if event.kind is EventKind.SHOT and event.failure] == [1]
            Path(kept).replace(movies[1])
            await running.retry(job)
            await rows(running, job)
            assert (await running.get(job)).state is JobState.SUCCEEDED, "put back, it is what it was"

    on_loop(check)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.mkv")) == ["shot 0.mkv", "shot 1.mkv", "shot 2.mkv"]


def three(movies: list[Path]) -> str:
    import opentimelineio as otio

    edits = [
        otio.adapters.read_from_string(timeline(movie, 96, (f"shot {number}", 0, 96)), "otio_json")
        for number, movie in enumerate(movies)
    ]
    for other in edits[1:]:
        edits[0].tracks[0].append(other.tracks[0][0].deepcopy())
    return str(edits[0].to_json_string())
