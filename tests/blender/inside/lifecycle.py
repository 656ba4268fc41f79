"""Installs the zip, disables and enables it again, uses all of its modules, and uninstalls it."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import addon_utils
import bpy
import install


def main(extension: str, arguments: dict) -> dict:
    path = set(sys.path)
    install.main(extension, arguments)
    folder = Path(sys.modules[extension].__file__).parent
    found = {"files": files(folder), "classes": [classes(extension)], "path": sorted(set(sys.path) - path)}
    addon_utils.disable(extension, default_set=True)
    found["classes"].append(classes(extension))
    if addon_utils.enable(extension, default_set=True) is None:
        raise RuntimeError("Blender did not enable the extension again")
    found["classes"].append(classes(extension))
    found["modules"] = import_all(extension, folder)
    found["files_after"] = files(folder)
    uninstall()
    return found | {"enabled": extension in bpy.context.preferences.addons, "left": folder.exists()}


def files(folder: Path) -> list[str]:
    """What lies in the extension's folder, but for Python's own cache."""
    kept = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(f"{path.relative_to(folder)} {path.stat().st_size}" for path in kept)


def classes(extension: str) -> list[str]:
    """The extension's classes that Blender knows now."""
    known = (getattr(bpy.types, name) for name in dir(bpy.types))
    return sorted(each.__name__ for each in known if getattr(each, "__module__", "").startswith(extension))


def import_all(extension: str, folder: Path) -> list[str]:
    names = [module.name for module in pkgutil.walk_packages([str(folder)], f"{extension}.") if not module.ispkg]
    for name in names:
        importlib.import_module(name)
    return names


def uninstall() -> None:
    repositories = bpy.context.preferences.extensions.repos
    (index,) = (number for number, repository in enumerate(repositories) if repository.module == "user_default")
    done = bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="resilver_blender")
    if done != {"FINISHED"}:
        raise RuntimeError(f"Blender did not uninstall the extension: {done}")
