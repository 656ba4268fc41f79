"""The arithmetic of the scheduler."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import PathNotAllowed
from resilver_server.config import ServerSettings, read_settings
from resilver_server.domain.jobs import ChunkState
from resilver_server.domain.serial import canonical
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ChunkPlan, Numerics
from resilver_server.planning.tasks import Progress, RenderResult, SolveResult
from resilver_server.scheduling.identity import (
    bounded,
    fit_key,
    measurement_key,
    shrunk,
    state_key,
)
from resilver_server.scheduling.joining import preview_frames
from resilver_server.scheduling.ledger import render_rows
from resilver_server.scheduling.names import safe_stem, stems
from resilver_server.scheduling.outline import FRAME_NAME
from resilver_server.scheduling.progress import Tracker
from resilver_server.scheduling.publish import new_staging, publish
from resilver_server.scheduling.records import ShotPhase
from resilver_server.scheduling.rendering import relative
from resilver_server.scheduling.sidecar import spans_of
from resilver_server.scheduling.stamps import Stamps
from resilver_server.scheduling.timecode import timecode_seconds
from resilver_server.storage.rows import ChunkRow, FitRow, ShotRow
from support.plans import shot_plan

NAMES = st.text(max_size=40)


@given(NAMES, st.lists(NAMES, min_size=1, max_size=12))
def test_every_result_has_a_name_of_its_own(name: str, clips: list[str]) -> None:
    found = stems(name, clips)
    assert len(found) == len(clips)
    assert len({stem.lower() for stem in found}) == len(found), "also where case is ignored"
    for stem in found:
        assert stem
        assert Path(stem).name == stem
        assert not set(stem) & set('<>:"/\\|?*%')
        assert stem == stem.strip(" .")


@given(NAMES)
def test_safe_names_stay_as_they_are(name: str) -> None:
    assert safe_stem(safe_stem(name)) == safe_stem(name)


def test_names_of_results() -> None:
    assert stems("", ["Train 1.mov", "train 1", "a/b"]) == ("Train 1", "train 1-2", "a_b")
    assert stems("reel", ["a"]) == ("reel",)
    assert stems("reel", ["a", "b"]) == ("reel-001", "reel-002")
    assert stems("", ["scene 1.5"]) == ("scene 1.5",)
    assert safe_stem("CON") == "_CON"
    assert safe_stem("../../etc") != "../../etc"


def test_timecodes_are_frame_numbers() -> None:
    assert timecode_seconds("01:00:00:00", Fraction(24)) == 3600
    assert timecode_seconds("00:00:01:12", Fraction(24)) == Fraction(3, 2)
    ntsc = Fraction(30000, 1001)
    assert timecode_seconds("00:01:00;02", ntsc) == 1800 / ntsc
    assert timecode_seconds("00:10:00;00", ntsc) == 17982 / ntsc
    assert timecode_seconds("01:00:00:00", ntsc) == 108000 / ntsc
    assert timecode_seconds("00:01:00;04", 2 * ntsc) == 3600 / (2 * ntsc)
    assert timecode_seconds(None, Fraction(24)) is None
    assert timecode_seconds("noon", Fraction(24)) is None


def test_memory_shrinks_step_by_step_to_an_end() -> None:
    plan, seen = shot_plan(batch=4), []
    while (numerics := shrunk(plan)) is not None:
        seen.append((numerics.tile, numerics.batch))
        plan = dataclasses.replace(plan, numerics=numerics)
    assert seen == [(0, 2), (0, 1), (512, 1), (384, 1), (256, 1), (192, 1), (128, 1), (64, 1)]


def test_what_was_learned_bounds_later_plans() -> None:
    learned = FitRow("k", 256, 2, 0.0)
    assert bounded(shot_plan(tile=0, batch=4), learned).numerics.tile == 256
    assert bounded(shot_plan(tile=128, batch=4), learned).numerics == Numerics(tile=128, batch=2)
    assert bounded(shot_plan(tile=512), None) == shot_plan(tile=512)
    assert fit_key(shot_plan(tile=512)) == fit_key(shot_plan(tile=128)), "tiles are what is learned"


def test_keys_depend_on_what_decides_and_on_nothing_else() -> None:
    plan = shot_plan()
    span = Span(0, 96)
    assert state_key(plan, "s") == state_key(shot_plan(name="other"), "s")
    assert state_key(plan, "s") != state_key(plan, "t")
    assert state_key(plan, "s") != state_key(shot_plan(tile=256), "s")
    stamps = Stamps(span, ("s",))
    assert measurement_key(plan, stamps, span) == measurement_key(shot_plan(tile=256), stamps, span)
    assert measurement_key(plan, stamps, span) != measurement_key(plan, stamps, Span(0, 95))
    silent = dataclasses.replace(plan, delivery=dataclasses.replace(plan.delivery, keep_audio=False), memory=7)
    assert state_key(silent, "s") == state_key(plan, "s"), "sound and estimates decide no pixel"


@given(st.integers(1, 500), st.integers(1, 60))
def test_preview_frames_lie_evenly_inside(total: int, wanted: int) -> None:
    frames = preview_frames(total, wanted)
    assert len(frames) == min(total, wanted)
    assert all(0 <= frame < total for frame in frames)
    assert list(frames) == sorted(set(frames))


@given(st.sets(st.integers(0, 60)))
def test_spans_tell_the_same_frames(frames: set[int]) -> None:
    spans = spans_of(frames)
    assert {frame for span in spans for frame in span} == frames
    assert all(a.stop < b.start for a, b in pairwise(spans)), "neighbours are one span"


def test_computed_frames_are_kept_relative_to_their_chunk() -> None:
    chunk = ChunkPlan(1, Span(48, 96), Span(10, 60), "k")
    assert relative(RenderResult("d", 48, (48, 50)), chunk).computed == (0, 2)


def test_after_short_memory_finished_chunks_keep_their_segments() -> None:
    shot = ShotRow("j", 0, "{}", "{}", "", "rendering", "", "", None)
    chunks = tuple(ChunkPlan(i, Span(48 * i, 48 * i + 48), Span(0, 1), f"new{i}") for i in range(3))
    states = (ChunkState.DONE, ChunkState.RUNNING, ChunkState.PENDING)
    before = [ChunkRow("j", 0, "render", i, f"old{i}", canonical(chunks[i]), states[i], 1) for i in range(3)]
    rows = render_rows(shot, SolveResult("d", chunks), before)
    assert [row.key for row in rows] == ["old0", "new1", "new2"]
    assert [row.attempts for row in rows] == [1, 1, 1], "attempts never share a name"


def test_progress_counts_frames_of_running_and_finished_chunks() -> None:
    now = [0.0]
    tracker = Tracker(lambda: now[0])
    tracker.enter(0, "shot", ShotPhase.RENDERING, 100, finished=40)
    assert tracker.snapshot()[0].seconds_left is None
    tracker.reporter(0, 3)(Progress(10, 20, "upscale"))
    now[0] = 5.0
    (shot,) = tracker.snapshot()
    assert (shot.done, shot.total, shot.stage) == (50, 100, "upscale")
    assert shot.frames_per_second == 2.0, "what was done before does not count as speed"
    assert shot.seconds_left == 25.0
    tracker.close(0, 3, 20)
    assert tracker.snapshot()[0].done == 60
    tracker.reporter(0, 4)(Progress(5, 20))
    tracker.close(0, 4, 0)
    assert tracker.snapshot()[0].done == 60, "a failed chunk takes its frames back"


def test_publishing_may_be_done_again(tmp_path: Path) -> None:
    output = tmp_path / "out/shot.mov"
    staging = new_staging(output, "job", 0)
    (staging / "shot.mov").write_text("film")
    (staging / "shot.resilver.json").write_text("{}")
    (tmp_path / "out/shot.mov").hardlink_to(staging / "shot.mov")  # killed between two names
    assert publish(staging, output, "shot.resilver.json")
    assert publish(staging, output, "shot.resilver.json")
    assert sorted(path.name for path in output.parent.iterdir()) == ["shot.mov", "shot.resilver.json"]
    output.unlink()
    assert not publish(staging, output), "nothing is there any more: it has to be joined again"


def test_staging_clears_earlier_attempts(tmp_path: Path) -> None:
    output = tmp_path / "shot.mov"
    first = new_staging(output, "job", 0)
    other = new_staging(output, "job", 1)
    second = new_staging(output, "job", 0)
    assert not first.exists()
    assert other.exists()
    assert second.exists()


def test_frames_are_named_as_the_joining_names_them() -> None:
    from resilver_server.media.writer import FRAME_NAME as WRITTEN

    assert FRAME_NAME == WRITTEN


def test_paths_outside_the_roots_are_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "film", tmp_path / "secret"
    inside.mkdir()
    outside.mkdir()
    (inside / "way-out").symlink_to(outside)
    settings = ServerSettings(home=tmp_path, roots=(inside,))
    assert settings.allow(str(inside / "reel.mov")) == inside / "reel.mov"
    for path in (outside, inside / ".." / "secret", inside / "way-out" / "x", "film/reel.mov"):
        with pytest.raises(PathNotAllowed):
            settings.allow(str(path))
    assert ServerSettings(home=tmp_path).allow(str(outside)) == outside


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"home": "/srv/resilver", "workers": 2, "roots": ["/film"]}')
    settings = read_settings(file)
    assert settings == ServerSettings(home=Path("/srv/resilver"), workers=2, roots=(Path("/film"),))
    assert settings.database_path == Path("/srv/resilver/jobs.sqlite3")
    file.write_text('{"colour": "red"}')
    with pytest.raises(TypeError):
        read_settings(file)
