"""Where the picture goes when its size changes: pixel aspect, letterbox, crop. Plain arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from resilver_server.domain.formats import FrameFormat

_NEARLY = 2
"""Bars or cuts thinner than this many pixels in all are not made: the picture is stretched over them."""


@dataclass(frozen=True)
class Placement:
    """A rectangle of the input is shown in a rectangle of the output; the rest of the output is black."""

    left: Fraction
    top: Fraction
    width: Fraction
    height: Fraction
    """Of the input, in its pixels."""
    x: int
    y: int
    columns: int
    rows: int
    """Of the output, in its pixels."""


def even(value: Fraction | float) -> int:
    """The nearest even number from 2 up: what 4:2:0 and 4:2:2 can store."""
    return max(2, 2 * round(Fraction(value) / 2))


def display_aspect(given: FrameFormat) -> Fraction:
    """Width over height as shown on a screen."""
    return given.width * given.pixel_aspect / given.height


def target(given: FrameFormat, width: int, height: int, scale: float, square: bool) -> FrameFormat:
    """The format asked for. A size of 0 follows from the other by the aspect; both 0: ``scale`` times the height."""
    pixel_aspect = Fraction(1) if square else given.pixel_aspect
    storage = display_aspect(given) / pixel_aspect
    if not width and not height:
        height = even(given.height * Fraction(scale).limit_denominator(1000))
    if not width:
        width = even(height * storage)
    elif not height:
        height = even(width / storage)
    return FrameFormat(width, height, pixel_aspect)


def place(given: FrameFormat, wanted: FrameFormat, fit: str) -> Placement:
    """How ``given`` is laid into ``wanted``: "letterbox", "crop" or "stretch"."""
    whole = (Fraction(0), Fraction(0), Fraction(given.width), Fraction(given.height))
    stretched = Placement(*whole, 0, 0, wanted.width, wanted.height)
    ratio = display_aspect(given) / display_aspect(wanted)
    if fit == "stretch" or ratio == 1:
        return stretched
    if fit == "crop":
        return _crop(given, wanted, ratio, stretched)
    columns = wanted.width if ratio >= 1 else even(wanted.width * ratio)
    rows = wanted.height if ratio <= 1 else even(wanted.height / ratio)
    if wanted.width - columns <= _NEARLY and wanted.height - rows <= _NEARLY:
        return stretched
    return Placement(*whole, (wanted.width - columns) // 2, (wanted.height - rows) // 2, columns, rows)


def _crop(given: FrameFormat, wanted: FrameFormat, ratio: Fraction, stretched: Placement) -> Placement:
    width = Fraction(given.width) if ratio <= 1 else given.width / ratio
    height = Fraction(given.height) if ratio >= 1 else given.height * ratio
    lost = max((1 - width / given.width) * wanted.width, (1 - height / given.height) * wanted.height)
    if lost <= _NEARLY:
        return stretched
    left, top = (given.width - width) / 2, (given.height - height) / 2
    return Placement(left, top, width, height, 0, 0, wanted.width, wanted.height)
