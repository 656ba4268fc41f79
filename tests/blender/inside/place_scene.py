"""An edit goes into a second scene at 60 frames a second; every frame of it is rendered."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import bpy
from place_kit import Kit, render


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit, found = Kit(extension), {}
    for rate in arguments["rates"]:
        kit.prepare((rate["fps"], rate["base"]), (96, 54))
        found[rate["name"]] = _edit(kit, rate, arguments)
    kit.prepare((24, 1.0), (96, 54))
    found["everything"] = _everything(kit, arguments)
    return found


def _edit(kit: Kit, rate: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Adjacent shots, restored and not, the last ones in a meta."""
    scene = kit.scene
    scene.frame_start, scene.frame_end = arguments["shots"][0]["left"], arguments["shots"][-1]["right"] - 1
    strips = []
    meta = kit.versions.strips(kit.editor).new_meta("meta", 2, arguments["shots"][-2]["left"])
    for shot in arguments["shots"]:
        owner = meta if shot["meta"] else kit.editor
        strip = kit.versions.strips(owner).new_movie(shot["name"], rate["original"], 2, shot["left"] - shot["first"])
        kit.versions.set_handles(strip, shot["left"], shot["right"])
        strip.use_reverse_frames = shot.get("reverse", False)
        strips.append(strip)
    for strip in strips:  # while they were long they lay over each other, and Blender moved them
        strip.channel = 2
    kit.versions.set_handles(meta, arguments["shots"][-2]["left"], arguments["shots"][-1]["right"])
    shown = kit.shown(*(strip for strip, shot in zip(strips, arguments["shots"], strict=True) if shot["restored"]))
    clips = [kit.clip(each, *rate["files"][each.name], Fraction(60), (192, 108)) for each in shown.values()]
    short = [type(clip)(**{**vars(clip), "frames": clip.frames - 1}) for clip in clips[:1]]
    names = [each.name for each in bpy.data.scenes]
    error = kit.tried(lambda: kit.scene4k.build(bpy.context, scene, short, shown, kit.clips.Made(arguments["recipe"])))
    kept = [each.name for each in bpy.data.scenes] == names
    edit = kit.edit()
    bpy.ops.ed.undo_push(message="before")
    made = kit.scene4k.build(bpy.context, kit.scene, clips, shown, kit.clips.Made(arguments["recipe"]))
    bpy.ops.ed.undo_push(message="new scene")
    goal = bpy.data.scenes[made.name]
    seen = {frame: render(frame, f"{arguments['pictures']}/{rate['name']}/{frame}.png", goal)
            for frame in range(1, goal.frame_end + 1)}  # fmt: skip
    described = _described(kit, goal) | {"state": _state(kit, goal)}
    same = kit.edit() == edit and bpy.context.window.scene == kit.scene if bpy.context.window else kit.edit() == edit
    bpy.ops.ed.undo()
    return {
        "name": made.name, "report": made.report, "pictures": seen, "error": error, "kept": kept, "same": same,
        "where": [each.where for each in made.placements], "undone": made.name not in bpy.data.scenes, **described,
    }  # fmt: skip


def _state(kit: Kit, goal: Any) -> list[Any]:
    """What the new scene's panel says of a restored strip, which was asked for in another panel."""
    goal.resilver.rate = "60"  # so that this panel says some recipe
    strip = next(each for each in kit.identity.every(goal) if kit.identity.role(each) == kit.identity.RESTORED)
    kit.states.of(goal, strip)
    kit.states.find()
    pair = kit.states.of(goal, strip)
    return [kit.states.digest(goal) != "", pair.state, pair.here]


def _described(kit: Kit, goal: Any) -> dict[str, Any]:
    strips = {
        strip.name: [strip.channel, kit.versions.left(strip), kit.versions.right(strip), strip.mute]
        for strip in kit.identity.every(goal)
    }
    render = goal.render
    settings = [render.fps, round(render.fps_base, 4), render.resolution_x, render.resolution_y, goal.frame_start]
    return {"strips": strips, "settings": [*settings, goal.frame_end, goal.view_settings.view_transform]}


def _everything(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """One strip of every kind that can and of some that cannot be carried, and what is set on them."""
    scene, strips = kit.scene, kit.versions.strips(kit.editor)
    scene.frame_start, scene.frame_end = 1, 100
    shot = kit.movie("shot", arguments["rates"][1]["original"], 2, 1, 21)
    slow = kit.movie("slow", arguments["slow"], 3, 1, 21)
    text = kit.effect("title", "TEXT", 4, 5, 20)
    text.text, text.font_size, text.location = "The End", 20, (0.3, 0.7)
    text.transform.offset_x = 7
    colour = kit.effect("colour", "COLOR", 1, 21, 41)
    colour.color, colour.blend_alpha = (0.25, 0.5, 0.75), 0.5
    colour.keyframe_insert("blend_alpha", frame=25)
    grade = kit.effect("grade", "ADJUSTMENT", 5, 1, 41)
    grade.modifiers.new("dim", "BRIGHT_CONTRAST").bright = -12
    still = strips.new_image("still", arguments["still"], 2, 41)
    kit.versions.set_handles(still, 41, 60)
    pictures = strips.new_image("pictures", arguments["still"], 2, 60)
    pictures.elements.append(arguments["second"])
    strips.new_scene("other", bpy.data.scenes.new("other"), 6, 1)
    kit.movie("gone", arguments["rates"][1]["original"] + ".mov", 7, 1, 5)
    short = kit.effect("blink", "COLOR", 8, 30, 31)
    kit.movie("fine", arguments["rates"][1]["original"], 9, 1, 9).mute = True
    if arguments["sound"]:
        sound = strips.new_sound("sound", arguments["sound"], 10, 3)
        kit.versions.set_handles(sound, 10, 34)
        sound.volume = 0.5
    scene.timeline_markers.new("here", frame=25)
    for name, frame in (("here", 25),):
        assert scene.timeline_markers[name].frame == frame
    shown = kit.shown(shot)
    clip = kit.clip(next(iter(shown.values())), arguments["clip"], 52, Fraction(60), (192, 108))
    known = kit.clips.Made(arguments["recipe"])
    made = kit.scene4k.new_scene(bpy.context, scene, [clip], shown, 3840, 2160, Fraction(60), known)
    goal = bpy.data.scenes[made.name]
    named = {strip.name: strip for strip in kit.identity.every(goal)}
    curve = kit.versions.curves(goal)[0]
    found = {
        "name": made.name, "report": made.report, **_described(kit, goal),
        "text": [named["title"].text, named["title"].font_size, [round(v, 3) for v in named["title"].location],
                 named["title"].transform.offset_x],
        "colour": [round(value, 3) for value in named["colour"].color], "short": short.name,
        "curve": [curve.data_path.split(".")[-1], list(curve.keyframe_points[0].co)],
        "bright": named["grade"].modifiers["dim"].bright, "slow": slow.name,
        "marker": [[marker.name, marker.frame] for marker in goal.timeline_markers],
        "scale": named["shot"].transform.scale_x, "volume": named["sound"].volume if arguments["sound"] else None,
        "state": kit.restored.state(goal, named["shot"]),
    }  # fmt: skip
    bpy.data.scenes.remove(goal)
    return found
