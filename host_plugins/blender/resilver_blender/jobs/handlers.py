"""What happens when files are opened and saved, and when the user undoes."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from resilver_client.errors import ResilverError

from ..server.server import SERVER
from ..settings import preferences
from . import records, starting, states, ticking
from .jobs import JOBS


@persistent
def _leave(*_: Any) -> None:
    """Another file is about to be opened: nothing of this one is followed any longer. The server's jobs go on."""
    JOBS.clear()
    starting.ASKS.clear()
    states.clear()


@persistent
def _arrive(*_: Any) -> None:
    """A file was opened, or could not be, and the former one stays. Its jobs are taken up again where a window
    shows how; no server is started."""
    ticking.adopt_catalogue()
    if bpy.app.background:
        return
    for scene in (each for each in bpy.data.scenes if each.library is None):
        for item in records.unfinished(scene):
            try:
                starting.follow(scene, item, start_server=False)
            except ResilverError as error:
                item.state, item.sentence = "failed", str(error)


@persistent
def _write(*_: Any) -> None:
    """Before a file is saved, and after undo or redo brought an older state back."""
    records.sync()


_HANDLERS = (
    ("load_pre", _leave),
    ("load_post", _arrive),
    ("load_post_fail", _arrive),
    ("save_pre", _write),
    ("undo_post", _write),
    ("redo_post", _write),
)


def register() -> None:
    """Also reads what an earlier session has kept of the server; asks nobody."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    cache = preferences.cache_file()
    if cache:
        SERVER.keep_in(cache)
    if not bpy.app.background:
        bpy.app.timers.register(_arrive, first_interval=0.1)
    elif hasattr(bpy.data, "scenes"):  # while Blender starts its data is hidden
        _arrive()


def unregister() -> None:
    for name, handler in _HANDLERS:
        listed = getattr(bpy.app.handlers, name)
        if handler in listed:
            listed.remove(handler)
    if bpy.app.timers.is_registered(_arrive):
        bpy.app.timers.unregister(_arrive)
