"""What counts as selected, and that looking at strips leaves everything as it was."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import bpy
from facts_rendering import Case


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    case = Case(extension, {"name": "selection", "steps": []}, Path(arguments["folder"]))
    identity = importlib.import_module(extension + ".strips.identity")
    with case.sequencer():
        build(case, arguments["film"])
        found = {"everything": names(case)}
        for strip in case.versions.all_strips(case.editor):
            strip.select = strip.name in ("early", "restored", "c")
        found["some"] = names(case)
        outer = case.editor.strips["outer"] if hasattr(case.editor, "strips") else case.editor.sequences["outer"]
        case.editor.display_stack(outer)
        found["in an open meta"] = names(case)
        case.editor.display_stack(None)
        identity.uid_of(case.scene, outer)
        found |= untouched(case, arguments)
        bpy.ops.sequencer.select_all(action="DESELECT")
        found["nothing"] = names(case)
        found["undone"] = undone(case)
    return found


def names(case: Case) -> list[str]:
    return [strip.name for strip in case.facts.selected(bpy.context)]


def build(case: Case, film: str) -> None:
    """On channels 1 to 6: a late and an early film, a restored one, a colour, and a meta with a meta in it."""
    made = case.versions.strips(case.editor)
    for name, channel, start in (("late", 1, 50), ("early", 2, 5), ("restored", 3, 5), ("same start", 1, 5),
                                 ("a", 4, 10), ("b", 5, 12), ("c", 6, 11), ("muted", 7, 12), ("cut away", 8, 60),
                                 ("on a muted channel", 9, 12)):  # fmt: skip
        made.new_movie(name, film, channel, start).select = False
    made["muted"].mute = True
    made["restored"].resilver.role = "restored"
    span = {"length": 9} if "length" in made.bl_rna.functions["new_effect"].parameters else {"frame_end": 109}
    made.new_effect("colour", "COLOR", 1, 100, **span)
    meta(case, "inner", ["a", "b"])
    meta(case, "outer", ["inner", "c", "muted", "cut away", "on a muted channel"])
    outer = made["outer"]
    outer.channels[9].mute = True
    case.versions.set_handles(outer, case.versions.left(outer), 55)
    bpy.ops.sequencer.select_all(action="SELECT")


def meta(case: Case, name: str, inside: list[str]) -> None:
    bpy.ops.sequencer.select_all(action="DESELECT")
    made = case.versions.strips(case.editor)
    for each in inside:
        made[each].select = True
    before = set(made.keys())
    bpy.ops.sequencer.meta_make()
    (found,) = set(made.keys()) - before
    made[found].name = name


def untouched(case: Case, arguments: dict[str, Any]) -> dict[str, Any]:
    """The file's state before and after looking at all strips, and what looking costs with hundreds of them."""
    bpy.ops.sequencer.select_all(action="SELECT")
    strips = case.facts.selected(bpy.context)
    case.facts.shown_all(case.scene, strips)  # gives the uids
    bpy.ops.wm.save_as_mainfile(filepath=arguments["blend_path"])
    before = state(case)
    first = case.facts.shown_all(case.scene, strips)
    after = state(case)
    same = [str(each) for each in first] == [str(each) for each in case.facts.shown_all(case.scene, strips)]
    made = case.versions.strips(case.editor)
    many = [made.new_movie(f"many {k}", arguments["film"], 20 + k % 50, 1 + 100 * (k // 50)) for k in range(500)]
    started = time.perf_counter()
    case.facts.shown_all(case.scene, many[:20])
    return {"before": before, "after": after, "same": same, "twenty of 500": time.perf_counter() - started}


def undone(case: Case) -> list[Any]:
    """What one undo takes back after strips were looked at: what the user did last, and nothing else."""
    name = case.scene.name
    case.scene["first"] = 1
    bpy.ops.ed.undo_push(message="first")
    case.scene["second"] = 2
    bpy.ops.ed.undo_push(message="second")
    case.facts.shown_all(case.scene, [case.versions.strips(case.editor)["late"]])
    bpy.ops.ed.undo()
    scene = bpy.data.scenes[name]
    return [scene.get("first"), scene.get("second")]


def state(case: Case) -> dict[str, Any]:
    strips = case.versions.all_strips(case.editor)
    return {
        "dirty": bpy.data.is_dirty,
        "scenes": sorted(bpy.data.scenes.keys()),
        "data": sum(len(getattr(bpy.data, name)) for name in ("scenes", "movieclips", "sounds", "images", "actions")),
        "rate": [case.scene.render.fps, case.scene.render.fps_base],
        "window": bpy.context.window_manager.windows[0].scene.name,
        "active": case.editor.active_strip.name if case.editor.active_strip else "",
        "strips": [[s.name, s.select, case.versions.left(s), case.versions.right(s)] for s in strips],
    }
