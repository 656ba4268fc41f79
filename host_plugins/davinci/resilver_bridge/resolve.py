"""DaVinci Resolve as the page's desk asks it: what ``host.Host`` says, over the menu script."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resilver_client.client import Client
from resilver_client.errors import HostFailed, InternalError, InvalidRequest
from resilver_publish.types import Layout

from . import requests
from .clips import shown_clips
from .edit import Edit
from .editor import Editor
from .fields import Fields
from .host import KeptJob, Listener, Read
from .install.folders import JOBS
from .keeping import Keeping, Kept
from .protocol import Script
from .rules import rules
from .session import Meant, ResolveSession
from .taking_back import TakingBack
from .timeline import match
from .turn import Turn


@dataclass(frozen=True)
class ResolveRead(Read):
    """What was read, with what only the session needs of it."""

    meant: Meant
    """Without a clip that is chosen."""


class Resolve:
    """The open Resolve. Calls come from any thread and are made one after another by ``Script``."""

    def __init__(self, script: Script, home: Path) -> None:
        """``script`` was greeted; ``home`` is the folder in which Resilver keeps what belongs to one user."""
        self.hello = script.hello
        self._script = script
        self._editor = Editor(script, Keeping(home), script.hello, Turn(home / JOBS / "turn"))

    def read(self) -> ResolveRead:
        edit, text = self._export()
        matching = match(edit, text)
        shown = shown_clips(matching)
        items = [each.item for each in shown]
        timeline = edit.timeline
        return ResolveRead(
            project=edit.project,
            project_id=edit.project_id,
            timeline=timeline.name,
            timeline_id=timeline.id,
            rate=timeline.rate,
            drop_frame=timeline.drop_frame,
            start=timeline.start,
            width=timeline.width,
            height=timeline.height,
            clips=tuple(each.clip for each in shown),
            media={each.clip.id: each.media for each in shown if each.media is not None},
            rules=rules(edit, items, self.hello.version, self._editor.restored(edit.project_id)),
            layouts=dict.fromkeys(Layout, ""),
            meant=Meant(matching, {each.clip.id: each for each in shown}, ()),
        )

    def session(self, read: Read, chosen: Sequence[str], client: Client, listener: Listener) -> ResolveSession:
        """Raises InvalidRequest for a clip that is none of those that were read."""
        if not isinstance(read, ResolveRead):
            raise InternalError("an edit that another editor read")
        unknown = set(chosen) - read.meant.shown.keys()
        if unknown:
            raise InvalidRequest("a clip that the timeline does not have", remedy="look at the timeline again")
        wanted = tuple(id for id in read.meant.shown if id in set(chosen))
        return ResolveSession(self._editor, client, listener, replace(read.meant, chosen=wanted))

    def kept(self) -> list[KeptJob]:
        """Also where no timeline is open. Files that cannot be read are named in Resolve's console."""
        project = Fields(self._editor.call("project"), "project").text("id")
        jobs, damaged = self._editor.keeping.all(project)
        for sentence in damaged:
            self._script.say(sentence)
        return [_kept_job(kept) for kept in jobs]

    def take_up(self, job: KeptJob, client: Client, listener: Listener) -> ResolveSession:
        return ResolveSession(self._editor, client, listener, self._known(job))

    def take_back(self, job: KeptJob) -> list[str]:
        kept = self._known(job)
        placed = kept.placed
        if placed is None:
            return ["nothing of this job is placed"]
        if placed.own_timeline:
            self._editor.keeping.write(replace(kept, placed=None))
            return [
                f"the timeline {placed.timeline!r} is left as it is: delete it in the media pool if it is not wanted"
            ]
        plan, result = self._editor.change(
            kept.project_id, placed.timeline_id, "take_back", lambda edit: TakingBack(edit, kept, placed)
        )
        removed = Fields(result, "take_back").texts("removed")
        self._editor.keeping.write(replace(kept, placed=plan.left(removed)))
        return [*plan.left_behind(removed), *requests.notes(result, "take_back")]

    def forget(self, job: KeptJob) -> None:
        self._editor.keeping.remove(job.project_id, job.remembered.job)

    def waiting(self) -> float:
        return self._editor.waiting()

    def leave(self) -> None:
        self._script.bye()

    def _export(self) -> tuple[Edit, str]:
        """The edit, and its timeline as OTIO JSON."""
        with tempfile.TemporaryDirectory(prefix="resilver-") as folder:
            path = Path(folder, "timeline.otio")
            edit = self._editor.look(otio=str(path))
            try:
                return edit, path.read_text(encoding="utf-8-sig")
            except (OSError, ValueError) as error:
                raise HostFailed(
                    f"the timeline that Resolve exported cannot be read ({error})",
                    where=edit.timeline.name,
                    remedy="check that the disk of the temporary folder is not full, then look again",
                ) from error

    def _known(self, job: KeptJob) -> Kept:
        kept = self._editor.keeping.read(job.project_id, job.remembered.job)
        if kept is None:
            raise InvalidRequest("the job is not kept any more", where=job.remembered.title or job.remembered.job)
        return kept


def _kept_job(kept: Kept) -> KeptJob:
    return KeptJob(
        remembered=kept.remembered,
        project=kept.project,
        project_id=kept.project_id,
        timeline=kept.timeline,
        timeline_id=kept.timeline_id,
        submitted=kept.submitted,
        placed=kept.placed.where if kept.placed is not None else (),
    )
