"""Which shots are meant, and how many. The panel asks at every drawing, so they are counted only after a change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import identity, metas, versions


def whole_edit(scene: Any) -> Iterator[Any]:
    """Every movie and picture of the scene that is seen, those in metas included; what was restored is left out."""
    editor = scene.sequence_editor
    yield from _seen_in(editor, ()) if editor else ()


def _seen_in(owner: Any, around: tuple[Any, ...]) -> Iterator[Any]:
    for strip in versions.strips(owner):
        seen = metas.seen_through(strip, around)
        if strip.mute or owner.channels[strip.channel].mute or seen.start >= seen.stop:
            continue
        if strip.type == "META":
            yield from _seen_in(strip, (*around, strip))
        elif strip.type in ("MOVIE", "IMAGE") and not identity.role(strip):
            yield strip


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
