"""Rates as Resolve writes them, and timecode."""

import re
from fractions import Fraction
from typing import Tuple, Union

RATES = {
    "16": Fraction(16),
    "18": Fraction(18),
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "47.952": Fraction(48000, 1001),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
    "72": Fraction(72),
    "95.904": Fraction(96000, 1001),
    "96": Fraction(96),
    "100": Fraction(100),
    "119.88": Fraction(120000, 1001),
    "120": Fraction(120),
}
"""Rates of timelines, by Resolve's text."""

TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;])(\d\d+)")


def rate_of(text: object) -> Tuple[Fraction, bool]:
    """(exact rate, drop frame) of Resolve's text or number. Raises ValueError for a rate no timeline has."""
    words = str(text).split()
    drop = words[1:] == ["DF"]
    short = words[0][:-2] if words and words[0].endswith(".0") else "".join(words[:1])
    if short not in RATES or (words[1:] and not drop):
        raise ValueError("no rate of a timeline: {!r}".format(text))
    return RATES[short], drop


def exact(fps: Union[float, str, Fraction]) -> Fraction:
    """The exact rate meant by a number as files and Resolve write it: 23.976 is 24000/1001."""
    if isinstance(fps, Fraction):
        return fps
    number = float(fps)
    for rate in RATES.values():
        if abs(float(rate) - number) < 0.002:
            return rate
    return Fraction(number).limit_denominator(1001)


def short(rate: Fraction) -> str:
    """Resolve's text: "24", "23.976"."""
    for text, known in RATES.items():
        if known == rate:
            return text
    return "{:g}".format(round(float(rate), 3))


def nominal(rate: Fraction) -> int:
    """Frames a second of timecode counts."""
    return -(-rate.numerator // rate.denominator)


def frames_of(timecode: str, rate: Fraction) -> int:
    """The frame that a timecode names, drop frame where it is written with ";". Raises ValueError."""
    match = TIMECODE.fullmatch(timecode or "")
    if match is None:
        raise ValueError("no timecode: {!r}".format(timecode))
    hours, minutes, seconds, frame = (int(match.group(index)) for index in (1, 2, 3, 5))
    base = nominal(rate)
    count = ((hours * 60 + minutes) * 60 + seconds) * base + frame
    if match.group(4) == ";":
        whole = hours * 60 + minutes
        count -= dropped(base) * (whole - whole // 10)
    return count


def dropped(base: int) -> int:
    """Frame numbers that drop frame leaves out in most minutes."""
    return base // 15


def timecode_of(frame: int, rate: Fraction, drop: bool = False) -> str:
    """The timecode of a frame."""
    base = nominal(rate)
    if drop:
        tens, rest = divmod(frame, 600 * base - 9 * dropped(base))
        minutes = max(0, rest - dropped(base)) // (60 * base - dropped(base))
        frame += dropped(base) * (9 * tens + minutes)
    seconds, part = divmod(frame, base)
    return "{:02d}:{:02d}:{:02d}{}{:02d}".format(
        seconds // 3600, seconds // 60 % 60, seconds % 60, ";" if drop else ":", part
    )
