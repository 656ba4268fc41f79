"""The arithmetic of placing, which needs no Blender: channels, frames, pictures in pictures, cuts on a new grid."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from resilver_client.errors import ClipUnsupported, FrameCountMismatch, TargetOccupied
from resilver_publish.types import Occupied, RestoredClip
from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.upscale import geometry as server
from support.extension import module

channels, fits, geometry = module("placing.channels"), module("placing.fits"), module("placing.geometry")
grid, marks, shown = module("placing.grid"), module("strips.marks"), module("strips.shown")

SHOWN = shown.Shown(
    name="shot", uid="u", channel=2, start=20, stop=40, metas=(), media="/film/a.mov", kind="movie", first=Fraction(10),
    speed=Fraction(1), reverse=False, media_rate=Fraction(24), first_number=None, width=720, height=540,
)  # fmt: skip
CLIP = RestoredClip("u", "shot", "/out/a.mov", Fraction(60), 52, 1440, 1080, "job", "digest")
OLD_RATES = (Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(50))


@some.composite
def edits(draw: some.DrawFn) -> list[channels.Lying]:  # type: ignore[name-defined]
    """Strips that lie over no other on their channel."""
    lying: list[channels.Lying] = []  # type: ignore[name-defined]
    for number in range(draw(some.integers(1, 12))):
        channel, start = draw(some.integers(1, 6)), draw(some.integers(0, 30))
        strip = channels.Lying(f"s{number}", channel, start, start + draw(some.integers(1, 15)), draw(some.booleans()))
        if not any(each.channel == channel and each.meets(strip.start, strip.stop) for each in lying):
            lying.append(strip)
    return lying


@given(edits(), some.sampled_from(Occupied), some.sets(some.integers(1, 6), max_size=2))
def test_room_is_found_without_harm(lying: list[channels.Lying], how: Occupied, closed: set[int]) -> None:  # type: ignore[name-defined]
    """The new strip lies right above what it covers, alone; others keep their order, and are never hidden by it."""
    original = lying[0]
    room = channels.Channels(lying, closed)
    blocked = room.between(original.channel, original.start, original.stop)
    if blocked and how is Occupied.REFUSE:
        with pytest.raises(TargetOccupied, match="above it"):
            room.put("new", original.channel, original.start, original.stop, how)
        assert room.moved == {}
        return
    goal = room.put("new", original.channel, original.start, original.stop, how)
    after = {strip.key: room.where(strip.key) for strip in lying}
    assert goal not in closed
    assert goal > original.channel
    after["new"] = goal
    for one, other in itertools.combinations([*lying, replace(original, key="new", channel=goal)], 2):
        if one.meets(other.start, other.stop):
            assert after[one.key] != after[other.key]
            if "new" not in (one.key, other.key):
                assert (after[one.key] < after[other.key]) == (one.channel < other.channel)
    if how is Occupied.MAKE_ROOM:
        hidden = [s for s in lying if s.key != original.key and s.meets(original.start, original.stop)
                  and s.seen and s.channel not in closed and original.channel < after[s.key] < goal]  # fmt: skip
        assert hidden == []
    if how is not Occupied.MAKE_ROOM:
        assert room.moved == {}


@given(
    some.tuples(some.integers(16, 900), some.integers(16, 900)),
    some.tuples(some.integers(8, 900), some.integers(8, 900)),
    some.sampled_from(("letterbox", "crop", "stretch")),
)
def test_pictures_lie_where_the_server_lays_them(size: tuple[int, int], half: tuple[int, int], fit: str) -> None:
    wanted = (2 * half[0], 2 * half[1])
    laid = server.place(FrameFormat(*size, Fraction(1)), FrameFormat(*wanted, Fraction(1)), fit)
    found = geometry.inside(size, wanted, fit)
    assert found.across == laid.columns / laid.width
    assert found.up == laid.rows / laid.height
    assert found.left + found.across * laid.left == laid.x
    bottom = size[1] - laid.top - laid.height
    assert found.bottom + found.up * bottom == wanted[1] - laid.y - laid.rows


def test_moved_and_trimmed_originals() -> None:
    assert fits.fit(SHOWN, SHOWN) == fits.Fit(20, 20, 40, 40)
    held = replace(SHOWN, held_before=3, held_after=4)
    assert fits.fit(SHOWN, held) == fits.Fit(20, 17, 44, 40)
    moved = replace(SHOWN, start=53, stop=73)
    assert fits.fit(SHOWN, moved) == fits.Fit(53, 53, 73, 73)
    later = fits.fit(SHOWN, replace(SHOWN, start=25, first=Fraction(15)))
    assert (later.content, later.start, later.stop, later.remark) == (20, 25, 40, "")
    longer = fits.fit(SHOWN, replace(SHOWN, start=15, first=Fraction(5), stop=50))
    assert (longer.content, longer.start, longer.stop) == (20, 20, 40)
    assert "shows more now" in longer.remark
    backwards = replace(SHOWN, reverse=True, first=Fraction(90))
    assert fits.fit(backwards, replace(backwards, start=22, first=Fraction(88))).content == 20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"media": "/film/b.mov"}, "other media"),
        ({"speed": Fraction(24, 25)}, "another speed"),
        ({"reverse": True}, "another speed"),
        ({"first": Fraction(21, 2)}, "between frames"),
        ({"first": Fraction(30)}, "other frames"),
    ],
)
def test_other_frames_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ClipUnsupported, match=words) as refused:
        fits.fit(SHOWN, replace(SHOWN, **change))
    assert refused.value.where == "shot"


def test_lengths() -> None:
    placed = fits.fit(SHOWN, SHOWN)
    fits.check_length(CLIP, SHOWN, placed, Fraction(24), 2)
    fits.check_length(replace(CLIP, frames=49), SHOWN, placed, Fraction(24), None)
    with pytest.raises(FrameCountMismatch, match="48 frames were restored, 49 are needed"):
        fits.check_length(replace(CLIP, frames=48), SHOWN, placed, Fraction(24), None)
    with pytest.raises(ClipUnsupported, match="at this scene's rate it lasts 40"):
        fits.check_length(CLIP, SHOWN, placed, Fraction(30), 2)


@given(some.integers(-50, 500), some.lists(some.integers(1, 90), min_size=2, max_size=8), some.sampled_from(OLD_RATES))
def test_cuts_meet_on_the_new_grid(begins: int, lengths: list[int], rate: Fraction) -> None:
    """No gap, no overlap, no drift: each shot lasts as long as it did, within a frame."""
    placed = grid.Grid(begins, rate, Fraction(60))
    cuts = [begins, *(begins + total for total in itertools.accumulate(lengths))]
    at = [placed.at(cut) for cut in cuts]
    assert at[0] == 1
    for cut, frame in zip(cuts, at, strict=True):
        assert 0 <= frame - 1 - (cut - begins) / rate * 60 < 1
    assert all(later > earlier for earlier, later in itertools.pairwise(at))


def test_marks() -> None:
    assert marks.mark(SHOWN) == marks.mark(replace(SHOWN, start=53, stop=73, channel=5, name="other"))
    others = (
        {"first": Fraction(11)},
        {"stop": 41},
        {"reverse": True},
        {"media": "/film/b.mov"},
        {"speed": Fraction(2)},
    )
    assert len({marks.mark(replace(SHOWN, **other)) for other in others} | {marks.mark(SHOWN)}) == 6


def test_pictures_of_film_frames_lie_as_the_strip_plays_them() -> None:
    files = [str(number) for number in range(10, 60)]
    assert SHOWN.played(files[:20]) == files[:20]
    backwards = replace(SHOWN, first=Fraction(29), reverse=True)
    assert backwards.media_span() == (10, 30)
    assert backwards.played(files[:20]) == files[:20][::-1]
    fast = replace(SHOWN, speed=Fraction(5, 2))
    assert fast.media_span() == (10, 60)
    assert fast.played(files)[:5] == ["10", "13", "15", "18", "20"]
    assert len(fast.played(files)) == 20
