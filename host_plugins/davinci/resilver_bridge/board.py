"""What the page shows, in sections that each know when they changed last, so that a page can wait for what is new."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

Section = Any
"""JSON-able; never changed after it was put."""


class Board:
    """Thread-safe. The version counts changes, from 1."""

    def __init__(self) -> None:
        self._sections: dict[str, tuple[int, Section]] = {}
        self._version = 0
        self._new = threading.Condition()
        self.closed = False

    def put(self, name: str, section: Section) -> None:
        """Show it from now on. What is equal to what is shown is no change."""
        with self._new:
            if name in self._sections and self._sections[name][1] == section:
                return
            self._version += 1
            self._sections[name] = (self._version, section)
            self._new.notify_all()

    def since(self, after: int) -> Mapping[str, Any]:
        """``{"version", "sections"}`` with the sections that have changed after a version; 0 gives all."""
        with self._new:
            fresh = {name: section for name, (version, section) in self._sections.items() if version > after}
            return {"version": self._version, "sections": fresh}

    def wait(self, after: int, seconds: float) -> bool:
        """Until there is something newer, for at most so long; whether there is."""
        with self._new:
            self._new.wait_for(lambda: self.closed or self._version > after, seconds)
            return self._version > after

    def close(self) -> None:
        """Nobody waits any longer."""
        with self._new:
            self.closed = True
            self._new.notify_all()
