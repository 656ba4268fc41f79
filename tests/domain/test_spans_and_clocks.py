"""Half-open spans, and clocks with their walls."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_server.domain.clocks import Clock
from resilver_server.domain.spans import Span


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(-50, 50))
    return Span(start, start + draw(st.integers(0, 40)))


@given(spans(), spans())
def test_intersection_is_what_both_hold(a: Span, b: Span) -> None:
    assert set(a.intersect(b)) == set(a) & set(b)


@given(spans(), spans())
def test_hull_covers_both(a: Span, b: Span) -> None:
    assert a.hull(b).covers(a)
    assert a.hull(b).covers(b)


@given(spans(), st.integers(1, 9), st.integers(-20, 20))
def test_split_gives_every_frame_once(span: Span, size: int, phase: int) -> None:
    parts = list(span.split(size, phase))
    assert [index for part in parts for index in part] == list(span)
    assert all(len(part) == size for part in parts[1:-1])
    assert all(1 <= len(part) <= size for part in parts)


@given(spans(), spans(), st.integers(1, 9))
def test_spans_that_overlap_are_cut_at_the_same_places(a: Span, b: Span, size: int) -> None:
    """So that a clip that was trimmed keeps the parts between its ends."""
    common = a.intersect(b)
    cuts = [{part.start for part in span.split(size)} & set(common) - {common.start} for span in (a, b)]
    assert cuts[0] == cuts[1]


@given(spans(), st.integers(0, 9), spans())
def test_growing_stays_inside(span: Span, radius: int, within: Span) -> None:
    inner = span.intersect(within)
    if inner:
        assert within.covers(inner.grow(radius, within))


def test_spans_never_run_backwards() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Span(3, 2)


@st.composite
def clocks(draw: st.DrawFn) -> Clock:
    frames = sorted(draw(st.sets(st.integers(0, 99), min_size=1, max_size=30)))
    walls = draw(st.sets(st.integers(1, len(frames)), max_size=5)) - {len(frames)}
    return Clock(tuple(frames), tuple(Fraction(frame, 24) for frame in frames), tuple(sorted(walls)))


@given(clocks(), st.fractions(-1, 5))
def test_the_entry_at_a_time_is_the_last_not_later(clock: Clock, time: Fraction) -> None:
    entry = clock.at(time)
    earlier = [index for index, when in enumerate(clock.times) if when <= time]
    assert entry == (earlier[-1] if earlier else 0)


@given(clocks())
def test_scenes_part_the_clock_at_its_walls(clock: Clock) -> None:
    starts = {clock.scene(entry).start for entry in range(len(clock))}
    assert starts == {0, *clock.walls}
    for entry in range(len(clock)):
        assert entry in clock.scene(entry)
