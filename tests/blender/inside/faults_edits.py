"""What a user may do to the edit while a job runs, or after it. The job is submitted before each act, and placed after.

Between the two nothing is placed: Blender's main thread is here, and it is the one that would do it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from faults_kit import Faults, fresh


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    acts = (
        deleted, moved, trimmed, undone, scene_deleted, file_deleted, two_at_once, restored_twice, same_at_once,
        other_name, opened_twice, placed_and_opened,
    )  # fmt: skip
    return {act.__name__: act(fresh(extension, arguments, act.__name__)) for act in acts}


def deleted(kit: Faults) -> dict[str, Any]:
    """One of the originals is deleted; when it is back, the result is fetched."""
    job = kit.submitted()
    strips = kit.versions.strips(kit.scene.sequence_editor)
    strips.remove(kit.named("one"))
    bpy.ops.ed.undo_push(message="Delete Strips")
    found = kit.ended(job)
    bpy.ops.ed.undo()
    return found | kit.tried_again(job)


def moved(kit: Faults) -> dict[str, Any]:
    """One goes to another time, the other to another channel."""
    job = kit.submitted()
    kit.versions.shift(kit.named("two"), 7)
    kit.named("one").channel = 4
    return kit.ended(job)


def trimmed(kit: Faults) -> dict[str, Any]:
    """One becomes shorter, the other longer than what was sent."""
    job = kit.submitted()
    kit.versions.set_handles(kit.named("one"), 4, 20)
    kit.versions.set_handles(kit.named("two"), 31, 60)
    return kit.ended(job)


def undone(kit: Faults) -> dict[str, Any]:
    """Undo goes back before the strips were there; redo brings them back, and the result is fetched."""
    job = kit.submitted()
    bpy.ops.ed.undo()
    gone = kit.strips()
    found = kit.ended(job) | {"gone": gone}
    bpy.ops.ed.redo()
    return found | kit.tried_again(job)


def scene_deleted(kit: Faults) -> dict[str, Any]:
    """The scene goes; undo brings it back, and the result is fetched."""
    name = kit.scene.name
    bpy.data.scenes.new("other")
    bpy.ops.ed.undo_push(message="New Scene")
    job = kit.submitted()
    bpy.data.scenes.remove(bpy.data.scenes[name])
    bpy.ops.ed.undo_push(message="Delete Scene")
    kit.until(lambda: not job.running)
    found = {"said": kit.words.ending(job), "left": [scene.name for scene in bpy.data.scenes]}
    bpy.ops.ed.undo()
    bpy.context.window_manager.windows[0].scene = bpy.data.scenes[name]
    return found | kit.tried_again(job)


def file_deleted(kit: Faults) -> dict[str, Any]:
    """A restored file is deleted afterwards; it is told, and made again."""
    first = kit.restore()
    path = Path(bpy.path.abspath(kit.named("one [restored]").filepath))
    path.unlink()
    missing = kit.restored.state(kit.scene, kit.named("one [restored]"))
    with kit.sequencer():
        again = list(bpy.ops.resilver.restore_again(**kit.given))
    now = Path(bpy.path.abspath(kit.named("one [restored]").filepath))
    state = kit.restored.state(kit.scene, kit.named("one [restored]"))
    return {"first": first, "missing": missing, "again": again, "strips": kit.strips(), "there": now.is_file(),
            "state": state}  # fmt: skip


def two_at_once(kit: Faults) -> dict[str, Any]:
    """Each strip has a job of its own, at the same time."""
    jobs = []
    for name in ("one", "two"):
        for strip in kit.versions.strips(kit.scene.sequence_editor):
            strip.select = strip.name == name
        jobs.append(kit.start(**kit.given))
    kit.until(lambda: not any(job.running for job in jobs))
    return {"said": [kit.words.ending(job) for job in jobs], "strips": kit.strips(), "stored": len(kit.stored())}


def restored_twice(kit: Faults) -> dict[str, Any]:
    """The newer result takes the older one's place; the older file stays."""
    kit.restore()
    older = bpy.path.abspath(kit.named("one [restored]").filepath)
    outcome = kit.restore()
    newer = bpy.path.abspath(kit.named("one [restored]").filepath)
    files = [Path(older).is_file(), Path(newer).is_file(), older == newer]
    return {"outcome": outcome, "strips": kit.strips(), "files": files}


def same_at_once(kit: Faults) -> dict[str, Any]:
    """Two jobs of the same strips into the same folder at the same time."""
    jobs = [kit.start(**kit.given), kit.start(**kit.given)]
    kit.until(lambda: not any(job.running for job in jobs))
    found = {"said": [kit.words.ending(job) for job in jobs], "phases": [job.phase.value for job in jobs]}
    return found | {"strips": kit.strips()}


def other_name(kit: Faults) -> dict[str, Any]:
    """The file is saved, then under another name; both know the job, each places it for itself."""
    kit.submitted()
    names = [str(kit.folder / name) for name in ("a.blend", "b.blend")]
    for name in names:
        bpy.ops.wm.save_as_mainfile(filepath=name)
    found = {}
    for name in names:
        bpy.ops.wm.open_mainfile(filepath=name)
        found[Path(name).stem] = [kit.follow(), kit.strips(), kit.stored()[0]["placed"]]
    return found


def opened_twice(kit: Faults) -> dict[str, Any]:
    """The file is opened again while its job is being followed for the second time."""
    kit.submitted()
    file = str(kit.folder / "a.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    item = kit.scene.resilver.jobs[0]
    again = kit.starting.follow(kit.scene, item)
    bpy.ops.wm.open_mainfile(filepath=file)
    found = {"followed": len(kit.job_list.all()), "thread": again._thread.is_alive()}
    return found | {"outcome": kit.follow(), "strips": kit.strips()}


def placed_and_opened(kit: Faults) -> dict[str, Any]:
    """The clips were placed, but the file was last saved before that."""
    job = kit.submitted()
    file = str(kit.folder / "a.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    kit.until(lambda: not job.running)
    placed = kit.strips()
    bpy.ops.wm.open_mainfile(filepath=file)
    return {"placed": placed, "opened": kit.strips(), "outcome": kit.follow(), "strips": kit.strips()}
