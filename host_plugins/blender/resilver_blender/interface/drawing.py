"""What more than one panel or dialog draws."""

from __future__ import annotations

from typing import Any

from ..jobs import words
from ..server.server import SERVER

_LETTER = 8
"""Pixels of a letter of Blender's own font, about, where the interface is not scaled."""


def draw_text(layout: Any, context: Any, text: str, icon: str = "NONE") -> None:
    """A text over as many lines as the region needs."""
    scale = context.preferences.system.ui_scale or 1.0
    width = int(context.region.width / (_LETTER * scale)) if context.region else 60
    column = layout.column(align=True)
    for number, line in enumerate(words.wrapped(text, width)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")


def draw_licence(layout: Any, model: str, sentence: str = "") -> None:
    """What the user accepts."""
    known = SERVER.catalogue.model(model)
    for line in words.wrapped(sentence, 80):
        layout.label(text=line)
    if known is None:
        return
    layout.label(text=f"{known.title} ({words.sized(known.size)} to download)")
    layout.label(text=f"Licence of the weights: {known.weights_licence}")
    layout.label(text=f"Licence of the code: {known.code_licence}")
    for line in words.wrapped(known.notes, 80):
        layout.label(text=line)
    if not known.permissive:
        layout.label(text="This licence restricts the use of the results.", icon="ERROR")
