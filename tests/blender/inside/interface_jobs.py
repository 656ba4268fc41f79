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
    return {"restore": restore, "cancel": cancel, "reopen": reopen, "kill": kill}[arguments["act"]](kit, arguments)


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
    bpy.ops.wm.save_as_mainfile(filepath=arguments["saved"])
    bpy.ops.wm.open_mainfile(filepath=arguments["saved"])
    found = {"followed": len(kit.job_list.all()), "thread": job._thread.is_alive(), "opened": kit.strips()}
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
