"""What the scenarios of placing share: a scene, strips, facts of strips, rendered pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import bpy
from parts import part

from resilver_publish.types import Layout, Occupied, RestoredClip


class Kit:
    """The extension's modules and a scene to work in."""

    def __init__(self, extension: str, rate: tuple[int, float] = (24, 1.0), size: tuple[int, int] = (192, 108)) -> None:
        self.extension = extension
        if not hasattr(self.versions.STRIP_TYPE, "resilver"):
            self.identity.register()
        self.prepare(rate, size)

    def __getattr__(self, name: str) -> Any:
        """A module of the extension."""
        return part(self.extension, name)

    def prepare(self, rate: tuple[int, float], size: tuple[int, int]) -> None:
        """An empty edit at this rate and size, what the viewer sees being what the files hold."""
        scene = self.scene
        editor = scene.sequence_editor or scene.sequence_editor_create()
        for strip in list(self.versions.strips(editor)):
            self.versions.strips(editor).remove(strip)
        scene.animation_data_clear()
        if hasattr(bpy.context.workspace, "sequencer_scene"):
            bpy.context.workspace.sequencer_scene = scene  # without it 5.0 crashes when a modifier is added by a script
        scene.render.fps, scene.render.fps_base = rate
        scene.render.resolution_x, scene.render.resolution_y = size
        scene.render.resolution_percentage = 100
        scene.view_settings.view_transform = "Standard"
        scene.render.image_settings.file_format = "PNG"
        scene.frame_end = 5000

    @property
    def scene(self) -> Any:
        return bpy.context.scene

    @property
    def editor(self) -> Any:
        return self.scene.sequence_editor

    def movie(self, name: str, path: str, channel: int, left: int, right: int, **trim: int) -> Any:
        """A movie lying frame for frame; ``first`` is its media frame at ``left``."""
        strip = self.versions.strips(self.editor).new_movie(name, path, channel, left - trim.get("first", 0))
        self.versions.set_handles(strip, left, right)
        return strip

    def effect(self, name: str, kind: str, channel: int, left: int, right: int) -> Any:
        """An effect without inputs: COLOR, TEXT, ADJUSTMENT."""
        return self.versions.new_effect(self.editor, name, kind, channel, left, right)

    def named(self, name: str) -> Any:
        return self.identity.named(self.scene, name)

    def shown(self, *strips: Any) -> dict[str, Any]:
        """What the strips show, by uid."""
        found = [self.facts.shown(self.scene, strip) for strip in strips]
        return {each.uid: each for each in found}

    def clip(
        self, shown: Any, path: str, frames: int, rate: Fraction, size: tuple[int, int], **more: Any
    ) -> RestoredClip:
        return RestoredClip(
            clip=shown.uid, name=shown.name, path=path, rate=rate, frames=frames, width=size[0], height=size[1],
            job="job-1", recipe="digest-1", **more,
        )  # fmt: skip

    def place_clips(
        self,
        clips: list[RestoredClip],
        shown: dict[str, Any],
        layout: str = "overlay",
        occupied: str = "refuse",
        recipe: str = "",
    ) -> Any:
        made = self.clips.Made(recipe)
        return self.place.place(bpy.context, self.scene, clips, shown, Layout(layout), Occupied(occupied), made)

    def edit(self) -> dict[str, list[Any]]:
        """Every strip by its name: channel, handles, mute, meta around it."""
        return {
            strip.name: [
                strip.channel,
                self.versions.left(strip),
                self.versions.right(strip),
                strip.mute,
                strip.parent_meta().name if strip.parent_meta() else "",
            ]
            for strip in self.identity.every(self.scene)
        }

    def tried(self, do: Any) -> str:
        """ "" where it worked, else the error's class and words."""
        try:
            do()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""


def render(frame: int, path: str, scene: Any | None = None) -> str:
    """A picture of what the sequencer shows at a frame."""
    scene = scene or bpy.context.scene
    scene.frame_set(frame)
    scene.render.filepath = path
    with bpy.context.temp_override(scene=scene):
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return path
