"""Names that Blender changed between 4.2 and 5.2, asked for in one way. The only module that looks at versions."""

from __future__ import annotations

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
