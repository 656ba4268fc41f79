"""Texts over several lines: Blender's labels do not wrap."""

from __future__ import annotations

import textwrap
from typing import Any

_LETTER = 8
"""Pixels of a letter of Blender's own font, about, where the interface is not scaled."""


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most so many letters."""
    return [line for part in text.splitlines() for line in textwrap.wrap(part, max(16, width))]


def draw_text(layout: Any, context: Any, text: str, icon: str = "NONE") -> None:
    """A text over as many lines as the region needs."""
    scale = context.preferences.system.ui_scale or 1.0
    width = int(context.region.width / (_LETTER * scale)) if context.region else 60
    column = layout.column(align=True)
    for number, line in enumerate(wrapped(text, width)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")
