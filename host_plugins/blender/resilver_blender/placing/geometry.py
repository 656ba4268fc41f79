"""Where a picture lies inside its restored one, and the transform that shows both at the same place. No bpy.

The server's rule (its ``upscale/geometry.py``, pinned by a test): letterbox, crop or stretch; even sizes; bars and cuts
of at most two pixels are not made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from ..strips.transform import Look, shown_at

_NEARLY = 2
_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Inside:
    """Pixel x of the original is pixel ``left + across * x`` of the restored picture; y the same, from the bottom."""

    across: Fraction
    up: Fraction
    """Pixels of the restored picture for one of the original."""
    left: Fraction
    bottom: Fraction


def inside(size: tuple[int, int], restored: tuple[int, int], fit: str = "letterbox") -> Inside:
    """Where a picture of ``size`` (square pixels) lies in one of ``restored`` size."""
    (width, height), (columns, rows) = size, restored
    ratio = Fraction(width, height) / Fraction(columns, rows)
    if fit == "crop" and ratio != 1:
        shown = (min(Fraction(width), width / ratio), min(Fraction(height), height * ratio))
        lost = max((1 - shown[0] / width) * columns, (1 - shown[1] / height) * rows)
        if lost > _NEARLY:
            across, up = columns / shown[0], rows / shown[1]
            return Inside(across, up, -(width - shown[0]) / 2 * across, -(height - shown[1]) / 2 * up)
    if fit == "letterbox" and ratio != 1:
        filled = (columns if ratio >= 1 else _even(columns * ratio), rows if ratio <= 1 else _even(rows / ratio))
        if columns - filled[0] > _NEARLY or rows - filled[1] > _NEARLY:
            left, top = (columns - filled[0]) // 2, (rows - filled[1]) // 2
            bottom = rows - filled[1] - top
            return Inside(Fraction(filled[0], width), Fraction(filled[1], height), Fraction(left), Fraction(bottom))
    return Inside(Fraction(columns, width), Fraction(rows, height), Fraction(0), Fraction(0))


def from_to(former: Inside, present: Inside) -> Inside:
    """Where a restored picture lies in another restored one of the same original."""
    across, up = present.across / former.across, present.up / former.up
    return Inside(across, up, present.left - across * former.left, present.bottom - up * former.bottom)


def carried(look: Look, restored: tuple[int, int], where: Inside, scene: tuple[int, int]) -> Look:
    """The look that shows a restored picture exactly over the one that it was made from.

    Args:
        look: of the strip that showed the one.
        restored: width and height of the other.
        where: the one in the other. What lies around it there is cut off.
        scene: width and height that the scene is rendered at.
    """
    origin = _origin(look, restored, where)
    scale = (look.scale[0] / float(where.across), look.scale[1] / float(where.up))
    bare = Look(*restored, scale=scale, rotation=look.rotation, origin=origin)
    goal = shown_at(look, (0.0, 0.0), scene)
    stands = shown_at(bare, (float(where.left), float(where.bottom)), scene)
    return replace(
        bare,
        offset=(_tidy(goal[0] - stands[0]), _tidy(goal[1] - stands[1])),
        crop=_crop(look, restored, where),
    )


def enlarged(look: Look, factor: tuple[float, float]) -> Look:
    """The same look in a scene ``factor`` times as large."""
    scale = (look.scale[0] * factor[0], look.scale[1] * factor[1])
    return replace(look, scale=scale, offset=(look.offset[0] * factor[0], look.offset[1] * factor[1]))


def _origin(look: Look, restored: tuple[int, int], where: Inside) -> tuple[float, float]:
    """The same point of the picture; Blender keeps it within the picture."""
    x = (float(where.left) + float(where.across) * look.origin[0] * look.width) / restored[0]
    y = (float(where.bottom) + float(where.up) * look.origin[1] * look.height) / restored[1]
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def _crop(look: Look, restored: tuple[int, int], where: Inside) -> tuple[int, int, int, int]:
    left, right, bottom, top = look.crop
    edges = (
        where.left + where.across * left,
        restored[0] - (where.left + where.across * (look.width - right)),
        where.bottom + where.up * bottom,
        restored[1] - (where.bottom + where.up * (look.height - top)),
    )
    a, b, c, d = (max(0, math.floor(edge + _HALF)) for edge in edges)
    return a, b, c, d


def _even(value: Fraction) -> int:
    return max(2, 2 * round(value / 2))


def _tidy(value: float) -> float:
    """Without what floating point adds to a whole number."""
    return float(round(value)) if abs(value - round(value)) < 1e-6 else value
