"""How many media frames a strip plays each timeline frame, found out without touching the user's scene.

A movie strip either lies frame for frame, or is "conformed": it then lasts as long as its media at any scene rate.
Blender does not tell which; comparing lengths with the media's leaves short strips open, and ``strip.fps`` is the rate
of the file, not the one the strip was conformed with (relinking a strip changes the first and not the second). So a
copy of the scene is given other rates and the strip's length is read there: only that of a conformed strip changes,
and by how much tells its rate. The copy is deleted at once. It costs some milliseconds, and about ten for each
conformed strip; it changes no selection, no undo step and not whether the file counts as saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy

from .. import versions
from .rates import exact_rate

_BASE = 10_000
_RATES = (Fraction(10_000), Fraction(20_000))
"""Frames a second that the copy is given, far above any real rate: lengths then tell much more than frames."""
_LONGEST = 2**28
"""Timeline frames that a strip of the copy may get: Blender counts them in 32 bits."""


@dataclass(frozen=True)
class Playing:
    """The way a strip plays its media."""

    rate: Fraction | None
    """Media frames a second of a conformed strip; None for one that plays a media frame each timeline frame."""
    frames: int
    """Media frames that the strip has, after cuts off the media itself."""
    retimed: bool = False
    """Whether keys change its speed: then nothing can be known of it."""


class Copy:
    """A copy of a scene, to try things on."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._strips = {strip.name: strip for strip in versions.all_strips(scene.sequence_editor)}

    def playing(self, name: str) -> Playing:
        """How the strip of that name (unique in a scene) plays."""
        strip = self._strips[name]
        lengths = [self._length(strip, rate) for rate in _RATES]
        if lengths[0] == lengths[1]:
            return Playing(None, lengths[0], self._retimed(strip))
        coarse = self._frame_length(strip, _RATES[0], 1)
        frames = round(lengths[0] / coarse)
        finest = min(Fraction(10**9), _LONGEST * _RATES[0] / lengths[0])
        fine = self._frame_length(strip, finest, max(1, frames // 2)) * float(_RATES[0] / finest)
        return Playing(exact_rate(float(_RATES[0]) / fine), round(lengths[0] / fine))

    def _retimed(self, strip: Any) -> bool:
        """Retiming keys, where Blender does not show them, hold the length also when media is cut off."""
        told = versions.retimed(strip)
        return self._frame_length(strip, _RATES[0], 1) != 1 if told is None else told

    def _frame_length(self, strip: Any, rate: Fraction, step: int) -> float:
        """Timeline frames that one media frame lasts at ``rate``: what cutting ``step`` frames off takes away."""
        trim = versions.media_trims(strip)[1]
        versions.trim_media_end(strip, trim)  # reads the file again, should it have changed since Blender did
        whole = self._length(strip, rate)
        versions.trim_media_end(strip, trim + step)
        rest = self._length(strip, rate)
        versions.trim_media_end(strip, trim)
        return (whole - rest) / step

    def _length(self, strip: Any, rate: Fraction) -> int:
        self._scene.render.fps, self._scene.render.fps_base = _BASE, float(_BASE / rate)
        start, stop = versions.content_span(strip)
        return round(stop - start)


@contextmanager
def copied(scene: Any) -> Iterator[Copy]:
    """A copy of ``scene`` to try things on, for as long as the block lasts. Not to be used while a panel is drawn."""
    with copy_of(scene) as copy:
        yield Copy(copy)


@contextmanager
def copy_of(scene: Any) -> Iterator[Any]:
    """A copy of ``scene`` that is deleted at the end of the block."""
    copy = scene.copy()
    try:
        yield copy
    finally:
        bpy.data.scenes.remove(copy)
