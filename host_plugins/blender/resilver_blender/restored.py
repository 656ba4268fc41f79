"""Restored strips later on: whether they still show what their originals do, and switching between the two."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Any

import bpy

from resilver_client.errors import ResilverError

from . import facts, identity
from .shown import Shown

UP_TO_DATE = "up to date"
SOURCE_CHANGED = "source changed"
RECIPE_CHANGED = "recipe changed"
FILE_MISSING = "file missing"
ORIGINAL_GONE = "original gone"


def mark(shown: Shown) -> str:
    """A fingerprint of what an original shows and of its file. Where it lies on the timeline is no part of it."""
    parts = (
        shown.media, shown.kind, shown.first_number, shown.first, shown.stop - shown.start, shown.speed, shown.reverse,
        _file_mark(shown),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _file_mark(shown: Shown) -> tuple[int, int] | None:
    """Size and time of the media; of a sequence its first shown file's. None where there is none."""
    path = shown.media
    if shown.kind == "sequence":
        path %= int(shown.first) + (shown.first_number or 0)
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
