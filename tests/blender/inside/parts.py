"""The extension's modules by their names alone: no two of its rooms have a module of the same name."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def part(extension: str, name: str) -> ModuleType:
    """The module of that name, in whichever room it lies, or beside the rooms."""
    package = importlib.import_module(extension)
    modules = pkgutil.walk_packages(package.__path__, f"{extension}.")
    (found,) = (each.name for each in modules if not each.ispkg and each.name.rpartition(".")[2] == name)
    return importlib.import_module(found)
