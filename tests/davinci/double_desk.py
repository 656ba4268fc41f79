"""A small edit on a double, and what a script reaches it by."""

from __future__ import annotations

from typing import Any

from davinci.resolve_double import Double, Profile, Timeline, profile

RESTORED = "/restored/r.mov"


class Desk:
    """A project with an edit, and the handles of it."""

    def __init__(self, one: Profile, rate: str = "24", fps: float = 60.0) -> None:
        self.double = Double(one)
        self.double.files[RESTORED] = {"frames": 600, "fps": fps, "width": 3840, "height": 2160, "type": "Video"}
        self.double.open_project("Film", rate)
        self.open: Timeline = self.double.open_timeline("Edit")
        self.faults = self.double.faults

    @property
    def resolve(self) -> Any:
        return self.double.resolve

    @property
    def project(self) -> Any:
        return self.resolve.GetProjectManager().GetCurrentProject()

    @property
    def pool(self) -> Any:
        return self.project.GetMediaPool()

    @property
    def timeline(self) -> Any:
        return self.project.GetCurrentTimeline()

    def imported(self, path: str = RESTORED) -> Any:
        """A handle of a clip, imported."""
        return self.pool.ImportMedia([path])[0]

    def append(
        self, clip: Any, start: float = 0, end: float = 60, at: int = 0, track: int = 1, kind: int | None = 1
    ) -> Any:
        """Append [start, end) at a frame relative to the timeline's first."""
        info = {"mediaPoolItem": clip, "startFrame": start, "endFrame": end, "trackIndex": track}
        info["recordFrame"] = self.timeline.GetStartFrame() + at
        return self.pool.AppendToTimeline([dict(info, mediaType=kind) if kind else info])


def desk(name: str = "21.0.4 Studio", rate: str = "24", fps: float = 60.0) -> Desk:
    """One of a named profile."""
    return Desk(profile(name), rate, fps)
