"""Timecode (SMPTE ST 12-1) from one frame rate to another, by time."""

from __future__ import annotations

import re
from fractions import Fraction
from math import floor

from resilver_server.domain.rates import Rate

_FORM = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")
_DAY = 24


def timecode_at(start: str, rate: Rate, seconds: Fraction, wanted: Rate) -> str | None:
    """The label ``seconds`` after a frame labelled ``start`` at ``rate``, as a label at the rate ``wanted``.

    Hours, minutes and seconds stay those of the source's label; the frame is the share of the second that has
    passed. Drop-frame counting goes on where the wanted rate has it (29.97 and 59.94). None for a text that is no
    timecode of that rate.
    """
    found = _FORM.fullmatch(start.strip())
    if found is None:
        return None
    hours, minutes, second, frame = (int(found[group]) for group in (1, 2, 3, 5))
    base = round(rate)
    drops = found[4] in ";," and base % 30 == 0
    if frame >= base:
        return None
    number = _number(hours, minutes, second, frame, base, drops) + floor(seconds * rate)
    hours, minutes, second, frame = _label(max(0, number), base, drops)
    keeps = drops and wanted.denominator == 1001 and round(wanted) % 30 == 0
    share = floor(Fraction(frame, base) * round(wanted))
    return f"{hours % _DAY:02}:{minutes:02}:{second:02}{';' if keeps else ':'}{share:02}"


def _dropped(base: int) -> int:
    """Labels left out at the start of each minute but every tenth."""
    return base // 15


def _number(hours: int, minutes: int, second: int, frame: int, base: int, drops: bool) -> int:
    total = hours * 60 + minutes
    skipped = _dropped(base) * (total - total // 10) if drops else 0
    return (total * 60 + second) * base + frame - skipped


def _label(number: int, base: int, drops: bool) -> tuple[int, int, int, int]:
    if drops:
        lost = _dropped(base)
        minute = 60 * base - lost
        tens, rest = divmod(number, 10 * minute + lost)
        number += lost * (9 * tens + max(0, (rest - lost) // minute))
    total, frame = divmod(number, base)
    return total // 3600, total // 60 % 60, total % 60, frame
