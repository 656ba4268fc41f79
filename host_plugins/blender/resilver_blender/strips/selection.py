"""Which shots are meant, and how many. The panel asks at every drawing, so they are counted only after a change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import versions
from . import facts, identity, metas


def whole_edit(scene: Any) -> Iterator[Any]:
    """Every movie and picture of the scene that is seen, those in metas included; what was restored is left out."""
    editor = scene.sequence_editor
    return (strip for strip in metas.pictures_in(editor) if not identity.role(strip)) if editor else iter(())


class _Counted:
    signature: object = None
    count = 0


def count(context: Any) -> int:
    """Shots among the selected strips, those in metas included."""
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
