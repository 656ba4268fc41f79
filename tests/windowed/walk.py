"""The walk through the extension, in a Blender for each part: ``walk``, ``leave``, ``back``. ``walk.sh`` runs it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from edit import (  # their folder is found only now
    BLEND,
    HEART,
    PART,
    clear_jobs,
    jobs,
    made,
    made_at,
    newest,
    one_sequencer,
    open_below,
    order,
    panel,
    part_of,
    run_job,
    select_originals,
    server,
    settle,
    show_all,
    strips,
    told,
)  # fmt: skip
from kit import (
    FOLDER,
    Walk,
    away,
    click,
    find,
    key,
    main_window,
    middle_of,
    override,
    press,
    scroll,
    sequencer,
    shot,
    start,
    wait,
)  # fmt: skip

RATE, FRAMES, CUT = 25, 50, 26


def walk() -> Walk:
    yield from one_sequencer()
    yield from server_missing()
    yield from connect()
    yield from a_film()
    yield from model_missing()
    yield from restore_and_cancel()
    yield from restore_and_undo()
    yield from toggle()
    yield from out_of_date()
    yield from clear_jobs()
    yield from preview()
    yield from clear_jobs()
    yield from occupied()
    yield from clear_jobs()
    yield from matte()
    yield from clear_jobs()
    yield from auto_save()
    yield from clear_jobs()
    yield from new_scene()
    bpy.ops.wm.quit_blender()


def server_missing() -> Walk:
    yield from wait("the server's absence", lambda: server().problem)
    told("no server:", str(server().problem))
    yield from shot("01-server-missing")


def connect() -> Walk:
    """The preferences by the button of the box, the server meanwhile, and the test."""
    yield from press("resilver.preferences(")
    window = yield from wait(
        "a window with the preferences",
        lambda: next(
            (each for each in bpy.context.window_manager.windows if each.screen.areas[0].type == "PREFERENCES"), None
        ),
    )
    yield 1.0
    (FOLDER / "serve").touch()
    yield from wait("the server", lambda: (FOLDER / "home" / "server.json").exists(), 60)
    yield from press("resilver.test_connection(", window, window.screen.areas[0], "WINDOW")
    yield from wait("the answer", lambda: server().answer or server().problem)
    told("test connection:", server().answer, server().problem)
    assert server().problem is None
    yield from scroll(window, window.screen.areas[0], "WINDOW")
    yield from shot("02-preferences", window)
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.window_close()
    yield 0.5
    assert panel().preset_name == "silent-film", panel().preset_name
    yield from shot("03-connected")


def a_film() -> Walk:
    """The film by Blender's own operator, cut in two, and saved."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    scene.sequence_editor_create()
    path = FOLDER / "aged.mp4"
    with override():
        bpy.ops.sequencer.movie_strip_add(
            filepath=str(path), directory=f"{FOLDER}/", files=[{"name": path.name}], frame_start=1, channel=1
        )
        bpy.ops.sequencer.split(frame=CUT, channel=1, type="SOFT", side="RIGHT")
    assert (scene.render.fps, scene.render.fps_base) == (RATE, 1.0)
    first, second = sorted(scene.sequence_editor.sequences, key=lambda strip: strip.frame_final_start)
    first.name, second.name = "reel 1", "reel 2"
    scene.frame_end = FRAMES
    with override():
        bpy.ops.sequencer.select_all(action="DESELECT")
    scene.frame_set(20)
    bpy.ops.wm.save_as_mainfile(filepath=str(BLEND))
    bpy.ops.ed.undo_push(message="The edit")
    yield from show_all()
    yield from click(*middle_of(first))
    yield from click(*middle_of(second), shift=True)
    assert [strip.select for strip in (first, second)] == [True, True]
    yield from shot("04-selected")


def model_missing() -> Walk:
    yield from order("resilver.restore(")
    job = yield from run_job("a restoration without its models")
    assert job.phase == "failed", job.phase
    told("refused:", [str(problem.error) for problem in job.outcome.problems])
    yield from away()
    yield from shot("05-model-missing")
    yield from find("resilver.repair(")
    yield from press("resilver.remove_job(")
    assert not jobs()
    stages = panel().stages
    stages["upscale"].parameters["model"].text = "realesr-animevideov3"
    stages["interpolate"].parameters["model"].text = "rife-4.6"
    bpy.ops.ed.undo_push(message="Choose models")


def restore_and_cancel() -> Walk:
    before = strips()
    job = yield from order("resilver.restore(")
    yield from wait("progress", lambda: job.progress and job.progress.fraction > 0.05, 120)
    yield from shot("06-progress")
    yield from key("ESC")
    yield from run_job("a cancelled restoration")
    assert job.phase == "cancelled", job.phase
    assert strips() == before
    yield from shot("07-cancelled")


def restore_and_undo() -> Walk:
    before = strips()
    yield from order("resilver.restore(")
    job = yield from run_job("the restoration")
    assert job.phase == "done", job.outcome
    assert made() == ["reel 1 [restored]", "reel 2 [restored]"], strips()
    after = strips()
    assert {name: after[name] for name in before} == before
    for name in before:
        assert after[f"{name} [restored]"] == (before[name][0] + 1, *before[name][1:])
    tags = {strip.color_tag for strip in bpy.context.scene.sequence_editor.sequences if strip.name in made()}
    assert tags == {"COLOR_05"}, tags
    yield from shot("08-restored")
    yield from key("Z", ctrl=True)
    assert strips() == before, strips()
    assert bpy.context.scene.frame_current == 20
    assert panel().stages["upscale"].parameters["model"].text == "realesr-animevideov3"
    yield from shot("09-undone")
    yield from key("Z", ctrl=True, shift=True)
    assert strips() == after, strips()
    told("undo took back", made(), "and redo brought them again; handles", after)


def toggle() -> Walk:
    by_name = bpy.context.scene.sequence_editor.sequences
    yield from click(*middle_of(by_name["reel 1 [restored]"]))
    yield from wait("the state", lambda: "up to date" in repr(part_of("states")._FOUND))
    yield from shot("10-up-to-date")
    yield from press("resilver.toggle_original(")
    assert by_name["reel 1 [restored]"].mute
    assert not by_name["reel 1"].mute
    yield from shot("11-original")
    yield from press("resilver.toggle_original(")
    assert not by_name["reel 1 [restored]"].mute


def out_of_date() -> Walk:
    made_before = made_at()
    panel().stages["deflicker"].strength = 0.5
    sequencer().tag_redraw()
    yield from wait("the state", lambda: "recipe changed" in repr(part_of("states")._FOUND))
    yield from shot("12-out-of-date")
    yield from order("resilver.restore_again(")
    yield from run_job("restoring again")
    assert newest().phase == "done"
    assert made() == ["reel 1 [restored]", "reel 2 [restored]"], strips()
    assert made_at() > made_before
    yield from wait("the new state", lambda: "recipe changed" not in repr(part_of("states")._FOUND), 10)
    yield from shot("13-restored-again")


def preview() -> Walk:
    yield from select_originals()
    yield from open_below("resilver.new_scene(", "resilver.preview(")
    yield from order("resilver.preview(")
    yield from run_job("a preview")
    assert newest().phase == "done", newest().outcome
    assert len(bpy.context.window_manager.windows) == 2
    yield 1.5
    pictures = bpy.context.window_manager.windows[1]
    yield from shot("14-preview", pictures)
    with bpy.context.temp_override(window=pictures):
        bpy.ops.wm.window_close()
    yield 0.5
    yield from press("resilver.place_change_maps(")
    maps = [name for name in strips() if "frame" in name]
    told("change maps:", maps)
    assert maps
    assert all(strips()[name][3] for name in maps)
    yield from shot("15-change-maps")
    yield from key("Z", ctrl=True)
    assert not [name for name in strips() if "frame" in name]


def occupied() -> Walk:
    """A title above one of the originals, where its restored strip would go."""
    sequences = bpy.context.scene.sequence_editor.sequences
    for name in made():
        sequences.remove(sequences[name])
    title = sequences.new_effect("title", "TEXT", 2, 5, frame_end=20)
    title.text, title.font_size = "Reel one", 90
    yield from select_originals()
    yield from order("resilver.restore(")
    yield from run_job("a restoration whose place is taken")
    job = newest()
    assert job.phase == "failed", job.phase
    told("in the way:", [str(problem.error) for problem in job.outcome.problems])
    yield from away()
    yield from shot("16-in-the-way")
    yield from order("make-room")
    yield from run_job("room made")
    assert newest().phase == "done", newest().outcome
    assert strips()["title"][0] == 3, strips()
    assert strips()["reel 1 [restored]"][0] == 2
    yield from shot("17-room-made")
    sequences.remove(sequences["title"])
    for name in made():
        sequences.remove(sequences[name])


def matte() -> Walk:
    """A colour that grows over the picture as the matte of the upscaling, baked while the heart is watched."""
    sequences = bpy.context.scene.sequence_editor.sequences
    white = sequences.new_effect("matte", "COLOR", 5, 1, frame_end=FRAMES + 1)
    white.color = (1, 1, 1)
    white.transform.scale_x = 0.5
    for frame, place in ((1, -300), (FRAMES, 300)):
        white.transform.offset_x = place
        white.transform.keyframe_insert("offset_x", frame=frame)
    panel().stages["upscale"].matte_channel = 5
    panel().stages["upscale"].expanded = True
    yield from select_originals()
    yield from order("resilver.restore(")
    yield from run_job("a restoration with a moving matte on 50 frames")
    assert newest().phase == "done", newest().outcome
    yield from shot("18-matte")
    yield from press("resilver.place_mattes(")
    told("mattes:", [name for name in strips() if name.endswith("[matte]")])
    yield from shot("19-mattes-added")
    panel().stages["upscale"].matte_channel = 0
    for name in [name for name in strips() if not name.startswith("reel") or name.endswith("]")]:
        sequences.remove(sequences[name])


def auto_save() -> Walk:
    """A job that is paused runs long enough for Blender to save by itself."""
    panel().stages["deflicker"].strength = 0.25
    yield from select_originals()
    yield from order("resilver.restore(")
    job = newest()
    yield from wait("progress", lambda: job.progress and job.progress.fraction > 0.05, 120)
    yield from press("resilver.pause(")
    yield from wait("the pause", lambda: job.progress.state == "paused", 60)
    yield from shot("20-paused")
    begun = time.time()
    HEART.begin()
    found = yield from wait("an automatic save", lambda: saved_since(begun), 150)
    told(f"saved by itself {time.time() - begun:.0f} s after the pause, job {job.phase}: {found}; {HEART.said()}")
    yield from wait("the end of the chunk that was running", held(lambda: job.progress.state == "paused", 8), 120)
    yield from press("resilver.resume(")
    yield from run_job("the rest of it")
    assert job.phase == "done", job.outcome


def held(what: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    """Whether something has been so for some seconds."""
    since: list[float] = []

    def look() -> bool:
        if not what():
            since.clear()
        elif not since:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] > seconds

    return look


def saved_since(begun: float) -> list[str]:
    return [each.name for each in (FOLDER / "temp").glob("*autosave*") if each.stat().st_mtime > begun]


def new_scene() -> Walk:
    for name in ("upscale", "interpolate"):
        panel().stages[name].parameters["model"].text = {"upscale": "none", "interpolate": "blend"}[name]
    panel().profile_name = "h264"
    yield from order("resilver.new_scene(")
    yield from run_job("a new scene in 4K at 60", 600)
    job = newest()
    assert job.phase == "done", job.outcome
    scene = next(each for each in bpy.data.scenes if each != bpy.context.scene)
    told(
        "new scene:", scene.name, scene.render.resolution_x, scene.render.resolution_y, scene.render.fps, strips(scene)
    )
    assert (scene.render.resolution_x, scene.render.resolution_y, scene.render.fps) == (3840, 2160, 60)
    main_window().scene = scene
    yield 0.5
    yield from show_all()
    scene.frame_set(60)
    yield from shot("21-new-scene")


# --- leaving in the middle of a job, and coming back


def leave() -> Walk:
    bpy.ops.wm.open_mainfile(filepath=str(BLEND))
    yield 1.0
    yield from one_sequencer()
    yield from show_all()
    yield from wait("the catalogue", lambda: server().catalogue.presets and not server().doing)
    panel().stages["upscale"].parameters["model"].text = "realesr-animevideov3"
    panel().stages["interpolate"].parameters["model"].text = "rife-4.6"
    panel().stages["deflicker"].strength = 0.7
    yield from select_originals()
    yield from order("resilver.restore(")
    job = newest()
    yield from wait("progress", lambda: job.progress and job.progress.fraction > 0.05, 120)
    bpy.ops.wm.save_mainfile()
    told("saved and quit at", part_of("words").standing(job))
    bpy.ops.wm.quit_blender()


def back() -> Walk:
    bpy.ops.wm.open_mainfile(filepath=str(BLEND))
    yield 0.5
    job = yield from wait("the job", lambda: jobs() and newest())
    told("taken up again:", job.meant.title, job.phase)
    yield from one_sequencer()
    yield from show_all()
    HEART.begin()
    yield from run_job("the job that was left")
    assert job.phase == "done", job.outcome
    assert made() == ["reel 1 [restored]", "reel 2 [restored]"], strips()
    yield from shot("22-back")
    bpy.ops.wm.quit_blender()


settle()
start(PART, {"walk": walk, "leave": leave, "back": back}[PART]())
