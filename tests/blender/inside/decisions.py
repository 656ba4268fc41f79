"""What the machine decided is looked at and taken back: change maps above the restored strip, frames kept."""

from __future__ import annotations

import dataclasses
import importlib
import json
from typing import Any

import bpy
from interface_drawing import Recorder, draw_all
from interface_kit import Kit


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = Kit(extension)
    prepared(kit, arguments)
    with kit.sequencer():
        first = restored_now(kit)
    return {
        "first": first,
        "maps": change_maps(kit),
        "kept": kept(kit),
        "again": again(kit),
        "moved": moved(kit),
        "cleared": cleared(kit),
        "without": without(kit),
        "saved": saved(kit, arguments),
    }


def prepared(kit: Kit, arguments: dict[str, Any]) -> None:
    """The film from its frame 10 on at timeline frame 5, enlarged and slid; deflicker alone, with change maps."""
    scene = kit.scene
    editor = scene.sequence_editor_create()
    scene.render.fps = 24
    film = kit.versions.strips(editor).new_movie("film", arguments["film"], 2, -5)
    kit.versions.set_handles(film, 5, 165)
    film.select, film.transform.scale_x, film.transform.rotation = True, 1.5, 0.2
    for frame, value in ((5, -20), (100, 20)):
        film.transform.offset_x = value
        film.transform.keyframe_insert("offset_x", frame=frame)
    title = kit.versions.strips(editor).new_movie("title", arguments["film"], 4, 60)
    kit.versions.set_handles(title, 60, 70)
    title.select = False
    with kit.sequencer():
        bpy.ops.resilver.refresh()
    panel = scene.resilver
    kit.settings.fill(panel, (), kit.server.SERVER.catalogue)
    panel.stages["deflicker"].enabled = True
    panel.profile_name, panel.change_maps, panel.output_folder = "ffv1", True, arguments["output"]


def restored(kit: Kit) -> Any:
    return kit.identity.restored_of(kit.scene, kit.named("film").resilver.uid)[-1]


def restored_now(kit: Kit, again: bool = False) -> dict[str, Any]:
    outcome = bpy.ops.resilver.restore_again() if again else bpy.ops.resilver.restore()
    job = kit.job_list.all()[-1]
    return {
        "outcome": list(outcome), "report": job.sentences(), "path": bpy.path.abspath(restored(kit).filepath),
        "state": kit.restored.state(kit.scene, restored(kit), kit.states.digest(kit.scene)), "strips": kit.strips(),
    }  # fmt: skip


def change_maps(kit: Kit) -> dict[str, Any]:
    """Laid, shown, hidden, taken away, laid once more."""
    found = {"path": restored(kit).resilver.changes}
    with kit.sequencer():
        found["add"] = list(bpy.ops.resilver.change_movies())
        (laid,) = kit.identity.changes_of(kit.scene, restored(kit))
        found["strips"], found["like"] = kit.strips(), [described(kit, laid), described(kit, restored(kit))]
        found["look"] = [laid.blend_type, laid.color_tag, bpy.path.abspath(laid.filepath)]
        found["shown"] = [list(bpy.ops.resilver.toggle_changes()), laid.mute]
        found["hidden"] = [list(bpy.ops.resilver.toggle_changes()), laid.mute]
        bpy.ops.ed.undo_push(message="laid")
        found["remove"] = list(bpy.ops.resilver.change_movies())
        found["gone"] = kit.strips()
        found["once more"] = list(bpy.ops.resilver.change_movies())
    return found


def described(kit: Kit, strip: Any) -> list[Any]:
    """Where its content lies and how its picture does, on two frames."""
    look, scene = [], kit.scene
    for frame in (10, 90):
        scene.frame_set(frame)
        transform = strip.transform
        look.append([round(float(value), 4) for value in (transform.offset_x, transform.scale_x, transform.rotation)])
    left, right = kit.versions.left(strip), kit.versions.right(strip)
    return [*map(round, kit.versions.content_span(strip)[:1]), left, right, look]


def kept(kit: Kit) -> dict[str, Any]:
    """The current frame, the preview range, a range that a script names; a strip that was not restored with a stage."""
    scene = kit.scene
    with kit.sequencer():
        scene.frame_set(90)
        found = {"frame": list(bpy.ops.resilver.keep_original(stage="deflicker")), "noted": [noted(kit)]}
        scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 92, 94
        bpy.ops.resilver.keep_original(stage="deflicker")
        found["noted"].append(noted(kit))
        scene.use_preview_range = False
        bpy.ops.resilver.keep_original(stage="deflicker", frames="91, 95-96, 3000")
        found["noted"].append(noted(kit))
        scene.use_preview_range = True
        found["range"] = box(kit)[-4]
        scene.use_preview_range = False
        found["elsewhere"] = list(bpy.ops.resilver.keep_original(stage="deflicker", frames="3000"))
        found["other stage"] = list(bpy.ops.resilver.keep_original(stage="repair"))
        found["words"] = kit.said(bpy.ops.resilver.keep_original, stage="deflicker", frames="all")
    found["state"] = kit.restored.state(scene, restored(kit), kit.states.digest(scene))
    found["box"] = box(kit)
    return found


def box(kit: Kit) -> list[str]:
    """What the panel says of the restored strip, once its state is found."""
    kit.scene.sequence_editor.active_strip = restored(kit)
    draw_all(kit)
    kit.states.find()
    drawn = draw_all(kit)["Resilver"]
    return drawn[drawn.index("film [restored]") + 2 :]


def noted(kit: Kit) -> dict[str, str]:
    return {item.name: item.frames for item in restored(kit).resilver.keeps}


def again(kit: Kit) -> dict[str, Any]:
    """With the movie of the older result above: that goes with it."""
    with kit.sequencer():
        return restored_now(kit, again=True) | {"noted": noted(kit)}


def moved(kit: Kit) -> str:
    """The original shows other frames now: which frames were looked at cannot be said."""
    film = kit.named("film")
    kit.versions.set_handles(film, 20, 165)
    with kit.sequencer():
        said = kit.said(bpy.ops.resilver.keep_original, stage="deflicker")
    kit.versions.set_handles(film, 5, 165)
    return said


def cleared(kit: Kit) -> dict[str, Any]:
    with kit.sequencer():
        outcome = bpy.ops.resilver.clear_kept(stage="deflicker")
        return restored_now(kit, again=True) | {"clear": list(outcome), "noted": noted(kit)}


def without(kit: Kit) -> str:
    """The same path without the stage, for comparison; nothing is noted then."""
    kit.scene.resilver.stages["deflicker"].strength = 0
    with kit.sequencer():
        return str(restored_now(kit, again=True)["path"])


def saved(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """What was noted, and the path of key frames, are there after the file is opened again, and are asked for."""
    film = kit.named("film")
    with kit.sequencer():
        bpy.ops.resilver.keep_original(stage="deflicker", frames="40-41")
    film.resilver.key_frames = "//keys/"
    found = {"drawn": key_frames_drawn(kit)}
    path = f"{arguments['output']}/edit.blend"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    film = kit.named("film")
    with kit.sequencer():
        ask = kit.starting.ask_for(bpy.context, [film], kit.starting.Given())
        item = next(item for item in kit.scene.resilver.jobs if len(item.kept) > 2)
        followed = list(bpy.ops.resilver.follow(key=item.name))
    found |= {"followed": followed, "made": json.loads(restored(kit).resilver.kept), "noted": noted(kit)}
    found |= {"kept": list(ask.kept.values()), "key_frames": list(ask.key_frames.values()), "maps": ask.change_maps}
    return found


def key_frames_drawn(kit: Kit) -> list[str]:
    """What a stage that takes key frames draws, with the original active and with the restored strip."""
    known, panel = kit.server.SERVER.catalogue, kit.scene.resilver
    inputs = importlib.import_module("resilver_client.catalogue").Input
    taking = dataclasses.replace(known.stage("deflicker"), inputs=(inputs.KEY_FRAMES, inputs.DEFECT_MAP), parameters=())
    kit.server.SERVER.catalogue, notes = dataclasses.replace(known, stages=(taking,)), list[str]()
    panel.stages["deflicker"].expanded = True
    try:
        for active in (kit.named("film"), restored(kit)):
            kit.panels.draw_stage(Recorder(notes), panel.stages["deflicker"], active)
    finally:
        kit.server.SERVER.catalogue = known
    return [note for note in notes if "frames" in note or "channel" in note]
