"""Resilver in Blender's Video Sequence Editor."""

from __future__ import annotations


def register() -> None:
    """Called by Blender when the extension is enabled."""


def unregister() -> None:
    """Called by Blender when the extension is disabled, and when Blender quits."""
