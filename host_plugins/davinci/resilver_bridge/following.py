"""One publication that the page shows: it runs in a thread of its own, from its beginning to its outcome."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from resilver.v1 import catalogue_pb2, jobs_pb2
from resilver_client.catalogue import Catalogue
from resilver_client.client import Client
from resilver_client.errors import Cancelled, InternalError, ResilverError
from resilver_publish.publication import Publication
from resilver_publish.types import Order, Outcome, Problem, Progress

from .host import KeptJob, Listener, Read
from .showing import Shown, shown_outcome, shown_progress

_NUMBER = re.compile(r"\.(\d+)\.png$")
"""The output frame in the name of a preview's picture, as the server writes it."""


class Kind(StrEnum):
    RESTORE = "restore"
    PREVIEW = "preview"
    TAKE_UP = "take-up"
    """A job that was submitted earlier."""


@dataclass(frozen=True)
class Meant:
    """What a run is about, so that it can be run again."""

    kind: Kind
    title: str
    names: Mapping[str, str] = field(default_factory=dict)
    """Of the clips, by id."""
    read: Read | None = None
    chosen: tuple[str, ...] = ()
    order: Order | None = None
    kept: KeptJob | None = None


@dataclass(frozen=True)
class Picture:
    """A frame of a preview: before and after, side by side in one file, with what each stage changed."""

    clip: str
    frame: int | None
    """Output frame, from 0; None where its name does not tell."""
    path: str
    maps: tuple[tuple[str, str], ...]
    """Stage and path of its change map."""


Work = Callable[["Run"], Outcome]


class Run:
    """``changed`` is called whenever there is something new to show, from any thread."""

    def __init__(self, id: str, meant: Meant, work: Work, changed: Callable[[], None]) -> None:
        self.id, self.meant = id, meant
        self.outcome: Outcome | None = None
        self.pictures: tuple[Picture, ...] = ()
        self.taken_back = False
        self._work, self._changed = work, changed
        self._progress: Progress | None = None
        self._installing: catalogue_pb2.InstallModelProgress | None = None
        self._said: list[str] = []
        self._client: Client | None = None
        self._publication: Publication | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name=f"resilver run {id}", daemon=True)

    @property
    def running(self) -> bool:
        return self.outcome is None

    @property
    def job(self) -> str:
        """Id of the server's job; empty until there is one."""
        if self.outcome is not None and self.outcome.job:
            return self.outcome.job
        if self._progress is not None:
            return self._progress.job
        return self.meant.kept.remembered.job if self.meant.kept else ""

    def start(self) -> None:
        self._thread.start()

    def listener(self) -> Listener:
        return Listener(self._heard, self._told)

    def attach(self, client: Client, publication: Publication) -> None:
        """What cancel and pause reach. Raises Cancelled where that was asked for meanwhile."""
        with self._lock:
            self._client, self._publication, self._installing = client, publication, None
            if self._cancelled:
                raise Cancelled("cancelled before it was submitted")

    def cancel(self) -> None:
        """Returns at once; the run ends soon after."""
        with self._lock:
            self._cancelled, publication = True, self._publication
        if publication is not None:
            publication.cancel()
        self._changed()

    def pause(self) -> None:
        """No further part is begun. Raises JobStateConflict, ServerUnreachable."""
        if self._client is not None and self.job:
            self._client.pause(self.job)

    def resume(self) -> None:
        """Raises JobStateConflict, ServerUnreachable."""
        if self._client is not None and self.job:
            self._client.resume(self.job)

    def installing(self, step: catalogue_pb2.InstallModelProgress) -> None:
        """A model is fetched first. Raises Cancelled where that was asked for."""
        self._installing = step
        self._changed()
        if self._cancelled:
            raise Cancelled("cancelled while the model was fetched")

    def join(self, seconds: float) -> None:
        """For as long as it takes the thread to end, at most so many seconds."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def phase(self) -> str:
        """ "preparing", "installing", "running" or "cancelling"; at the end "done", "previewed", "problems",
        "cancelled" or "taken-back"."""
        outcome = self.outcome
        if outcome is None:
            if self._cancelled:
                return "cancelling"
            return "installing" if self._installing is not None else "running" if self._progress else "preparing"
        if self.taken_back:
            return "taken-back"
        errors = [problem.error for problem in outcome.problems]
        if outcome.cancelled or (self._cancelled and errors and all(isinstance(each, Cancelled) for each in errors)):
            return "cancelled"
        if errors:
            return "problems"
        return "previewed" if self.meant.kind is Kind.PREVIEW else "done"

    def shown(self, offer: Catalogue) -> Shown:
        """As the page draws it."""
        outcome, install = self.outcome or Outcome(), self._installing
        return {
            "id": self.id,
            "kind": self.meant.kind.value,
            "title": self.meant.title,
            "layout": self._layout(),
            "phase": self.phase(),
            "job": self.job,
            **shown_progress(self._progress),
            "installing": {"model": install.model, "done": install.done, "total": install.total} if install else None,
            "said": list(dict.fromkeys([*self._said, *outcome.report])),
            **shown_outcome(outcome, self.meant.names, offer),
            "pictures": [
                {"clip": each.clip, "frame": each.frame, "maps": [stage for stage, _ in each.maps]}
                for each in self.pictures
            ],
        }

    def _layout(self) -> str:
        meant = self.meant
        if meant.order is not None:
            return meant.order.layout.value
        return meant.kept.remembered.layout.value if meant.kept is not None else ""

    def _heard(self, progress: Progress) -> None:
        self._progress = progress
        self._changed()

    def _told(self, sentence: str) -> None:
        self._said.append(sentence)
        self._changed()

    def _run(self) -> None:
        try:
            outcome = self._work(self)
        except ResilverError as error:
            outcome = Outcome(job=self.job, problems=(Problem("Resilver", error),))
        except Exception as error:  # the edge of the thread: what is not foreseen must be seen, not lost
            traceback.print_exc()
            fault = InternalError(f"{type(error).__name__}: {error}", remedy="the bridge's log shows where")
            outcome = Outcome(job=self.job, problems=(Problem("Resilver", fault),))
        self.outcome = outcome
        self._changed()


def pictures_of(job: jobs_pb2.Job) -> tuple[Picture, ...]:
    """Those of a preview, in the order of the timeline."""
    return tuple(_picture(path, shot) for shot in job.shots for path in shot.pictures)


def _picture(path: str, shot: jobs_pb2.Shot) -> Picture:
    found = _NUMBER.search(PurePath(path).name)
    frame = int(found.group(1)) if found else None
    maps = tuple((each.stage, each.path) for each in shot.change_maps if each.output_frame == frame)
    return Picture(shot.name, frame, path, maps)
