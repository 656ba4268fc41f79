"""Processes that end by SIGKILL at a step of their own: armed by a file, which is gone once it has happened."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_CHANGES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate"})
"""Audit events (PEP 578) of calls that change the file system. They come before the call."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Death:
    """Counts steps; the step whose number stands in the file is the last one."""

    def __init__(self, armed: Path) -> None:
        self._armed = armed
        self._steps = 0
        self._looking = False

    def step(self) -> None:
        """Ends the process where the count is reached."""
        if self._looking:
            return
        self._looking = True
        try:
            self._steps = self._steps + 1 if self._armed.exists() else 0
            if self._steps and self._steps >= int(self._armed.read_text() or "0"):
                self._armed.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        except FileNotFoundError:
            self._steps = 0
        finally:
            self._looking = False

    def before_every_change(self) -> None:
        """Every change of the file system that Python makes is a step from here on."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _CHANGES or (event == "open" and self._writes(arguments)):
            self.step()

    @staticmethod
    def _writes(arguments: tuple[object, ...]) -> bool:
        return isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)

    def around(self, call: Callable[..., object]) -> Callable[..., object]:
        """The same call with a step before it and one after."""

        def stepping(*arguments: object) -> object:
            self.step()
            result = call(*arguments)
            self.step()
            return result

        return stepping


def armed_file(home: Path, who: str) -> Path:
    """``who`` is "server" or "worker"."""
    return home / f"die-{who}"
