"""Paths as people give them."""

from __future__ import annotations

from pathlib import Path

from resilver_client.errors import MediaUnreadable


def real_path(path: Path) -> Path:
    """Absolute, with links followed. Raises MediaUnreadable where they go round in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise MediaUnreadable("its links lead nowhere", where=str(path), remedy="give the path of the file") from error
