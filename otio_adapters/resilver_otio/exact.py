"""Numbers that come out of OpenTimelineIO as they went in.

Its JSON reader does not round floats correctly: about one in some hundred comes back as a neighbour. What nobody
changed must stay as it was, so those are put back.
"""

from __future__ import annotations

import json
import math
from typing import Any


def keep_floats(after: str, before: str) -> str:
    """``after``, with every float that is a direct neighbour of one in ``before`` set to that one. Both are JSON."""
    known: set[float] = set()
    _floats(json.loads(before), known)
    return json.dumps(_restored(json.loads(after), known), indent=4, ensure_ascii=False)


def _floats(data: Any, found: set[float]) -> None:
    if isinstance(data, float):
        found.add(data)
    elif isinstance(data, dict):
        for value in data.values():
            _floats(value, found)
    elif isinstance(data, list):
        for value in data:
            _floats(value, found)


def _restored(data: Any, known: set[float]) -> Any:
    if isinstance(data, float) and data not in known:
        neighbours = (math.nextafter(data, math.inf), math.nextafter(data, -math.inf))
        return next((each for each in neighbours if each in known), data)
    if isinstance(data, dict):
        return {key: _restored(value, known) for key, value in data.items()}
    if isinstance(data, list):
        return [_restored(value, known) for value in data]
    return data
