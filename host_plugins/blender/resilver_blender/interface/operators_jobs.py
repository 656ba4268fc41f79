"""Operators on jobs that were started: cancel, pause, retry, follow, remove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .. import versions
from ..jobs import records, starting, ticking
from ..jobs.jobs import JOBS, Job
from . import operators
from .operators import OnJob


class RESILVER_OT_cancel(OnJob, bpy.types.Operator):
    """Stop the job; what is done is kept for a retry"""

    bl_idname = "resilver.cancel"
    bl_label = "Cancel Restoring"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return bool(JOBS.running())

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Esc while the edit plays is meant for the playing: Blender stops that."""
        if event.type == "ESC" and context.screen.is_animation_playing:
            return {"PASS_THROUGH"}
        return self.execute(context)

    def execute(self, context: Any) -> set[str]:
        job = self.job()
        if job is None or not job.running:
            return {"CANCELLED"}
        job.cancel()
        ticking.redraw()
        return {"FINISHED"}


class RESILVER_OT_pause(OnJob, bpy.types.Operator):
    """Let the server begin no further part of the job"""

    bl_idname = "resilver.pause"
    bl_label = "Pause"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        return _done(self.job(), Job.pause)


class RESILVER_OT_resume(OnJob, bpy.types.Operator):
    """Carry on with the paused job"""

    bl_idname = "resilver.resume"
    bl_label = "Resume"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        return _done(self.job(), Job.resume)


class RESILVER_OT_retry(OnJob, bpy.types.Operator):
    """Try again; only what is missing is rendered"""

    bl_idname = "resilver.retry"
    bl_label = "Try Again"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        job = JOBS.find(self.key)
        if job and job.running:
            return {"CANCELLED"}
        if job and not job.server_id:
            return operators.reported(self, lambda: starting.start_again(job))
        return _follow(self, context, self.key, retry=True)


class RESILVER_OT_follow(OnJob, bpy.types.Operator):
    """Take up jobs of this file again and place their clips; without a key all that are neither placed nor cancelled"""

    bl_idname = "resilver.follow"
    bl_label = "Fetch Result"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        if self.key:
            return _follow(self, context, self.key)
        keys = [item.name for scene in bpy.data.scenes for item in records.unfinished(scene)]
        if not keys:
            self.report({"INFO"}, "No job of this file waits to be taken up")
            return {"CANCELLED"}
        for key in keys:
            _follow(self, context, key)
        return {"FINISHED"}


class RESILVER_OT_remove_job(OnJob, bpy.types.Operator):
    """Take the job off the list; its results stay where they are"""

    bl_idname = "resilver.remove_job"
    bl_label = "Remove from List"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        job = JOBS.find(self.key)
        if job and job.running:
            self.report({"WARNING"}, "Cancel the job first")
            return {"CANCELLED"}
        for scene in bpy.data.scenes:
            records.forget(scene, self.key)
        return {"FINISHED"}


class RESILVER_OT_tell(OnJob, bpy.types.Operator):
    """Report how a job ended: reports of operators are shown only if they come out of Blender's own event loop"""

    bl_idname = "resilver.tell"
    bl_label = "Tell How a Job Ended"
    bl_options = {"INTERNAL"}

    _timer: Any = None

    def invoke(self, context: Any, event: Any) -> set[str]:
        self._timer = context.window_manager.event_timer_add(0.01, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        job = JOBS.find(self.key)
        if job:
            operators.tell(self, job)
        return {"FINISHED"}


def _done(job: Job | None, do: Callable[[Job], None]) -> set[str]:
    if job is None:
        return {"CANCELLED"}
    do(job)
    return {"FINISHED"}


def _follow(operator: Any, context: Any, key: str, retry: bool = False) -> set[str]:
    """Take up a stored job of any scene."""
    for scene in (versions.edited_scene(context), *bpy.data.scenes):
        item = scene.resilver.jobs.get(key) if scene else None
        if item is not None:
            return operators.reported(operator, lambda: starting.follow(scene, item, retry=retry))  # noqa: B023
    operator.report({"WARNING"}, "This file no longer knows the job")
    return {"CANCELLED"}


CLASSES = (
    RESILVER_OT_cancel,
    RESILVER_OT_pause,
    RESILVER_OT_resume,
    RESILVER_OT_retry,
    RESILVER_OT_follow,
    RESILVER_OT_remove_job,
    RESILVER_OT_tell,
)
