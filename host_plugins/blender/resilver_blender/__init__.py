"""Resilver in Blender's Video Sequence Editor."""

from __future__ import annotations

import bpy

from .interface import menus, operators, operators_jobs, operators_kept, operators_server, operators_strips, panels
from .jobs import handlers, ticking
from .jobs.jobs import JOBS
from .settings import preferences, properties
from .strips import identity

_CLASSES = (
    *operators.CLASSES,
    *operators_jobs.CLASSES,
    *operators_kept.CLASSES,
    *operators_server.CLASSES,
    *operators_strips.CLASSES,
    *panels.CLASSES,
)


def register() -> None:
    """Called by Blender when the extension is enabled."""
    identity.register()
    properties.register()
    preferences.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    menus.register()
    handlers.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled, and when Blender quits. The server's jobs go on."""
    ticking.stop()
    JOBS.clear()
    handlers.unregister()
    menus.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    preferences.unregister()
    properties.unregister()
    identity.unregister()
