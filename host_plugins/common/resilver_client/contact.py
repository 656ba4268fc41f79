"""Reaching a server again after a connection was lost: how long, and how often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import Cancelled, ContentBusy, ServerUnreachable

T = TypeVar("T")
LOST = (ServerUnreachable, Cancelled, ContentBusy)
"""What is worth another try."""
_PAUSE, _LONGEST = 0.25, 4.0
"""Seconds between tries: at first, and at most; each time twice as long."""


class Contact:
    """Counts how long a server has been silent."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lost_at: float | None = None
        self._pause = _PAUSE

    def made(self) -> None:
        """The server answered, or took something."""
        self._lost_at, self._pause = None, _PAUSE

    def wait(self) -> bool:
        """Sleep a little before the next try; False where patience is at its end."""
        now = time.monotonic()
        self._lost_at = self._lost_at if self._lost_at is not None else now
        if now - self._lost_at >= self._patience:
            return False
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST)
        return True


def persist(call: Callable[[], T], patience: float) -> T:
    """The answer of ``call``, which is repeated for up to ``patience`` seconds while no connection holds. It has to be
    one that may be made twice."""
    contact = Contact(patience)
    while True:
        try:
            return call()
        except LOST:
            if not contact.wait():
                raise
