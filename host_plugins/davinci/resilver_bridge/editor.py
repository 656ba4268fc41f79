"""The open Resolve for sessions: looking at an edit, and changing it as it is now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from resilver_client.errors import ClipUnsupported, TargetOccupied

from .edit import Edit, read_edit
from .host import Hello
from .keeping import Keeping
from .protocol import Script
from .turn import Turn

_AGAIN = 2
"""Times that an edit is looked at again which has changed since it was looked at."""


class Plan(Protocol):
    """What is to be changed in an edit as it was looked at."""

    @property
    def arguments(self) -> dict[str, object]:
        """Of the call."""


P = TypeVar("P", bound=Plan)


@dataclass(frozen=True)
class Editor:
    """Resolve, and where the bridge keeps its jobs."""

    script: Script
    keeping: Keeping
    hello: Hello
    turn: Turn

    def call(self, name: str, /, **arguments: object) -> dict[str, Any]:
        """A call of the menu script, while no other bridge makes one. Raises what ``Script.call`` raises."""
        with self.turn.mine(self.script.gone.is_set):
            return self.script.call(name, **arguments)

    def look(self, project: str | None = None, timeline: str | None = None, otio: str | None = None) -> Edit:
        """The open timeline, or the one of these ids, as it is now. ``otio`` is a path to export it to."""
        return read_edit(self.call("edit", otio=otio, project=project, timeline=timeline))

    def change(self, project: str, timeline: str, call: str, plan: Callable[[Edit], P]) -> tuple[P, dict[str, Any]]:
        """Look at a timeline, and change it as planned for what is there. Where the script finds, before it touches
        anything, that something has changed since (somebody edits, another job is placed), it is planned anew."""
        edit, left = self.look(project, timeline), _AGAIN
        while True:
            planned = plan(edit)
            try:
                return planned, self.call(call, **planned.arguments)
            except (TargetOccupied, ClipUnsupported):
                before, edit = edit, self.look(project, timeline)
                if not left or edit.video == before.video:
                    raise
            left -= 1

    def waiting(self) -> float:
        """Seconds for which Resolve has not answered, or another bridge has not let it."""
        return max(self.script.waiting(), self.turn.waiting())

    def restored(self, project_id: str) -> frozenset[str]:
        """Ids of items that lie in the project because they were restored."""
        jobs, _ = self.keeping.all(project_id)
        return frozenset(id for kept in jobs if kept.placed is not None for id in kept.placed.items)
