"""Meta strips: what lies in which, and what of it is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import versions

MEDIA = ("MOVIE", "IMAGE")
"""Kinds of strips that show media."""


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


def meta_around(scene: Any, strip: Any) -> Any | None:
    """The meta that a strip lies in; None for a strip of the timeline itself."""
    around = metas_around(scene, strip)
    return around[-1] if around else None


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


def pictures_in(owner: Any, around: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Movies and pictures that are seen in the timeline or in a meta, those in metas at any depth included.

    ``around`` are the metas around what lies in ``owner``, outermost first.
    """
    for strip in versions.strips(owner):
        seen = seen_through(strip, around)
        if strip.mute or owner.channels[strip.channel].mute or seen.start >= seen.stop:
            continue
        if strip.type == "META":
            yield from pictures_in(strip, (*around, strip))
        elif strip.type in MEDIA:
            yield strip


def meta_plays_plainly(meta: Any) -> bool:
    """Whether a meta lasts as long as what lies in it. Blender tells no retiming of metas, but it changes this."""
    inside = list(versions.strips(meta))
    start, stop = versions.content_span(meta)
    if not inside:
        return True
    return stop - start == max(map(versions.right, inside)) - min(map(versions.left, inside))
