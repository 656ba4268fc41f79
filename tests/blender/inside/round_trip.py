"""Strips of every kind are restored through the operator, and what Blender then shows is rendered frame by frame."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import bpy


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    versions = importlib.import_module(extension + ".versions")
    scene = _scene(arguments)
    editor = scene.sequence_editor_create()
    with _sequencer(scene):
        for case in arguments["cases"]:
            _build(versions, scene, editor, case)
        originals = {strip.name for strip in versions.all_strips(editor)}
        bpy.ops.sequencer.select_all(action="SELECT")
        outcome = bpy.ops.resilver.restore(
            recipe_json=arguments["recipe"], layout="overlay", output_folder=arguments["output"]
        )
    restored = [strip for strip in versions.all_strips(editor) if strip.name not in originals]
    return {
        "outcome": list(outcome),
        "strips": [_described(versions, strip) for strip in versions.all_strips(editor)],
        "restored": {strip.name: _rendered(versions, scene, strip, arguments) for strip in restored},
    }


def _scene(arguments: dict[str, Any]) -> Any:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = arguments["fps"], arguments["fps_base"]
    scene.render.resolution_x, scene.render.resolution_y = arguments["size"]
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.frame_end = 2000
    return scene


def _sequencer(scene: Any) -> Any:
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region, scene=scene)


def _build(versions: Any, scene: Any, editor: Any, case: dict[str, Any]) -> None:
    strip = _images(versions, editor, case) if "files" in case else _movie(versions, editor, case)
    strip.name = case["name"]
    if case.get("reverse"):
        strip.use_reverse_frames = True
    trims = ("content_trim_start", "content_trim_end") if hasattr(strip, "content_trim_start") else (
        "animation_offset_start", "animation_offset_end")  # fmt: skip
    for name, value in zip(trims, case.get("trims", (0, 0)), strict=True):
        if value:
            setattr(strip, name, value)
    start = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, start, case["start"])
    versions.set_handles(strip, case["left"], case["right"])
    for kind, frame in case.get("splits", ()):
        bpy.ops.sequencer.select_all(action="DESELECT")
        strip.select = True
        bpy.ops.sequencer.split(frame=frame, channel=strip.channel, type=kind, side="RIGHT")


def _movie(versions: Any, editor: Any, case: dict[str, Any]) -> Any:
    if not case["conform"]:
        return versions.strips(editor).new_movie(case["name"], case["path"], 1, case["start"])
    before = {strip.name for strip in versions.all_strips(editor)}
    path = Path(case["path"])
    options = dict(
        filepath=str(path), directory=f"{path.parent}/", files=[{"name": path.name}], frame_start=case["start"],
        channel=1, sound=False, replace_sel=False, overlap=False, adjust_playback_rate=True, use_framerate=False,
        set_view_transform=False,
    )  # fmt: skip
    if "move_strips" in bpy.ops.sequencer.movie_strip_add.get_rna_type().properties:
        options["move_strips"] = False
    bpy.ops.sequencer.movie_strip_add(**options)
    return next(strip for strip in versions.all_strips(editor) if strip.name not in before)


def _images(versions: Any, editor: Any, case: dict[str, Any]) -> Any:
    folder, names = case["path"], case["files"]
    strip = versions.strips(editor).new_image(case["name"], f"{folder}/{names[0]}", 1, case["start"])
    for name in names[1:]:
        strip.elements.append(name)
    return strip


def _described(versions: Any, strip: Any) -> dict[str, Any]:
    return {
        "name": strip.name, "channel": strip.channel, "left": versions.left(strip), "right": versions.right(strip),
        "role": strip.resilver.role, "job": strip.resilver.job, "mute": strip.mute,
        "path": bpy.path.abspath(strip.filepath) if strip.type == "MOVIE" else "",
    }  # fmt: skip


def _rendered(versions: Any, scene: Any, strip: Any, arguments: dict[str, Any]) -> dict[int, str]:
    """Timeline frame -> the picture that Blender shows there."""
    pictures = {}
    for frame in range(versions.left(strip), versions.right(strip)):
        scene.frame_set(frame)
        scene.render.filepath = f"{arguments['pictures']}/{frame:06d}.png"
        bpy.ops.render.render(write_still=True)
        pictures[frame] = scene.render.filepath
    return pictures
