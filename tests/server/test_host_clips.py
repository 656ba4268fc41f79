"""Clips as editors have them: played at another rate, reversed, cut between frames, stills, and parts of sequences.

What is shown is read off the results: every picture of the media is noise of its own.
"""

from __future__ import annotations

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

from resilver_client.errors import MediaNotFound, RangeOutsideMedia, SequenceGap
from resilver_otio.locate import cut_frame
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.planning.timemap import time_map
from resilver_server.scheduling.records import JobPlan
from support.edits import Cut, edit, movie, nearest, noise, scans, sequence
from support.jobs import decoded, film, manager, on_loop, request, rows

PLAIN = Recipe((), Delivery("ffv1"))
SMOOTH = Recipe((StageSettings("interpolate", {"model": "blend", "rate": "60"}),), Delivery("ffv1"))


def restored(folder: Path, shown: str, recipe: Recipe, **changes: object) -> None:
    async def go() -> None:
        async with manager(folder / "home") as running:
            job = await running.submit(request("a", shown, folder / "out", recipe=recipe, **changes))
            await rows(running, job.id)
            record = await running.get(job.id)
            assert record.state is JobState.SUCCEEDED, record.failure

    on_loop(go)


def plan_of(folder: Path, shown: str, recipe: Recipe, **changes: object) -> JobPlan:
    found: list[JobPlan] = []

    async def go() -> None:
        async with manager(folder / "home") as running:
            found.append(await running.plan(request("a", shown, folder / "out", recipe=recipe, **changes)))

    on_loop(go)
    return found[0]


@pytest.mark.parametrize("kind", ["movie", "sequence"])
def test_frame_for_frame_and_reversed(tmp_path: Path, kind: str) -> None:
    """Frames 10 to 20 of a scan of 16 a second, one for one on 24, backwards: the k-th shows 19 - k."""
    if kind == "movie":
        media = movie(film(tmp_path / "film.mkv", 40, 48, 32, rate=16))
        pictures = decoded(tmp_path / "film.mkv")
    else:
        media = sequence(scans(tmp_path / "scan", range(86, 126)), 86, 40)
        pictures = [noise(number)[..., ::-1] for number in range(86, 126)]
    cut = Cut(media, (0, 10), speed=-1, resilver={"rate": "24", "frames": [10, 20]})
    shown = edit(24, [cut])
    restored(tmp_path / "plain", shown, PLAIN)
    frames = decoded(tmp_path / "plain/out/shot.mkv")
    assert [nearest(frame, pictures) for frame in frames] == list(range(19, 9, -1))

    (shot,) = plan_of(tmp_path / "smooth", shown, SMOOTH).shots
    assert shot.plan.output_frames == 25
    times = time_map(shot.plan.shot, shot.plan.output_rate)
    assert [times.time(k) * 24 for k in range(25)] == [19 - k * F(24, 60) for k in range(25)]
    restored(tmp_path / "smooth", shown, SMOOTH)
    frames = decoded(tmp_path / "smooth/out/shot.mkv")
    assert [nearest(frames[k], pictures) for k in range(0, 25, 5)] == [19, 17, 15, 13, 11]


def test_frames_of_a_clip_that_runs_at_another_speed(tmp_path: Path) -> None:
    """Frames 10 to 20 at double speed last half as long, and no frame beyond them is shown."""
    media = movie(film(tmp_path / "film.mkv", 40, 48, 32))
    restored(tmp_path, edit(24, [Cut(media, (0, 5), speed=2, resilver={"frames": [10, 20]})]), PLAIN)
    pictures = decoded(tmp_path / "film.mkv")
    assert [nearest(frame, pictures) for frame in decoded(tmp_path / "out/shot.mkv")] == [10, 12, 14, 16, 18]


@pytest.mark.parametrize(("first", "count", "speed"), [(F(307, 960), 9, 1), (F(12) + F(1, 1000), 5, -1)])
def test_a_start_between_frames_is_exact(tmp_path: Path, first: F, count: int, speed: int) -> None:
    """25 frames a second conformed to a scene of 23.976: the first moment lies between two media frames."""
    rate = F(24000, 1001)
    media = movie(film(tmp_path / "film.mkv", 30, 48, 32, rate=25))
    asked = {"start": str(first / 25), "duration": str(count / rate)}
    shown = edit(float(rate), [Cut(media, (first / 25 * rate, count), speed=speed, resilver=asked)])
    (shot,) = plan_of(tmp_path, shown, SMOOTH).shots
    times = time_map(shot.plan.shot, shot.plan.output_rate)
    assert times.time(0) == first / 25
    assert times.time(7) == first / 25 + speed * F(7, 60)
    assert shot.plan.shot.duration == count / rate
    assert shot.plan.source.start <= times.time(shot.plan.output_frames - 1) * 25 <= shot.plan.source.stop


@pytest.mark.parametrize(("start", "speed"), [("-1/25", 1), ("29/25", 1), ("30/25", -1), ("3/25", -1)])
def test_a_start_outside_the_media_is_refused(tmp_path: Path, start: str, speed: int) -> None:
    media = movie(film(tmp_path / "film.mkv", 30, 48, 32, rate=25))
    shown = edit(25, [Cut(media, (0, 10), speed=speed, resilver={"start": start})])
    with pytest.raises(RangeOutsideMedia, match="shot"):
        plan_of(tmp_path, shown, PLAIN)


@pytest.mark.parametrize("rate", [F(24000, 1001), F(25)])
def test_every_cut_lies_on_the_one_grid_of_the_delivery(tmp_path: Path, rate: F) -> None:
    """Gaps and two tracks: a clip's frames are those of the grid from its cut to the next, neighbours meet."""
    media = movie(film(tmp_path / "film.mkv", 60, 48, 32, rate=rate))
    below: list[Cut | float] = [7, Cut(media, (0, 13), "a"), Cut(media, (20, 5), "b"), 11, Cut(media, (1, 29), "c")]
    above: list[Cut | float] = [9, Cut(media, (3, 1), "d"), 22, Cut(media, (30, 17), "e")]
    plan = plan_of(tmp_path, edit(float(rate), below, above), SMOOTH, at_delivery_rate=True)
    where = {"a": (7, 13, 0), "b": (20, 5, 20), "c": (36, 29, 1), "d": (9, 1, 3), "e": (32, 17, 30)}
    assert [outline.plan.shot.name for outline in plan.shots] == list("abcde")
    for outline in plan.shots:
        start, count, first = where[outline.plan.shot.name]
        begin, end = cut_frame(start / rate, F(60)), cut_frame((start + count) / rate, F(60))
        assert outline.plan.output_frames == end - begin
        times = time_map(outline.plan.shot, F(60))
        assert times.time(0) == first / rate + (F(begin, 60) - start / rate), "what the timeline shows at that frame"


def test_a_still_that_is_held(tmp_path: Path) -> None:
    scans(tmp_path, [7])
    shown = edit(24, [Cut(movie(tmp_path / "scan.00007.png"), (0, 50))])
    for name, recipe, count in (("plain", PLAIN, 50), ("smooth", SMOOTH, 125)):
        restored(tmp_path / name, shown, recipe)
        frames = decoded(tmp_path / name / "out/shot.mkv")
        assert len(frames) == count
        assert all(np.array_equal(frame, frames[0]) for frame in frames)
        assert nearest(frames[0], [noise(7)[..., ::-1]]) == 0


@pytest.mark.parametrize("files", [range(86, 126), [*range(86, 100), *range(101, 126), 900], range(50, 200)])
def test_the_middle_of_a_sequence(tmp_path: Path, files: list[int]) -> None:
    """A strip names the files 101 to 121 and shows the second half of them. What else lies there is no matter: other
    files before and behind, gaps, pictures of another size."""
    scans(tmp_path / "scan", files)
    scans(tmp_path / "scan", [125], 96, 64)
    restored(tmp_path, edit(24, [Cut(sequence(tmp_path / "scan", 101, 20), (10, 10))]), PLAIN)
    pictures = [noise(number)[..., ::-1] for number in range(101, 121)]
    frames = decoded(tmp_path / "out/shot.mkv")
    assert [nearest(frame, pictures) for frame in frames] == list(range(10, 20))


def test_gaps_among_the_files_that_are_named_are_told(tmp_path: Path) -> None:
    folder = scans(tmp_path / "scan", [*range(90, 100), *range(103, 126)])
    for first, said in ((90, "numbers are missing: 100-102"), (101, "numbers are missing: 101-102")):
        with pytest.raises(SequenceGap, match=said):
            plan_of(tmp_path, edit(24, [Cut(sequence(folder, first, 20), (0, 5))]), PLAIN)
    with pytest.raises(MediaNotFound, match=r"scan\.%05d\.png"):
        plan_of(tmp_path, edit(24, [Cut(sequence(folder, 500, 20), (0, 5))]), PLAIN)
