"""Operators on restored strips, and on what a preview has made."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from resilver_client.errors import ResilverError

from . import preview, versions
from .jobs import JOBS


class RESILVER_OT_toggle_original(bpy.types.Operator):  # type: ignore[misc]
    """Switch the selected strips between restored and original"""

    bl_idname = "resilver.toggle_original"
    bl_label = "Original / Restored"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.edited_scene(context)
        return scene is not None and scene.sequence_editor is not None

    def execute(self, context: Any) -> set[str]:
        from . import restored

        try:
            count = restored.toggle(versions.edited_scene(context), context)
        except ResilverError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if not count:
            self.report({"INFO"}, "Select restored strips, or originals that were restored")
            return {"CANCELLED"}
        return {"FINISHED"}


class RESILVER_OT_show_pictures(bpy.types.Operator):  # type: ignore[misc]
    """Show the pictures of the preview in an image editor"""

    bl_idname = "resilver.show_pictures"
    bl_label = "Show Pictures"

    key: StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: Any) -> set[str]:
        job = JOBS.find(self.key)
        if job is None or job.outcome is None:
            return {"CANCELLED"}
        preview.show(job.outcome.pictures)
        return {"FINISHED"}


CLASSES: tuple[type, ...] = (RESILVER_OT_toggle_original, RESILVER_OT_show_pictures)
