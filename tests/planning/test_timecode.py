"""Timecode by time, from one rate to another."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_server.planning.timecode import timecode_at

NTSC = Fraction(1000, 1001)


@pytest.mark.parametrize(
    ("start", "rate", "frames", "wanted", "label"),
    [
        ("01:00:00:00", Fraction(24), 0, Fraction(60), "01:00:00:00"),
        ("01:00:00:00", Fraction(24), 36, Fraction(60), "01:00:01:30"),
        ("01:00:00:12", 24 * NTSC, 0, 60 * NTSC, "01:00:00:30"),
        ("00:00:59;29", 30 * NTSC, 1, 30 * NTSC, "00:01:00;02"),
        ("00:09:59;29", 30 * NTSC, 1, 60 * NTSC, "00:10:00;00"),
        ("00:00:59;29", 30 * NTSC, 1, Fraction(60), "00:01:00:04"),
        ("23:59:59:24", Fraction(25), 1, Fraction(25), "00:00:00:00"),
        ("10:00:00:00", Fraction(25), 25 * 60, Fraction(50), "10:01:00:00"),
    ],
)
def test_labels(start: str, rate: Fraction, frames: int, wanted: Fraction, label: str) -> None:
    assert timecode_at(start, rate, frames / rate, wanted) == label


@pytest.mark.parametrize("text", ["", "one o'clock", "01:00:00:24", "01:00:00"])
def test_what_is_no_timecode_of_the_rate_gives_none(text: str) -> None:
    assert timecode_at(text, Fraction(24), Fraction(0), Fraction(24)) is None


@given(st.integers(0, 24 * 107892 - 1))
def test_drop_frame_labels_count_every_frame_once(number: int) -> None:
    rate = 30 * NTSC
    here = timecode_at("00:00:00;00", rate, number / rate, rate)
    following = timecode_at("00:00:00;00", rate, (number + 1) / rate, rate)
    assert here is not None
    assert timecode_at(here, rate, 1 / rate, rate) == following
