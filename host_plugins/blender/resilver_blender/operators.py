"""Operators that start something: restore, preview, repair, restore again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from resilver_client.errors import ResilverError

from . import facts, selection, ticking, versions, words
from .jobs import JOBS, Job, Phase
from .server import SERVER

LAYOUTS = ("overlay", "replace", "new-timeline")
OCCUPIED = ("refuse", "above", "make-room")


def _optional(names: Sequence[str], what: str) -> Any:
    """A choice that may be left to the panel."""
    return EnumProperty(
        name=what,
        items=[("panel", "As the panel says", ""), *((name, name, "") for name in names)],
        default="panel",
        options={"SKIP_SAVE"},
    )


def _text(what: str) -> Any:
    return StringProperty(name=what, options={"SKIP_SAVE"})


class Asking:
    """Settings of the operators that start a job. What is left empty is taken from the panel: a script needs none."""

    preset: _text("Name of a preset, taken as it is")  # type: ignore[valid-type]
    recipe_json: _text("A recipe as JSON of resilver.v1.Recipe")  # type: ignore[valid-type]
    size: _text("Size of the result, as in 3840x2160")  # type: ignore[valid-type]
    rate: _text("Frames a second of the result, as in 60 or 60000/1001")  # type: ignore[valid-type]
    profile: _text("Name of the delivery profile")  # type: ignore[valid-type]
    output_folder: _text("Folder of the results")  # type: ignore[valid-type]
    layout: _optional(LAYOUTS, "How the restored strips are placed")  # type: ignore[valid-type]
    occupied: _optional(OCCUPIED, "What to do where the channel above is taken")  # type: ignore[valid-type]
    preview_frames: IntProperty(  # type: ignore[valid-type]
        name="Render only so many frames of each shot", min=0, max=100, options={"SKIP_SAVE"}
    )
    wait: BoolProperty(  # type: ignore[valid-type]
        name="Block until it is done, as always without a window", options={"SKIP_SAVE"}
    )

    def given(self) -> Any:
        from . import starting

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


class RESILVER_OT_restore(Asking, bpy.types.Operator):  # type: ignore[misc]
    """Restore the selected strips; the restored ones come back on the channel above"""

    bl_idname = "resilver.restore"
    bl_label = "Restore Strips"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs_strips(cls, context)

    def execute(self, context: Any) -> set[str]:
        from . import starting

        def begin() -> Job:
            return starting.start(starting.ask_for(context, facts.selected(context), self.given()))

        return reported(self, begin)


class RESILVER_OT_preview(Asking, bpy.types.Operator):  # type: ignore[misc]
    """Render a few frames of the selected strips, before and after; nothing is placed"""

    bl_idname = "resilver.preview"
    bl_label = "Preview"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs_strips(cls, context)

    def execute(self, context: Any) -> set[str]:
        from . import starting

        panel = versions.edited_scene(context).resilver
        self.preview_frames = self.preview_frames or panel.preview_frames

        def begin() -> Job:
            return starting.start(starting.ask_for(context, facts.selected(context), self.given()))

        return reported(self, begin)


class RESILVER_OT_new_scene(Asking, bpy.types.Operator):  # type: ignore[misc]
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
        from . import starting

        self.layout = "new-timeline"
        if not self.recipe_json:
            self.size, self.rate = self.size or "3840x2160", self.rate or "60"
        strips = list(selection.whole_edit(versions.edited_scene(context)))
        return reported(self, lambda: starting.start(starting.ask_for(context, strips, self.given())))


class RESILVER_OT_restore_again(Asking, bpy.types.Operator):  # type: ignore[misc]
    """Restore again the strips whose restored ones are out of date"""

    bl_idname = "resilver.restore_again"
    bl_label = "Restore Again"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        from . import starting

        def begin() -> Job:
            return starting.start(
                starting.ask_for(context, starting.outdated(versions.edited_scene(context)), self.given())
            )

        return reported(self, begin)


class RESILVER_OT_repair(bpy.types.Operator):  # type: ignore[misc]
    """Do this about the problem and run the job again"""

    bl_idname = "resilver.repair"
    bl_label = "Repair"
    bl_options = {"REGISTER", "INTERNAL"}

    key: _text("Key of the job")  # type: ignore[valid-type]
    problem: IntProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]
    repair: _text("What to do")  # type: ignore[valid-type]

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
            draw_licence(self.layout, found.error.where, str(found.error))
            self.layout.label(text="By confirming you accept it.")

    def execute(self, context: Any) -> set[str]:
        from resilver_publish.types import Repair

        from . import starting

        found, job = self._problem(), JOBS.find(self.key)
        if found is None or job is None:
            self.report({"WARNING"}, "The problem is no longer there")
            return {"CANCELLED"}
        return reported(self, lambda: starting.start_repair(job, found, Repair(self.repair)))

    def _problem(self) -> Any | None:
        job = JOBS.find(self.key)
        problems = job.outcome.problems if job and job.outcome else ()
        return problems[self.problem] if 0 <= self.problem < len(problems) else None


def draw_licence(layout: Any, model: str, sentence: str = "") -> None:
    """What the user accepts."""
    known = SERVER.catalogue.model(model)
    for line in words.wrapped(sentence, 80):
        layout.label(text=line)
    if known is None:
        return
    layout.label(text=f"{known.title} ({words.sized(known.size)} to download)")
    layout.label(text=f"Licence of the weights: {known.weights_licence}")
    layout.label(text=f"Licence of the code: {known.code_licence}")
    for line in words.wrapped(known.notes, 80):
        layout.label(text=line)
    if not known.permissive:
        layout.label(text="This licence restricts the use of the results.", icon="ERROR")


CLASSES = (
    RESILVER_OT_restore,
    RESILVER_OT_preview,
    RESILVER_OT_new_scene,
    RESILVER_OT_restore_again,
    RESILVER_OT_repair,
)
