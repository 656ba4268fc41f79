"""Operators on restored strips, and on what a preview has made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from resilver_client.errors import ResilverError

from .. import versions
from ..jobs import records
from ..jobs.jobs import JOBS, Job
from ..placing import preview
from ..strips import restored
from .operators import OnJob


class RESILVER_OT_toggle_original(bpy.types.Operator):
    """Switch the selected strips between restored and original"""

    bl_idname = "resilver.toggle_original"
    bl_label = "Original / Restored"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.edited_scene(context)
        return scene is not None and scene.sequence_editor is not None

    def execute(self, context: Any) -> set[str]:
        editor = versions.edited_scene(context).sequence_editor
        opened = editor.meta_stack[-1] if len(editor.meta_stack) else editor
        said = restored.toggle(context, [strip for strip in versions.strips(opened) if strip.select])
        self.report({"INFO"}, said or "Select restored strips, or originals that were restored")
        return {"FINISHED"} if said else {"CANCELLED"}


class RESILVER_OT_show_pictures(OnJob, bpy.types.Operator):
    """Show the pictures of the preview in an image editor"""

    bl_idname = "resilver.show_pictures"
    bl_label = "Show Pictures"

    def execute(self, context: Any) -> set[str]:
        job = JOBS.find(self.key)
        if job is None or job.outcome is None:
            return {"CANCELLED"}
        try:
            preview.show(job.outcome.pictures)
        except ResilverError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _brought(operator: Any, key: str, bring: Callable[[Any, Job], list[str]]) -> set[str]:
    """Bring something of a job into its scene; ``bring`` gives the names of the strips that it added."""
    job = JOBS.find(key)
    scene = records.scene_of(job.meant.scene) if job else None
    if job is None or scene is None:
        return {"CANCELLED"}
    try:
        names = bring(scene, job)
    except ResilverError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    operator.report({"INFO"}, f"{len(names)} strips added, muted" if names else "They lie there already")
    return {"FINISHED"} if names else {"CANCELLED"}


class RESILVER_OT_place_change_maps(OnJob, bpy.types.Operator):
    """Put pictures of what each stage changed above the restored strips, muted"""

    bl_idname = "resilver.place_change_maps"
    bl_label = "Add Change Maps"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        from ..placing import overlays

        def bring(scene: Any, job: Job) -> list[str]:
            maps = job.outcome.change_maps if job.outcome else ()
            return overlays.place_change_maps(context, scene, maps, job.shown)

        return _brought(self, self.key, bring)


class RESILVER_OT_place_mattes(OnJob, bpy.types.Operator):
    """Put the mattes that the job worked with above their originals, muted"""

    bl_idname = "resilver.place_mattes"
    bl_label = "Add Mattes"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        from ..placing import overlays

        def bring(scene: Any, job: Job) -> list[str]:
            pairs = [(job.shown[uid], path) for uid, paths in job.mattes.items() for path in paths]
            return overlays.place_mattes(context, scene, pairs)

        return _brought(self, self.key, bring)


CLASSES = (
    RESILVER_OT_toggle_original,
    RESILVER_OT_show_pictures,
    RESILVER_OT_place_change_maps,
    RESILVER_OT_place_mattes,
)
