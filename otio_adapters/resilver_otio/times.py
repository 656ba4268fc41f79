"""OTIO's floating-point times as exact fractions, and back.

OTIO writes rates and values as floats. A rate is the exact one that was meant (23.976 is 24000/1001). A whole
value counts frames at that exact rate. A value with a fraction was made by rescaling from another rate, with
whichever form of the rate its writer used, so it is read in the way that lands on the media's frames.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import opentimelineio as otio

from resilver_client.errors import TimelineUnreadable

_NTSC = Fraction(1000, 1001)
_RATE_TOLERANCE = Fraction(2, 10000)
_WHOLE = Fraction(1, 10000)
"""A value this near to a whole number of frames is that number: floats of an hour's length keep 1e-9."""
_GRID = Fraction(1, 1000)
"""A time this near to a frame, in frames, is that frame's: the worst that rescaling in single precision does."""
_DENOMINATOR = 10_000_000


@lru_cache(maxsize=256)
def snap_rate(rate: float | Fraction) -> Fraction:
    """The exact rate meant by a rounded one: n or n*1000/1001. Raises TimelineUnreadable unless 0 < rate <= 1e6."""
    try:
        exact = Fraction(rate)
    except (ValueError, OverflowError) as error:
        raise TimelineUnreadable(f"not a rate: {rate}") from error
    if not 0 < exact <= 1_000_000:
        raise TimelineUnreadable(f"not a rate: {rate}")
    if exact.denominator == 1:
        return exact
    for candidate in (Fraction(round(exact)), round(exact / _NTSC) * _NTSC):
        if candidate and abs(exact - candidate) <= candidate * _RATE_TOLERANCE:
            return candidate
    return exact.limit_denominator(1001)


def whole(value: float) -> int | None:
    """The whole number that a float is meant to be, or None where it has a true fraction."""
    try:
        nearest = round(value)
    except (ValueError, OverflowError) as error:
        raise TimelineUnreadable(f"not a time: {value}") from error
    return nearest if abs(Fraction(value) - nearest) <= _WHOLE else None


def seconds(time: otio.opentime.RationalTime, grid: Fraction | None = None, origin: Fraction = Fraction(0)) -> Fraction:
    """Exact seconds of an OTIO time. ``grid`` is the rate of the frames it may stand for, counted from ``origin``.

    Raises TimelineUnreadable for times and rates that are no finite numbers, or a rate of 0.
    """
    rate = snap_rate(time.rate)
    count = whole(time.value)
    if count is not None:
        return count / rate
    meant = (Fraction(time.value) / rate).limit_denominator(_DENOMINATOR)
    if grid is None:
        return meant
    literal = Fraction(time.value) / Fraction(time.rate)
    for candidate in (meant, literal):
        snapped = snap(candidate - origin, grid)
        if (snapped * grid).denominator == 1:
            return origin + snapped
    return meant


def snap(time: Fraction, rate: Fraction) -> Fraction:
    """``time`` moved onto the frame of ``rate`` that it differs from by noise only; unchanged between frames."""
    nearest = round(time * rate)
    return nearest / rate if abs(time * rate - nearest) <= _GRID else time


def rational(time: Fraction, rate: float) -> otio.opentime.RationalTime:
    """Seconds as an OTIO time whose rate is written the way the timeline writes it."""
    return otio.opentime.RationalTime(float(time * snap_rate(rate)), rate)


def time_range(start: Fraction, duration: Fraction, rate: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(rational(start, rate), rational(duration, rate))


def written_rate(rate: Fraction) -> float:
    """An exact rate as a float for OTIO (24000/1001 becomes 23.976023976023978)."""
    return float(rate)
