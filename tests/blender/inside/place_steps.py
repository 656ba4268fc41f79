"""What placing does to an edit besides: one step of undo, all or nothing, metas, moved and trimmed originals."""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any

import bpy
from place_kit import Kit, render

from resilver_publish.types import Layout, Occupied


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = Kit(extension)
    steps = (undone, taken_back, in_metas, as_left, changed_since, held, effects, elsewhere, kept_over_files,
             pictures)  # fmt: skip
    found = {}
    for step in steps:
        kit.prepare((24, 1.0), (96, 54))
        found[step.__name__] = step(kit, arguments)
    return found


def _shots(kit: Kit, arguments: dict[str, Any], count: int) -> list[Any]:
    """Shots of 20 frames, one behind the other."""
    return [kit.movie(f"shot {n}", arguments["original"], 2, 10 + 20 * n, 30 + 20 * n) for n in range(count)]


def _clips(kit: Kit, arguments: dict[str, Any], shown: dict[str, Any], **more: Any) -> list[Any]:
    return [kit.clip(each, arguments["restored"], 62, Fraction(60), (192, 108), **more) for each in shown.values()]


def undone(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The caller's one push makes one step, which takes back strips, mutes and moves; so does redo bring them."""
    shots = _shots(kit, arguments, 3)
    kit.effect("title", "COLOR", 3, 35, 45)
    shown = kit.shown(*shots)
    bpy.ops.ed.undo_push(message="before")
    edits = [kit.edit()]
    kit.place_clips(_clips(kit, arguments, shown), shown, "replace", "make-room")
    bpy.ops.ed.undo_push(message="placed")
    edits.append(kit.edit())
    kit.place_clips(_clips(kit, arguments, shown), shown, "replace")
    bpy.ops.ed.undo_push(message="placed again")
    edits.append(kit.edit())
    for do in (bpy.ops.ed.undo, bpy.ops.ed.undo, bpy.ops.ed.redo):
        do()
        edits.append(kit.edit())
    names = [kit.identity.restored_of(kit.scene, uid)[-1].name for uid in shown]
    return {"edits": edits, "names": names}


def taken_back(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The third of five clips fails: in Blender itself, then for what can be known before."""
    shots = _shots(kit, arguments, 5)
    kit.effect("title", "COLOR", 3, 15, 45)
    shown = kit.shown(*shots)
    good = _clips(kit, arguments, shown)
    before, errors, edits = kit.edit(), [], []
    broken = {
        "unreadable": {"path": arguments["broken"]},
        "missing": {"path": arguments["original"] + ".mov"},
        "short": {"frames": 40},
        "sequence": {"path": arguments["pattern"], "is_sequence": True, "frames": 20},
    }
    for change in broken.values():
        clips = [*good[:2], type(good[2])(**{**vars(good[2]), **change}), *good[3:]]
        errors.append(kit.tried(lambda clips=clips: kit.place_clips(clips, shown, "replace", "make-room")))  # type: ignore[misc]
        edits.append(kit.edit())
    kit.versions.strips(kit.editor).remove(shots[2])
    errors.append(kit.tried(lambda: kit.place_clips(good, shown, "replace", "make-room")))
    edits.append(kit.edit())
    return {"before": before, "errors": errors, "edits": edits}


def in_metas(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """A shot in a meta in a meta, trimmed by both, with something above it in the meta."""
    outer = kit.versions.strips(kit.editor).new_meta("outer", 4, 10)
    inner = kit.versions.strips(outer).new_meta("inner", 2, 10)
    shot = kit.versions.strips(inner).new_movie("shot", arguments["original"], 3, 1)
    kit.versions.set_handles(shot, 5, 45)
    kit.versions.set_handles(inner, 8, 40)
    kit.versions.set_handles(outer, 10, 50)
    shown = kit.shown(shot)
    (each,) = shown.values()
    before = kit.edit()
    clip = kit.clip(each, arguments["restored"], 122, Fraction(60), (192, 108))
    where = kit.place_clips([clip], shown)[0].where
    edit = kit.edit()
    where_again = kit.place_clips([clip], shown)[0].where
    frames = {frame: render(frame, f"{arguments['pictures']}/meta-{frame}.png") for frame in (10, 11, 20, 39)}
    return {
        "range": [each.start, each.stop], "where": [where, where_again], "before": before, "edit": edit,
        "again": kit.edit(), "pictures": frames,
    }  # fmt: skip


def as_left(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """Selection, active strip, playhead, open meta and settings are the user's own."""
    shots = _shots(kit, arguments, 2)
    meta = kit.versions.strips(kit.editor).new_meta("meta", 5, 10)
    within = kit.versions.strips(meta).new_movie("within", arguments["original"], 1, 10)
    kit.versions.set_handles(meta, 10, 30)
    shown = kit.shown(*shots)
    bpy.ops.ed.undo_push(message="before")
    kit.editor.display_stack(meta)
    for strip in kit.identity.every(kit.scene):
        strip.select = strip in (shots[1], within)
    shots[1].select_left_handle, kit.editor.active_strip = True, within
    kit.scene.frame_set(17)
    before = _left(kit)
    kit.place_clips(_clips(kit, arguments, shown), shown)
    after = _left(kit)
    kit.editor.display_stack(None)
    return {"before": before, "after": after}


def _left(kit: Kit) -> list[Any]:
    scene, editor = kit.scene, kit.editor
    return [
        sorted(strip.name for strip in kit.identity.every(scene) if strip.select),
        sorted(strip.name for strip in kit.identity.every(scene) if strip.select_left_handle),
        editor.active_strip.name, [meta.name for meta in editor.meta_stack], scene.frame_current,
        scene.render.fps, scene.render.fps_base, scene.render.resolution_x, scene.render.resolution_y,
        scene.view_settings.view_transform, [area.type for area in bpy.context.window_manager.windows[0].screen.areas],
    ]  # fmt: skip


def changed_since(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The original is worked on while its clip is being restored."""
    found = {}
    for name, change in CHANGES.items():
        kit.prepare((24, 1.0), (96, 54))
        shot = kit.movie("shot", arguments["original"], 2, 20, 40, first=10)
        shown = kit.shown(shot)
        clips = _clips(kit, arguments, shown)
        change(kit, shot)
        wheres: list[str] = []
        error = kit.tried(lambda clips=clips, shown=shown, wheres=wheres: wheres.extend(  # type: ignore[misc]
            each.where for each in kit.place_clips(clips, shown, recipe=arguments["recipe"])))  # fmt: skip
        restored = kit.identity.restored_of(kit.scene, next(iter(shown)))
        span = [kit.versions.left(restored[0]), kit.versions.right(restored[0])] if restored else []
        seen = {frame: render(frame, f"{arguments['pictures']}/{name}-{frame}.png") for frame in range(*(span or [0]))}
        state = kit.restored.state(kit.scene, restored[0]) if restored else ""
        found[name] = {"error": error, "where": wheres, "span": span, "pictures": seen, "state": state}
    return found


def _start(kit: Kit, strip: Any) -> str:
    return "content_start" if hasattr(strip, "content_start") else "frame_start"


def _moved(kit: Kit, shot: Any) -> None:
    name = _start(kit, shot)
    setattr(shot, name, getattr(shot, name) + 33)


def _slipped(kit: Kit, shot: Any) -> None:
    name = _start(kit, shot)
    setattr(shot, name, getattr(shot, name) + 4)
    kit.versions.set_handles(shot, 20, 40)


def _reversed(kit: Kit, shot: Any) -> None:
    shot.use_reverse_frames = True


def _slower(kit: Kit, shot: Any) -> None:
    kit.scene.render.fps = 30


CHANGES: dict[str, Any] = {
    "same": lambda kit, shot: None,
    "moved": _moved,
    "shortened": lambda kit, shot: kit.versions.set_handles(shot, 25, 38),
    "lengthened": lambda kit, shot: kit.versions.set_handles(shot, 15, 44),
    "slipped": _slipped,
    "renamed": lambda kit, shot: setattr(shot, "name", "other"),
    "reversed": _reversed,
    "other rate": _slower,
}


def held(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """A shot whose handles are drawn beyond its media, and which is drawn out further after it was restored."""
    shot = kit.versions.strips(kit.editor).new_movie("shot", arguments["short"], 2, 20)
    kit.versions.set_handles(shot, 16, 44)
    shown = kit.shown(shot)
    (each,) = shown.values()
    kit.place_clips(_clips(kit, arguments, shown), shown)
    edits = [kit.edit()]
    kit.versions.set_handles(shot, 14, 47)
    shown = kit.shown(shot)
    kit.place_clips(_clips(kit, arguments, shown), shown)
    edits.append(kit.edit())
    seen = {frame: render(frame, f"{arguments['pictures']}/held-{frame}.png") for frame in range(14, 47)}
    return {"range": [each.start, each.stop, each.held_before, each.held_after], "edits": edits, "pictures": seen}


def elsewhere(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The user looks at another scene when the clips come back."""
    (shot,) = _shots(kit, arguments, 1)
    shown, scene, window = kit.shown(shot), kit.scene, bpy.context.window_manager.windows[0]
    other = bpy.data.scenes.new("other")
    other.sequence_editor_create()
    window.scene = other
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = other
    kit.place.place(bpy.context, scene, _clips(kit, arguments, shown), shown, Layout.OVERLAY, Occupied.REFUSE)
    found = {
        "there": [strip.name for strip in kit.identity.every(scene)], "here": len(kit.identity.every(other)),
        "shown": window.scene.name, "edited": kit.versions.edited_scene(bpy.context).name,
    }  # fmt: skip
    window.scene = scene
    bpy.data.scenes.remove(other)
    return found


def effects(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """Effects that were put on restored strips work on those that take their place."""
    shots = _shots(kit, arguments, 2)
    shown = kit.shown(*shots)
    kit.place_clips(_clips(kit, arguments, shown), shown)
    made, restored = kit.versions.strips(kit.editor), [kit.named(f"{shot.name} [restored]") for shot in shots]
    known = made.bl_rna.functions["new_effect"].parameters
    first, second = ("input1", "input2") if "input1" in known else ("seq1", "seq2")
    span = {"length": 1} if "length" in known else {"frame_end": 11}
    made.new_effect("blur", "GAUSSIAN_BLUR", 6, 10, **{first: restored[0]}, **span)
    made.new_effect("cross", "CROSS", 7, 10, **{first: restored[0], second: restored[1]}, **span)
    kit.place_clips(_clips(kit, arguments, shown), shown)
    there = [kit.named(name) for name in ("blur", "cross")]
    inputs = [[each.input_1.name, each.input_2.name if each.input_count > 1 else ""] for each in there if each]
    for each in there:
        made.remove(each)
    return {"inputs": inputs, "edit": kit.edit()}


def kept_over_files(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """What is stored with a strip is there after opening the file; copies and halves are strips of their own."""
    (shot,) = _shots(kit, arguments, 1)
    shown = kit.shown(shot)
    kit.place_clips(_clips(kit, arguments, shown), shown, recipe=arguments["recipe"])
    path = f"{arguments['pictures']}/edit.blend"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    (uid,) = shown
    original, restored = kit.identity.find(kit.scene, uid), kit.identity.restored_of(kit.scene, uid)[-1]
    stored = restored.resilver
    fields = ("role", "job", "recipe", "recipe_json", "frames", "rate")
    before = [kit.restored.state(kit.scene, restored, digest) for digest in ("", "digest-1", "digest-2")]
    halves = [strip.split(frame=20, split_method="SOFT") for strip in (original, restored)]
    other = kit.identity.uid_of(kit.scene, halves[0])
    said = [kit.restored.toggle(bpy.context, [restored]) for _ in range(3)]
    return {
        "stored": {name: getattr(stored, name) for name in fields}, "states": before, "same": other != uid,
        "first half": [strip.name for strip in kit.identity.restored_of(kit.scene, uid)],
        "second half": [strip.name for strip in kit.identity.restored_of(kit.scene, other)],
        "said": said, "edit": kit.edit(), "out of date": len(kit.restored.out_of_date(kit.scene, "digest-1")),
    }  # fmt: skip


def pictures(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """Image sequences at the scene's rate, a picture that is held, change maps and a matte."""
    shot = kit.movie("shot", arguments["original"], 2, 10, 30)
    still = kit.versions.strips(kit.editor).new_image("still", arguments["pattern"] % 7, 2, 30)
    kit.versions.set_handles(still, 30, 41)
    shown = kit.shown(shot, still)
    uids = list(shown)
    sequence = kit.clip(shown[uids[0]], arguments["pattern"], 20, Fraction(24), (96, 54), is_sequence=True)
    picture = kit.clip(shown[uids[1]], arguments["pattern"] % 9, 1, Fraction(24), (96, 54))
    kit.place_clips([sequence, picture], shown)
    seen = {frame: render(frame, f"{arguments['pictures']}/pictures-{frame}.png") for frame in range(10, 41)}
    types = importlib.import_module("resilver_publish.types")
    maps = [types.ChangeMap(uids[0], arguments["pattern"] % number, "dust", number) for number in (3, 11)]
    overlays = kit.overlays
    named = overlays.place_change_maps(bpy.context, kit.scene, maps, shown)
    again = overlays.place_change_maps(bpy.context, kit.scene, maps, shown)
    matte = overlays.place_matte(bpy.context, kit.scene, arguments["pattern"], shown[uids[0]])
    return {"pictures": seen, "maps": [named, again], "matte": matte, "edit": kit.edit()}
