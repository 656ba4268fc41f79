"""What takes its time and is no job: done in threads of their own, with what goes wrong shown as a notice."""

from __future__ import annotations

import itertools
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from resilver_client.errors import Cancelled, InternalError, ResilverError

from .board import Board
from .showing import shown_error

_MOST = 8
"""Notices that are shown at once; the oldest go."""


class Errands:
    """Thread-safe. Puts the sections "busy" (names of what is going on) and "notices"."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._notices: tuple[Mapping[str, Any], ...] = ()
        self._numbers = itertools.count(1)
        self._show()

    def do(self, name: str, work: Callable[[], object]) -> None:
        """Begin it, unless something of that name is going on: a button that is pressed twice does a thing once."""
        with self._lock:
            if name in self._busy:
                return
            self._busy.add(name)
            self._show()
        threading.Thread(target=self._run, args=(name, work), name=f"resilver {name}", daemon=True).start()

    def error(self, error: ResilverError) -> None:
        """Tell a person."""
        self._tell({"tone": "error", **shown_error(error)})

    def say(self, sentence: str) -> None:
        """Tell a person something that is no error."""
        self._tell({"tone": "plain", "what": sentence, "where": "", "remedy": ""})

    def dismiss(self, id: str) -> None:
        """The person has read it."""
        with self._lock:
            self._notices = tuple(notice for notice in self._notices if notice["id"] != id)
            self._show()

    def _run(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Cancelled:
            pass  # the desk was closed meanwhile
        except ResilverError as error:
            self.error(error)
        except Exception as error:  # the edge of the thread: what is not foreseen must be seen, not lost
            traceback.print_exc(file=sys.stderr)
            self.error(InternalError(f"{type(error).__name__}: {error}", remedy="the bridge's log shows where"))
        finally:
            with self._lock:
                self._busy.discard(name)
                self._show()

    def _tell(self, notice: dict[str, Any]) -> None:
        with self._lock:
            again = [each for each in self._notices if {**each, "id": ""} != {**notice, "id": ""}]
            self._notices = (*again, {"id": str(next(self._numbers)), **notice})[-_MOST:]
            self._show()

    def _show(self) -> None:
        self._board.put("busy", sorted(self._busy))
        self._board.put("notices", list(self._notices))
