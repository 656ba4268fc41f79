"""DaVinci Resolve as the publish plug-ins see it. Lives in a publication's thread; the script calls Resolve."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePath

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import (
    ClipUnsupported,
    HostFailed,
    InternalError,
    InvalidRate,
    SelectionEmpty,
    ServerUnreachable,
)
from resilver_publish.types import (
    ChangeMap,
    HostClip,
    HostTimeline,
    Layout,
    Occupied,
    Placement,
    Progress,
    Remembered,
    RestoredClip,
)

from . import coming, lengths, placing, requests
from .clips import Shown
from .edit import Edit
from .editor import Editor
from .fields import Fields
from .files import write_result
from .host import Listener
from .keeping import Kept, Original, Placed
from .originals import Pair, pairs, transitions
from .timeline import Matching, host_timeline
from .tracks import in_the_way


@dataclass(frozen=True)
class Meant:
    """An edit as it was read, and the clips of it that are meant, by id in the order of the timeline."""

    matching: Matching
    shown: Mapping[str, Shown]
    chosen: tuple[str, ...]


class ResolveSession:
    """Clips of one timeline, or a job that was submitted from it. Originals are found again by their ids."""

    host = "resolve"

    def __init__(self, editor: Editor, client: Client, listener: Listener, what: Meant | Kept) -> None:
        self._editor, self._client, self._listener = editor, client, listener
        self._meant = what if isinstance(what, Meant) else None
        self._kept = what if isinstance(what, Kept) else None
        self._places: dict[str, str] = {}

    def selection(self) -> Sequence[HostClip]:
        meant = self._read()
        if not meant.chosen:
            raise SelectionEmpty("no clip is selected", remedy="select the clips to restore, or choose another rule")
        return [meant.shown[id].clip for id in meant.chosen]

    def timeline(self, clips: Sequence[HostClip]) -> HostTimeline:
        timeline = host_timeline(self._read().matching, [clip.id for clip in clips])
        self._places |= timeline.places
        return timeline

    def in_the_way(self, clip: HostClip, layout: Layout) -> str:
        if layout not in (Layout.OVERLAY, Layout.REPLACE):
            return ""
        return in_the_way(self._read().matching.edit, clip.track + 1, clip.start, clip.stop)

    def remember(self, remembered: Remembered) -> None:
        """Raises, before a frame is rendered, what placing would raise for the lengths and rates of the results: the
        publication then withdraws the job."""
        kept = self._new(remembered)
        job = self._planned(remembered.job)
        if job is not None:
            kept = replace(kept, folder=coming.folder_of(job))
            if not remembered.preview:
                coming.check(remembered, job, self._read().matching.edit.timeline, kept.originals)
        self._editor.keeping.write(kept)
        self._kept = kept

    def place(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Sequence[Placement]:
        kept = self._kept if self._kept is not None else self._new(self._as_remembered(restored, layout, occupied))
        match layout:
            case Layout.FILE:
                return self._write_file(kept, restored)
            case Layout.NEW_TIMELINE:
                placed = self._new_timeline(kept, restored)
            case Layout.TAKE:
                placed = self._take(kept, restored)
            case _:
                placed = self._over(kept, restored, layout, occupied)
        self._kept = replace(kept, placed=placing.together(kept.placed, placed))
        self._note(self._kept)
        return [Placement(each.clip, where) for each, where in zip(restored, placed.where, strict=True)]

    def show(self, pictures: Sequence[str], change_maps: Sequence[ChangeMap]) -> None:
        self._listener.show(pictures, change_maps)

    def progress(self, progress: Progress) -> None:
        self._listener.progress(progress)

    def report(self, sentence: str) -> None:
        self._listener.report(sentence)

    def _note(self, kept: Kept) -> None:
        """Keep that it is placed. Raises HostFailed where that cannot be kept: all lies there all the same."""
        try:
            self._editor.keeping.write(kept)
        except HostFailed as error:
            new = kept.remembered.layout is Layout.NEW_TIMELINE
            raise HostFailed(
                f"the restored clips are placed, but that cannot be noted: {error.what}",
                where=error.where,
                remedy=error.remedy if new else f"{error.remedy}, then place the job again: none is laid twice",
            ) from error

    def _over(self, kept: Kept, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Placed:
        """On a track above; the edit is looked at right before, so that nothing is laid over what came since."""
        version = self._editor.hello.version
        plan, result = self._editor.change(
            kept.project_id,
            kept.timeline_id,
            "place",
            lambda edit: placing.over(edit, restored, kept, layout, occupied, version),
        )
        placed = placing.laid_over(plan, result, layout)
        self._tell([*_there(plan), *requests.notes(result, "place"), *transitions(plan.found)])
        return placed

    def _take(self, kept: Kept, restored: Sequence[RestoredClip]) -> Placed:
        plan, result = self._editor.change(
            kept.project_id, kept.timeline_id, "take", lambda edit: placing.as_takes(edit, restored, kept)
        )
        placed = placing.taken(plan, result)
        self._tell([*_there(plan), *requests.notes(result, "take")])
        return placed

    def _new_timeline(self, kept: Kept, restored: Sequence[RestoredClip]) -> Placed:
        """A timeline of its own: restored clips on the tracks of their originals, and the sound of the edit."""
        edit = self._editor.look(kept.project_id, kept.timeline_id)
        found = pairs(edit, restored, kept.originals)
        rate = _one_rate(restored)
        text = lengths.timeline_rate_text(rate, edit.timeline.drop_frame)
        said: list[str] = []
        width, height = max((each.width, each.height) for each in restored)
        result = self._editor.call(
            "new_timeline",
            project=kept.project_id,
            name=f"{edit.timeline.name} {_size(width, height)}{text.split()[0]}",
            width=width,
            height=height,
            rate=text,
            start_timecode=lengths.timecode_at(
                edit.timeline.start_timecode, edit.timeline.rate, rate, text.endswith("DF")
            ),
            bin=requests.BIN,
            clips=[_new_request(each, edit) for each in found],
            sound=list(requests.sounds(edit, rate, said)),
        )
        placed = requests.read_placed(result, list(restored), "new_timeline")
        made = Fields(result, "new_timeline").inner("timeline")
        self._tell([*requests.notes(result, "new_timeline"), *said, *self._left_out(edit, found), *transitions(found)])
        name = made.text("name")
        where = tuple(f"track {each.track} of the timeline {name!r}" for each in placed)
        items = tuple(each.id for each in placed)
        return Placed(made.text("id"), name, items=items, own_timeline=True, where=where)

    def _left_out(self, edit: Edit, found: Sequence[Pair]) -> list[str]:
        """What the new timeline does not show of the edit."""
        known = {each.now.id for each in found} | self._editor.restored(edit.project_id)
        shown = [item for track in edit.video if track.enabled for item in track.items if item.enabled]
        names = dict.fromkeys(item.name for item in shown if item.id not in known and item.type != "transition")
        if not names:
            return []
        return [f"not in the new timeline, since they were not restored: {', '.join(names)}"]

    def _write_file(self, kept: Kept, restored: Sequence[RestoredClip]) -> list[Placement]:
        job = kept.remembered.job
        first = PurePath(restored[0].path)
        folder = first.parent.parent if restored[0].is_sequence else first.parent
        title = kept.remembered.title or kept.timeline
        written = write_result(self._client.result(job).timeline, str(folder).replace("%%", "%"), title)
        self._tell([*written.report, f"import {written.path} with File > Import > Timeline"])
        return [Placement(each.clip, f"the file {written.path}") for each in restored]

    def _planned(self, job: str) -> jobs_pb2.Job | None:
        """The job as the server has it; None where it cannot be asked now, which is no reason to forget the job."""
        try:
            return self._client.get(job)
        except ServerUnreachable:
            return None

    def _read(self) -> Meant:
        if self._meant is None:
            raise InternalError("a job that is taken up has no selection")
        return self._meant

    def _new(self, remembered: Remembered) -> Kept:
        meant = self._read()
        edit = meant.matching.edit
        originals = {clip.id: Original.of(meant.shown[clip.id]) for clip in remembered.clips}
        return Kept(
            remembered,
            edit.project,
            edit.project_id,
            edit.timeline.name,
            edit.timeline.id,
            time.time(),
            originals=originals,
        )

    def _as_remembered(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Remembered:
        """What is placed without having been remembered is kept all the same, so that it can be taken back."""
        shown = self._read().shown
        clips = tuple(replace(shown[each.clip].clip, refusal=None) for each in restored)
        places = {clip.id: self._places.get(clip.id, "") for clip in clips}
        return Remembered(restored[0].job, clips, places, layout, occupied, restored[0].recipe)

    def _tell(self, sentences: Iterable[str]) -> None:
        for sentence in dict.fromkeys(sentences):
            self._listener.report(sentence)


def _there(plan: placing.Planned) -> list[str]:
    """What is said of clips that lay there before they were placed."""
    count = len(plan.there)
    return [f"{count} of the restored clips lay there already, and stay as they are"] if count else []


def _new_request(pair: Pair, edit: Edit) -> dict[str, object]:
    """The file's frames were rendered for the cuts as they were: a clip that was moved has others now."""
    if pair.now.start != pair.then.start:
        raise ClipUnsupported(
            "it was moved while it was restored, and its frames are those of its old place",
            where=pair.restored.name,
            remedy="move it back and take the job up again, or restore it again",
        )
    start, shown = lengths.between_cuts(pair.restored, *coming.cuts(pair.then, edit.timeline))
    return requests.clip_request(pair, pair.now.track, start, shown.stop - shown.start, shown)


def _one_rate(restored: Sequence[RestoredClip]) -> Fraction:
    rates = {each.rate for each in restored}
    if len(rates) > 1:
        raise InvalidRate(
            f"the clips have several rates: {', '.join(sorted(map(lengths.rate_text, rates)))}",
            remedy="name one rate in the recipe's interpolation",
        )
    return rates.pop()


def _size(width: int, height: int) -> str:
    """What a name says before the rate: "4K" of "4K60"."""
    return "4K" if (width, height) == (3840, 2160) else f"{width}x{height}@"
