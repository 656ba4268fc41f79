"""What the ledger's failures are injected into: an edit, a server, and a person who has clips restored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from davinci.linked import Heard, Link, doubled
from davinci.resolve_double import Double, Lying, Timeline, profile
from resilver.v1 import types_pb2
from resilver_bridge.host import Listener
from resilver_client.client import Client
from resilver_client.errors import ResilverError
from resilver_client.values import settings
from resilver_publish.publication import Publication
from resilver_publish.types import Layout, Occupied, Order, Outcome

NAMES = ("Meadow", "River")


class Bench:
    """Two clips on track 1, a title above and the sound below, and a person who has asked for them to be restored."""

    def __init__(self, client: Client, reel: Path, folder: Path, version: str, layout: Layout) -> None:
        self.client, self.folder, self.layout = client, folder, layout
        self.double: Double = doubled(profile(version))
        media = self.double.media(str(reel), frames=60, fps=24.0, type="Video + Audio")
        self.items = [
            self.double.lay(media, 1, start, length, first, name=name, audio=True)
            for name, start, length, first in (("Meadow", 10, 7, 3), ("River", 17, 6, 30))
        ]
        self.double.lay_title("The End", track=2, start=200)
        self.double.page = "color"
        self.double.keep()
        self.before = self.double.lying()
        self.link = Link(self.double, folder / "kept")
        self.heard = Heard()
        self.at_work: Callable[[], object] = lambda: None
        """Done once, while the job is being rendered."""
        self.after: list[Callable[[], object]] = []
        """Mends what was broken outside of the double."""

    def faults(self, **switches: Any) -> None:
        self.double.faults.update(switches)

    def just_before(self, method: str, act: Callable[[], object], times: int = 1) -> None:
        """Something happens right before the so-manieth call of a method."""
        left = [times]

        def before(kind: str, name: str) -> None:
            left[0] -= f"{kind}.{name}" == method
            if left[0] == 0:
                self.double.before_call = lambda kind, name: None
                act()

        self.double.before_call = before

    def between(self, act: Callable[[], object], call: str = "place") -> None:
        """Something happens between the look at the edit and the call that changes it."""

        def before(name: str) -> None:
            if name == call:
                self.link.before_call = lambda name: None
                act()

        self.link.before_call = before

    def title(self, track: int = 2, start: int = 18) -> Any:
        return self.double.lay_title("In the way", track=track, start=start, duration=4)

    def publish(self) -> tuple[list[ResilverError], Outcome]:
        """What the user is told, and what came of it."""
        try:
            read = self.link.resolve.read()
            ids = [item.id for item in self.items]
            session = self.link.resolve.session(read, ids, self.client, self._listener())
            outcome = Publication(session, self.client, self._order()).run()
        except ResilverError as error:
            return [error], Outcome()
        return [problem.error for problem in outcome.problems], outcome

    def take_up(self) -> Outcome:
        job = self.link.resolve.kept()[0]
        session = self.link.resolve.take_up(job, self.client, self._listener())
        return Publication(session, self.client).resume(job.remembered)

    def mend(self) -> None:
        """Close the project and open it again, with nothing broken any more."""
        double = self.double
        double.before_call, self.link.before_call = lambda kind, name: None, lambda name: None
        double.faults.update({name: value for name, value in vars(type(double.faults)()).items()})
        for act in self.after:
            act()
        if double.open is None or double.project.name != "Project":
            double.load("Project")
        double.save_and_reopen()
        self.link.restart()

    def rendered(self) -> dict[str, tuple[int, int]]:
        """Every result, and when it was written."""
        files = [path for path in self.folder.rglob("*.mkv") if path.is_file()]
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    def whole(self) -> bool:
        """Whether every clip lies where it belongs, once, and all else is as it was."""
        edit, *made = self.double.project.timelines
        if self.layout is Layout.NEW_TIMELINE:
            # cuts at 10, 17 and 23 of 24 a second are 25, 42.5 -> 43 and 57.5 -> 58 of 60
            return self._places(made[-1]) == [(1, 25, 18), (1, 43, 15)] and self.double.lying(edit) == self.before
        track = 1 if self.layout is Layout.TAKE else 2
        others = [each for each in self.double.lying() if each.path not in self._results()]
        kept = [each for each in self.before if self.layout is not Layout.TAKE or each.name not in NAMES]
        return self._places(edit) == [(track, 10, 7), (track, 17, 6)] and others == [
            each._replace(enabled=self._on(each)) for each in kept
        ]

    def _places(self, timeline: Timeline) -> list[tuple[int, int, int]]:
        """Track, start and duration of the restored clips of a timeline, relative to its first frame."""
        ours = [each for each in self.double.lying(timeline) if each.path in self._results()]
        return [(each.track, each.start - timeline.start, each.duration) for each in ours]

    def _results(self) -> list[str]:
        return [str(self.folder / "out" / f"{name}.mkv") for name in NAMES]

    def _on(self, each: Lying) -> bool:
        return not (self.layout is Layout.REPLACE and each.name in NAMES and each.kind == "video")

    def _listener(self) -> Listener:
        heard = self.heard.listener()

        def progress(seen: Any) -> None:
            act, self.at_work = self.at_work, lambda: None
            act()
            heard.progress(seen)

        return replace(heard, progress=progress)

    def _order(self) -> Order:
        stages = [settings("deflicker", {})]
        if self.layout is not Layout.TAKE:
            stages.append(settings("interpolate", {"model": "blend", "rate": "60"}))
        tail = 0 if self.layout is Layout.NEW_TIMELINE else 1
        delivery = types_pb2.Delivery(profile="ffv1", tail_frames=tail)
        recipe = types_pb2.Recipe(stages=stages, delivery=delivery)
        return Order(recipe, str(self.folder / "out"), "Reel 1", self.layout, Occupied.REFUSE)
