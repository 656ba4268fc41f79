"""Rates are exact, and rounded ones are understood."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import InvalidRate
from resilver_server.domain.rates import format_rate, parse_rate, snap_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("24", Fraction(24)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        ("16", Fraction(16)),
        ("18", Fraction(18)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_what_people_write(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-24", "1001", "24/0", "nan", "inf"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(InvalidRate):
        parse_rate(text)


@given(st.integers(1, 240), st.booleans())
def test_written_rates_are_read_back_exactly(whole: int, pulled: bool) -> None:
    rate = Fraction(whole * 1000, 1001) if pulled else Fraction(whole)
    assert parse_rate(format_rate(rate)) == rate
    assert snap_rate(rate) == rate
