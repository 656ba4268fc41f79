"""What a strip looks like besides its media: carried from an original to what was restored from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import versions
from ..strips.transform import Look
from .geometry import Inside

_CARRIED = ("blend_type", "blend_alpha", "use_flip_x", "use_flip_y", "color_multiply", "color_saturation",
            "multiply_alpha", "use_linear_modifiers", "mute")  # fmt: skip
_COVERING = ("REPLACE", "CROSS", "ALPHA_OVER", "OVER_DROP")
"""Ways of blending in which an opaque picture hides what lies below."""
_ANIMATED = ("blend_alpha", "color_multiply", "color_saturation", "transform.offset_x", "transform.offset_y",
             "transform.scale_x", "transform.scale_y", "transform.rotation", "crop.min_x", "crop.max_x", "crop.min_y",
             "crop.max_y", "volume", "pan")  # fmt: skip


def read(strip: Any) -> Look:
    """Crop and transform of a movie or image strip. Its picture has the size of the strip's first element."""
    element, crop, transform = strip.elements[0], strip.crop, strip.transform
    return Look(
        element.orig_width,
        element.orig_height,
        (crop.min_x, crop.max_x, crop.min_y, crop.max_y),
        (transform.scale_x, transform.scale_y),
        (transform.offset_x, transform.offset_y),
        transform.rotation,
        tuple(transform.origin),
    )


def write(strip: Any, look: Look) -> None:
    """Set crop and transform."""
    crop, transform = strip.crop, strip.transform
    crop.min_x, crop.max_x, crop.min_y, crop.max_y = look.crop
    transform.scale_x, transform.scale_y = look.scale
    transform.offset_x, transform.offset_y = look.offset
    transform.rotation, transform.origin = look.rotation, look.origin


def carry(source: Any, target: Any) -> None:
    """Copy how a strip is blended, flipped, coloured and filtered, and whether it is muted."""
    for name in _CARRIED:
        if hasattr(source, name) and hasattr(target, name):
            setattr(target, name, getattr(source, name))
    target.transform.filter = source.transform.filter


def carry_colour_space(source: Any, target: Any, path: str) -> None:
    """Copy in which colour space a file's values are read. Between OpenEXR, which holds light, and everything else the
    server converts: there Blender's own choice is right."""
    light = [str(name).lower().endswith(".exr") for name in (path, source.elements[0].filename)]
    if light[0] == light[1]:
        target.colorspace_settings.name = source.colorspace_settings.name


def covers(scene: Any, strip: Any) -> bool:
    """Whether nothing of what lies below a strip shows through its picture."""
    animated = any(name == "blend_alpha" for name, _ in _curves_of(scene, strip))
    return strip.blend_type in _COVERING and strip.blend_alpha >= 1 and not animated


def carry_animation(scene: Any, source: Any, target: Any, where: Inside, moved: tuple[float, float]) -> None:
    """Copy the animated properties of a strip; ``where`` is the source's picture in the target's, whose scale and crop
    follow it, ``moved`` what its offset differs by. The origin of a transform is taken to be the picture's middle."""
    copy_curves(scene, source, scene, target, lines_of(where, moved))


def lines_of(where: Inside, moved: tuple[float, float], factor: float = 1.0) -> dict[str, tuple[float, float]]:
    """What becomes of values of crop and transform (``copy_curves``) in a scene ``factor`` times as large."""
    across, up = float(where.across), float(where.up)
    return {
        "transform.offset_x": (factor, moved[0]), "transform.offset_y": (factor, moved[1]),
        "transform.scale_x": (factor / across, 0.0), "transform.scale_y": (factor / up, 0.0),
        "crop.min_x": (across, float(where.left)), "crop.max_x": (across, float(where.left)),
        "crop.min_y": (up, float(where.bottom)), "crop.max_y": (up, float(where.bottom)),
    }  # fmt: skip


def copy_curves(
    scene: Any,
    source: Any,
    goal: Any,
    target: Any,
    lines: dict[str, tuple[float, float]],
    time: Callable[[float], float] = float,
) -> None:
    """Copy the animated properties of a strip in ``scene`` to one in ``goal``.

    Args:
        lines: for properties that become ``a * value + b``: name -> a, b.
        time: the frame in ``goal`` of a frame in ``scene``.
    """
    for _, left_over in _curves_of(goal, target):  # of a strip that had the same name once
        versions.curves(goal).remove(left_over)
    for name, curve in _curves_of(scene, source):
        part, _, value = name.rpartition(".")
        if name in _ANIMATED and (getattr(target, part) if part else target).keyframe_insert(value, frame=0):
            made = next(made for found, made in _curves_of(goal, target) if found == name)
            _copy_points(curve, made, lines.get(name, (1.0, 0.0)), time)


def _curves_of(scene: Any, strip: Any) -> list[tuple[str, Any]]:
    """Animated properties of a strip by their names ("transform.scale_x"), with their curves."""
    start = strip.path_from_id() + "."
    found = [curve for curve in versions.curves(scene) if curve.data_path.startswith(start)]
    return [(curve.data_path[len(start) :], curve) for curve in found]


def _copy_points(curve: Any, made: Any, line: tuple[float, float], time: Callable[[float], float]) -> None:
    made.extrapolation = curve.extrapolation
    made.keyframe_points.add(len(curve.keyframe_points) - len(made.keyframe_points))
    for old, new in zip(curve.keyframe_points, made.keyframe_points, strict=True):
        new.interpolation, new.easing = old.interpolation, old.easing
        new.back, new.amplitude, new.period = old.back, old.amplitude, old.period
        new.handle_left_type, new.handle_right_type = old.handle_left_type, old.handle_right_type
        for part in ("co", "handle_left", "handle_right"):
            frame, value = getattr(old, part)
            setattr(new, part, (time(frame), line[0] * value + line[1]))
    made.update()
