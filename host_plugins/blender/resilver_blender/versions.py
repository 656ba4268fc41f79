"""Names that Blender changed between 4.2 and 5.2, asked for in one way. The only module that looks at versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

STRIP_TYPE: Any = getattr(bpy.types, "Strip", None) or bpy.types.Sequence
"""The class that custom properties of strips are registered on."""


def edited_scene(context: Any) -> Any:
    """The scene that the sequencer shows: from 5.0 on the workspace's own, which may be None."""
    return getattr(context, "sequencer_scene", None) or context.scene


def strips(owner: Any) -> Any:
    """The strips of a sequence editor or of a meta strip."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def all_strips(editor: Any) -> Any:
    """The strips of a sequence editor, those inside metas included."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def left(strip: Any) -> int:
    """First frame of the strip on the timeline."""
    return int(strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start)


def right(strip: Any) -> int:
    """First frame after the strip."""
    return int(strip.right_handle if hasattr(strip, "right_handle") else strip.frame_final_end)


def set_handles(strip: Any, start: int, stop: int) -> None:
    """Move both ends of the strip; its content stays where it is."""
    if hasattr(strip, "left_handle"):
        strip.right_handle, strip.left_handle = stop, start
    else:
        strip.frame_final_end, strip.frame_final_start = stop, start


def content_span(strip: Any) -> tuple[float, float]:
    """Where the strip's media begins and ends on the timeline, handles aside: from where to before where it runs."""
    if hasattr(strip, "left_handle_offset"):
        return left(strip) - strip.left_handle_offset, right(strip) + strip.right_handle_offset
    return left(strip) - strip.frame_offset_start, right(strip) + strip.frame_offset_end


def media_trims(strip: Any) -> tuple[int, int]:
    """Media frames that are cut off the start and the end of the media itself."""
    if hasattr(strip, "content_trim_start"):
        return int(strip.content_trim_start), int(strip.content_trim_end)
    return int(strip.animation_offset_start), int(strip.animation_offset_end)


def trim_media_end(strip: Any, frames: int) -> None:
    """Cut so many frames off the end of the media, besides those at its start."""
    name = "content_trim_end" if hasattr(strip, "content_trim_end") else "animation_offset_end"
    setattr(strip, name, frames)


def retimed(strip: Any) -> bool | None:
    """Whether the strip carries retiming keys; None where Blender does not tell (metas, and 4.2's pictures)."""
    return len(strip.retiming_keys) > 0 if hasattr(strip, "retiming_keys") else None


@contextmanager
def sequencer_on(window: Any, scene: Any) -> Iterator[None]:
    """The window's sequencers edit this scene: up to 4.5 the window's own, then the workspace's. Operators of the
    sequencer take no heed of a scene that ``temp_override`` names."""
    kept_in = window.workspace if "sequencer_scene" in bpy.types.WorkSpace.bl_rna.properties else window
    name = "scene" if kept_in == window else "sequencer_scene"
    edited = getattr(kept_in, name)
    if edited != scene:
        setattr(kept_in, name, scene)
    try:
        yield
    finally:
        if edited != scene:
            setattr(kept_in, name, edited)


def curves(owner: Any) -> Any:
    """The animation curves of a scene as a collection, empty where it has none: from 4.4 on they lie in a slot."""
    data = owner.animation_data
    action = data.action if data else None
    if action is None:
        return ()
    if not hasattr(action, "layers"):
        return action.fcurves
    strips_of_all = [strip for layer in action.layers for strip in layer.strips]
    bags = [bag for strip in strips_of_all if (bag := strip.channelbag(data.action_slot)) is not None]
    return bags[0].fcurves if bags else ()


def writes_pictures(image_settings: Any) -> None:
    """Renders are to be pictures, not movies: from 5.0 on that comes before the file format."""
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "IMAGE"


def shift(strip: Any, frames: int) -> None:
    """Move the strip with its content."""
    name = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, name, getattr(strip, name) + frames)


def new_effect(owner: Any, name: str, kind: str, channel: int, start: int, stop: int) -> Any:
    """An effect strip without inputs."""
    known = strips(owner).bl_rna.functions["new_effect"].parameters
    span = {"length": stop - start} if "length" in known else {"frame_end": stop}
    return strips(owner).new_effect(name, kind, channel, start, **span)
