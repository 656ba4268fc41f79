"""The Blender extension's modules that know no Blender, importable without one."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from .shared import ROOT

FOLDER = ROOT / "host_plugins" / "blender" / "resilver_blender"
_PACKAGE = "resilver_blender_pure"


def module(name: str) -> ModuleType:
    """``resilver_blender.NAME`` (``ROOM.MODULE``) without the package's own ``__init__``, which needs bpy."""
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(FOLDER)]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{name}")
