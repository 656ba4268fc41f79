"""Files, folders, names and channels that a job may meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from faults_kit import Faults, fresh

ODD_NAME = "a/\"b\" 'c' \\d %d # 😀: é"
"""Filled up to 63 bytes; Blender keeps 61."""


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    acts = (
        no_server, wrong_token, no_folder, odd_names, odd_paths, odd_pictures, odd_mattes, refused, above_taken,
        left_out, all_taken, all_taken_late, media_gone,
    )  # fmt: skip
    return {act.__name__: act(fresh(extension, arguments, act.__name__), arguments) for act in acts}


def no_server(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """Nobody listens; when somebody does, the job is tried again."""
    return _with_preference(kit, "address", "127.0.0.1:9")


def wrong_token(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    return _with_preference(kit, "token", "wrong")


def _with_preference(kit: Faults, name: str, value: str) -> dict[str, Any]:
    preferences = kit.preferences.stored()
    setattr(preferences, name, value)
    job = kit.submitted()
    found = kit.ended(job)
    setattr(preferences, name, "")
    return found | kit.tried_again(job)


def no_folder(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The results are to go where no folder can be made; then they may go elsewhere."""
    with kit.sequencer():
        ask = kit.starting.ask_for(bpy.context, kit.facts.selected(bpy.context), kit.starting.Given(**kit.given))
    job = kit.starting.start(replace(ask, output_folder=f"{arguments['film']}/out"))
    return kit.ended(job) | {"then": kit.restore(), "end": kit.strips()}


def odd_names(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    strip = kit.named("one")
    strip.name = ODD_NAME + "x" * (63 - len(ODD_NAME.encode()))
    kit.named("two").name = "..\\..//%05d"
    outcome, strips = kit.restore(), kit.strips()
    restored = [strip for strip in kit.identity.every(kit.scene) if kit.identity.role(strip)]
    files = [Path(bpy.path.abspath(strip.filepath)) for strip in restored]
    return {"outcome": outcome, "strips": strips, "kept": strip.name, "files": [str(file) for file in files],
            "there": [file.is_file() for file in files]}  # fmt: skip


def odd_paths(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The film and the results lie in folders whose names mean something to programs."""
    kit.given["output_folder"] = str(kit.folder / arguments["odd"])
    for strip in kit.versions.strips(kit.scene.sequence_editor):
        strip.filepath = arguments["odd_film"]
    return {"outcome": kit.restore(), "strips": kit.strips()}


def odd_pictures(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The results are numbered pictures, in such a folder."""
    kit.given["output_folder"] = str(kit.folder / arguments["odd"])
    kit.given["recipe_json"] = arguments["pictures"]
    outcome = kit.restore()
    strip = kit.named("one [restored]")
    files = [Path(bpy.path.abspath(strip.directory)) / each.filename for each in strip.elements]
    return {"outcome": outcome, "strips": kit.strips(), "there": [file.is_file() for file in files]}


def odd_mattes(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """Numbered mattes go into such a folder, to the server, and come in as a strip."""
    panel = kit.scene.resilver
    kit.settings.fill(panel, (), kit.server.SERVER.catalogue)
    panel.stages["upscale"].enabled, panel.stages["deflicker"].enabled = True, True
    panel.stages["upscale"].parameters["model"].text = "none"
    panel.stages["deflicker"].matte_channel = 5
    matte = kit.effect("matte", "COLOR", 5, 1, 12)
    matte.color, matte.select = (1, 1, 1), False
    kit.named("two").select = False
    kit.given = {"output_folder": str(kit.folder / arguments["odd"])}
    outcome, job = kit.restore(), kit.job_list.all()[-1]
    with kit.sequencer():
        placed = list(bpy.ops.resilver.place_mattes(key=job.key))
    mattes = [strip for strip in kit.identity.every(kit.scene) if kit.identity.role(strip) == kit.identity.MATTE]
    return {"outcome": outcome, "placed": placed, "frames": [len(strip.elements) for strip in mattes]}


def refused(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """Strips that cannot be restored are selected with the good ones; they are left out one after the other."""
    kit.effect("title", "TEXT", 5, 1, 20).select = True
    kit.versions.strips(kit.scene.sequence_editor).new_scene("scene", bpy.data.scenes.new("x"), 6, 1).select = True
    gone = kit.versions.strips(kit.scene.sequence_editor).new_movie("gone", arguments["film"] + ".mov", 7, 1)
    gone.select = True
    job = kit.submitted()
    found = kit.ended(job)
    said = [kit.said(bpy.ops.resilver.repair, key=job.key, problem=0, repair="leave-out") for _ in found["said"]]
    left_out = {"title", "scene", "gone"}
    return found | {
        "repairs": said, "end": [strip for strip in kit.strips() if strip[0] not in left_out],
        "report": kit.job_list.find(job.key).sentences(), "listed": len(kit.job_list.all()),
    }  # fmt: skip


def above_taken(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    return _repaired(kit, "use-track-above")


def left_out(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    return _repaired(kit, "leave-out")


def _repaired(kit: Faults, repair: str) -> dict[str, Any]:
    """A strip lies above "one"."""
    kit.effect("title", "TEXT", 3, 1, 20).select = False
    job = kit.submitted()
    found = kit.ended(job)
    with kit.sequencer():
        found["repaired"] = list(bpy.ops.resilver.repair(key=job.key, problem=0, repair=repair))
    return found | {"end": kit.strips()}


def _fill(kit: Faults) -> None:
    """Something on every channel above."""
    for channel in range(3, 129):
        kit.effect(f"c{channel}", "COLOR", channel, 1, 20).select = False


def _without_colours(strips: list[list[Any]]) -> list[list[Any]]:
    return [strip for strip in strips if not strip[0].startswith("c")]


def all_taken(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """No way of making room is left; when a channel is cleared there is one."""
    _fill(kit)
    before, said = kit.strips(), {}
    for occupied in ("refuse", "above", "make-room"):
        said[occupied] = kit.said(bpy.ops.resilver.restore, **kit.given, occupied=occupied)
    same = kit.strips() == before
    kit.versions.strips(kit.scene.sequence_editor).remove(kit.named("c128"))
    with kit.sequencer():
        outcome = list(bpy.ops.resilver.restore(**kit.given, occupied="make-room"))
    return {"said": said, "same": same, "outcome": outcome, "strips": _without_colours(kit.strips())}


def all_taken_late(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The channels are filled while the job runs."""
    job = kit.submitted()
    _fill(kit)
    before = kit.strips()
    found = {"said": kit.ended(job)["said"], "same": kit.strips() == before, "repairs": {}}
    for repair in ("use-track-above", "make-room"):
        found["repairs"][repair] = kit.said(bpy.ops.resilver.repair, key=job.key, problem=0, repair=repair)
    found["still"] = kit.strips() == before
    kit.versions.strips(kit.scene.sequence_editor).remove(kit.named("c128"))
    found["outcome"] = kit.said(bpy.ops.resilver.repair, key=job.key, problem=0, repair="make-room")
    return found | {"strips": _without_colours(kit.strips())}


def media_gone(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The film is deleted while the job is paused after its first part; it comes back, and the job goes on."""
    kit.given["recipe_json"] = arguments["slow"]
    job = kit.submitted()
    job.pause()
    kit.until(lambda: job.progress is not None and job.progress.state == "paused")
    film = Path(arguments["film"])
    aside = film.rename(film.with_suffix(".aside"))
    job.resume()
    found = kit.ended(job)
    aside.rename(film)
    return found | kit.tried_again(job)
