"""What the page was set to last, kept for the next time, and what it is set to the first time."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from resilver_publish.types import Layout, Occupied

from .host import Read
from .orders import StageWish, Wish

_FORMAT = 1
"""Of the file; raised when its meaning changes."""
_UNFIT = '<>:"/\\|?*%'
"""What a folder's name cannot have on every system; "%" stands for a frame's number."""


def load(file: Path) -> Wish:
    """What was kept; a fresh wish where there is nothing, or nothing that can be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return _read(kept["wish"]) if kept["format"] == _FORMAT else Wish()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Wish()


def save(wish: Wish, file: Path) -> None:
    """Replaces the file in one step. Where it cannot be written, the next time begins afresh: no job fails for it."""
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"format": _FORMAT, "wish": asdict(wish)}), encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        print(f"what the page was set to is not kept: {error}", file=sys.stderr)


def _read(kept: dict[str, Any]) -> Wish:
    stages = {name: StageWish(**stage) for name, stage in kept["stages"].items()}
    return Wish(**{**kept, "stages": stages, "layout": Layout(kept["layout"]), "occupied": Occupied(kept["occupied"])})


def for_verb(wish: Wish, verb: str) -> Wish:
    """As the menu entry asks for it."""
    if verb == "new-timeline":
        return replace(wish, layout=Layout.NEW_TIMELINE, size="3840x2160", rate="60")
    return replace(wish, layout=Layout.OVERLAY) if wish.layout is Layout.NEW_TIMELINE else wish


def possible(wish: Wish, read: Read) -> Wish:
    """With a layout that this edition of the editor has."""
    if not read.layouts.get(wish.layout):
        return wish
    able = [layout for layout, why_not in read.layouts.items() if not why_not]
    return replace(wish, layout=able[0]) if able else wish


def folder_for(project: str) -> Path:
    """Where the results of a project go unless the user says otherwise: among the user's films."""
    films = Path.home() / ("Movies" if sys.platform == "darwin" else "Videos")
    name = "".join("_" if letter in _UNFIT or ord(letter) < 32 else letter for letter in project).strip(". ")
    return films / "Resilver" / (name or "Untitled")
