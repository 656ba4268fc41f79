"""What more than one panel or dialog draws."""

from __future__ import annotations

from typing import Any

from ..jobs import words
from ..server.server import SERVER
from ..settings.lines import draw_text, wrapped

__all__ = ["draw_licence", "draw_text"]


def draw_licence(layout: Any, model: str, sentence: str = "") -> None:
    """What the user accepts."""
    known = SERVER.catalogue.model(model)
    for line in wrapped(sentence, 80):
        layout.label(text=line)
    if known is None:
        return
    layout.label(text=f"{known.title} ({words.sized(known.size)} to download)")
    layout.label(text=f"Licence of the weights: {known.weights_licence}")
    layout.label(text=f"Licence of the code: {known.code_licence}")
    for line in wrapped(known.notes, 80):
        layout.label(text=line)
    if not known.permissive:
        layout.label(text="This licence restricts the use of the results.", icon="ERROR")
