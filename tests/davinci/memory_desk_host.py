"""The smallest editor that a desk can work with: an OpenTimelineIO edit in memory, real films, the real pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import opentimelineio as otio

from publish.memory_host import Edit, MemorySession
from resilver_bridge.host import Hello, KeptJob, Listener, Media, Read, Rule
from resilver_client.client import Client
from resilver_client.errors import ClipOffline, ClipUnsupported, ResilverError, SelectionEmpty
from resilver_publish.session import HostSession
from resilver_publish.types import (
    ChangeMap,
    HostClip,
    Layout,
    Occupied,
    Placement,
    Progress,
    Remembered,
    RestoredClip,
)

START = 86400
"""01:00:00:00 at 24 frames a second."""
RATE = Fraction(24)
OURS = "memory host"


@dataclass
class Session(MemorySession):
    """A memory session of just the chosen clips, that tells a listener."""

    chosen: Sequence[str] = ()
    listener: Listener = field(default_factory=Listener)
    host_: MemoryDeskHost | None = None

    def selection(self) -> Sequence[HostClip]:
        found = [clip for clip in clips_of(self.edit) if clip.id in self.chosen]
        if not found:
            raise SelectionEmpty("no clip is chosen", remedy="choose clips")
        return found

    def in_the_way(self, clip: HostClip, layout: Layout) -> str:
        return super().in_the_way(replace(clip, start=clip.start - START, stop=clip.stop - START), layout)

    def remember(self, remembered: Remembered) -> None:
        assert self.host_ is not None
        self.host_.keep(remembered)

    def place(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Sequence[Placement]:
        placed = super().place(restored, layout, occupied)
        assert self.host_ is not None
        self.host_.note(restored[0].job, tuple(dict.fromkeys(each.where for each in placed)))
        return placed

    def progress(self, progress: Progress) -> None:
        self.listener.progress(progress)
        super().progress(progress)

    def report(self, sentence: str) -> None:
        self.listener.report(sentence)

    def show(self, pictures: Sequence[str], change_maps: Sequence[ChangeMap]) -> None:
        self.listener.show(pictures, change_maps)


class MemoryDeskHost:
    """A ``Host``. ``selected`` names the selected clips, ``coloured`` those with a colour; ``layouts`` says what
    cannot be done; ``fault`` is why it cannot be read."""

    def __init__(self, edit: Edit, verb: str = "restore") -> None:
        self.edit = edit
        self.hello = Hello(verb, "DaVinci Resolve Studio", (21, 0, 4), True, "3.12.1", "linux")
        self.selected: tuple[str, ...] = ()
        self.coloured: tuple[str, ...] = ()
        self.refusals: dict[str, ResilverError] = {}
        self.layouts: dict[Layout, str] = dict.fromkeys(Layout, "")
        self.fault: ResilverError | None = None
        self.timeline_id = "t1"
        self.silent = 0.0
        """Seconds for which it is said not to answer."""
        self._kept: dict[str, KeptJob] = {}
        self.while_working: Callable[[Progress], None] = lambda _: None

    def read(self) -> Read:
        if self.fault is not None:
            raise self.fault
        clips = tuple(replace(clip, refusal=self.refusals.get(clip.name, clip.refusal)) for clip in clips_of(self.edit))
        return Read(
            project="Der letzte Zug", project_id="p1", timeline="Reel 2 conform", timeline_id=self.timeline_id,
            rate=RATE, drop_frame=False, start=START, width=1920, height=1080,
            clips=clips, media=dict(self._media()), rules=self._rules(clips), layouts=self.layouts,
        )  # fmt: skip

    def session(self, read: Read, chosen: Sequence[str], client: Client, listener: Listener) -> HostSession:
        made = Session(self.edit, chosen=chosen, listener=listener, host_=self)
        made.while_working = lambda progress: self.while_working(progress)
        return made

    def kept(self) -> Sequence[KeptJob]:
        return list(self._kept.values())[::-1]

    def take_up(self, job: KeptJob, client: Client, listener: Listener) -> HostSession:
        return Session(self.edit, listener=listener, host_=self)

    def take_back(self, job: KeptJob) -> Sequence[str]:
        removed = 0
        for track, _, clip in list(self.edit.clips()):
            if clip.metadata[OURS].get("job") == job.remembered.job:
                self.edit.take(track, clip)
                removed += 1
        self.note(job.remembered.job, ())
        return [f"{removed} clip{'s' if removed != 1 else ''} taken out of {job.timeline} again"]

    def forget(self, job: KeptJob) -> None:
        del self._kept[job.remembered.job]

    def waiting(self) -> float:
        return self.silent

    def leave(self) -> None:
        """Nothing here has to be told."""

    def keep(self, remembered: Remembered, submitted: float | None = None) -> None:
        at = time.time() if submitted is None else submitted
        self._kept[remembered.job] = KeptJob(remembered, "Der letzte Zug", "p1", "Reel 2 conform", "t1", at)

    def note(self, job: str, placed: tuple[str, ...]) -> None:
        """Where a job's clips lie now."""
        if job in self._kept:
            self._kept[job] = replace(self._kept[job], placed=placed)

    def _rules(self, clips: Sequence[HostClip]) -> tuple[Rule, ...]:
        def of(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(clip.id for clip in clips if clip.name in names)

        chosen = of(self.selected)
        return (
            Rule("selected", _counted(len(chosen), "selected clip"), chosen, "" if chosen else "nothing is selected"),
            Rule("marks", "clips between the marks", (), "the timeline has no in or out mark"),
            Rule("colour", "clips coloured Chocolate", of(self.coloured), "" if self.coloured else "no clip has it"),
            Rule("current", "the clip under the playhead", (clips[0].id,) if clips else (), ""),
            Rule("all", f"all {len(clips)} clips", tuple(clip.id for clip in clips), ""),
        )

    def _media(self) -> Mapping[str, Media]:
        found = {}
        for _, _, clip in self.edit.clips():
            reference = clip.media_reference
            if not isinstance(reference, otio.schema.GeneratorReference):
                path = str(getattr(reference, "target_url", ""))
                first = Fraction(round(clip.source_range.start_time.value))
                found[clip.metadata[OURS]["id"]] = Media(clip.name, path, first)
        return found


def clips_of(edit: Edit) -> list[HostClip]:
    """All of them, in frames of a timeline that starts at an hour."""
    return [_clip(*each) for each in edit.clips()]


def _clip(track: int, start: int, clip: otio.schema.Clip) -> HostClip:
    refusal: ResilverError | None = None
    if clip.media_reference.is_missing_reference:
        refusal = ClipOffline("its media is offline", where=clip.name, remedy="relink the clip")
    if isinstance(clip.media_reference, otio.schema.GeneratorReference):
        refusal = ClipUnsupported("it is a generator, which has no film", where=clip.name, remedy="leave it out")
    at = START + start
    stop = at + round(clip.source_range.duration.value)
    return HostClip(clip.metadata[OURS]["id"], clip.name, track, at, stop, refusal)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
