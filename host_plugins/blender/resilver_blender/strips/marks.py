"""Fingerprints of what strips show. No bpy."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .shown import Shown


def mark(shown: Shown, files: bool = True) -> str:
    """A fingerprint of what an original shows. Where it lies on the timeline is no part of it.

    Args:
        files: with size and time of its media (of a sequence's first shown file). Without them no disk is asked.
    """
    parts = (
        shown.media, shown.kind, shown.first_number, shown.first, shown.stop - shown.start, shown.speed, shown.reverse,
        _file_mark(shown) if files else None,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _file_mark(shown: Shown) -> tuple[int, int] | None:
    """None where there is no such file."""
    path = shown.media
    if shown.kind == "sequence":
        path %= int(shown.first) + (shown.first_number or 0)
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
