"""How a strip's picture lies in the scene: its crop and transform. No bpy."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Crop and transform of a strip as Blender keeps them."""

    width: int
    height: int
    """Of the strip's picture, in pixels."""
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, right, bottom, top, in pixels of the picture."""
    scale: tuple[float, float] = (1.0, 1.0)
    """Pixels of the scene for one of the picture."""
    offset: tuple[float, float] = (0.0, 0.0)
    """Pixels of the scene."""
    rotation: float = 0.0
    """Radians."""
    origin: tuple[float, float] = (0.5, 0.5)
    """What it is scaled and turned about, from the left and bottom of the picture, 0..1."""


def shown_at(look: Look, point: tuple[float, float], scene: tuple[int, int]) -> tuple[float, float]:
    """Where a pixel of the picture appears in the scene. Blender puts the picture into the scene's middle by whole
    pixels, rounded towards 0."""
    about = (look.origin[0] * look.width, look.origin[1] * look.height)
    x, y = (point[0] - about[0]) * look.scale[0], (point[1] - about[1]) * look.scale[1]
    cosine, sine = math.cos(look.rotation), math.sin(look.rotation)
    turned = (x * cosine - y * sine, x * sine + y * cosine)
    middle = (math.trunc((scene[0] - look.width) / 2), math.trunc((scene[1] - look.height) / 2))
    return about[0] + turned[0] + look.offset[0] + middle[0], about[1] + turned[1] + look.offset[1] + middle[1]
