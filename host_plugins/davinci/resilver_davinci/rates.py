"""Resolve's own texts of rates, compared tolerantly: it writes 23.976, "23.976", "24" or 24.0, as it likes."""

from typing import Any, Optional

from . import api

TOLERANCE = 0.01
"""Frames a second. The nearest two rates are 23.976 and 24; Resolve rounds to two or three places."""


def value(said: Any) -> Optional[float]:
    """Frames a second of "29.97 DF", 29.97 or "29.97"; None where it is no rate."""
    words = api.text(said).split()
    return api.number(words[0]) if words else None


def exact(said: Any) -> Optional[float]:
    """The rate that a text means: "23.976" is 24000/1001, "59.94 DF" is 60000/1001. None where it is no rate."""
    found = value(said)
    if found is None:
        return None
    near = int(found + 0.5)
    broadcast = near * 1000 / 1001
    return broadcast if abs(found - broadcast) < abs(found - near) and same(found, broadcast) else found


def same(one: Any, other: Any) -> bool:
    """Whether two texts mean one rate; what is no rate is the same as nothing."""
    first, second = value(one), value(other)
    return first is not None and second is not None and abs(first - second) < TOLERANCE


def drop_frame(said: Any) -> bool:
    """Whether a rate is said with drop-frame timecode."""
    return api.text(said).split()[1:] == ["DF"]
