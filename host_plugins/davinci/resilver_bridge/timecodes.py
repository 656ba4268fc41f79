"""Timecodes as the editor shows them."""

from __future__ import annotations

from fractions import Fraction


def timecode(frame: int, rate: Fraction, drop_frame: bool = False) -> str:
    """``01:00:00:00`` of an absolute frame; with drop frame (29.97 and 59.94) the last colon is ``;``.

    Numbers are counted at the next whole rate, so at 23.976 an hour of timecode is a little longer than an hour.
    """
    count = round(rate)
    number = _with_dropped(frame, count) if drop_frame else frame
    seconds, frames = divmod(number, count)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop_frame else ':'}{frames:02d}"


def _with_dropped(frame: int, count: int) -> int:
    """The frame's number where numbers were left out: ``count // 15`` of them in nine minutes of ten."""
    dropped = count // 15
    minute, ten = 60 * count - dropped, 10 * 60 * count - 9 * dropped
    tens, rest = divmod(frame, ten)
    minutes = 0 if rest < 60 * count else 1 + (rest - 60 * count) // minute
    return frame + dropped * (9 * tens + minutes)
