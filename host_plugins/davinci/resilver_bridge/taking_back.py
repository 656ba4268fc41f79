"""What a job has placed is taken out of the timeline again: what that is by now, and what of it remains."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from . import requests
from .edit import Edit
from .keeping import Kept, Placed


@dataclass(frozen=True)
class TakingBack:
    """A plan for an edit as it was looked at."""

    edit: Edit
    kept: Kept
    placed: Placed

    @property
    def arguments(self) -> dict[str, object]:
        placed = self.placed
        return {
            "project": self.kept.project_id,
            "timeline": placed.timeline_id,
            "video_tracks": len(self.edit.video),
            "items": list(placed.items),
            "tracks": self._emptied(),
            "enable": list(placed.disabled),
            "takes": list(placed.takes),
            "media": {original: media for original, media in placed.takes.items() if media},
            "bin": requests.BIN,
        }

    def left(self, removed: Collection[str]) -> Placed | None:
        """What lies there all the same, so that it can be taken back once more; None where nothing does."""
        there = {item.id: item for item in self.edit.items()}
        items = tuple(id for id in self.placed.items if id in there and id not in removed)
        takes = {
            original: media
            for original, media in self.placed.takes.items()
            if original in there and there[original].takes and original not in removed
        }
        on_added = tuple(id for id in self.placed.on_added if id in items)
        return replace(self.placed, items=items, takes=takes, on_added=on_added) if items or takes else None

    def left_behind(self, removed: Collection[str]) -> list[str]:
        """Of that, and of what was not found any more, for people."""
        there = {item.id: item for item in self.edit.items()}
        gone = sum(1 for id in self.placed.items if id not in there)
        said = [f"{gone} of the restored clips had been removed already"] if gone else []
        names = [there[id].name for id in self.placed.items if id in there and id not in removed]
        return said + [f"{name} is still there: take it back once more, or remove it by hand" for name in names]

    def _emptied(self) -> list[int]:
        """Tracks that were added for the clips and hold nothing else now, wherever they are by now."""
        found = []
        for track in self.edit.video:
            ids = {item.id for item in track.items}
            if ids & set(self.placed.on_added) and ids <= set(self.placed.items):
                found.append(track.index)
        return found
