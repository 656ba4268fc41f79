"""Meta strips: what lies in which, and what of it is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import versions


@dataclass(frozen=True)
class Seen:
    """Timeline frames of a strip that are seen, through the metas around it. Half-open."""

    start: int
    stop: int
    low: int
    """From here to ``start`` a meta holds its first frame, which is one of the strip's."""
    high: int
    """From ``stop`` to here a meta holds its last frame."""


def metas_around(scene: Any, strip: Any) -> tuple[Any, ...]:
    """The metas that a strip lies in, outermost first; none for a strip of the timeline itself."""
    return _search(scene.sequence_editor, strip, ()) or ()


def _search(owner: Any, strip: Any, path: tuple[Any, ...]) -> tuple[Any, ...] | None:
    for each in versions.strips(owner):
        if each == strip:
            return path
        found = _search(each, strip, (*path, each)) if each.type == "META" else None
        if found is not None:
            return found
    return None


def seen_through(strip: Any, metas: Sequence[Any]) -> Seen:
    """What is seen of a strip through ``metas``, outermost first.

    A meta shows what lies in it on the same frames. Where its handles are drawn beyond its content it holds the first
    or last frame of its content.
    """
    start, stop = versions.left(strip), versions.right(strip)
    low, high = start, stop
    for meta in reversed(metas):
        left, right = versions.left(meta), versions.right(meta)
        first, end = (round(edge) for edge in versions.content_span(meta))
        low = left if low <= first and left < first else max(low, left)
        high = right if high >= end and right > end else min(high, right)
        start, stop = max(start, left, first), min(stop, right, end)
    return Seen(start, stop, low, high)


def meta_plays_plainly(meta: Any) -> bool:
    """Whether a meta lasts as long as what lies in it. Blender tells no retiming of metas, but it changes this."""
    inside = list(versions.strips(meta))
    start, stop = versions.content_span(meta)
    if not inside:
        return True
    return stop - start == max(map(versions.right, inside)) - min(map(versions.left, inside))
