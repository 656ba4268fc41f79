"""What goes wrong, as operators report it, and that nothing is half-placed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
from interface_kit import Kit

from resilver_client.errors import ResilverError


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = Kit(extension)
    kit.edit(arguments["film"])
    before = kit.strips()
    restore = bpy.ops.resilver.restore
    given = {"recipe_json": arguments["recipe"], "output_folder": arguments["output"]}
    said = {
        "unsaved": kit.said(restore, recipe_json=arguments["recipe"]),
        "no stage": kit.said(restore, output_folder=arguments["output"]),
        "preset": kit.said(restore, output_folder=arguments["output"], preset="talkies"),
        "recipe": kit.said(restore, output_folder=arguments["output"], recipe_json="{"),
        "size": kit.said(restore, output_folder=arguments["output"], preset="photo", size="4K"),
    }
    said |= connections(kit, given)
    said["linked"] = linked(kit)
    said |= {"media": lost_media(kit, given, arguments), "nothing": nothing_selected(kit)}
    after = kit.strips()
    return {"said": said, "untouched": before == after, "occupied": occupied(kit, given)}


def connections(kit: Kit, given: dict[str, Any]) -> dict[str, str]:
    """A wrong token, a server that is not there, and one beyond this machine."""
    preferences = kit.preferences.stored()
    found = {}
    preferences.token = "wrong"
    found["token"] = kit.said(bpy.ops.resilver.restore, **given)
    found["test"] = kit.said(bpy.ops.resilver.test_connection)
    preferences.token, preferences.address = "", "127.0.0.1:9"
    found["missing"] = kit.said(bpy.ops.resilver.restore, **given)
    preferences.address = "tls://render.studio:50051"
    found["offline"] = kit.said(bpy.ops.resilver.restore, **given)
    preferences.address = ""
    return found


def linked(kit: Kit) -> str:
    """The sequencer shows a scene of another file."""
    scene = SimpleNamespace(name="Reel", library=SimpleNamespace(filepath="//reel.blend"))
    try:
        kit.starting.scene_with_settings(SimpleNamespace(scene=scene))
    except ResilverError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def lost_media(kit: Kit, given: dict[str, Any], arguments: dict[str, Any]) -> str:
    """The film is deleted after it was edited."""
    film = Path(arguments["film"])
    aside = film.rename(film.with_suffix(".aside"))
    try:
        return kit.said(bpy.ops.resilver.restore, **given)
    finally:
        aside.rename(film)


def nothing_selected(kit: Kit) -> str:
    for strip in kit.versions.strips(kit.scene.sequence_editor):
        strip.select = False
    text = kit.said(bpy.ops.resilver.restore)
    for strip in kit.versions.strips(kit.scene.sequence_editor):
        strip.select = True
    return text


def occupied(kit: Kit, given: dict[str, Any]) -> dict[str, Any]:
    """Something lies above one of the strips; then room is made."""
    strips = kit.versions.strips(kit.scene.sequence_editor)
    film = next(iter(strips)).filepath
    blocking = strips.new_movie("title", film, 3, 1)
    kit.versions.set_handles(blocking, 1, 20)
    blocking.select = False
    said = kit.said(bpy.ops.resilver.restore, **given)
    untouched = kit.strips()
    job = kit.job_list.all()[-1]
    problem = job.outcome.problems[0]
    with kit.sequencer():
        outcome = bpy.ops.resilver.repair(key=job.key, problem=0, repair="make-room")
    return {
        "said": said,
        "untouched": untouched,
        "repairs": [repair.value for repair in problem.repairs],
        "outcome": list(outcome),
        "strips": kit.strips(),
        "listed": len(kit.job_list.all()),
    }
