"""The exact rate that a single-precision float stands for. No bpy."""

from __future__ import annotations

from fractions import Fraction

_NTSC = Fraction(1000, 1001)
_SAME = Fraction(5, 1_000_000)
"""Relative. A float32 errs by 6e-8, people who type 23.976 by 1e-6; the nearest rates that differ (23.98) by 1.6e-4."""


def exact_rate(rate: float) -> Fraction:
    """``n``, ``n * 1000 / 1001`` or else the fraction with the smallest usual denominator that ``rate`` stands for.

    ``rate`` is in frames a second, above 0. Raises ValueError for others.
    """
    if not 0 < rate < float("inf"):
        raise ValueError(f"{rate} is no rate")
    written = Fraction(rate)
    usual = [Fraction(round(written)), round(written / _NTSC) * _NTSC]
    candidates = sorted(usual, key=lambda each: abs(each - written))
    candidates += [written.limit_denominator(limit) for limit in (100, 1001, 100_000)]
    return next((each for each in candidates if each and abs(each - written) <= written * _SAME), written)
