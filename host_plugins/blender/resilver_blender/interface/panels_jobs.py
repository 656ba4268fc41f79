"""What the sidebar shows of jobs: problems and what can be done, the queue, and the active restored strip."""

from __future__ import annotations

from typing import Any

from ..jobs import records, states, ticking, words
from ..jobs.jobs import JOBS, Job, Phase
from ..server.server import SERVER
from ..settings import choices
from ..strips import identity, restored
from . import drawing, operators_kept


def draw_problems(layout: Any, context: Any, scene: Any) -> None:
    """The problems of the newest job, each with buttons."""
    job = _troubled(scene)
    if job is None or job.outcome is None:
        return
    box = layout.box()
    for number, problem in enumerate(job.outcome.problems):
        drawing.draw_text(box, context, words.problem(problem.error), icon="ERROR")
        for repair in problem.repairs:
            button = box.operator("resilver.repair", text=words.REPAIRS[repair][0])
            button.key, button.problem, button.repair = job.key, number, repair.value
    row = box.row(align=True)
    row.operator("resilver.retry", icon="FILE_REFRESH").key = job.key
    row.operator("resilver.remove_job", text="Dismiss", icon="X").key = job.key


def _troubled(scene: Any) -> Job | None:
    """The newest job, if it failed."""
    newest = JOBS.all(scene.session_uid)[-1:]
    return newest[0] if newest and newest[0].phase is Phase.FAILED else None


def has_jobs(scene: Any) -> bool:
    """Whether the queue shows anything."""
    listed = [job for job in JOBS.all(scene.session_uid) if job is not _troubled(scene)]
    return bool(listed or records.left_behind(scene))


def draw_jobs(layout: Any, context: Any, scene: Any) -> None:
    """The queue of this scene, the newest first."""
    shown_above = _troubled(scene)
    for job in reversed(JOBS.all(scene.session_uid)):
        if job is not shown_above:
            _draw_job(layout.box(), context, job)
    for item in reversed(records.left_behind(scene)):
        _draw_left_behind(layout.box(), context, item)


def _draw_job(box: Any, context: Any, job: Job) -> None:
    row = box.row()
    row.label(text=job.meant.title)
    if job.running:
        _draw_running(box, context, row, job)
        return
    row.operator("resilver.remove_job", text="", icon="X").key = job.key
    icons = {Phase.DONE: "CHECKMARK", Phase.FAILED: "ERROR", Phase.CANCELLED: "CANCEL"}
    drawing.draw_text(box, context, words.ending(job), icon=icons[job.phase])
    for sentence in job.sentences():
        drawing.draw_text(box, context, sentence, icon="INFO")
    if job.phase is not Phase.DONE:
        box.operator("resilver.retry", icon="FILE_REFRESH").key = job.key
    elif job.server_id and job.placed:
        row = box.row(align=True)
        row.operator("resilver.follow", text="Place Again", icon="IMPORT").key = job.key
        if job.mattes:
            row.operator("resilver.place_mattes", icon="MOD_MASK").key = job.key


def _draw_running(box: Any, context: Any, row: Any, job: Job) -> None:
    drawing.draw_text(box, context, words.doing(job))
    box.progress(factor=words.fraction(job), text=words.measured(job))
    paused = job.progress is not None and job.progress.state == "paused"
    if job.server_id and paused:
        row.operator("resilver.resume", text="", icon="PLAY").key = job.key
    elif job.server_id:
        row.operator("resilver.pause", text="", icon="PAUSE").key = job.key
    cancel = row.row()
    cancel.enabled = not job.asked_to_cancel
    cancel.operator("resilver.cancel", text="Cancel", icon="X").key = job.key


def _draw_left_behind(box: Any, context: Any, item: Any) -> None:
    """A job of an earlier session that nobody follows now."""
    row = box.row()
    row.label(text=item.title)
    row.operator("resilver.remove_job", text="", icon="X").key = item.name
    drawing.draw_text(box, context, item.sentence or "It was under way when this file was saved", icon="INFO")
    row = box.row(align=True)
    row.operator(
        "resilver.follow", text="Place Again" if item.placed else "Fetch Result", icon="IMPORT"
    ).key = item.name
    if item.state in (Phase.FAILED, Phase.CANCELLED):
        row.operator("resilver.retry", icon="FILE_REFRESH").key = item.name


def draw_pictures(layout: Any, scene: Any) -> None:
    """What the newest preview has made."""
    job = next((job for job in reversed(JOBS.all(scene.session_uid)) if job.outcome and job.outcome.pictures), None)
    if job is None or job.outcome is None:
        return
    layout.label(text=f"{len(job.outcome.pictures)} pictures, before and after side by side")
    layout.operator("resilver.show_pictures", icon="IMAGE_DATA").key = job.key
    if job.outcome.change_maps:
        layout.operator("resilver.place_change_maps", icon="SEQUENCE").key = job.key


def draw_restored(layout: Any, context: Any, scene: Any) -> None:
    """The active strip's box, where it was restored or is an original that was."""
    active = scene.sequence_editor.active_strip if scene.sequence_editor else None
    pair = states.of(scene, active) if active else None
    if pair is None:
        return
    box = layout.box()
    box.label(text=pair.restored, icon="SHADERFX")
    drawing.draw_text(box, context, f"Job {pair.job[:8]}, {', '.join(pair.stages) or 'an unknown recipe'}")
    stale = pair.state not in ("", restored.UP_TO_DATE)
    if stale:
        drawing.draw_text(box, context, f"Out of date: {pair.state}", icon="ERROR")
    else:
        box.label(text="Up to date" if pair.state else "...", icon="CHECKMARK" if pair.state else "SORTTIME")
    if states.wanted():
        ticking.wake()
    row = box.row(align=True)
    row.operator("resilver.toggle_original", icon="ARROW_LEFTRIGHT")
    if stale and pair.here:
        row.operator("resilver.restore_again", icon="FILE_REFRESH")
    strip = identity.find(scene, pair.uid)
    if strip is not None and pair.here:
        _draw_changes(box, scene, strip)
        _draw_kept(box, scene, strip, pair.stages)


def _draw_changes(box: Any, scene: Any, strip: Any) -> None:
    """Where there is a movie of what was changed: to lay it above, to show it, to take it away."""
    if not strip.resilver.changes:
        return
    laid, row = identity.changes_of(scene, strip), box.row(align=True)
    text = "Remove Change Maps" if laid else "Add Change Maps"
    row.operator("resilver.change_movies", text=text, icon="X" if laid else "SEQUENCE")
    if laid:
        row.operator("resilver.toggle_changes", text="", icon="HIDE_ON" if laid[0].mute else "HIDE_OFF")


def _draw_kept(box: Any, scene: Any, strip: Any, stages: tuple[str, ...]) -> None:
    """For each stage that can leave frames alone: those of the film that it keeps, and a button for those looked at."""
    known = [stage for name in stages if (stage := SERVER.catalogue.stage(name)) is not None and stage.keeps]
    if not known:
        return
    first, stop = operators_kept.looked_at(scene)
    meant = f"frame {first}" if stop - first == 1 else f"frames {first} to {stop - 1} (preview range)"
    box.label(text=f"Keep Original, {meant}")
    for stage in known:
        row, item = box.row(align=True), strip.resilver.keeps.get(stage.name)
        row.operator("resilver.keep_original", text=choices.label(stage.name), icon="ADD").stage = stage.name
        if item is not None and item.frames:
            row.prop(item, "frames", text="")
            row.operator("resilver.clear_kept", text="", icon="X").stage = stage.name
