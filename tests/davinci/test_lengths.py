"""Frames of restored files for places on timelines, at every pair of rates, the arithmetic spelled out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_bridge.edit import Edit, Item, Timeline, Track
from resilver_bridge.lengths import (
    RATES,
    Range,
    between_cuts,
    in_place,
    over,
    rate_text,
    timecode_at,
    timeline_rate_text,
)
from resilver_bridge.tracks import Assigned, assign, in_the_way
from resilver_client.errors import FrameCountMismatch, HostFailed, InvalidRate, TargetOccupied
from resilver_otio.times import snap_rate
from resilver_publish.types import Occupied, RestoredClip

NTSC24, NTSC30, NTSC60 = F(24000, 1001), F(30000, 1001), F(60000, 1001)
TIMELINES = (NTSC24, F(24), F(25), NTSC30, F(50), F(60))
NEWEST = (21, 1, 0)


def restored(rate: F, frames: int, head: F = F(0)) -> RestoredClip:
    return RestoredClip("id", "reel", "/out/reel.mov", rate, frames, 3840, 2160, "job", "digest", head=head)


@pytest.mark.parametrize(
    ("file", "timeline", "duration", "stop"),
    [
        (F(60), F(24), 10, 25),  # 10 * 60/24 = 25 exactly
        (F(60), F(24), 11, 28),  # 27.5 -> 28; floor(28 * 24/60) = floor(11.2) = 11
        (F(60), F(25), 7, 17),  # 16.8 -> 17; floor(17 * 25/60) = floor(7.08) = 7
        (NTSC60, NTSC24, 11, 28),
        (F(60), NTSC24, 1000, 2503),  # 2502.5 -> 2503; floor(2503 * 24000/1001/60) = floor(1000.199) = 1000
        (F(60), F(60), 7, 7),
        (F(24), F(24), 7, 7),
        (F(48), F(24), 7, 14),
        (F(60), F(50), 5, 6),
        (F(60), NTSC30, 1, 3),  # 2.002 -> 3; floor(3 * 30/1.001/60) = floor(1.4985) = 1
    ],
)
def test_the_smallest_end_that_gives_the_length(file: F, timeline: F, duration: int, stop: int) -> None:
    assert over(restored(file, 10_000), duration, timeline) == Range(0, stop)
    assert floor(stop * timeline / file) == duration
    assert floor((stop - 1) * timeline / file) < duration


@given(
    timeline=st.sampled_from(TIMELINES),
    file=st.sampled_from([snap_rate(F(text)) for text in RATES]),
    duration=st.integers(1, 200_000),
    head=st.fractions(0, 3, max_denominator=1001),
)
def test_resolve_shows_exactly_the_frames_of_the_place(timeline: F, file: F, duration: int, head: F) -> None:
    """A file at least as fast as the timeline can always end where the clip ends, and no frame of it is shown that
    lies before the clip's first moment."""
    if file < timeline:
        return
    found = over(restored(file, 10**9, head), duration, timeline)
    assert floor((found.stop - found.start) * timeline / file) == duration
    assert found.start / file >= head > (found.start - 1) / file


def test_the_head_is_left_out() -> None:
    """Half a second before the cut at 59.94: 29.97 frames, so frame 30 is the first that is not before the cut."""
    assert over(restored(NTSC60, 100, F(1, 2)), 10, NTSC60) == Range(30, 40)


def test_a_spare_frame_is_used_where_it_is_needed() -> None:
    """11 frames at 24 are 27.5 at 60; with a head of 0.01 s the file has ceil(60 * (0.01 + 11/24)) = 29 frames,
    the first of them before the cut, and 28 remain. With a head of 0.05 s = 3 frames it has ceil(30.5) = 31, 28 remain.
    At 25 in 60, a head of 0.01 s and 3 frames: ceil(60 * 0.13) = 8, one is before the cut, ceil(7.2) = 8 are needed."""
    assert over(restored(F(60), 29, F(1, 100)), 11, F(24)) == Range(1, 29)
    assert over(restored(F(60), 31, F(1, 20)), 11, F(24)) == Range(3, 31)
    with pytest.raises(FrameCountMismatch, match="spare frame"):
        over(restored(F(60), 8, F(1, 100)), 3, F(25))
    assert over(restored(F(60), 9, F(1, 100)), 3, F(25)) == Range(1, 9)


def test_a_file_that_is_too_short_is_named() -> None:
    with pytest.raises(FrameCountMismatch, match="27 frames, 28 are needed") as caught:
        over(restored(F(60), 27), 11, F(24))
    assert "reel" in caught.value.where


def test_a_slower_file_cannot_end_everywhere() -> None:
    """24 in 60: one frame lasts 2.5, floor(1 * 2.5) = 2, floor(2 * 2.5) = 5: never 1, 3 or 4."""
    assert over(restored(F(24), 100), 2, F(60)) == Range(0, 1)
    assert over(restored(F(24), 100), 5, F(60)) == Range(0, 2)
    for duration in (1, 3, 4):
        with pytest.raises(InvalidRate, match="cannot end"):
            over(restored(F(24), 100), duration, F(60))


def test_a_take_is_as_long_as_its_original() -> None:
    assert in_place(restored(F(24), 100), 24, F(25)) == Range(0, 24)  # 23.04 -> 24
    with pytest.raises(FrameCountMismatch):
        in_place(restored(F(24), 23), 24, F(25))


def test_cuts_of_a_new_timeline_meet() -> None:
    """24 in 60: cuts at 0, 11 and 21 frames are 0, 27.5 -> 28 and 52.5 -> 53."""
    first, shown = between_cuts(restored(F(60), 28), F(0), F(11, 24))
    second, next_shown = between_cuts(restored(F(60), 25), F(11, 24), F(21, 24))
    assert (first, shown, second, next_shown) == (0, Range(0, 28), 28, Range(0, 25))


def test_frames_before_the_cut_of_a_new_timeline() -> None:
    """A dissolve of 6 frames at 24 before the cut at 11: the file begins at 5/24 s, frame 12.5 -> 13; the cut is 28."""
    assert between_cuts(restored(F(60), 100, F(6, 24)), F(11, 24), F(21, 24)) == (28, Range(15, 40))


def test_a_clip_shorter_than_a_frame_is_named() -> None:
    with pytest.raises(FrameCountMismatch, match="shorter than one frame"):
        between_cuts(restored(F(16), 3), F(1, 60), F(2, 60))


@pytest.mark.parametrize("text", RATES)
def test_rates_have_their_own_words(text: str) -> None:
    assert rate_text(snap_rate(F(text))) == text


def test_drop_frames_go_on_where_the_rate_has_them() -> None:
    assert timeline_rate_text(NTSC60, True) == "59.94 DF"
    assert timeline_rate_text(NTSC60, False) == "59.94"
    assert timeline_rate_text(F(60), True) == "60"
    with pytest.raises(InvalidRate, match="90"):
        timeline_rate_text(F(90), False)


@pytest.mark.parametrize(
    ("start", "old", "new", "drop", "wanted"),
    [
        ("01:00:00:00", F(24), F(60), False, "01:00:00:00"),
        ("01:00:00:12", F(24), F(60), False, "01:00:00:30"),
        ("10:00:00;00", NTSC30, NTSC60, True, "10:00:00;00"),
        ("10:00:00;00", NTSC30, F(60), False, "10:00:00:00"),
        ("00:59:59:23", NTSC24, F(25), False, "00:59:59:23"),
    ],
)
def test_a_label_is_the_same_at_another_rate(start: str, old: F, new: F, drop: bool, wanted: str) -> None:
    assert timecode_at(start, old, new, drop) == wanted


def item(name: str, track: int, start: int, duration: int = 10) -> Item:
    return Item(name, name, track, start, duration, True, "", None, 0, None, None, None, None)


def edit(*items: Item, tracks: int = 2, locked: tuple[int, ...] = (), off: tuple[int, ...] = ()) -> Edit:
    video = tuple(
        Track(n, f"Video {n}", n in locked, n not in off, tuple(i for i in items if i.track == n))
        for n in range(1, tracks + 1)
    )
    timeline = Timeline("t", "edit", 0, 1000, F(24), False, "01:00:00:00", 1920, 1080)
    return Edit("p", "p", timeline, video, (), None, None, None, None)


ONE, TWO = item("one", 1, 10), item("two", 1, 30)
TITLE = item("title", 2, 35, 40)


class TestTracks:
    def test_a_free_place_above_is_used(self) -> None:
        assert assign(edit(ONE, TITLE), [ONE], Occupied.REFUSE, NEWEST) == Assigned((2,))

    def test_a_track_is_added_above_all_where_there_is_none(self) -> None:
        assert assign(edit(ONE, tracks=1), [ONE], Occupied.REFUSE, NEWEST) == Assigned((2,), (None,))
        top = item("top", 2, 10)
        assert assign(edit(ONE, top), [top], Occupied.REFUSE, NEWEST) == Assigned((3,), (None,))

    def test_a_taken_place_is_named(self) -> None:
        assert in_the_way(edit(TWO, TITLE), 2, TWO.start, TWO.stop) == "title"
        with pytest.raises(TargetOccupied, match="title") as caught:
            assign(edit(ONE, TWO, TITLE), [ONE, TWO], Occupied.REFUSE, NEWEST)
        assert caught.value.where == "two"

    def test_what_only_touches_is_not_in_the_way(self) -> None:
        assert in_the_way(edit(item("next", 2, 20)), 2, 10, 20) == ""
        assert in_the_way(edit(item("before", 2, 0)), 2, 10, 20) == ""

    def test_a_locked_track_is_in_the_way(self) -> None:
        assert "locked" in in_the_way(edit(locked=(2,)), 2, 0, 5)
        assert assign(edit(ONE, locked=(2,)), [ONE], Occupied.ABOVE, NEWEST) == Assigned((3,), (None,))

    def test_a_track_that_is_switched_off_is_in_the_way(self) -> None:
        """What is laid there is seen by nobody."""
        assert "switched off" in in_the_way(edit(off=(2,)), 2, 0, 5)
        with pytest.raises(TargetOccupied, match="track 2 is switched off"):
            assign(edit(ONE, off=(2,)), [ONE], Occupied.REFUSE, NEWEST)
        assert assign(edit(ONE, off=(2,)), [ONE], Occupied.ABOVE, NEWEST) == Assigned((3,), (None,))
        assert assign(edit(ONE, off=(2,)), [ONE], Occupied.MAKE_ROOM, NEWEST) == Assigned((2,), (2,))

    def test_of_two_chosen_clips_above_each_other_the_lower_one_is_refused(self) -> None:
        upper = item("upper", 2, 30)
        with pytest.raises(TargetOccupied, match="taken: upper") as caught:
            assign(edit(TWO, upper), [TWO, upper], Occupied.REFUSE, NEWEST)
        assert caught.value.where == "two"

    def test_what_lay_above_lies_above(self) -> None:
        """For "low" only 4 is free, for "high" 3 is too: there it would be covered by what it covers."""
        low, high, title = item("low", 1, 0, 100), item("high", 2, 0), item("title", 3, 50)
        found = assign(edit(low, high, title, tracks=3), [low, high], Occupied.ABOVE, NEWEST)
        assert found == Assigned((4, 5), (None, None))
        found = assign(edit(low, high, title, tracks=3), [high, low], Occupied.ABOVE, NEWEST)
        assert found == Assigned((5, 4), (None, None))

    def test_the_next_free_track_above(self) -> None:
        found = assign(edit(ONE, TWO, TITLE), [ONE, TWO], Occupied.ABOVE, NEWEST)
        assert found == Assigned((2, 3), (None,))

    def test_two_restored_clips_never_share_a_place(self) -> None:
        """One lies under the other: the lower one's goes to 3, the upper one's, which would go there too, to 4."""
        upper = item("upper", 2, 30)
        found = assign(edit(TWO, upper), [TWO, upper], Occupied.ABOVE, NEWEST)
        assert found == Assigned((3, 4), (None, None))

    def test_room_is_a_track_in_between(self) -> None:
        assert assign(edit(TWO, TITLE), [TWO], Occupied.MAKE_ROOM, NEWEST) == Assigned((2,), (2,))

    def test_room_on_several_tracks_counts_those_that_are_added(self) -> None:
        """Tracks 1 and 2 are both covered: 2 is put in above 1, then 4 above what was 2 and is 3 now."""
        upper = replace(TITLE, id="upper", name="upper", start=30)
        top = item("top", 3, 30)
        found = assign(edit(TWO, upper, top, tracks=3), [TWO, upper], Occupied.MAKE_ROOM, NEWEST)
        assert found == Assigned((2, 4), (2, 4))

    def test_a_clip_above_one_that_needs_room_goes_up_with_its_track(self) -> None:
        upper = item("upper", 2, 30)
        assert assign(edit(TWO, upper), [TWO, upper], Occupied.MAKE_ROOM, NEWEST) == Assigned((2, 4), (2, None))

    def test_older_versions_cannot_make_room(self) -> None:
        with pytest.raises(HostFailed, match=r"19\.0"):
            assign(edit(TWO, TITLE), [TWO], Occupied.MAKE_ROOM, (18, 6, 6))
        assert assign(edit(ONE, TITLE), [ONE], Occupied.MAKE_ROOM, (18, 6, 6)) == Assigned((2,))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Edit, list[Item]]:
    """Some clips of up to four tracks, and which of them are restored."""
    count = draw(st.integers(1, 4))
    lying = []
    for track in range(1, count + 1):
        end = 0
        for number in range(draw(st.integers(0, 3))):
            start = end + draw(st.integers(0, 9))
            end = start + draw(st.integers(1, 12))
            lying.append(item(f"{track}/{number}", track, start, end - start))
    chosen = [each for each in lying if draw(st.booleans())]
    locked = tuple(draw(st.sets(st.integers(2, 4), max_size=1)))
    return edit(*lying, tracks=count, locked=locked), draw(st.permutations(chosen))


@given(layout=layouts(), occupied=st.sampled_from(Occupied))
def test_every_place_is_free_and_the_picture_keeps_its_order(
    layout: tuple[Edit, list[Item]], occupied: Occupied
) -> None:
    """Tracks are added as Resolve adds them; then every restored clip lies in a free place above its original, and of
    two that meet, the one whose original lay above lies above."""
    looked_at, chosen = layout
    try:
        found = assign(looked_at, chosen, occupied, NEWEST)
    except TargetOccupied:
        assert occupied is Occupied.REFUSE
        return
    tracks: list[list[Item]] = [list(track.items) for track in looked_at.video]
    for index in found.added:
        tracks.insert(len(tracks) if index is None else index - 1, [])
    now = {each.id: number for number, items in enumerate(tracks, 1) for each in items}
    for original, track in zip(chosen, found.tracks, strict=True):
        assert track > now[original.id]
        there = tracks[track - 1]
        assert not [each.id for each in there if each.start < original.stop and original.start < each.stop]
        there.append(replace(original, id=f"restored {original.id}"))
    placed = {original.id: track for original, track in zip(chosen, found.tracks, strict=True)}
    for lower in chosen:
        for upper in chosen:
            if lower.track < upper.track and lower.start < upper.stop and upper.start < lower.stop:
                assert placed[lower.id] < placed[upper.id]
