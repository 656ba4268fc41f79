"""What the page shows and does: the edit as it was read, what is asked for, what runs, and the jobs that are kept.

There is no HTTP in here. Every method may be called from any thread and returns at once: what takes its time goes on in
threads of its own, and the board hears of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from resilver_client import home as homes
from resilver_client.catalogue import Catalogue, fetch
from resilver_client.client import Client
from resilver_client.errors import InvalidRequest, JobNotFound, ResilverError, SelectionEmpty
from resilver_publish.processing import Plugin
from resilver_publish.publication import PLUGINS
from resilver_publish.types import Repair

from . import orders, wishes
from .board import Board
from .connection import Connection
from .errands import Errands
from .following import Kind, Meant, Run
from .host import Host, KeptJob, Read
from .runs import Runs
from .showing import shown_error, shown_hello, shown_kept, shown_offer, shown_read, shown_wish
from .standing import Standing, standings
from .thumbnails import Thumbnails

WAITING = 10.0
"""Seconds without an answer after which a person is told that the editor may show a dialog."""
_TICK = 1.0
"""Seconds between looks at whether the editor answers."""


class Desk:
    """``open`` begins it, ``close`` ends it; ``left`` is set when the user wants to leave.

    Actions raise InvalidRequest for what cannot be asked for; all else that goes wrong is shown.
    """

    def __init__(
        self, host: Host, home: Path | None, connect: Callable[[], Client], *, plugins: Sequence[Plugin] = PLUGINS
    ) -> None:
        """``home`` is Resilver's folder (None: the user's); ``connect`` finds a server or starts one."""
        self._host = host
        self._file = (home or homes.home()) / "davinci-page.json"
        self.board = Board()
        self.left = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.RLock()
        self._read: Read | None = None
        self._reading = 0
        """Counts how often the edit was read."""
        self._offer = Catalogue()
        self._wish = wishes.for_verb(wishes.load(self._file), host.hello.verb)
        self._rule, self._chosen = -1, tuple[str, ...]()
        """Position of the rule that is taken, and which of its clips."""
        self._jobs: tuple[Standing, ...] = ()
        self._errands = Errands(self.board)
        self._thumbnails = Thumbnails()
        self._connection = Connection(connect, lambda state: self.board.put("server", state))
        self._runs = Runs(host, self._connection, self.board, plugins, lambda: self._offer, self._saw, self._ended)
        self.board.put("hello", shown_hello(host.hello))
        self.board.put("editor", {"waiting": 0})

    def open(self) -> None:
        """Look at the edit, find the server, and watch whether the editor answers."""
        threading.Thread(target=self._tick, name="resilver tick", daemon=True).start()
        self.read()
        self.connect()

    def close(self) -> None:
        """Follow nothing any longer: jobs go on on the server, and are kept with the project."""
        self._closed.set()
        self._connection.close()
        self._runs.end()
        self._thumbnails.close()
        self.board.close()

    @property
    def running(self) -> bool:
        """Whether anything runs that would be left alone."""
        return self._runs.running

    def snapshot(self, after: int = 0) -> Mapping[str, Any]:
        """``{"version", "sections"}``: all of what the page shows that has changed after a version."""
        return self.board.since(after)

    def thumbnail(self, reading: int, index: int, patience: float) -> bytes:
        """JPEG of a clip of that reading, by its position; waits for at most ``patience`` seconds.

        Raises TimeoutError where it is still being made (ask again), and ResilverError classes with why there is none.
        """
        with self._lock:
            read, current = self._read, self._reading
        if read is None or reading != current or not 0 <= index < len(read.clips):
            raise InvalidRequest("the timeline was read anew meanwhile")
        clip = read.clips[index]
        if clip.id not in read.media:
            raise clip.refusal or InvalidRequest("it has no media", where=clip.name)
        return self._thumbnails.of(read.media[clip.id], patience)

    def picture(self, run: str, index: int, stage: int | None = None) -> Path:
        """A picture of a preview, or its change map of a stage; by their positions. Raises InvalidRequest."""
        pictures = self._runs.find(run).pictures
        maps = pictures[index].maps if 0 <= index < len(pictures) else ()
        if stage is None and 0 <= index < len(pictures):
            return Path(pictures[index].path)
        if stage is not None and 0 <= stage < len(maps):
            return Path(maps[stage][1])
        raise InvalidRequest("there is no such picture", remedy="make the preview again")

    def read(self) -> None:
        """Look at the open timeline anew."""
        self._errands.do("read", self._look)

    def connect(self) -> None:
        """Find the server, or start it; and ask what it offers."""
        self._errands.do("connect", self._ask)

    def choose(self, rule: int | None = None, clips: Collection[str] | None = None) -> None:
        """Take the clips of a rule (by its position: there is one for every colour), or just these of them."""
        with self._lock:
            read = self._known()
            position = self._rule if rule is None else rule
            if not 0 <= position < len(read.rules) or not read.rules[position].clips:
                raise InvalidRequest("that rule matches no clip", remedy="choose another one")
            found = read.rules[position].clips
            wanted = set(found if clips is None else clips)
            able = {clip.id for clip in read.clips if clip.refusal is None}
            self._rule = position
            self._chosen = tuple(id for id in found if id in wanted and id in able)
            self._show_choice()

    def change(self, change: Mapping[str, Any]) -> None:
        """One change of what is asked for (``orders.changed``)."""
        with self._lock:
            self._wish = orders.changed(self._wish, change, self._offered())
            wishes.save(self._wish, self._file)
            self._show_wish()

    def start(self) -> None:
        """Restore the chosen clips."""
        self._publish(Kind.RESTORE)

    def preview(self) -> None:
        """Render some frames of the chosen clips, as pictures."""
        self._publish(Kind.PREVIEW)

    def repair(self, run: str, repairs: Sequence[tuple[int, str]]) -> None:
        """Do something about problems of a run, each by its position, and go on."""
        try:
            chosen = [(index, Repair(name)) for index, name in repairs]
        except ValueError as error:
            raise InvalidRequest(f"{error}", remedy="load the page again") from error
        self._runs.repair(run, chosen)

    def again(self, run: str) -> None:
        """Try once more."""
        self._runs.again(run)

    def cancel(self, run: str) -> None:
        self._runs.find(run).cancel()

    def pause(self, run: str) -> None:
        found = self._runs.find(run)
        self._errands.do(f"pause {run}", found.pause)

    def resume(self, run: str) -> None:
        found = self._runs.find(run)
        self._errands.do(f"pause {run}", found.resume)

    def close_run(self, run: str) -> None:
        """Show a run that has ended no longer."""
        self._runs.close(run)

    def jobs(self) -> None:
        """Look anew at the jobs that are kept, and at where they stand."""
        self._errands.do("jobs", self._list_jobs)

    def standings(self) -> None:
        """Look anew at where the jobs stand that are known already: the editor is left alone."""
        self._errands.do("jobs", lambda: self._show_jobs([standing.kept for standing in self._jobs]))

    def place(self, job: str) -> None:
        """Wait for a kept job where it still runs, and place its clips."""
        self._runs.take_up(self._kept(job))

    def place_finished(self) -> None:
        """Place every job that is finished and lies nowhere yet."""
        for standing in self._jobs:
            if standing.waits and not self._runs.follows(standing.id):
                self._runs.take_up(standing.kept)

    def retry(self, job: str) -> None:
        """Queue a failed or cancelled job again, wait for it, and place its clips."""
        self._runs.take_up(self._kept(job), retry=True)

    def stop(self, job: str) -> None:
        """Cancel a job that no run follows."""
        kept = self._kept(job)

        def work() -> None:
            self._connection.client().cancel(kept.remembered.job)
            self._list_jobs()

        self._errands.do(f"stop {job}", work)

    def take_back(self, job: str) -> None:
        """Take a job's clips out of the timeline again."""
        self._errands.do(f"take back {job}", lambda: self._take_back(job))

    def forget(self, job: str) -> None:
        """Keep a job no longer; what lies on the timeline, and its files, stay."""
        kept = self._kept(job)

        def work() -> None:
            self._host.forget(kept)
            self._list_jobs()

        self._errands.do(f"forget {job}", work)

    def dismiss(self, notice: str) -> None:
        self._errands.dismiss(notice)

    def leave(self) -> None:
        """The user is done; whoever made the desk closes it."""
        self.left.set()

    def _look(self) -> None:
        self.board.put("reading", {"error": None})
        try:
            read = self._host.read()
        except ResilverError as error:
            self.board.put("reading", {"error": shown_error(error)})
            return
        with self._lock:
            self._take(read)
            self._rule, self._chosen = -1, ()
            matched = next((position for position, rule in enumerate(read.rules) if rule.clips), None)
            if matched is not None:
                self.choose(matched)
            self._show_choice()

    def _saw(self, read: Read) -> None:
        """A run has looked at the edit: it is shown as it is now, and what was chosen stays so."""
        with self._lock:
            if self._read is None or self._read.timeline_id != read.timeline_id:
                return
            name = self._read.rules[self._rule].name if 0 <= self._rule < len(self._read.rules) else ""
            able = {clip.id for clip in read.clips if clip.refusal is None}
            self._chosen = tuple(id for id in self._chosen if id in able)
            holding = [place for place, rule in enumerate(read.rules) if set(self._chosen) <= set(rule.clips)]
            alike = [place for place in holding if read.rules[place].name == name]
            self._rule = next(iter(alike + holding), -1)
            self._take(read)
            self._show_choice()

    def _take(self, read: Read) -> None:
        self._read, self._reading = read, self._reading + 1
        self._wish = wishes.possible(self._wish, read)
        self.board.put("edit", shown_read(read, self._reading))
        self._show_wish()

    def _ask(self) -> None:
        try:
            client = self._connection.client()
        except ResilverError:
            return  # it is shown where the server is
        offer = fetch(client)
        with self._lock:
            self._offer, self._wish = offer, orders.adopted(self._wish, offer)
            self.board.put("offer", shown_offer(offer))
            self._show_wish()
        self._errands.do("jobs", self._list_jobs)

    def _publish(self, kind: Kind) -> None:
        with self._lock:
            read, offer, chosen = self._known(), self._offered(), self._chosen
            if not chosen:
                raise SelectionEmpty("no clip is chosen", remedy="choose clips on the left")
            wish = replace(self._wish, folder=self._folder())
            rates = [read.media[id].rate or Fraction(0) for id in chosen if id in read.media]
            shape = orders.Shape(read.width, read.height, read.rate, max(rates, default=Fraction(0)))
            title = f"{len(chosen)} clip{'s' if len(chosen) > 1 else ''} of {read.timeline}"
            order = orders.order(wish, offer, shape, title)
            if kind is Kind.PREVIEW:
                order = replace(order, preview_frames=wish.preview_frames)
            names = {clip.id: clip.name for clip in read.clips}
        self._runs.publish(Meant(kind, title, names, read, chosen, order))

    def _ended(self, run: Run) -> None:
        if self._closed.is_set():
            return
        if run.meant.kind is Kind.PREVIEW:
            self._errands.do(f"forget {run.job}", lambda: self._forget_preview(run.job))
        else:
            self.jobs()

    def _forget_preview(self, job: str) -> None:
        """Its pictures are shown: there is nothing to take up again."""
        for kept in self._host.kept():
            if kept.remembered.job == job and kept.remembered.preview:
                self._host.forget(kept)

    def _list_jobs(self) -> None:
        self._show_jobs(self._host.kept())

    def _show_jobs(self, kept: Sequence[KeptJob]) -> None:
        error: ResilverError | None = None
        client: Client | None = None
        try:
            client = self._connection.client() if kept else None
            found = standings(kept, client)
        except ResilverError as failure:
            found, error = standings(kept, None), failure
        with self._lock:
            self._jobs = found
            here = self._read.timeline_id if self._read is not None else ""
        shown = [shown_kept(each, each.kept.timeline_id == here, self._runs.follows(each.id)) for each in found]
        self.board.put("jobs", {"list": shown, "error": shown_error(error) if error else None})

    def _take_back(self, job: str) -> None:
        kept = next((each for each in self._host.kept() if each.remembered.job == job), None)
        if kept is None:
            raise JobNotFound("the project does not remember this job", where=job, remedy="remove the clips by hand")
        for sentence in self._host.take_back(kept):
            self._errands.say(sentence)
        self._runs.taken_back(job)
        self._list_jobs()

    def _kept(self, job: str) -> KeptJob:
        for standing in self._jobs:
            if standing.id == job:
                return standing.kept
        raise InvalidRequest("that job is not kept any longer", where=job, remedy="look at the jobs again")

    def _known(self) -> Read:
        if self._read is None:
            raise InvalidRequest("no timeline was read yet", remedy="open a timeline, then read it")
        return self._read

    def _offered(self) -> Catalogue:
        if not self._offer.stages:
            raise InvalidRequest("the server has not answered yet", remedy="wait until it has, or start it again")
        return self._offer

    def _folder(self) -> str:
        project = self._read.project if self._read is not None else ""
        return self._wish.folder or str(wishes.folder_for(project))

    def _show_choice(self) -> None:
        self.board.put("choice", {"rule": self._rule, "clips": list(self._chosen)})

    def _show_wish(self) -> None:
        if self._offer.stages:
            self.board.put("wish", shown_wish(self._wish, self._offer, self._folder()))

    def _tick(self) -> None:
        while not self._closed.wait(_TICK):
            seconds = self._host.waiting()
            self.board.put("editor", {"waiting": int(seconds) // 5 * 5 if seconds > WAITING else 0})
