"""Restored strips later on: whether they still show what their originals do, and switching between the two."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from resilver_client.errors import ResilverError

from .. import versions
from . import facts, identity, kept
from .marks import mark
from .shown import Shown

UP_TO_DATE = "up to date"
SOURCE_CHANGED = "source changed"
RECIPE_CHANGED = "recipe changed"
KEPT_CHANGED = "kept frames changed"
FILE_MISSING = "file missing"
ORIGINAL_GONE = "original gone"
_AGAIN = (SOURCE_CHANGED, RECIPE_CHANGED, KEPT_CHANGED, FILE_MISSING)


def state(scene: Any, strip: Any, recipe_digest: str = "") -> str:
    """How a restored strip stands to its original, in this scene or another: one of the words above.

    Args:
        recipe_digest: of the recipe that originals are to be restored with now; empty leaves it out of account.

    Not to be called while a panel is drawn (``facts.shown``).
    """
    found = identity.anywhere(scene, strip.resilver.source)
    return ORIGINAL_GONE if found is None else _states(found[0], [(strip, found[1])], recipe_digest)[0]


def out_of_date(scene: Any, recipe_digest: str = "") -> list[str]:
    """Uids of the scene's originals that are to be restored again, in the order of the timeline. Of several restored
    strips of one original the newest counts."""
    newest = {strip.resilver.source: strip for strip in _by_age(scene)}
    pairs = [(strip, found) for uid, strip in newest.items() if (found := identity.find(scene, uid)) is not None]
    pairs.sort(key=lambda pair: (versions.left(pair[1]), pair[1].channel))
    states = _states(scene, pairs, recipe_digest)
    return [pair[0].resilver.source for pair, found in zip(pairs, states, strict=True) if found in _AGAIN]


def toggle(context: Any, strips: Iterable[Any]) -> str:
    """Show the originals of these strips instead of the restored ones, or the other way round, by muting.

    Any of a pair may be given. What was muted besides is as it was when the restored strips are shown again.

    Returns:
        What is shown now, for people; empty where none of the strips is of a pair.
    """
    pairs = pairs_of(versions.edited_scene(context), strips)
    if not pairs:
        return ""
    to_originals = any(not restored.mute for restored, _ in pairs)
    for restored, original in pairs:
        (_show_original if to_originals else _show_restored)(restored, original)
    what = "original" if to_originals else "restored clip"
    return f"Showing the {what} of {len(pairs)} shot{'s' if len(pairs) > 1 else ''}"


def file_of(strip: Any) -> str:
    """The (first) file that a movie or image strip shows, absolute."""
    if strip.type == "IMAGE":
        return str(bpy.path.abspath(str(Path(strip.directory) / strip.elements[0].filename)))
    return str(bpy.path.abspath(strip.filepath))


def _states(scene: Any, pairs: list[tuple[Any, Any]], recipe_digest: str) -> list[str]:
    read = facts.shown_all(scene, [original for _, original in pairs]) if pairs else []
    return [_state(strip, now, recipe_digest) for (strip, _), now in zip(pairs, read, strict=True)]


def _state(strip: Any, now: Shown | ResilverError, recipe_digest: str) -> str:
    if not Path(file_of(strip)).is_file():
        return FILE_MISSING
    if not isinstance(now, Shown) or mark(now) != strip.resilver.source_mark:
        return SOURCE_CHANGED
    if recipe_digest and strip.resilver.recipe != recipe_digest:
        return RECIPE_CHANGED
    return KEPT_CHANGED if kept.changed(strip) else UP_TO_DATE


def _by_age(scene: Any) -> list[Any]:
    found = [strip for strip in identity.every(scene) if identity.role(strip) == identity.RESTORED]
    return sorted(found, key=lambda strip: float(strip.resilver.made or 0))


def pairs_of(scene: Any, strips: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Restored strip (the newest) and original of every pair that one of the strips belongs to, each once."""
    uids = [
        strip.resilver.source if identity.role(strip) == identity.RESTORED else strip.resilver.uid for strip in strips
    ]
    found = []
    for uid in dict.fromkeys(uids):
        original, restored = identity.find(scene, uid), identity.restored_of(scene, uid)
        if original is not None and restored:
            found.append((restored[-1], original))
    return found


def _show_original(restored: Any, original: Any) -> None:
    if not restored.mute:
        restored.resilver.original_muted = original.mute
    restored.mute, original.mute = True, False


def _show_restored(restored: Any, original: Any) -> None:
    restored.mute, original.mute = False, restored.resilver.original_muted
