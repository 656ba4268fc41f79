"""What lies on a channel is rendered onto the film of a strip."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import bpy
from facts_rendering import Case, step

ABOVE = 5


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    mattes = importlib.import_module(extension + ".sending.mattes")
    found = {}
    for order in arguments["cases"]:
        case = Case(extension, order, Path(arguments["folder"]))
        before = state(case)
        with case.sequencer():
            strip = next(strip for strip in case.versions.all_strips(case.editor) if strip.name == "film")
            shown = case.facts.shown(case.scene, strip)
            started = time.perf_counter()
            try:
                baked = bake(mattes, case.scene, shown, arguments["folder"])
            except case.errors.ResilverError as error:
                baked = f"{error.reason}: {error}"
        found[order["name"]] = {
            "baked": baked,
            "seconds": time.perf_counter() - started,
            "span": shown.media_span(),
            "frames": [shown.timeline_frame(number) for number in range(*shown.media_span())],
            "changed": {key: [before[key], value] for key, value in state(case).items() if before[key] != value},
        }
    return found


def bake(mattes: Any, scene: Any, shown: Any, folder: str) -> str:
    """In as many steps as there are: one frame each."""
    mattes._SLICE = 0
    with mattes.Baking(shown, ABOVE, folder) as baking:
        steps = 1
        while (path := baking.step(scene)) is None:
            steps += 1
    first, stop = shown.media_span()
    assert steps == len({shown.timeline_frame(number) for number in range(first, stop)})
    return str(path)


def state(case: Case) -> dict[str, Any]:
    """What must be as it was afterwards."""
    render, view = case.scene.render, case.scene.view_settings
    strips = [(s.name, s.channel, s.mute, s.select, s.blend_type) for s in case.versions.all_strips(case.editor)]
    result = bpy.data.images.get("Render Result")
    return {
        "scenes": sorted(bpy.data.scenes.keys()),
        "masks": [(mask.name, mask.users) for mask in bpy.data.masks],
        "strips": sorted(map(list, strips)),
        "render": [render.filepath, render.image_settings.file_format, render.resolution_x, render.use_compositing],
        "view": [view.view_transform, view.exposure],
        "frame": case.scene.frame_current,
        "slot": result.render_slots.active_index if result else 0,
        "actions": [(action.name, action.users) for action in bpy.data.actions],
    }


@step
def called(case: Case, name: str) -> None:
    case.newest.name = name


@step
def look(case: Case, values: dict[str, Any]) -> None:
    """Set properties of the newest strip or of its transform."""
    for name, value in values.items():
        setattr(case.newest.transform if hasattr(case.newest.transform, name) else case.newest, name, value)


@step
def sliding(case: Case, name: str, values: list[list[float]]) -> None:
    """Key a property of the transform: frame and value."""
    for frame, value in values:
        setattr(case.newest.transform, name, value)
        case.newest.transform.keyframe_insert(name, frame=frame)


@step
def half_mask(case: Case, start: int, length: int) -> None:
    """A mask over the left half of the scene; it reaches beyond the edges."""
    mask = bpy.data.masks.new("half")
    spline = mask.layers.new().splines.new()
    spline.use_cyclic = True
    spline.points.add(4 - len(spline.points))
    for point, where in zip(spline.points, [(-0.5, -0.5), (0.5, -0.5), (0.5, 1.5), (-0.5, 1.5)], strict=True):
        point.co = where
        point.handle_left_type = point.handle_right_type = "VECTOR"
    case.newest = case.versions.strips(case.editor).new_mask("mask", mask, ABOVE, start)
    case.versions.set_handles(case.newest, start, start + length)


@step
def on_channel(case: Case, channel: int) -> None:
    case.newest.channel = channel


@step
def channel_muted(case: Case, channel: int) -> None:
    case.editor.channels[channel].mute = True
