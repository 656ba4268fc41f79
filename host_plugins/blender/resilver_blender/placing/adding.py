"""Movies and pictures are put on a channel, through Blender's own operators where only those know how.

Only the operator conforms a movie by time. It works on what the sequencer shows, so the sequencer is brought there, and
everything that the user sees (selection, the meta that is open, the scene's settings) is as it was afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import bpy

from resilver_client.errors import MediaNotFound, MediaUnreadable

from .. import versions
from ..strips import identity

FIT = "FIT"
PICTURES = (".png", ".tif", ".tiff", ".exr", ".jpg", ".jpeg", ".dpx", ".bmp", ".webp")
"""How names of picture files end."""


@contextmanager
def kept(scene: Any) -> Iterator[None]:
    """What the user sees and set is the same after the block, also when it raises."""
    editor = scene.sequence_editor
    render, view = scene.render, scene.view_settings
    settings = (render.fps, render.fps_base, render.resolution_x, render.resolution_y, render.resolution_percentage)
    transform, frame = view.view_transform, scene.frame_current
    active = editor.active_strip.name if editor.active_strip else None
    selected = {
        strip.name: (strip.select, strip.select_left_handle, strip.select_right_handle)
        for strip in identity.every(scene)
    }
    try:
        yield
    finally:
        for strip in identity.every(scene):
            strip.select, strip.select_left_handle, strip.select_right_handle = selected.get(
                strip.name, (False, False, False)
            )
        editor.active_strip = identity.named(scene, active) if active else None
        _set_back(scene, settings, transform, frame)


def _set_back(scene: Any, settings: tuple[Any, ...], transform: str, frame: int) -> None:
    names = ("fps", "fps_base", "resolution_x", "resolution_y", "resolution_percentage")
    for name, value in zip(names, settings, strict=True):
        if getattr(scene.render, name) != value:
            setattr(scene.render, name, value)
    if scene.view_settings.view_transform != transform:
        scene.view_settings.view_transform = transform
    if scene.frame_current != frame:
        scene.frame_set(frame)


@contextmanager
def sequencer(context: Any, scene: Any, meta: Any | None = None) -> Iterator[None]:
    """Operators of the sequencer work on this scene and, if given, inside this meta."""
    window = context.window or context.window_manager.windows[0]
    area = next((area for area in window.screen.areas if area.type == "SEQUENCE_EDITOR"), None)
    with ExitStack() as stack:
        if area is None:
            area = window.screen.areas[0]
            stack.callback(setattr, area, "type", area.type)
            area.type = "SEQUENCE_EDITOR"
        stack.enter_context(versions.sequencer_on(window, scene))
        stack.enter_context(_shown_inside(scene.sequence_editor, meta))
        stack.enter_context(context.temp_override(**_override(window, area, scene)))
        yield


def _override(window: Any, area: Any, scene: Any) -> dict[str, Any]:
    """No region in the background: there Blender's own may be unfit for operators."""
    found: dict[str, Any] = {"window": window, "area": area, "scene": scene}
    if not bpy.app.background:
        found["region"] = next(region for region in area.regions if region.type == "WINDOW")
    return found


@contextmanager
def _shown_inside(editor: Any, meta: Any | None) -> Iterator[None]:
    shown = editor.meta_stack[-1] if len(editor.meta_stack) else None
    if shown == meta:
        yield
        return
    editor.display_stack(meta)
    try:
        yield
    finally:
        editor.display_stack(shown)


def add_movie(context: Any, scene: Any, meta: Any | None, path: str, channel: int, start: int) -> Any:
    """A movie conformed by time, its first frame at ``start``, alone; it may lie over others until it is trimmed.

    Raises MediaNotFound, MediaUnreadable; nothing is added then.
    """
    require(path)
    before = {strip.as_pointer() for strip in identity.every(scene)}
    with sequencer(context, scene, meta):
        try:
            bpy.ops.sequencer.movie_strip_add(**_import_options(path, channel, start))
        except RuntimeError as error:
            raise _unreadable(path) from error
    added = [strip for strip in identity.every(scene) if strip.as_pointer() not in before]
    if len(added) != 1 or not added[0].elements or not added[0].fps:
        for strip in added:
            remove(scene, strip)
        raise _unreadable(path)
    return added[0]


def _import_options(path: str, channel: int, start: int) -> dict[str, Any]:
    options = dict(
        filepath=path,
        directory=os.path.dirname(path) + os.sep,  # noqa: PTH120  (the operator joins the two strings)
        files=[{"name": Path(path).name}],
        frame_start=start,
        channel=channel,
        sound=False,
        replace_sel=False,
        overlap=True,
        adjust_playback_rate=True,
        use_framerate=False,
        fit_method=FIT,
        set_view_transform=False,
        relative_path=False,
    )
    known = bpy.ops.sequencer.movie_strip_add.get_rna_type().properties
    off = ("move_strips", "skip_locked_or_muted_channels", "overlap_shuffle_override")
    return options | {name: False for name in off if name in known}


def add_pictures(scene: Any, meta: Any | None, paths: list[str], name: str, channel: int, start: int) -> Any:
    """Picture files of one folder as an image strip, frame for frame; a single one can be held as long as wanted.

    Raises MediaNotFound; nothing is added then.
    """
    for path in paths:
        require(path)
    strip = versions.strips(meta or scene.sequence_editor).new_image(name, paths[0], channel, start, fit_method=FIT)
    for path in paths[1:]:
        strip.elements.append(Path(path).name)
    if not strip.elements[0].orig_width:
        remove(scene, strip)
        raise _unreadable(paths[0])
    return strip


def copy_modifiers(context: Any, scene: Any, meta: Any | None, source: Any, target: Any) -> None:
    """Give ``target`` the modifiers of ``source``, with all that is set in them. Both lie in ``meta`` (or in none)."""
    for strip in identity.every(scene):
        strip.select = strip == target
    scene.sequence_editor.active_strip = source
    with sequencer(context, scene, meta):
        bpy.ops.sequencer.strip_modifier_copy(type="REPLACE")


def require(path: str) -> None:
    """Raises MediaNotFound where there is no such file."""
    if not Path(path).is_file():
        remedy = "put it back, have a server elsewhere write where this machine sees it, or restore the clip again"
        raise MediaNotFound("no such file", where=path, remedy=remedy)


def hand_over(scene: Any, former: Any, strip: Any) -> None:
    """Effects on ``former`` work on ``strip`` from now on: Blender would remove them together with it."""
    inputs = [
        (effect, name)
        for effect in identity.every(scene)
        for name in ("input_1", "input_2")
        if getattr(effect, name, None) == former
    ]
    for effect, name in inputs:
        setattr(effect, name, strip)
    if inputs:
        former.name = former.name  # 5.1 and later look again for a strip's effects only after a renaming


def remove(scene: Any, strip: Any) -> None:
    """Take a strip out of the timeline or of the meta that it lies in."""
    versions.strips(strip.parent_meta() or scene.sequence_editor).remove(strip)


def _unreadable(path: str) -> MediaUnreadable:
    return MediaUnreadable("Blender cannot read the file", where=path, remedy="restore with another delivery profile")
