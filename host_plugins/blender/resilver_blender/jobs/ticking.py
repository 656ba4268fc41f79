"""The timer that serves running jobs and draws what is new. It runs only while there is something to follow."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace

import bpy

from ..server.server import SERVER
from ..settings import preferences, settings
from . import records, states, words
from .jobs import JOBS, Job
from .modals import Modals

INTERVAL = 0.25
"""Seconds between looks."""
_STEP = 0.02
"""The same where a script waits."""


class _Seen:
    """What was drawn last."""

    server = -1
    status: dict[str, str] = {}
    """Workspace -> what its status bar says: Blender keeps a text for each."""
    modals = Modals()


def wake() -> None:
    """See to it that the timer runs. May be called while a panel is drawn; without a window it does nothing."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL, persistent=True)


def stop() -> None:
    """End the timer."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _show_status("")


def step(is_calm: bool = True) -> bool:
    """One look at all jobs and the server; whether there is something new to draw."""
    changed = False
    for job in JOBS.all():
        changed |= job.poll(is_calm)
        if not job.running and not job.settled:
            _settle(job)
    if SERVER.revision != _Seen.server:
        _Seen.server, changed = SERVER.revision, True
        adopt_catalogue()
    return changed


def adopt_catalogue() -> None:
    """Give every scene of this file the stages of the server."""
    for scene in (each for each in bpy.data.scenes if each.library is None):
        settings.adopt(scene.resilver, SERVER.catalogue)


def calm() -> bool:
    """Whether the edit may be changed now: nobody drags anything, and no render reads it."""
    if bpy.app.is_job_running("RENDER"):
        return False
    windows = bpy.context.window_manager.windows
    names = {operator.bl_rna.identifier for window in windows for operator in window.modal_operators}
    running = {name: bpy.types.Operator.bl_rna_get_subclass_py(name) is not None for name in names}
    return not _Seen.modals.hold(running, time.monotonic())


def _tick() -> float | None:
    try:
        again = _look()
    except Exception:  # the edge of the timer: Blender ends one that raises, and no job would be served any more
        traceback.print_exc()
        again = True
    return INTERVAL if again else None


def _look() -> bool:
    """Do all that there is to do now; whether there will be more."""
    is_calm = calm()
    if not SERVER.asked:
        SERVER.look(replace(preferences.connection(), start=False))
    changed = step(is_calm)
    if is_calm:
        changed |= states.find()
    if changed:
        redraw()
    _show_status(words.status(JOBS.all()))
    return bool(JOBS.running() or SERVER.doing or states.wanted() or _Seen.status)


def _settle(job: Job) -> None:
    job.settled = True
    records.write(job)
    if not bpy.app.background:
        _say(job)


def _say(job: Job) -> None:
    """Report the end as if an operator had done it all: only operators can."""
    for window in bpy.context.window_manager.windows[:1]:
        with bpy.context.temp_override(window=window):
            bpy.ops.resilver.tell("INVOKE_DEFAULT", key=job.key)


def redraw() -> None:
    """Draw the sidebars of the sequencers again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("SEQUENCE_EDITOR", "PREFERENCES"):
                for region in area.regions:
                    if region.type == ("UI" if area.type == "SEQUENCE_EDITOR" else "WINDOW"):
                        region.tag_redraw()


def _show_status(text: str) -> None:
    """In every window. Workspaces that are no longer shown keep the text, and lose it when they are shown again."""
    if not (text or _Seen.status):
        return
    _Seen.status = {name: said for name, said in _Seen.status.items() if name in bpy.data.workspaces}
    for window in bpy.context.window_manager.windows:
        name = window.workspace.name
        if _Seen.status.get(name, "") == text:
            continue
        with bpy.context.temp_override(window=window):  # it is set for the workspace of the context, whichever is named
            window.workspace.status_text_set(text or None)
        _Seen.status[name] = text
    _Seen.status = {name: said for name, said in _Seen.status.items() if said}


def wait_for(job: Job) -> None:
    """Serve a job to its end: for scripts, which have no timer."""
    while job.running:
        step()
        time.sleep(_STEP)
    step()
