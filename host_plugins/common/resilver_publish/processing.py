"""pyblish runs the plug-ins, one after the other; here is decided which, in which order, and what stops them.

``pyblish.plugin.process`` hands errors back instead of raising them, tells the root logger to hear everything while a
plug-in runs, and goes on after a failed collector or extractor. A publication does not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from pyblish import logic
from pyblish.plugin import Context, Instance
from pyblish.plugin import process as process_one

from resilver_client.errors import InternalError, ResilverError

from .repair import repairs_for
from .state import clip_of, state_of
from .types import Problem

Plugin = Any
"""A plug-in's class: pyblish has no types."""

_LOG = logging.getLogger(__name__)


class Phase(IntEnum):
    """pyblish's own: a plug-in belongs to the one whose number its order is nearest to."""

    COLLECT = 0
    VALIDATE = 1
    EXTRACT = 2
    INTEGRATE = 3


def phase_of(plugin: Plugin) -> Phase:
    return Phase(min(max(int(plugin.order + 0.5), Phase.COLLECT), Phase.INTEGRATE))


def label_of(plugin: Plugin) -> str:
    return str(plugin.label or plugin.__name__)


class Processing:
    """Runs plug-ins over one context and keeps what they find wrong."""

    def __init__(self, plugins: Sequence[Plugin], context: Context, host: str, stopped: Callable[[], bool]) -> None:
        chosen = logic.plugins_by_targets(logic.plugins_by_host(plugins, host), ["default"])
        self._plugins = sorted((plugin for plugin in chosen if plugin.active), key=lambda plugin: plugin.order)
        self._context = context
        self._stopped = stopped
        self.problems: list[Problem] = []

    def run(self, phase: Phase) -> bool:
        """Whether the next phase may follow. All validators run, so that every problem is told at once; any other
        phase ends with the first one that fails."""
        for plugin in self._plugins:
            if phase_of(plugin) is not phase:
                continue
            for instance in self._instances(plugin):
                if self._stopped():
                    return False
                self._process(plugin, instance)
                if self.problems and phase is not Phase.VALIDATE:
                    return False
        return not self.problems

    def _instances(self, plugin: Plugin) -> Sequence[Instance | None]:
        if plugin.__instanceEnabled__:
            return tuple(logic.instances_by_plugin(self._context, plugin))
        return (None,)

    def _process(self, plugin: Plugin, instance: Instance | None) -> None:
        with _quiet():
            error = process_one(plugin, self._context, instance)["error"]
        if error is None:
            return
        if not isinstance(error, ResilverError):
            _LOG.error("plug-in %s", label_of(plugin), exc_info=error)
            error = _unexpected(error, plugin)
        clip = clip_of(instance).clip.id if instance is not None else ""
        others = len(state_of(self._context).clips) > 1
        self.problems.append(Problem(label_of(plugin), error, clip, repairs_for(error, clip, others)))


def _unexpected(error: Exception, plugin: Plugin) -> InternalError:
    said = str(error) if isinstance(error, AssertionError) and str(error) else f"{type(error).__name__}: {error}"
    return InternalError(said, where=f"plug-in {label_of(plugin)}", remedy="the log says more")


_ROOT = threading.Lock()
_root_level, _inside = logging.NOTSET, 0


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps pyblish from writing each error with its traceback to the host's console, and from leaving the root
    logger at another level where two publications run at once."""
    global _root_level, _inside
    here = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != here

    root, noisy = logging.getLogger(), logging.getLogger("pyblish.plugin")
    with _ROOT:
        if not _inside:
            _root_level = root.level
        _inside += 1
    noisy.addFilter(others)
    try:
        yield
    finally:
        noisy.removeFilter(others)
        with _ROOT:
            _inside -= 1
            if not _inside:
                root.setLevel(_root_level)
