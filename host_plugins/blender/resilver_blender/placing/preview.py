"""Before/after pictures of a preview, shown in an image editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from . import adding


def show(pictures: Sequence[str]) -> None:
    """Load the pictures and show the first; the others are in the image editor's list. Raises MediaNotFound."""
    for path in pictures:
        adding.require(path)
    loaded = [bpy.data.images.load(path, check_existing=True) for path in pictures]
    for image in loaded:
        image.reload()
    if loaded and not bpy.app.background:
        area = _image_area() or _new_window()
        if area:
            area.spaces.active.image = loaded[0]


def _image_area() -> Any | None:
    areas = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    return next((area for area in areas if area.type == "IMAGE_EDITOR"), None)


def _new_window() -> Any | None:
    """A window of its own with an image editor."""
    windows = bpy.context.window_manager.windows
    before = {window.as_pointer() for window in windows}
    with bpy.context.temp_override(window=windows[0]):
        bpy.ops.wm.window_new()
    fresh = next((window for window in windows if window.as_pointer() not in before), None)
    if fresh is None:
        return None
    area = fresh.screen.areas[0]
    area.type = "IMAGE_EDITOR"
    return area
