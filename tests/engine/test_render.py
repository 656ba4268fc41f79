"""Segments: whole or not at all, the same however often, and joined with sound and timecode by time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from resilver_client.errors import (
    InvalidMatte,
    InvalidRecipe,
    MediaCorrupt,
    ModelNotInstalled,
    OutOfMemory,
    RangeOutsideMedia,
    UnknownProfile,
    UnknownStage,
)
from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.serial import dumps, loads
from resilver_server.engine import device as devices
from resilver_server.engine.joining import audio_plan, start_timecode
from resilver_server.engine.tasks import run
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import (
    DevicesResult,
    DevicesTask,
    JoinTask,
    PlanResult,
    PlanTask,
    PreviewResult,
    PreviewTask,
    Progress,
    RenderResult,
    RenderTask,
)
from resilver_server.stages.plan import plan_shot
from resilver_server.stages.presets import PRESETS
from support.tiny import CPU, LIBRARIES, do, moving, planned, solved, whole, write_clip

RATE = Fraction(16)
SMOOTH = (StageSettings("interpolate", {"rate": "60", "model": "blend"}),)


@pytest.fixture
def media(tmp_path: Path) -> MediaInfo:
    return write_clip(tmp_path / "film.mkv", moving(9, 24, 16), RATE)


def test_render_reports_what_it_did(media: MediaInfo, tmp_path: Path) -> None:
    plan = planned(whole(media), media, Recipe(SMOOTH, Delivery("ffv1")))
    state, result = solved(plan, tmp_path / "solve")
    assert plan.total_frames == 34  # ceil(9 * 60 / 16)
    assert len(result.chunks) == 1
    reports: list[Progress] = []
    done = run(RenderTask(plan, str(state), result.chunks[0], str(tmp_path / "s.mkv")), reports.append, lambda: False)
    assert isinstance(done, RenderResult)
    assert (done.frames, reports[-1].done, reports[-1].total) == (34, 34, 34)
    filmed = {0, 15, 30}  # 60 / 16 = 15 / 4: times meet at every fifteenth frame
    held = {31, 32, 33}  # after the last filmed frame there is none to move to
    assert set(done.computed) == set(range(34)) - filmed - held
    assert {"decode", "encode", "interpolate"} <= set(done.seconds)
    assert done.peak_memory > 0
    again = do(RenderTask(plan, str(state), result.chunks[0], str(tmp_path / "t.mkv")))
    assert isinstance(again, RenderResult)
    assert again.digest == done.digest


def test_a_decode_error_leaves_nothing_behind(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "frames", moving(9, 24, 16), RATE, "png")
    plan = planned(whole(media), media, Recipe(SMOOTH, Delivery("ffv1")))
    state, result = solved(plan, tmp_path / "solve")
    broken = tmp_path / "frames" / "00000004.png"
    broken.write_bytes(broken.read_bytes()[:400])
    segment = tmp_path / "s.mkv"
    with pytest.raises(MediaCorrupt, match="00000004"):
        do(RenderTask(plan, str(state), result.chunks[0], str(segment)))
    assert not segment.exists()


def test_an_encode_error_comes_out(media: MediaInfo, tmp_path: Path) -> None:
    """The writer is told another size than the frames have."""
    plan = planned(whole(media), media, Recipe(SMOOTH, Delivery("ffv1")))
    state, result = solved(plan, tmp_path / "solve")
    wrong = replace(plan, output_format=replace(plan.output_format, width=48))
    segment = tmp_path / "s.mkv"
    with pytest.raises(Exception, match="does not fit"):
        do(RenderTask(wrong, str(state), result.chunks[0], str(segment)))
    assert not segment.exists()


def test_keys_change_with_what_decides_bytes_and_with_nothing_else(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "frames", moving(60, 24, 16), RATE, "png")
    recipe = Recipe((StageSettings("upscale", {"model": "none"}),), Delivery("ffv1"))
    plan = planned(whole(media), media, recipe)
    keys = [chunk.key for chunk in solved(plan, tmp_path / "a")[1].chunks]
    assert len(keys) == len(set(keys)) == 2
    renamed = replace(plan, shot=replace(plan.shot, name="other", output="/elsewhere/x"))
    assert [chunk.key for chunk in solved(renamed, tmp_path / "b")[1].chunks] == keys
    half = StageSettings("upscale", {"model": "none"}, strength=0.5)
    softer = planned(whole(media), media, Recipe((half,), Delivery("ffv1")))
    assert not set(keys) & {chunk.key for chunk in solved(softer, tmp_path / "c")[1].chunks}
    repainted = moving(60, 24, 16)
    repainted[50] = 0.5
    write_clip(tmp_path / "again", repainted, RATE, "png")
    (tmp_path / "frames").rename(tmp_path / "old")
    (tmp_path / "again").rename(tmp_path / "frames")
    after = [chunk.key for chunk in solved(plan, tmp_path / "d")[1].chunks]
    assert after[0] == keys[0]
    assert after[1] != keys[1]


def test_plans_travel_as_json(media: MediaInfo) -> None:
    recipe = Recipe(SMOOTH, Delivery("ffv1", tail_frames=2))
    answer = do(PlanTask(whole(media), media, recipe, CPU, LIBRARIES))
    assert isinstance(answer, PlanResult)
    assert (answer.suffix, answer.is_sequence) == (".mkv", False)
    assert loads(ShotPlan, dumps(answer.plan)) == answer.plan


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        (Recipe((StageSettings("sharpen"),)), UnknownStage),
        (Recipe((StageSettings("upscale", {"sise": 3}),)), InvalidRecipe),
        (Recipe((StageSettings("deflicker", strength=2.0),)), InvalidRecipe),
        (Recipe((StageSettings("deflicker", matte="/nowhere.png"),)), InvalidMatte),
        (Recipe(delivery=Delivery("vhs")), UnknownProfile),
        (Recipe((StageSettings("upscale", {"model": "span-x2"}),)), ModelNotInstalled),
    ],
)
def test_plans_refuse_by_name(
    media: MediaInfo, recipe: Recipe, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "empty"))
    with pytest.raises(error):
        planned(whole(media), media, recipe)


def test_a_range_outside_the_media_is_refused(media: MediaInfo) -> None:
    with pytest.raises(RangeOutsideMedia, match="tiny"):
        planned(whole(media, start=Fraction(5)), media, Recipe())


def test_a_shot_that_fits_no_gpu_is_refused(media: MediaInfo) -> None:
    huge = replace(media, format=replace(media.format, width=16000, height=16000))
    small = replace(CPU, id="cuda:0", free_memory=1 << 28)
    recipe = Recipe((StageSettings("deflicker"),))
    with pytest.raises(OutOfMemory, match="MiB"):
        plan_shot(whole(huge), huge, recipe, small, LIBRARIES)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_presets_are_recipes(preset: object, media: MediaInfo) -> None:
    stages = preset.stages  # type: ignore[attr-defined]
    idle = tuple(replace(stage, strength=0.0) for stage in stages)  # nothing need be installed
    plan = planned(whole(media), media, Recipe(idle, Delivery("ffv1")))
    assert {stage.stage for stage in stages} <= {stage.settings.stage for stage in plan.stages}


def test_sound_follows_the_picture_only_at_its_own_speed(media: MediaInfo) -> None:
    from resilver_server.domain.formats import AudioInfo

    heard = replace(media, audio=(AudioInfo(1, "pcm_s16le", 48000, 2, media.duration),))
    shot = whole(heard, start=Fraction(1, 4), duration=Fraction(1, 4))
    plan = planned(shot, heard, Recipe((), Delivery("ffv1")))
    sound = audio_plan(plan)
    assert sound is not None
    assert (sound.start, sound.duration) == (Fraction(1, 4), Fraction(1, 4))
    slow = planned(replace(shot, speed=Fraction(1, 2)), heard, Recipe((), Delivery("ffv1")))
    assert audio_plan(slow) is None
    assert any("sound" in warning for warning in slow.warnings)
    assert not any("sound" in warning for warning in plan.warnings)


def test_timecode_is_carried_by_time(media: MediaInfo) -> None:
    stamped = replace(media, start_timecode="01:00:00:00")
    plan = planned(whole(stamped, start=Fraction(1, 4), duration=Fraction(1, 4)), stamped, Recipe(SMOOTH))
    assert start_timecode(plan) == "01:00:00:15"


def test_join_keeps_count_and_sidecar(media: MediaInfo, tmp_path: Path) -> None:
    plan = planned(whole(media), media, Recipe(SMOOTH, Delivery("ffv1", tail_frames=3)))
    state, result = solved(plan, tmp_path / "solve")
    segment = str(tmp_path / "s.mkv")
    do(RenderTask(plan, str(state), result.chunks[0], segment))
    joined = do(JoinTask(plan, (segment,), str(tmp_path / "out.mkv"), "restored", '{"made": 1}'))
    assert joined.frames == 37  # type: ignore[union-attr]
    assert (tmp_path / "out.resilver.json").read_text() == '{"made": 1}'


def test_preview_writes_before_and_after(media: MediaInfo, tmp_path: Path) -> None:
    plan = planned(whole(media), media, Recipe((StageSettings("upscale", {"model": "none"}), *SMOOTH)))
    state, _ = solved(plan, tmp_path / "solve")
    found = do(PreviewTask(plan, str(state), (20, 3), str(tmp_path / "preview")))
    assert isinstance(found, PreviewResult)
    assert [Path(picture).name for picture in found.pictures] == ["tiny.000003.png", "tiny.000020.png"]
    assert all(Path(picture).stat().st_size > 500 for picture in found.pictures)


def test_devices_end_with_the_cpu() -> None:
    found = do(DevicesTask())
    assert isinstance(found, DevicesResult)
    assert found.devices[-1].id == "cpu"
    assert found.devices[-1].total_memory >= found.devices[-1].free_memory > 0
    assert {"torch", "av", "numpy", "resilver"} <= set(found.libraries)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "OUT_OF_MEMORY"),
        (MemoryError(), "OUT_OF_MEMORY"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "OUT_OF_MEMORY"),
        (RuntimeError("CUDA error: device-side assert triggered"), "DEVICE_FAILED"),
    ],
)
def test_faults_of_a_device_are_typed(raised: Exception, reason: str) -> None:
    with pytest.raises(Exception, match="clip 7") as caught, devices.typed_errors("clip 7"):
        raise raised
    assert caught.value.reason == reason  # type: ignore[attr-defined]


def test_progress_is_at_most_four_a_second(media: MediaInfo, tmp_path: Path) -> None:
    plan = planned(whole(media), media, Recipe(SMOOTH, Delivery("ffv1")))
    state, result = solved(plan, tmp_path / "solve")
    reports: list[Progress] = []
    run(RenderTask(plan, str(state), result.chunks[0], str(tmp_path / "s.mkv")), reports.append, lambda: False)
    assert len(reports) < 20
