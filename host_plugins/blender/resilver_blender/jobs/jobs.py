"""Jobs that Blender follows: one worker thread each. Knows no Blender.

The thread talks to the server and has what touches Blender done through ``main``; the main thread calls ``poll`` and
reads the rest for drawing.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from resilver_client.errors import Cancelled, InternalError, ResilverError

from ..strips.shown import Shown
from .mainthread import MainThread

if TYPE_CHECKING:
    from resilver_client.client import Client
    from resilver_publish.publication import Publication
    from resilver_publish.types import Order, Outcome, Progress, Remembered

_LEAVING = 2.0
"""Seconds that a thread gets to end when its job is no longer followed."""


class Phase(StrEnum):
    """How a job stands, as far as Blender knows."""

    RUNNING = "running"
    DONE = "done"
    """Placed, or a preview is shown."""
    FAILED = "failed"
    """With problems; nothing was placed."""
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Meant:
    """What a job is about, so that it can be run again."""

    title: str
    """For people: "reel.blend, 3 shots"."""
    scene: int
    """``session_uid`` of the scene with the strips."""
    shots: int
    layout: str
    order: Order | None = None
    """Set as soon as the recipe was resolved."""
    clips: tuple[str, ...] = ()
    """Uids of the strips; set as soon as they were collected."""


Work = Callable[["Job"], "Outcome"]


class Job:
    """Something that runs in a thread and ends with an ``Outcome``."""

    def __init__(self, meant: Meant, work: Work, key: str = "", remembered: Remembered | None = None) -> None:
        self.key = key or uuid.uuid4().hex
        self.meant = meant
        self.main = MainThread()
        self.remembered = remembered
        self.recipe_json = ""
        """The recipe as restored strips carry it."""
        self.shown: dict[str, Shown] = {}
        """What each strip showed when it was handed over, by uid."""
        self.mattes: dict[str, list[str]] = {}
        """Pictures that went along for a strip's stages, by uid: paths or printf patterns."""
        self.kept: dict[str, dict[str, str]] = {}
        """Frames that stages leave alone, by uid and stage."""
        self.said: list[str] = []
        """Sentences for people."""
        self.placed = False
        """Whether its clips were put into the edit; undo may have taken them back since."""
        self.settled = False
        """Whether its end was written down and told."""
        self.progress: Progress | None = None
        self.outcome: Outcome | None = None
        self.phase = Phase.RUNNING
        self.asked_to_cancel = False
        self._work = work
        self._lock = Lock()
        self._client: Client | None = None
        self._publication: Publication | None = None
        self._closed = False
        self._seen: tuple[Any, ...] = ()
        self._thread = Thread(target=self._run, name=f"resilver-{self.key[:8]}", daemon=True)

    @property
    def server_id(self) -> str:
        """Id of the server's job; empty until it was submitted."""
        return self.remembered.job if self.remembered else ""

    @property
    def running(self) -> bool:
        return self.phase is Phase.RUNNING

    def like(self, former: Job) -> Job:
        """Take over what is known of the edit from a job that this one carries on."""
        self.recipe_json, self.shown, self.mattes = former.recipe_json, former.shown, former.mattes
        self.meant, self.placed, self.kept = former.meant, former.placed, former.kept
        return self

    def sentences(self) -> list[str]:
        """What is to be told beside how it ended: what was left out, what could not be kept."""
        return list(dict.fromkeys([*self.said, *(self.outcome.report if self.outcome else ())]))

    def start(self) -> Job:
        self._thread.start()
        return self

    def attach(self, client: Client, publication: Publication | None = None) -> None:
        """Name what ``cancel`` and ``close`` reach. Raises Cancelled where that was asked for meanwhile."""
        with self._lock:
            self._client, self._publication = client, publication
            if self._closed or self.asked_to_cancel:
                client.close()
                raise Cancelled("cancelled before it was submitted")

    def poll(self, calm: bool = True) -> bool:
        """Do what the thread wants done on the main thread; whether there is something new to draw."""
        served = self.main.run_pending(calm)
        seen = (self.phase, self.progress, self.asked_to_cancel, self.main.waiting())
        changed, self._seen = seen != self._seen, seen
        return changed or served

    def cancel(self) -> None:
        """Stop the server's job; returns at once, the job ends as soon as the server has answered. Where its clips
        only wait to be placed, they are not."""
        with self._lock:
            if self.asked_to_cancel or not self.running:
                return
            self.asked_to_cancel, publication = True, self._publication
        if publication:
            publication.cancel()
        if self.main.waiting():
            self.main.close()

    def pause(self) -> None:
        """Let the server begin no further part of it; returns at once."""
        client, server_id = self._client, self.server_id
        if client and server_id:
            in_background(lambda: client.pause(server_id))

    def resume(self) -> None:
        """Carry on after ``pause``; returns at once."""
        client, server_id = self._client, self.server_id
        if client and server_id:
            in_background(lambda: client.resume(server_id))

    def close(self) -> None:
        """Follow it no longer: the server's job goes on, nothing is placed."""
        with self._lock:
            self._closed, client = True, self._client
        self.main.close()
        if client:
            client.close()
        if self._thread.is_alive():
            self._thread.join(_LEAVING)

    def changed(self, **changes: Any) -> None:
        """Note more of what the job is about."""
        self.meant = replace(self.meant, **changes)

    def _run(self) -> None:
        from resilver_publish.types import Outcome, Problem

        try:
            outcome = self._work(self)
        except Cancelled:
            outcome = Outcome(job=self.server_id, cancelled=True)
        except ResilverError as error:
            outcome = Outcome(job=self.server_id, problems=(Problem("Resilver", error),))
        except BaseException as error:  # the edge of the thread: what is not foreseen must be seen, not lost
            traceback.print_exc()
            fault = InternalError(f"{type(error).__name__}: {error}", remedy="the console shows where")
            outcome = Outcome(job=self.server_id, problems=(Problem("Resilver", fault),))
        self.outcome = outcome
        self.phase = _phase(outcome, self.asked_to_cancel)


def _phase(outcome: Outcome, asked_to_cancel: bool) -> Phase:
    errors = [problem.error for problem in outcome.problems]
    if asked_to_cancel and all(isinstance(error, Cancelled) for error in errors) and (errors or outcome.cancelled):
        return Phase.CANCELLED
    if errors:
        return Phase.FAILED
    return Phase.CANCELLED if outcome.cancelled else Phase.DONE


def in_background(function: Callable[[], Any]) -> Thread:
    """Run something that talks to the server and whose failing changes nothing: the job's own thread tells of it."""
    thread = Thread(target=_quietly, args=(function,), name="resilver-call", daemon=True)
    thread.start()
    return thread


def _quietly(function: Callable[[], Any]) -> None:
    try:
        function()
    except ResilverError as error:
        print(f"Resilver: {error}")


class Jobs:
    """All jobs of this Blender that are followed or whose end is still shown, the newest last."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> Job:
        """Starts it. A job of the same key is replaced."""
        former = self._jobs.pop(job.key, None)
        if former:
            former.close()
        self._jobs[job.key] = job
        return job.start()

    def all(self, scene: int | None = None) -> list[Job]:
        return [job for job in self._jobs.values() if scene is None or job.meant.scene == scene]

    def running(self, scene: int | None = None) -> list[Job]:
        return [job for job in self.all(scene) if job.running]

    def find(self, key: str) -> Job | None:
        return self._jobs.get(key)

    def remove(self, key: str) -> None:
        job = self._jobs.pop(key, None)
        if job:
            job.close()

    def clear(self) -> None:
        """Follow none any longer."""
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job.close()


JOBS = Jobs()
"""Blender has one file open at a time; opening another one clears them."""
