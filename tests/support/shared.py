"""Footage and timeline samples that lie beside the checkout; tests that need them skip where they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


def footage(*parts: str) -> Path:
    """A file or folder of the test footage."""
    return _present(SHARED.joinpath("footage", *parts))


def otio_sample(*parts: str) -> Path:
    """A real timeline export."""
    return _present(SHARED.joinpath("otio_samples", *parts))


def _present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"needs {path.relative_to(SHARED)}, which is not beside this checkout")
    return path
