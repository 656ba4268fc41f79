"""Operators that show what the machine decided and take it back: change maps above restored strips, frames to keep."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from resilver_client.errors import InvalidRequest, ResilverError
from resilver_client.frames import parse_frames

from .. import versions
from ..strips import identity, kept, restored


class _OnRestored:
    """An operator on restored strips: those selected, or of which the original is."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.edited_scene(context)
        return scene is not None and scene.sequence_editor is not None

    def pairs(self, context: Any) -> list[tuple[Any, Any]]:
        """The newest restored strip and the original of each pair. Raises InvalidRequest where there is none."""
        found = pairs_selected(context)
        if not found:
            raise InvalidRequest("no restored strip is selected", remedy="select restored strips, or their originals")
        return found


def pairs_selected(context: Any) -> list[tuple[Any, Any]]:
    """Those among the selected strips and the active one."""
    scene = versions.edited_scene(context)
    editor = scene.sequence_editor
    opened = editor.meta_stack[-1] if len(editor.meta_stack) else editor
    chosen = [strip for strip in versions.strips(opened) if strip.select]
    return restored.pairs_of(scene, chosen or [strip for strip in (editor.active_strip,) if strip is not None])


class RESILVER_OT_keep_original(_OnRestored, bpy.types.Operator):
    """Let this stage leave the film as it was: in the preview range where one is set, else on the current frame.
    Restore Again renders only what that touches"""

    bl_idname = "resilver.keep_original"
    bl_label = "Keep Original"

    stage: StringProperty(name="Stage", description="Name of the stage", options={"SKIP_SAVE"})
    frames: StringProperty(
        name="Frames", description="Timeline frames, as in 120-139; empty: the preview range, or the current frame",
        options={"SKIP_SAVE"},
    )  # fmt: skip

    def execute(self, context: Any) -> set[str]:
        scene = versions.edited_scene(context)
        try:
            pairs, noted = self.pairs(context), dict[str, list[str]]()
            for start, stop in parse_frames(self.frames) or (looked_at(scene),):
                for name, frames in kept.keep(scene, pairs, self.stage, start, stop).items():
                    noted.setdefault(name, []).append(frames)
        except ResilverError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for name, found in noted.items():
            self.report({"INFO"}, f"{name}: {self.stage} keeps frames {', '.join(found)}; restore it again")
        if not noted:
            self.report({"WARNING"}, f"No selected strip was restored with {self.stage or 'a stage'} there")
        return {"FINISHED"} if noted else {"CANCELLED"}


def looked_at(scene: Any) -> tuple[int, int]:
    """Timeline frames that are meant, half-open: the preview range, or the current frame."""
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end + 1
    return scene.frame_current, scene.frame_current + 1


class RESILVER_OT_clear_kept(_OnRestored, bpy.types.Operator):
    """Keep no frames from this stage any longer"""

    bl_idname = "resilver.clear_kept"
    bl_label = "Clear Kept Frames"

    stage: StringProperty(name="Stage", description="Name of the stage", options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        try:
            pairs = self.pairs(context)
        except ResilverError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for strip, _ in pairs:
            kept.clear(strip, self.stage)
        return {"FINISHED"}


class RESILVER_OT_change_movies(_OnRestored, bpy.types.Operator):
    """Lay movies of what the stages changed above the restored strips, muted; where they lie already, take them away"""

    bl_idname = "resilver.change_movies"
    bl_label = "Change Maps"

    def execute(self, context: Any) -> set[str]:
        from ..placing import adding, overlays

        scene = versions.edited_scene(context)
        try:
            strips = [strip for strip, _ in self.pairs(context)]
            names = overlays.place_changes(context, scene, strips)
        except ResilverError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        laid = [each for strip in strips for each in identity.changes_of(scene, strip)]
        if not laid:
            self.report({"WARNING"}, "There are none: switch Change maps on, and restore again")
            return {"CANCELLED"}
        for strip in laid if not names else ():
            adding.remove(scene, strip)
        self.report({"INFO"}, f"{len(names)} strips added, muted" if names else f"{len(laid)} strips taken away")
        return {"FINISHED"}


class RESILVER_OT_toggle_changes(_OnRestored, bpy.types.Operator):
    """Show or hide the change maps of the selected strips, by muting"""

    bl_idname = "resilver.toggle_changes"
    bl_label = "Show / Hide Change Maps"

    def execute(self, context: Any) -> set[str]:
        scene = versions.edited_scene(context)
        laid = [each for strip, _ in pairs_selected(context) for each in identity.changes_of(scene, strip)]
        hide = any(not strip.mute for strip in laid)
        for strip in laid:
            strip.mute = hide
        return {"FINISHED"} if laid else {"CANCELLED"}


CLASSES = (
    RESILVER_OT_keep_original,
    RESILVER_OT_clear_kept,
    RESILVER_OT_change_movies,
    RESILVER_OT_toggle_changes,
)
