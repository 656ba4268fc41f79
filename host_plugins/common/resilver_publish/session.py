"""What every host offers to the publish plug-ins. One contract-test suite runs over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .types import ChangeMap, HostClip, HostTimeline, Layout, Occupied, Placement, Progress, Remembered, RestoredClip


class HostSession(Protocol):
    """An open edit in a host. Called from one thread that is not the host's own; a host that wants its calls on its
    main thread brings them there itself. Every method raises ResilverError classes only."""

    host: str
    """"blender", "resolve"."""

    def selection(self) -> Sequence[HostClip]:
        """The clips that the user means, refused ones included, in the order of the timeline.

        Raises SelectionEmpty where nothing is selected.
        """

    def timeline(self, clips: Sequence[HostClip]) -> HostTimeline:
        """Those clips (none of them refused) as OTIO, each exactly where it lies."""

    def in_the_way(self, clip: HostClip, layout: Layout) -> str:
        """What keeps the place of the restored clip occupied, for people; empty where it is free."""

    def remember(self, remembered: Remembered) -> None:
        """Keep with the edit what its job was submitted for (``Remembered.to_json``), so that ``Publication.resume``
        can take it up again after the edit was closed and opened. The host forgets it itself, once it is placed."""

    def place(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Sequence[Placement]:
        """Put restored clips into the timeline, all of them or none, as one step of undo.

        Raises ClipUnsupported naming the clip whose original is gone, and TargetOccupied.
        """

    def show(self, pictures: Sequence[str], change_maps: Sequence[ChangeMap]) -> None:
        """Show what a preview made."""

    def progress(self, progress: Progress) -> None:
        """Where the job stands. Must return at once."""

    def report(self, sentence: str) -> None:
        """Tell the user something that is no error."""
