"""Jobs through the operators: restored, undone, cancelled, tried again, taken up after the file was opened again."""

from __future__ import annotations

import os
import signal
from typing import Any

import bpy
from interface_kit import Kit


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = Kit(extension)
    kit.edit(arguments["film"])
    acts = (restore, cancel, reopen, kill, preview, late, scene)
    return next(act for act in acts if act.__name__ == arguments["act"])(kit, arguments)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"recipe_json": arguments["recipe"], "output_folder": arguments["output"]}


def restore(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """Blocking, as scripts call it; then one undo, and a redo."""
    with kit.sequencer():
        outcome = bpy.ops.resilver.restore(**_given(arguments))
    found = {"outcome": list(outcome), "restored": kit.strips(), "stored": kit.stored()}
    bpy.ops.ed.undo()
    found |= {"undone": kit.strips(), "stored_undone": kit.stored()}
    bpy.ops.ed.redo()
    return found | {"redone": kit.strips(), "stored_redone": kit.stored()}


def cancel(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    job = kit.start(**_given(arguments))
    kit.until(lambda: bool(job.server_id))
    with kit.sequencer():
        asked = bpy.ops.resilver.cancel.poll()
        bpy.ops.resilver.cancel()
    standing = kit.words.doing(job)
    kit.until(lambda: not job.running)
    with kit.sequencer():
        found = {"poll": [asked, bpy.ops.resilver.cancel.poll()], "standing": standing, "cancelled": kit.strips()}
        found["stored"] = kit.stored()
        found["retried"] = list(bpy.ops.resilver.retry(key=job.key))
    again = kit.job_list.find(job.key)
    return found | {"strips": kit.strips(), "end": kit.stored(), "same": again.server_id == job.server_id}


def reopen(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The file is saved while the job runs, opened again, and the job is taken up from it."""
    job = kit.start(**_given(arguments))
    kit.until(lambda: bool(job.server_id))
    kit.scene.frame_end = 99
    bpy.ops.ed.undo_push(message="Something else")
    bpy.ops.ed.undo()
    undone = kit.stored()
    bpy.ops.wm.save_as_mainfile(filepath=arguments["saved"])
    bpy.ops.wm.open_mainfile(filepath=arguments["saved"])
    found = {
        "undone": undone,
        "followed": len(kit.job_list.all()),
        "thread": job._thread.is_alive(),
        "opened": kit.strips(),
    }
    found["stored"] = kit.stored()
    with kit.sequencer():
        found["outcome"] = list(bpy.ops.resilver.follow())
        found["again"] = list(bpy.ops.resilver.follow())
    return found | {"strips": kit.strips(), "end": kit.stored()}


def kill(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The server is killed half-way; trying again starts another one, which carries on."""
    job = kit.start(**_given(arguments))
    kit.until(lambda: job.progress is not None)
    os.kill(arguments["pid"], signal.SIGKILL)
    kit.until(lambda: not job.running)
    found = {"phase": job.phase.value, "said": kit.words.ending(job), "strips": kit.strips()}
    with kit.sequencer():
        found["retried"] = list(bpy.ops.resilver.retry(key=job.key))
    return found | {"end": kit.strips()}


def preview(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """A preview, with a matte on channel 5; then the strips are restored, and what the preview made comes in."""
    editor, panel = kit.scene.sequence_editor, kit.scene.resilver
    with kit.sequencer():
        bpy.ops.resilver.refresh()
    kit.settings.fill(panel, (), kit.server.SERVER.catalogue)
    panel.stages["upscale"].enabled, panel.stages["deflicker"].enabled = True, True
    panel.stages["upscale"].parameters["model"].text = "none"
    panel.stages["deflicker"].matte_channel = 5
    panel.output_folder, panel.preview_frames = arguments["output"], 2
    matte = kit.effect("matte", "COLOR", 5, 1, 55)
    matte.color, matte.select = (1, 1, 1), False
    with kit.sequencer():
        outcome = bpy.ops.resilver.preview()
    shown = kit.job_list.all()[-1]
    found = {"outcome": list(outcome), "strips": kit.strips(), "images": len(bpy.data.images)}
    found |= {"maps": len(shown.outcome.change_maps), "mattes": sorted(len(paths) for paths in shown.mattes.values())}
    with kit.sequencer():
        bpy.ops.resilver.restore()
        bpy.ops.resilver.place_change_maps(key=shown.key)
        bpy.ops.resilver.place_mattes(key=shown.key)
    added = [strip for strip in kit.versions.all_strips(editor) if strip.resilver.role in ("change_map", "matte")]
    return found | {"roles": sorted(strip.resilver.role for strip in added), "muted": all(s.mute for s in added)}


def late(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """Something comes to lie above while the job runs: it is said, and room is made without rendering again."""
    job = kit.start(**_given(arguments))
    kit.until(lambda: bool(job.server_id))
    strips = kit.versions.strips(kit.scene.sequence_editor)
    blocking = strips.new_movie("title", arguments["film"], 3, 1)
    kit.versions.set_handles(blocking, 1, 20)
    kit.until(lambda: not job.running)
    found = {"said": kit.words.ending(job), "strips": kit.strips()}
    found["repairs"] = [repair.value for repair in job.outcome.problems[0].repairs]
    with kit.sequencer():
        found["outcome"] = list(bpy.ops.resilver.repair(key=job.key, problem=0, repair="make-room"))
    again = kit.job_list.find(job.key)
    return found | {"same": again.server_id == job.server_id, "end": kit.strips()}


def scene(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    with kit.sequencer():
        outcome = bpy.ops.resilver.new_scene(size="640x360", **_given(arguments))
    made = next(scene for scene in bpy.data.scenes if scene != kit.scene)
    return {
        "outcome": list(outcome),
        "format": [made.render.fps, made.render.resolution_x, made.render.resolution_y],
        "strips": [[strip.name, strip.channel] for strip in kit.versions.all_strips(made.sequence_editor)],
        "old": kit.strips(),
    }
