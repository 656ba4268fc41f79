"""Operators that start something: restore, preview, repair, restore again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from resilver_client.errors import ResilverError

from .. import versions
from ..jobs import starting, ticking, words
from ..jobs.jobs import JOBS, Job, Phase
from ..settings import properties
from ..strips import facts, selection
from . import drawing


def _optional(choices: Iterable[tuple[str, str, str]], what: str) -> Any:
    """A choice of the panel's that may be left to it."""
    return EnumProperty(
        name=what,
        items=[("panel", "As the panel says", ""), *((name, name, "") for name, *_ in choices)],
        default="panel",
        options={"SKIP_SAVE"},
    )


def _text(what: str) -> Any:
    return StringProperty(name=what, options={"SKIP_SAVE"})


class Asking:
    """Settings of the operators that start a job. What is left empty is taken from the panel: a script needs none."""

    preset: _text("Name of a preset, taken as it is")
    recipe_json: _text("A recipe as JSON of resilver.v1.Recipe")
    size: _text("Size of the result, as in 3840x2160")
    rate: _text("Frames a second of the result, as in 60 or 60000/1001")
    profile: _text("Name of the delivery profile")
    output_folder: _text("Folder of the results")
    layout: _optional(properties.LAYOUTS, "How the restored strips are placed")
    occupied: _optional(properties.OCCUPIED, "What to do where the channel above is taken")
    preview_frames: IntProperty(name="Render only so many frames of each shot", min=0, max=100, options={"SKIP_SAVE"})
    wait: BoolProperty(name="Block until it is done, as always without a window", options={"SKIP_SAVE"})

    def restore(self, context: Any, strips: Callable[[], Sequence[Any]]) -> set[str]:
        """Start a job for the strips; they are looked for where errors are reported."""
        return reported(self, lambda: starting.start(starting.ask_for(context, strips(), self._given())))

    def _given(self) -> starting.Given:
        return starting.Given(
            preset=self.preset,
            recipe_json=self.recipe_json,
            size=self.size,
            rate=self.rate,
            profile=self.profile,
            output_folder=self.output_folder,
            layout="" if self.layout == "panel" else self.layout,
            occupied="" if self.occupied == "panel" else self.occupied,
            preview_frames=self.preview_frames,
        )


def reported(operator: Any, begin: Callable[[], Job]) -> set[str]:
    """Begin a job; without a window, or where it is asked for, wait for its end. Errors are reported."""
    try:
        job = begin()
    except ResilverError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    if bpy.app.background or getattr(operator, "wait", False):
        ticking.wait_for(job)
        return tell(operator, job)
    operator.report({"INFO"}, f"{job.meant.title}: started")
    return {"FINISHED"}


def tell(operator: Any, job: Job) -> set[str]:
    """Report how a job ended."""
    if job.phase is Phase.FAILED and job.outcome:
        errors = dict.fromkeys(str(problem.error) for problem in job.outcome.problems)
        operator.report({"ERROR"}, "\n".join(errors))
        return {"CANCELLED"}
    for sentence in job.sentences():
        operator.report({"WARNING"}, sentence)
    operator.report({"INFO"}, words.ending(job))
    return {"CANCELLED"} if job.phase is Phase.CANCELLED else {"FINISHED"}


class OnJob:
    """An operator on one job of the list; without a key on the newest that runs."""

    key: _text("Key of the job")

    def job(self) -> Job | None:
        return JOBS.find(self.key) if self.key else next(reversed(JOBS.running()), None)


def needs_strips(cls: Any, context: Any) -> bool:
    """Poll: whether something is selected that may be restored."""
    scene = versions.edited_scene(context)
    if scene is None or scene.sequence_editor is None:
        cls.poll_message_set("The sequencer shows no scene with strips")
        return False
    if not selection.count(context):
        cls.poll_message_set("Select movie or image strips")
        return False
    return True


class RESILVER_OT_restore(Asking, bpy.types.Operator):
    """Restore the selected strips; the restored ones come back on the channel above"""

    bl_idname = "resilver.restore"
    bl_label = "Restore Strips"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs_strips(cls, context)

    def execute(self, context: Any) -> set[str]:
        return self.restore(context, lambda: facts.selected(context))


class RESILVER_OT_preview(Asking, bpy.types.Operator):
    """Render a few frames of the selected strips, before and after; nothing is placed"""

    bl_idname = "resilver.preview"
    bl_label = "Preview"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs_strips(cls, context)

    def execute(self, context: Any) -> set[str]:
        self.preview_frames = self.preview_frames or versions.edited_scene(context).resilver.preview_frames
        return self.restore(context, lambda: facts.selected(context))


class RESILVER_OT_new_scene(Asking, bpy.types.Operator):
    """Restore every movie and picture of this scene into a second scene with the same edit at the new size and rate"""

    bl_idname = "resilver.new_scene"
    bl_label = "New 4K60 Scene"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.edited_scene(context)
        if scene is None or next(selection.whole_edit(scene), None) is None:
            cls.poll_message_set("The sequencer shows no movie or image strips")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        self.layout = "new-timeline"
        if not self.recipe_json:
            self.size, self.rate = self.size or "3840x2160", self.rate or "60"
        strips = list(selection.whole_edit(versions.edited_scene(context)))
        return self.restore(context, lambda: strips)


class RESILVER_OT_restore_again(Asking, bpy.types.Operator):
    """Restore again the strips whose restored ones are out of date"""

    bl_idname = "resilver.restore_again"
    bl_label = "Restore Again"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        return self.restore(context, lambda: starting.outdated(versions.edited_scene(context)))


class RESILVER_OT_repair(OnJob, bpy.types.Operator):
    """Do this about the problem and run the job again"""

    bl_idname = "resilver.repair"
    bl_label = "Repair"
    bl_options = {"REGISTER", "INTERNAL"}

    problem: IntProperty(options={"SKIP_SAVE"})
    repair: _text("What to do")

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return words.REPAIRS.get(properties.repair, ("", ""))[1]

    def invoke(self, context: Any, event: Any) -> set[str]:
        if self.repair != "accept-licence":
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=500)  # type: ignore[no-any-return]

    def draw(self, context: Any) -> None:
        found = self._problem()
        if found:
            drawing.draw_licence(self.layout, found.error.where, str(found.error))
            self.layout.label(text="By confirming you accept it.")

    def execute(self, context: Any) -> set[str]:
        from resilver_publish.types import Repair

        found, job = self._problem(), JOBS.find(self.key)
        if found is None or job is None:
            self.report({"WARNING"}, "The problem is no longer there")
            return {"CANCELLED"}
        return reported(self, lambda: starting.start_repair(job, found, Repair(self.repair)))

    def _problem(self) -> Any | None:
        job = JOBS.find(self.key)
        problems = job.outcome.problems if job and job.outcome else ()
        return problems[self.problem] if 0 <= self.problem < len(problems) else None


CLASSES = (
    RESILVER_OT_restore,
    RESILVER_OT_preview,
    RESILVER_OT_new_scene,
    RESILVER_OT_restore_again,
    RESILVER_OT_repair,
)
