"""Strips of every kind, built as users build them: what ``facts`` says of them, and what Blender renders."""

from __future__ import annotations

import importlib
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

_STEPS = {}
"""What a case's ``steps`` may do to its newest strip."""


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {case["name"]: Case(extension, case, Path(arguments["folder"])).result() for case in arguments["cases"]}


def step(function: Any) -> Any:
    _STEPS[function.__name__] = function
    return function


class Case:
    """One scene with the strips of one case."""

    def __init__(self, extension: str, case: dict[str, Any], folder: Path) -> None:
        self.versions = importlib.import_module(extension + ".versions")
        self.facts = importlib.import_module(extension + ".strips.facts")
        self.errors = importlib.import_module("resilver_client.errors")
        self.folder = folder / case["name"].replace(" ", "_")
        self.scene = self._scene(case)
        self.editor = self.scene.sequence_editor_create()
        self.editor.use_cache_raw = False  # it makes 5.0 show a frame that was shown before instead of the nearest
        self.newest: Any = None
        with self.sequencer():
            for name, *values in case["steps"]:
                _STEPS[name](self, *values)

    def _scene(self, case: dict[str, Any]) -> Any:
        scene = bpy.data.scenes.new(case["name"])
        scene.render.fps, scene.render.fps_base = case.get("rate", [24, 1.0])
        scene.render.resolution_x, scene.render.resolution_y = case.get("size", [192, 108])
        scene.view_settings.view_transform = "Standard"
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.compression = 0
        return scene

    def sequencer(self) -> Any:
        window = bpy.context.window_manager.windows[0]
        window.scene = self.scene
        area = window.screen.areas[0]
        area.type = "SEQUENCE_EDITOR"
        if hasattr(window.workspace, "sequencer_scene"):
            window.workspace.sequencer_scene = self.scene
        region = next(region for region in area.regions if region.type == "WINDOW")
        return bpy.context.temp_override(window=window, area=area, region=region, scene=self.scene)

    def result(self) -> dict[str, Any]:
        with self.sequencer():
            strips = self.facts.selected(bpy.context)
            found = self.facts.shown_all(self.scene, strips)
            low = min(self.versions.left(strip) for strip in self.versions.strips(self.editor))
            high = max(self.versions.right(strip) for strip in self.versions.strips(self.editor))
            pictures = self.render(low, high)
        return {"strips": [self._told(each) for each in found], "pictures": pictures, "low": low}

    def _told(self, found: Any) -> dict[str, Any]:
        if isinstance(found, self.errors.ResilverError):
            return {"reason": found.reason, "error": str(found)}
        return {key: str(value) if isinstance(value, Fraction) else value for key, value in asdict(found).items()}

    def render(self, low: int, high: int) -> list[str]:
        """Pictures of the timeline's frames ``low <= frame < high``."""
        self.scene.frame_start, self.scene.frame_end = low, high - 1
        self.scene.render.filepath = str(self.folder / "frame_")
        bpy.ops.render.render(animation=True, scene=self.scene.name)
        return [str(self.folder / f"frame_{frame:04d}.png") for frame in range(low, high)]

    def only(self, strip: Any) -> None:
        bpy.ops.sequencer.select_all(action="DESELECT")
        strip.select = True


@step
def movie(case: Case, path: str, start: int, conform: bool, channel: int = 1) -> None:
    if not conform:
        case.newest = case.versions.strips(case.editor).new_movie(Path(path).stem, path, channel, start)
        case.newest.select = True
        return
    file = Path(path)
    options = dict(
        filepath=path, directory=f"{file.parent}/", files=[{"name": file.name}], frame_start=start, channel=channel,
        sound=False, replace_sel=False, overlap=False, adjust_playback_rate=True, use_framerate=False,
        fit_method="FIT", set_view_transform=False,
    )  # fmt: skip
    if "move_strips" in bpy.ops.sequencer.movie_strip_add.get_rna_type().properties:
        options["move_strips"] = False
    before = {strip.name for strip in case.versions.all_strips(case.editor)}
    bpy.ops.sequencer.movie_strip_add(**options)
    case.newest = next(strip for strip in case.versions.all_strips(case.editor) if strip.name not in before)


@step
def pictures(case: Case, folder: str, names: list[str], start: int, channel: int = 1) -> None:
    path = str(Path(folder) / names[0])
    case.newest = case.versions.strips(case.editor).new_image(names[0], path, channel, start)
    for name in names[1:]:
        case.newest.elements.append(name)
    case.newest.select = True
    case.versions.set_handles(case.newest, start, start + len(names))


@step
def trims(case: Case, start: int, end: int) -> None:
    """Cut frames off the media itself."""
    new = hasattr(case.newest, "content_trim_start")
    setattr(case.newest, "content_trim_start" if new else "animation_offset_start", start)
    setattr(case.newest, "content_trim_end" if new else "animation_offset_end", end)


@step
def handles(case: Case, inwards_left: int, inwards_right: int) -> None:
    """Move both ends; negative is outwards."""
    strip = case.newest
    case.versions.set_handles(
        strip, case.versions.left(strip) + inwards_left, case.versions.right(strip) - inwards_right
    )


@step
def move(case: Case, frames: int) -> None:
    case.only(case.newest)
    bpy.ops.transform.seq_slide(value=(frames, 0))
    select_all(case)


@step
def content(case: Case, start: int) -> None:
    setattr(case.newest, "content_start" if hasattr(case.newest, "content_start") else "frame_start", start)


@step
def backwards(case: Case) -> None:
    case.newest.use_reverse_frames = True


@step
def split(case: Case, kind: str, *frames: int) -> None:
    """Split whatever lies there, from the right to the left."""
    for frame in sorted(frames, reverse=True):
        select_all(case)
        bpy.ops.sequencer.split(frame=frame, channel=1, type=kind, side="BOTH")
    select_all(case)


@step
def meta(case: Case) -> None:
    """Make a meta strip of everything."""
    select_all(case)
    before = {strip.name for strip in case.versions.all_strips(case.editor)}
    bpy.ops.sequencer.meta_make()
    case.newest = next(strip for strip in case.versions.all_strips(case.editor) if strip.name not in before)


@step
def relink(case: Case, path: str) -> None:
    case.newest.filepath = path


@step
def rate(case: Case, fps: int, base: float) -> None:
    """Change the scene's rate."""
    case.scene.render.fps, case.scene.render.fps_base = fps, base
    if hasattr(case.newest, "invalidate_cache"):
        case.newest.invalidate_cache("RAW")
    bpy.ops.sequencer.refresh_all()


@step
def select_all(case: Case) -> None:
    bpy.ops.sequencer.select_all(action="SELECT")


@step
def put(case: Case, name: str, value: Any) -> None:
    """Set a property of the newest strip."""
    setattr(case.newest, name, value)
