"""The environment that Blender runs in."""

from __future__ import annotations

import os


def main(extension: str, arguments: dict) -> dict:
    return dict(os.environ)
