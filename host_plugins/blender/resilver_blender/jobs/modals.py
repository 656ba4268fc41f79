"""Which of the operators that run hold up changes of the edit. Knows no Blender."""

from __future__ import annotations

from collections.abc import Mapping

LISTENS = 20.0
"""Seconds after which an add-on's operator is taken for one that only listens: some run as long as Blender does."""


class Modals:
    """Remembers since when each operator runs."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def hold(self, running: Mapping[str, bool], now: float) -> bool:
        """Whether one of them may be in the middle of something at ``now`` (seconds); to be asked again and again.

        Args:
            running: name of each operator -> whether it is an add-on's. Blender's own all come to an end.
        """
        self._since = {name: self._since.get(name, now) for name in running}
        return any(not added or now - self._since[name] < LISTENS for name, added in running.items())
