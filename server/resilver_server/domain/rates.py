"""Frame rates as exact fractions."""

from __future__ import annotations

import re
from fractions import Fraction

from resilver_client.errors import InvalidRate

Rate = Fraction
"""Frames a second."""

_LARGEST = 1000
_SMALLEST = Fraction(1, 1001)
_WRITTEN = re.compile(r"-?\d{1,15}(?:\.\d{1,15}|/\d{1,15})?(?:[eE]-?\d{1,2})?")


def parse_rate(text: str) -> Rate:
    """``"24"``, ``"24000/1001"``, ``"23.976"`` or ``"29.97"`` as an exact rate.

    Raises InvalidRate for anything that is no positive rate up to 1000.
    """
    try:
        if not _WRITTEN.fullmatch(text.strip()):  # Fraction would compute 1e999999999, for hours
            raise ValueError(text)
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidRate(f"not a frame rate: {text!r}", remedy="write it as 24, 23.976 or 24000/1001") from error
    return snap_rate(rate)


def snap_rate(rate: float | Fraction) -> Rate:
    """The exact rate meant by a rounded one: n or n*1000/1001 where it lies within 0.005 % of one.

    23.976, 23.98, 29.97 and 59.94 become 24000/1001, 30000/1001 and 60000/1001; 16 and 18 stay. Other rates
    are kept as the nearest fraction with a denominator up to 1001.

    Raises InvalidRate unless 1/1001 <= rate <= 1000.
    """
    try:
        exact = Fraction(rate)
    except (ValueError, OverflowError) as error:  # nan, inf
        raise InvalidRate(f"not a frame rate: {rate}", remedy="use a rate above 0 and up to 1000") from error
    if not _SMALLEST <= exact <= _LARGEST:
        raise InvalidRate(f"not a frame rate: {rate}", remedy="use a rate above 0 and up to 1000")
    if exact.denominator == 1:
        return exact
    whole = Fraction(round(exact))
    pulled = Fraction(round(exact * 1001 / 1000) * 1000, 1001)
    for candidate in (whole, pulled):
        if candidate and abs(exact - candidate) <= candidate * Fraction(2, 10000):
            return candidate
    return exact.limit_denominator(1001)


def format_rate(rate: Rate) -> str:
    """``"24"`` or ``"24000/1001"``: what parse_rate reads back exactly."""
    return str(rate.numerator) if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"
