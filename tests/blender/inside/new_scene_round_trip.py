"""A whole edit goes into a scene at 60 frames a second, through the operator; every frame of that scene is rendered."""

from __future__ import annotations

from typing import Any

import bpy
from interface_kit import Kit


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = Kit(extension)
    scene = _scene(kit, arguments)
    for number, shot in enumerate(arguments["shots"]):
        _lay(kit, arguments["film"], shot, 20 + number)
    before = kit.strips()
    with kit.sequencer():
        outcome = bpy.ops.resilver.new_scene(recipe_json=arguments["recipe"], output_folder=arguments["output"])
    goal = next(each for each in bpy.data.scenes if each != scene)
    render = goal.render
    return {
        "outcome": list(outcome),
        "untouched": kit.strips() == before,
        "settings": [render.fps, render.fps_base, render.resolution_x, render.resolution_y, goal.frame_end],
        "strips": [_described(kit, strip) for strip in kit.versions.all_strips(goal.sequence_editor)],
        "pictures": [_rendered(goal, frame, arguments) for frame in range(1, goal.frame_end + 1)],
    }


def _scene(kit: Kit, arguments: dict[str, Any]) -> Any:
    scene = kit.scene
    scene.sequence_editor_create()
    scene.render.fps, scene.render.fps_base = arguments["fps"], arguments["fps_base"]
    scene.render.resolution_x, scene.render.resolution_y = arguments["size"]
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    shots = arguments["shots"]
    scene.frame_start, scene.frame_end = shots[0]["left"], max(shot["right"] for shot in shots) - 1
    return scene


def _lay(kit: Kit, film: str, shot: dict[str, Any], apart: int) -> None:
    """Frame for frame. Until it is trimmed it lies on a channel of its own: Blender moves what lies over another."""
    strips = kit.versions.strips(kit.scene.sequence_editor)
    strip = strips.new_movie(shot["name"], film, apart, shot["left"] - shot["first"])
    kit.versions.set_handles(strip, shot["left"], shot["right"])
    strip.channel = shot["channel"]


def _described(kit: Kit, strip: Any) -> dict[str, Any]:
    return {
        "name": strip.name, "channel": strip.channel, "left": kit.versions.left(strip),
        "right": kit.versions.right(strip), "path": bpy.path.abspath(strip.filepath),
    }  # fmt: skip


def _rendered(scene: Any, frame: int, arguments: dict[str, Any]) -> str:
    scene.frame_set(frame)
    scene.render.filepath = f"{arguments['pictures']}/{frame:06d}.png"
    with bpy.context.temp_override(scene=scene):
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return str(scene.render.filepath)
