"""What every host keeps to, as plain functions over a host under test. No pytest in here: the same checks run inside
an editor's own Python.

    for check in CHECKS:
        check(new_host())

Each check gets a host with an empty edit of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from resilver_client.errors import ClipUnsupported, ResilverError, SelectionEmpty, TargetOccupied
from resilver_otio.collect import collect
from resilver_otio.types import ClipRequest, Selection
from resilver_publish.session import HostSession
from resilver_publish.types import ChangeMap, HostClip, Layout, Occupied, Progress, Remembered, RestoredClip


@dataclass(frozen=True)
class Laid:
    """A clip that is to lie on the timeline."""

    name: str
    track: int = 1
    start: int = 0
    """Frames after the first of the timeline."""
    length: int = 10
    selected: bool = True
    first: int = 0
    """Media frame that it shows first."""


@dataclass(frozen=True)
class Lying:
    """What lies on the timeline."""

    name: str
    track: int
    start: int
    stop: int
    path: str
    muted: bool = False


class HostUnderTest(Protocol):
    """A host that a test drives from outside."""

    rate: Fraction
    """Of its timeline."""

    def lay(self, clips: Sequence[Laid]) -> HostSession:
        """An edit of just these clips, cut from a movie of at least 100 frames at the timeline's rate."""

    def lay_unmappable(self) -> HostSession:
        """An edit with one selected clip that the host cannot hand over."""

    def lying(self) -> Sequence[Lying]:
        """All that lies on the timeline, tracks bottom-up, then by time."""

    def remove(self, name: str) -> None:
        """Take the clip of that name out, as a user would."""

    def undo(self) -> None:
        """One step back."""

    def reopen(self) -> HostSession:
        """Save the edit, close it, and open it again."""

    def remembered(self) -> Sequence[Remembered]:
        """The jobs that the edit remembers."""

    def movie(self, frames: int) -> str:
        """Path of another real movie, so long, at the timeline's rate."""


TWO = (Laid("reel 1", start=10, length=12), Laid("reel 2", start=30, length=8, first=20))


def check_selection_names_what_is_selected(host: HostUnderTest) -> None:
    session = host.lay([*TWO, Laid("other", start=50, selected=False)])
    found = session.selection()
    assert [clip.name for clip in found] == ["reel 1", "reel 2"]
    assert all(clip.track == 1 and clip.refusal is None for clip in found)
    assert [clip.stop - clip.start for clip in found] == [12, 8]
    assert found[1].start - found[0].start == 20
    assert len({clip.id for clip in found}) == 2


def check_nothing_selected_is_told(host: HostUnderTest) -> None:
    session = host.lay([Laid("reel", selected=False)])
    assert _raised(SelectionEmpty, session.selection)


def check_what_cannot_be_handed_over_is_selected_with_its_reason(host: HostUnderTest) -> None:
    (clip,) = host.lay_unmappable().selection()
    assert clip.refusal is not None
    assert str(clip.refusal)


def check_ids_last(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    before = {clip.name: clip.id for clip in session.selection()}
    session.place([_restored(host, clip) for clip in session.selection()], Layout.OVERLAY, Occupied.REFUSE)
    host.undo()
    assert {clip.name: clip.id for clip in host.reopen().selection()} == before


def check_timeline_shows_each_clip_where_it_lies(host: HostUnderTest) -> None:
    session = host.lay([Laid("before", start=0, length=5, selected=False), *TWO, Laid("up", track=2, start=12)])
    clips = session.selection()
    timeline = session.timeline(clips)
    found = collect(timeline.otio, Selection(indices=timeline.selection))
    assert not found.refusals
    by_id = {clip.id: clip for clip in found.clips}
    assert sorted(by_id) == sorted(timeline.places.values())
    assert sorted(timeline.places) == sorted(clip.id for clip in clips)
    origin = _start(by_id[timeline.places[clips[0].id]], clips[0], host)
    for clip in clips:
        request = by_id[timeline.places[clip.id]]
        assert request.name == clip.name
        assert request.duration == (clip.stop - clip.start) / host.rate
        assert _start(request, clip, host) == origin
        assert Path(request.media).is_absolute()
        assert Path(request.media).exists()


def check_part_of_a_selection_is_a_timeline_too(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    second = session.selection()[1]
    timeline = session.timeline([second])
    (request,) = collect(timeline.otio, Selection(indices=timeline.selection)).clips
    assert (request.name, request.id) == ("reel 2", timeline.places[second.id])


def check_a_place_is_free_or_taken(host: HostUnderTest) -> None:
    session = host.lay([*TWO, Laid("title", track=2, start=35, length=40, selected=False)])
    free, taken = session.selection()
    assert session.in_the_way(free, Layout.OVERLAY) == ""
    assert "title" in session.in_the_way(taken, Layout.OVERLAY)
    assert "title" in session.in_the_way(taken, Layout.REPLACE)


def check_overlay_lies_above_and_leaves_the_rest(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    before = list(host.lying())
    restored = [_restored(host, clip) for clip in session.selection()]
    placed = session.place(restored, Layout.OVERLAY, Occupied.REFUSE)
    assert [each.clip for each in placed] == [each.clip for each in restored]
    assert all(each.where for each in placed)
    assert _taken_away(host.lying(), restored) == before
    for old, each in zip(before, restored, strict=True):
        new = _of(host.lying(), each)
        assert (new.track, new.start, new.stop) == (2, old.start, old.stop)
        assert not new.muted


def check_one_undo_takes_back_what_was_placed(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    before = list(host.lying())
    session.place([_restored(host, clip) for clip in session.selection()], Layout.OVERLAY, Occupied.REFUSE)
    assert list(host.lying()) != before
    host.undo()
    assert list(host.lying()) == before


def check_replace_mutes_the_original(host: HostUnderTest) -> None:
    session = host.lay([*TWO, Laid("other", start=50, selected=False)])
    before = list(host.lying())
    restored = [_restored(host, clip) for clip in session.selection()]
    session.place(restored, Layout.REPLACE, Occupied.REFUSE)
    muted = [replace(each, muted=each.name != "other") for each in before]
    assert _taken_away(host.lying(), restored) == muted
    host.undo()
    assert list(host.lying()) == before


def check_all_or_nothing_where_one_place_is_taken(host: HostUnderTest) -> None:
    session = host.lay([*TWO, Laid("title", track=2, start=35, length=40, selected=False)])
    before = list(host.lying())
    restored = [_restored(host, clip) for clip in session.selection()]
    assert _raised(TargetOccupied, lambda: session.place(restored, Layout.OVERLAY, Occupied.REFUSE))
    assert list(host.lying()) == before


def check_the_next_free_track_above(host: HostUnderTest) -> None:
    session = host.lay([*TWO, Laid("title", track=2, start=35, length=40, selected=False)])
    before = list(host.lying())
    restored = [_restored(host, clip) for clip in session.selection()]
    session.place(restored, Layout.OVERLAY, Occupied.ABOVE)
    assert _taken_away(host.lying(), restored) == before
    assert [_of(host.lying(), each).track for each in restored] == [2, 3]


def check_room_is_made(host: HostUnderTest) -> None:
    session = host.lay([TWO[1], Laid("title", track=2, start=35, length=40, selected=False)])
    before = list(host.lying())
    restored = [_restored(host, clip) for clip in session.selection()]
    session.place(restored, Layout.OVERLAY, Occupied.MAKE_ROOM)
    assert _of(host.lying(), restored[0]).track == 2
    moved = next(each for each in host.lying() if each.name == "title")
    title = next(each for each in before if each.name == "title")
    assert moved == replace(title, track=3)
    host.undo()
    assert list(host.lying()) == before


def check_an_original_that_is_gone_is_named(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    restored = [_restored(host, clip) for clip in session.selection()]
    host.remove("reel 2")
    before = list(host.lying())
    error = _raised(ClipUnsupported, lambda: session.place(restored, Layout.OVERLAY, Occupied.REFUSE))
    assert "reel 2" in str(error)
    assert list(host.lying()) == before


def check_a_job_is_remembered_and_placed_after_opening_again(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    clips = tuple(session.selection())
    places = dict(session.timeline(clips).places)
    wanted = Remembered("a job", clips, places, Layout.REPLACE, Occupied.ABOVE, "digest", title="naïve “reel”")
    session.remember(wanted)
    again = host.reopen()
    (found,) = host.remembered()
    assert found == wanted
    before = [each.name for each in host.lying()]
    again.place([_restored(host, clip) for clip in found.clips], found.layout, found.occupied)
    assert len(host.lying()) == len(before) + 2


def check_telling_returns_at_once(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    began = time.monotonic()
    for step in range(100):
        session.progress(Progress("a job", "rendering", step / 100, 3.0, "rendering reel 1, frame 3 of 12"))
    session.report("nothing was lost")
    assert time.monotonic() - began < 2.0


def check_a_preview_is_shown_and_the_edit_stays(host: HostUnderTest) -> None:
    session = host.lay(TWO)
    before = list(host.lying())
    session.show([host.movie(1)], [ChangeMap(session.selection()[0].id, host.movie(1), "repair", 0)])
    assert list(host.lying()) == before


CHECKS: tuple[Callable[[HostUnderTest], None], ...] = (
    check_selection_names_what_is_selected,
    check_nothing_selected_is_told,
    check_what_cannot_be_handed_over_is_selected_with_its_reason,
    check_ids_last,
    check_timeline_shows_each_clip_where_it_lies,
    check_part_of_a_selection_is_a_timeline_too,
    check_a_place_is_free_or_taken,
    check_overlay_lies_above_and_leaves_the_rest,
    check_one_undo_takes_back_what_was_placed,
    check_replace_mutes_the_original,
    check_all_or_nothing_where_one_place_is_taken,
    check_the_next_free_track_above,
    check_room_is_made,
    check_an_original_that_is_gone_is_named,
    check_a_job_is_remembered_and_placed_after_opening_again,
    check_telling_returns_at_once,
    check_a_preview_is_shown_and_the_edit_stays,
)


def _restored(host: HostUnderTest, clip: HostClip) -> RestoredClip:
    """A finished clip as the server would hand it over: as long as its original."""
    frames = clip.stop - clip.start
    return RestoredClip(clip.id, clip.name, host.movie(frames), host.rate, frames, 64, 48, "a job", "digest")


def _of(lying: Sequence[Lying], restored: RestoredClip) -> Lying:
    """The restored clip on the timeline: movies of different length have different paths."""
    (found,) = (each for each in lying if Path(each.path) == Path(restored.path))
    return found


def _taken_away(lying: Sequence[Lying], restored: Sequence[RestoredClip]) -> list[Lying]:
    new = {Path(each.path) for each in restored}
    return [each for each in lying if Path(each.path) not in new]


def _start(request: ClipRequest, clip: HostClip, host: HostUnderTest) -> Fraction:
    """Record seconds at which the host's own count of frames begins, by this clip."""
    return request.record_start - clip.start / host.rate


def _raised(kind: type[ResilverError], call: Callable[[], object]) -> ResilverError:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.reason} was not raised")
