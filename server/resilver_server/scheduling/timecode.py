"""Start timecodes as seconds."""

from __future__ import annotations

import re
from fractions import Fraction

from resilver_server.domain.rates import Rate

_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")


def timecode_seconds(text: str | None, rate: Rate) -> Fraction | None:
    """Seconds that a timecode's frame number stands for at ``rate``; None where there is none that can be read.

    With ``;`` before the frames two numbers (four at 59.94) are left out each minute but every tenth (SMPTE ST 12-1).
    """
    match = _TIMECODE.fullmatch(text or "")
    if match is None:
        return None
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = round(rate)
    total_minutes = hours * 60 + minutes
    number = (total_minutes * 60 + seconds) * nominal + frames
    if match[4] in ";,":
        number -= 2 * (nominal // 30) * (total_minutes - total_minutes // 10)
    return number / rate
