"""Failures that are known of Resolve, in a table: how each is injected, and what has to come of it.

The numbers are the sections of what is known of Resolve's scripting: editions and versions, calls, AppendToTimeline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from davinci.ledger_bench import Bench
from davinci.linked import Closed
from resilver_publish.types import Layout

NEWEST, MIDDLE, OLDEST = "21.1.0 Studio", "20.3.1 Free", "18.6.6 Free"
OPEN_DIALOG = r"close (the|any) dialog that is open in Resolve"


@dataclass(frozen=True)
class Case:
    """A failure, and what has to come of it."""

    name: str
    inject: Callable[[Bench], object]
    what: str = ""
    """A pattern that the one message's first part has; empty where all is placed without a word."""
    remedy: str = ""
    where: str | None = None
    layout: Layout = Layout.OVERLAY
    versions: tuple[str, ...] = (NEWEST,)
    submitted: bool = True
    """Whether the job is kept then, and can be taken up."""
    note: str = ""
    """A pattern of what is said besides where all is placed, once; with ``each``, once a clip."""
    half: bool = False
    """Whether a part lies there, which the message says."""
    each: bool = False
    """Whether it is said of each clip."""

    def __str__(self) -> str:
        return self.name


def _enumerations_as_text(bench: Bench) -> None:
    constants = bench.double.constants()
    bench.double.constants = lambda: {**constants, "EXPORT_OTIO": "OTIO"}  # type: ignore[method-assign,dict-item]


def _lower(bench: Bench) -> None:
    """Nothing lies above the clips, and there is no track for anything."""
    bench.double.timeline.tracks["video"].pop()
    bench.before = bench.double.lying()


def _no_track(bench: Bench) -> None:
    _lower(bench)
    bench.faults(failing={"Timeline.AddTrack": -1})


def _lock(bench: Bench) -> None:
    bench.double.timeline.tracks["video"][1].locked = True


def _modal(bench: Bench) -> None:
    bench.double.faults.modal_open = True


def _modal_saved(bench: Bench) -> None:
    """What lies there by then is in the project: it saves by itself."""
    bench.double.keep()
    bench.double.faults.modal_open = True


def _closed(bench: Bench) -> None:
    bench.double.keep()
    raise Closed


def _another_project(bench: Bench) -> None:
    bench.double.open_project("Another")
    bench.double.open_timeline("Edit")


def _media_gone(bench: Bench) -> None:
    """Somebody moves the results away, and back again later."""
    results, away = bench.folder / "out", bench.folder / "away"
    results.rename(away)
    bench.after.append(lambda: away.rename(results))


def _set(**switches: Any) -> Callable[[Bench], None]:
    return lambda bench: bench.faults(**switches)


def _always(*methods: str) -> Callable[[Bench], None]:
    return lambda bench: bench.faults(failing=dict.fromkeys(methods, -1))


def _at(method: str, act: Callable[[Bench], object], times: int = 1) -> Callable[[Bench], None]:
    return lambda bench: bench.just_before(method, lambda: act(bench), times)


def _at_work(act: Callable[[Bench], object]) -> Callable[[Bench], None]:
    return lambda bench: setattr(bench, "at_work", lambda: act(bench))


APPEND, ALL = "MediaPool.AppendToTimeline", (NEWEST, MIDDLE, OLDEST)
CASES = (
    # 1: editions and versions
    Case("a call that only Studio has opens no dialog", lambda bench: None, versions=("21.0.4 Free", "19.1.3 Free")),
    Case("a dialog opens while clips are laid", _at(APPEND, _modal, 2), "does not answer", OPEN_DIALOG, versions=ALL),
    Case(
        "a dialog opens, and half is saved",
        _at(APPEND, _modal_saved, 2),
        "could not be taken back",
        OPEN_DIALOG,
        half=True,
    ),
    Case("methods that are missing answer nothing", _set(missing_method_answers_none=True), versions=ALL),
    # 3: every call
    Case(
        "enumerations are text",
        _enumerations_as_text,
        "does not export the timeline",
        OPEN_DIALOG,
        "Edit",
        submitted=False,
    ),
    Case(
        "the export writes nothing",
        _set(export_writes_nothing=True),
        "does not export",
        OPEN_DIALOG,
        "Edit",
        submitted=False,
    ),
    Case("the first import is empty", _set(first_import_empty=True), versions=ALL),
    Case(
        "no import", _always("MediaPool.ImportMedia"), "does not import the restored file", "import it by hand", "/out/"
    ),
    Case(
        "the wrong rate at import",
        _set(wrong_import_fps=25.0),
        "25 frames a second instead of 60",
        "render it in another format",
        "/out/",
    ),
    Case("no bin", _always("MediaPool.AddSubFolder"), "does not make a bin", OPEN_DIALOG, "Resilver"),
    Case("no edit page", _always("Resolve.OpenPage"), "does not open its edit page", OPEN_DIALOG),
    Case(
        "the page of Fairlight",
        lambda bench: (setattr(bench.double, "page", "fairlight"), bench.faults(append_off_by=1)),
        versions=ALL,
    ),
    Case("a deletion that misses", _set(append_off_by=1, delete_misses=1)),
    Case("a track is added for the clips", _lower, versions=ALL),
    Case("no track", _no_track, "does not add a video track", OPEN_DIALOG),
    Case("no saving", _set(save_fails=True), versions=ALL, note="^Resolve did not save the project: save it yourself$"),
    Case(
        "clips that cannot be switched off",
        _always("TimelineItem.SetClipEnabled"),
        "does not switch a clip off",
        OPEN_DIALOG,
        layout=Layout.REPLACE,
    ),
    Case("colours that fail", _always("TimelineItem.SetClipColor"), note="could not be coloured Teal", each=True),
    Case("markers that fail", _always("TimelineItem.AddMarker"), note="could not be given its marker", each=True),
    # 4: AppendToTimeline
    Case("null items, once", _set(drop_appends=1)),
    Case("null items, always", _set(drop_appends=99), "does not lay it on video track 2", OPEN_DIALOG, "Meadow"),
    Case("an answer of nothing, and the clip lies there", _set(append_error=True), versions=ALL),
    Case(
        "a list of nothing",
        lambda bench: (bench.faults(refused_as_none=True), bench.just_before(APPEND, lambda: _lock(bench))),
        "the track is locked",
        "unlock it",
        "Meadow",
    ),
    Case("a taken place", Bench.title, "taken: In the way", "use the next free track above", "River", submitted=False),
    Case("a locked track", _lock, "locked", "use the next free track above", "", submitted=False, each=True),
    Case(
        "a track that is locked meanwhile",
        _at_work(_lock),
        "track 2 is locked",
        "use the next free track above",
        "Meadow",
    ),
    Case(
        "a place that is taken meanwhile",
        _at_work(Bench.title),
        "taken: In the way",
        "use the next free track above",
        "River",
    ),
    Case(
        "a place that is taken between look and call",
        lambda bench: bench.between(bench.title),
        "taken: In the way",
        "use the next free track above",
        "River",
    ),
    Case(
        "a place that is taken between two calls",
        _at(APPEND, Bench.title, 2),
        '"In the way" has come there',
        "move it away",
        "River",
    ),
    Case("the end is inclusive", _set(inclusive_end=True), versions=ALL),
    Case("a frame too long", _set(append_off_by=1), versions=ALL),
    Case(
        "a frame too short, of a file without as many spare ones",
        _set(append_off_by=-1),
        "makes it 6 frames long instead of 7",
        "lay it by hand",
        "Meadow",
        versions=ALL,
    ),
    Case("three frames too long", _set(append_off_by=3), "frames long instead of 7", "lay it by hand", "Meadow"),
    Case(
        "a source start that is read one frame late",
        lambda bench: bench.between(lambda: bench.faults(source_start_off_by=1)),
        versions=(NEWEST, MIDDLE),
    ),
    Case(
        "a source start that is two frames off",
        lambda bench: bench.between(lambda: bench.faults(source_start_off_by=2)),
        "another part of it",
        OPEN_DIALOG,
        "Meadow",
    ),
    Case("a clip vanishes on saving", _set(lose_on_save=1), versions=ALL),
    Case(
        "clips vanish on saving, again and again",
        _set(lose_on_save=99),
        "vanish from the timeline when the project is saved",
        OPEN_DIALOG,
        "Meadow, River",
    ),
    Case(
        "no clip of the media pool is selected",
        _set(no_media_selected_append_fails=True),
        versions=("20.3.1 Free", "19.1.3 Studio"),
    ),
    Case(
        "no clip of the media pool is selected, and none can be",
        _set(no_media_selected_append_fails=True),
        "does not lay it",
        "select any clip in the media pool",
        "Meadow",
        versions=(OLDEST,),
    ),
    # handles that go stale
    Case(
        "the project is closed while a job runs",
        _at_work(lambda bench: bench.double.close_project()),
        "no project is open",
        "open one",
    ),
    Case(
        "another project is opened while a job runs",
        _at_work(_another_project),
        "another project is open",
        "open the project from which",
    ),
    Case(
        "the timeline is deleted while a job runs",
        _at_work(lambda bench: bench.double.drop_timeline(bench.double.timeline)),
        "the timeline from which the clips were sent is gone",
        "undo its deletion",
    ),
    Case(
        "another project is opened while clips are laid",
        _at(APPEND, _another_project, 2),
        "the project was closed while",
        "open it again",
    ),
    Case(
        "the timeline is deleted while clips are laid",
        _at(APPEND, lambda bench: bench.double.drop_timeline(bench.double.timeline), 2),
        "the timeline was deleted while",
        "undo its deletion",
    ),
    Case(
        "Resolve is closed while clips are laid",
        _at(APPEND, _closed, 2),
        "the menu script in Resolve has ended; .* a part of them may lie there",
        "Resilver - Jobs",
        half=True,
    ),
    Case(
        "Resolve is closed while a job runs",
        _at_work(lambda bench: bench.link.resolve.leave()),
        "the menu script in Resolve has ended",
        "Resilver - Jobs",
    ),
    # new timelines
    Case(
        "a name that is taken",
        lambda bench: (
            bench.double.make_timeline("Edit 32x32@60"),
            setattr(bench.double.project, "current_timeline", bench.double.project.timelines[0].id),
        ),
        layout=Layout.NEW_TIMELINE,
    ),
    Case(
        "no new timeline",
        _always("MediaPool.CreateEmptyTimeline"),
        "does not make a new timeline",
        OPEN_DIALOG,
        "Edit 32x32@60",
        layout=Layout.NEW_TIMELINE,
    ),
    Case(
        "the rate is locked",
        _set(rate_change_fails=True),
        "a rate of 24 instead of 60",
        "make a timeline with these settings by hand",
        "Edit 32x32@60",
        layout=Layout.NEW_TIMELINE,
        versions=ALL,
    ),
    Case(
        "settings that do not stay",
        _always("Timeline.SetSetting"),
        "instead of",
        "by hand",
        "Edit 32x32@60",
        layout=Layout.NEW_TIMELINE,
    ),
    Case("a clip vanishes from the new timeline", _set(lose_on_save=1), layout=Layout.NEW_TIMELINE),
    # takes
    Case(
        "no take",
        _always("TimelineItem.AddTake"),
        "does not make the restored clip a take",
        "on a track above",
        "Meadow",
        layout=Layout.TAKE,
        versions=ALL,
    ),
    Case(
        "a take that is not shown",
        _always("TimelineItem.SelectTakeByIndex"),
        "does not make the restored clip a take",
        "on a track above",
        "Meadow",
        layout=Layout.TAKE,
    ),
    # files
    Case(
        "the restored files are gone",
        lambda bench: bench.between(lambda: _media_gone(bench)),
        "gone, or not visible",
        "restore it again",
        "/out/",
    ),
)
