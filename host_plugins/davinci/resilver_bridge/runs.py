"""The publications that the page shows, newest first: begun, repaired, taken up again, ended."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from resilver_client.catalogue import Catalogue
from resilver_client.client import Client
from resilver_client.errors import ClipUnsupported, HostFailed, InvalidRequest, JobNotFound
from resilver_publish.processing import Plugin
from resilver_publish.publication import Publication, repaired
from resilver_publish.types import Occupied, Order, Outcome, Problem, Repair

from .board import Board
from .connection import Connection
from .following import Kind, Meant, Run, Work, pictures_of
from .host import Host, KeptJob, Read
from .standing import ENDED_BADLY

_LEAVING = 2.0
"""Seconds that a run gets to end when it is no longer followed."""
_OF_PLACE = {Repair.USE_TRACK_ABOVE: Occupied.ABOVE, Repair.MAKE_ROOM: Occupied.MAKE_ROOM}
"""Repairs that a finished job is placed with, without being rendered again."""


class Runs:
    """Thread-safe. Puts the section "runs". ``seen`` hears of the edit as it is when a run begins, ``ended`` of every
    run that has ended; both are called from threads of their own."""

    def __init__(
        self,
        host: Host,
        connection: Connection,
        board: Board,
        plugins: Sequence[Plugin],
        offer: Callable[[], Catalogue],
        seen: Callable[[Read], None],
        ended: Callable[[Run], None],
    ) -> None:
        self._host, self._connection, self._board = host, connection, board
        self._plugins, self._offer, self._seen, self._ended = tuple(plugins), offer, seen, ended
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._runs: dict[str, Run] = {}
        self._folders: dict[str, str] = {}
        """Of the pictures of previews, by run."""
        self.show()

    @property
    def running(self) -> bool:
        with self._lock:
            return any(run.running for run in self._runs.values())

    def find(self, id: str) -> Run:
        """Raises InvalidRequest where it is not shown any longer."""
        with self._lock:
            if id not in self._runs:
                raise InvalidRequest("that run is not shown any longer", remedy="look at the jobs")
            return self._runs[id]

    def follows(self, job: str) -> bool:
        """Whether a run waits for that job."""
        with self._lock:
            return any(run.running and run.job == job for run in self._runs.values())

    def publish(self, meant: Meant) -> None:
        """A new one; a preview takes the place of the one before."""
        if meant.kind is Kind.PREVIEW:
            self._drop_previews()
        self._begin(next(self._numbers), meant, self._publishing)

    def take_up(self, kept: KeptJob, retry: bool = False) -> None:
        """Wait for a job that was submitted before, and place its clips; ``retry`` first queues one that has failed or
        was cancelled again: only what is missing is rendered. Raises InvalidRequest where a run waits for it."""
        if self.follows(kept.remembered.job):
            raise InvalidRequest("that job is waited for already", where=kept.remembered.title)
        names = {clip.id: clip.name for clip in kept.remembered.clips}
        meant = Meant(Kind.TAKE_UP, kept.remembered.title, names, kept=kept)
        self._begin(next(self._numbers), meant, lambda run: self._taking_up(run, kept, retry))

    def repair(self, id: str, chosen: Sequence[tuple[int, Repair]]) -> None:
        """Do something about problems of a run (each by its position), and run it again. Raises InvalidRequest."""
        run = self.find(id)
        problems = run.outcome.problems if run.outcome is not None else ()
        if not chosen or any(not 0 <= index < len(problems) for index, _ in chosen):
            raise InvalidRequest("there is no such problem any longer", remedy="look at the run again")
        repairs = [(problems[index], repair) for index, repair in chosen]
        places = [_OF_PLACE[repair] for _, repair in repairs if repair in _OF_PLACE]
        if run.job and places:
            self._begin(id, run.meant, lambda again: self._placing(again, run.job, places[0]))
        else:
            self._begin(id, run.meant, lambda again: self._repairing(again, repairs))

    def again(self, id: str) -> None:
        """Run once more: what was submitted is taken up (and retried where it failed), else it is begun anew."""
        run = self.find(id)
        self._begin(id, run.meant, lambda again: self._once_more(again, run.job))

    def close(self, id: str) -> None:
        """Show it no longer. Raises InvalidRequest while it runs."""
        with self._lock:
            run = self.find(id)
            if run.running:
                raise InvalidRequest("it is still running", where=run.meant.title, remedy="cancel it first")
            self._forget(run)
        self.show()

    def taken_back(self, job: str) -> None:
        """The job's clips were taken out of the timeline again."""
        with self._lock:
            for run in self._runs.values():
                run.taken_back = run.taken_back or run.job == job
        self.show()

    def end(self) -> None:
        """Nothing is followed any longer, for at most some seconds each; pictures of previews are removed."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.join(_LEAVING)
        for run in runs:
            self._forget(run)

    def show(self) -> None:
        with self._lock:
            self._board.put("runs", [run.shown(self._offer()) for run in reversed(self._runs.values())])

    def _begin(self, id: int | str, meant: Meant, work: Work) -> None:
        run = Run(str(id), meant, lambda run: self._whole(run, work), self.show)
        with self._lock:
            if str(id) in self._runs and self._runs[str(id)].running:
                raise InvalidRequest("it is still running", where=meant.title)
            self._runs[str(id)] = run
        self.show()
        run.start()

    def _whole(self, run: Run, work: Work) -> Outcome:
        try:
            return work(run)
        finally:
            threading.Thread(target=self._after, args=(run,), name="resilver run ended", daemon=True).start()

    def _after(self, run: Run) -> None:
        """Once the run's own thread has put its outcome."""
        run.join(60.0)
        self._ended(run)
        self.show()

    def _publishing(self, run: Run) -> Outcome:
        meant = run.meant
        if meant.order is None:
            raise InvalidRequest("a run without an order", where=meant.title)
        return self._ordered(run, meant.order, self._connection.client())

    def _ordered(self, run: Run, order: Order, client: Client) -> Outcome:
        meant = run.meant = replace(run.meant, order=order)
        read = self._now(meant)
        if meant.kind is Kind.PREVIEW and not client.endpoint().encrypted:  # the server sees this machine's folders
            order = replace(order, output_folder=self._folder(run))
        session = self._host.session(read, meant.chosen, client, run.listener())
        publication = Publication(session, client, order, self._plugins)
        run.attach(client, publication)
        outcome = publication.run()
        if outcome.pictures:
            run.pictures = pictures_of(client.get(outcome.job))
        return outcome

    def _now(self, meant: Meant) -> Read:
        """The edit as it is when the run begins: the page may have been open for hours."""
        if meant.read is None:
            raise InvalidRequest("a run without a timeline", where=meant.title)
        read = self._host.read()
        if read.timeline_id != meant.read.timeline_id:
            remedy = f"open {meant.read.timeline} again, or read this one"
            raise HostFailed("another timeline is open now", where=read.timeline, remedy=remedy)
        there = {clip.id for clip in read.clips}
        gone = [meant.names.get(id, id) for id in meant.chosen if id not in there]
        if gone:
            remedy = "read the timeline again, and choose anew"
            raise ClipUnsupported("it is not in the timeline any more", where=", ".join(gone), remedy=remedy)
        self._seen(read)
        return read

    def _repairing(self, run: Run, repairs: Sequence[tuple[Problem, Repair]]) -> Outcome:
        client, order = self._connection.client(), run.meant.order
        if order is None:
            raise InvalidRequest("a run without an order", where=run.meant.title)
        for problem, repair in repairs:
            order = repaired(order, problem, repair, client, run.installing)
        return self._ordered(run, order, client)

    def _placing(self, run: Run, job: str, occupied: Occupied) -> Outcome:
        """The job is there, only its place is not: nothing is rendered twice."""
        kept = self._kept(job)
        if kept is None:
            raise JobNotFound("the project does not remember this job", where=job, remedy="restore the clips again")
        return self._taking_up(run, replace(kept, remembered=replace(kept.remembered, occupied=occupied)), False)

    def _once_more(self, run: Run, job: str) -> Outcome:
        kept = self._kept(job) if job and run.meant.kind is not Kind.PREVIEW else None
        return self._publishing(run) if kept is None else self._taking_up(run, kept, True)

    def _taking_up(self, run: Run, kept: KeptJob, retry: bool) -> Outcome:
        client = self._connection.client()
        run.meant = replace(run.meant, kept=kept)
        if retry and client.get(kept.remembered.job).state in ENDED_BADLY:
            client.retry(kept.remembered.job)
        publication = Publication(self._host.take_up(kept, client, run.listener()), client, plugins=self._plugins)
        run.attach(client, publication)
        return publication.resume(kept.remembered)

    def _kept(self, job: str) -> KeptJob | None:
        """None where the edit does not remember it: it was withdrawn, or forgotten."""
        return next((kept for kept in self._host.kept() if kept.remembered.job == job), None)

    def _folder(self, run: Run) -> str:
        with self._lock:
            if run.id not in self._folders:
                self._folders[run.id] = tempfile.mkdtemp(prefix="resilver-preview-")
            return self._folders[run.id]

    def _drop_previews(self) -> None:
        with self._lock:
            former = [run for run in self._runs.values() if run.meant.kind is Kind.PREVIEW]
            for run in former:
                if run.running:
                    run.cancel()
                self._forget(run)

    def _forget(self, run: Run) -> None:
        with self._lock:
            self._runs.pop(run.id, None)
            folder = self._folders.pop(run.id, "")
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
