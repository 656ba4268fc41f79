"""Plug-ins that a studio adds of its own: the Python files of a folder that is named in the settings."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import sys
from pathlib import Path
from types import ModuleType

from pyblish.plugin import Plugin as PyblishPlugin
from pyblish.plugin import plugin_is_valid, version_is_compatible

from resilver_client.errors import InvalidRequest

from .processing import Plugin

_LOG = logging.getLogger(__name__)


def studio_plugins(folder: Path | str) -> tuple[Plugin, ...]:
    """The plug-ins of every ``*.py`` in ``folder`` whose name does not begin with an underscore, file by file.

    They join ours by their order; they find what there is in ``context.data["resilver"]`` (``State``). A studio
    trusts its own folder: its files run like any code of the host.

    Raises InvalidRequest, naming the file, where one cannot be loaded or holds a plug-in that pyblish would skip.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InvalidRequest(
            "there is no such folder of plug-ins", where=str(place), remedy="correct the path in the settings"
        )
    files = sorted(path for path in place.glob("*.py") if not path.name.startswith("_"))
    return tuple(plugin for path in files for plugin in _plugins_of(path))


def _plugins_of(path: Path) -> list[Plugin]:
    module = _loaded(path)
    own = [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, PyblishPlugin) and found.__module__ == module.__name__
    ]
    for plugin in own:
        if not plugin_is_valid(plugin) or not version_is_compatible(plugin):
            raise InvalidRequest(
                f"pyblish cannot run the plug-in {plugin.__name__}",
                where=str(path),
                remedy="its process() takes context or instance, and families, hosts and targets are lists of names",
            )
    return own


def _loaded(path: Path) -> ModuleType:
    """The file as a module, under a name that no other has: two studios may both have a ``validate.py``."""
    name = f"resilver_studio_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a studio's file does wrong is told, never skipped
        del sys.modules[name]
        _LOG.error("plug-in %s", path, exc_info=error)
        raise InvalidRequest(
            f"the plug-in cannot be loaded: {type(error).__name__}: {error}",
            where=str(path),
            remedy="mend the file, or take it out of the folder",
        ) from error
    return module
