"""The one time map: n seconds in are n seconds out, and every output frame lies at an exact media time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import InvalidRequest, RangeOutsideMedia
from resilver_server.domain.shots import Shot
from resilver_server.domain.spans import Span
from resilver_server.planning.timemap import output_count, shown_frame, shown_span, source_span, time_map

NTSC = Fraction(1000, 1001)
RATES = [Fraction(16), Fraction(18), 24 * NTSC, Fraction(24), Fraction(25), 30 * NTSC, Fraction(30), Fraction(50)]
RATES += [60 * NTSC, Fraction(60)]
rates = st.sampled_from(RATES)
MEDIA = 1000


def clip(rate: Fraction, first: int, frames: int, speed: Fraction = Fraction(1)) -> Shot:
    """``frames`` media frames from ``first`` on, played at ``speed``."""
    start = (first + frames - 1 if speed < 0 else first) / rate
    duration = frames / rate / abs(speed) if speed else frames / rate
    return Shot("clip", "film.mov", rate, start, duration, speed)


@given(rates, rates, st.integers(0, 500), st.integers(1, 400), st.sampled_from([1, 2, Fraction(1, 2), -1, -3, 0]))
def test_seconds_in_are_seconds_out(media: Fraction, out: Fraction, first: int, frames: int, speed: Fraction) -> None:
    shot = clip(media, first, frames, Fraction(speed))
    count = output_count(shot, out)
    assert 0 <= count / out - shot.duration < 1 / out
    if speed == 1:
        assert count == ceil(frames * out / media)


@given(rates, st.integers(0, 500), st.integers(1, 400))
def test_at_its_own_rate_every_frame_is_shown_once(rate: Fraction, first: int, frames: int) -> None:
    forward, backward = clip(rate, first, frames), clip(rate, first, frames, Fraction(-1))
    for shot in (forward, backward):
        mapping = time_map(shot, rate)
        shown = [shown_frame(mapping.time(k), rate, mapping.reverse) for k in range(output_count(shot, rate))]
        expected = list(range(first, first + frames))
        assert shown == (expected if shot.speed > 0 else expected[::-1])
        assert shown_span(shot) == Span(first, first + frames)


@given(rates, rates, st.integers(0, 500), st.integers(1, 400), st.sampled_from([1, 2, Fraction(3, 7), -1, -2, 0]))
def test_nothing_outside_the_range_is_shown(
    media: Fraction, out: Fraction, first: int, frames: int, speed: Fraction
) -> None:
    shot = clip(media, first, frames, Fraction(speed))
    mapping = time_map(shot, out)
    shown = shown_span(shot)
    for k in range(output_count(shot, out)):
        assert shown_frame(mapping.time(k), media, mapping.reverse) in shown


@given(rates, rates, st.integers(0, 300))
def test_freeze_stands_still(media: Fraction, out: Fraction, first: int) -> None:
    mapping = time_map(clip(media, first, 30, Fraction(0)), out)
    assert {mapping.time(k) for k in range(100)} == {first / media}


@given(rates, rates, st.integers(0, 40), st.integers(1, 99))
def test_offset_moves_every_frame_alike(media: Fraction, out: Fraction, k: int, percent: int) -> None:
    shot = clip(media, 5, 50)
    offset = Fraction(percent, 100) / out
    moved = replace(shot, output_offset=offset)
    assert time_map(moved, out).time(k) - time_map(shot, out).time(k) == offset


def test_a_fixed_count_is_kept() -> None:
    shot = replace(clip(Fraction(24), 0, 24), output_frames=61)
    assert output_count(shot, Fraction(60)) == 61


def test_silent_film_to_sixty() -> None:
    shot = clip(Fraction(16), 100, 33)
    mapping = time_map(shot, Fraction(60))
    assert output_count(shot, Fraction(60)) == 124  # 33 * 60 / 16 = 123.75
    assert mapping.time(15) == Fraction(104, 16)


@pytest.mark.parametrize("frames", [0, -1])
def test_empty_shots_are_refused(frames: int) -> None:
    shot = replace(clip(Fraction(24), 0, 24), output_frames=frames)
    with pytest.raises(InvalidRequest):
        output_count(shot, Fraction(24))


@given(rates, rates, st.integers(0, 500), st.integers(1, 400), st.integers(0, 30), st.integers(0, 9))
def test_source_holds_range_tail_and_handles(
    media: Fraction, out: Fraction, first: int, frames: int, handle: int, tail: int
) -> None:
    shot = clip(media, first, frames)
    found = source_span(shot, out, MEDIA, tail, handle)
    assert Span(0, MEDIA).covers(found)
    assert found.covers(shown_span(shot))
    last = time_map(shot, out).time(output_count(shot, out) + tail - 1)
    assert min(MEDIA - 1, shown_frame(last, media, False)) in found
    assert source_span(replace(shot, handles=False), out, MEDIA, tail, handle) == shown_span(shot)


def test_a_range_past_the_media_is_refused_by_name() -> None:
    with pytest.raises(RangeOutsideMedia, match="990 to 1003"):
        source_span(clip(Fraction(24), 990, 14), Fraction(24), MEDIA, 0, 2)


def test_less_than_a_frame_past_the_end_is_forgiven() -> None:
    shot = replace(clip(Fraction(24), 990, 10), duration=Fraction(10, 24) + Fraction(1, 100))
    assert source_span(shot, Fraction(24), MEDIA, 0, 0) == Span(990, 1000)
