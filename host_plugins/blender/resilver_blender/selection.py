"""How many shots are selected. Asked for by every drawing of the panel, so it is counted only when it changed."""

from __future__ import annotations

from typing import Any

from . import versions


class _Counted:
    signature: object = None
    count = 0


def count(context: Any) -> int:
    """Shots among the selected strips, those in metas included."""
    from . import facts

    signature = _signature(context)
    if signature != _Counted.signature:
        _Counted.signature, _Counted.count = signature, len(facts.selected(context)) if signature else 0
    return _Counted.count


def _signature(context: Any) -> object:
    """Something that is another whenever the selection is; None where nothing can be selected."""
    scene = versions.edited_scene(context)
    editor = scene.sequence_editor if scene is not None else None
    if editor is None:
        return None
    opened = editor.meta_stack[-1] if len(editor.meta_stack) else editor
    chosen = tuple(
        (strip.name, versions.left(strip), versions.right(strip)) for strip in versions.strips(opened) if strip.select
    )
    return (scene.session_uid, len(versions.all_strips(editor)), chosen)
