"""What strips showed when they were handed over, as text that is stored with their job. No bpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction

from resilver_client.errors import InvalidRequest

from ..strips.shown import Shown


def to_json(shown: Mapping[str, Shown]) -> str:
    """By uid; fractions as text ("24000/1001")."""
    return json.dumps({uid: asdict(each) for uid, each in shown.items()}, default=str)


def from_json(text: str) -> dict[str, Shown]:
    """Raises InvalidRequest for a text that ``to_json`` did not write."""
    try:
        return {uid: _read(kept) for uid, kept in json.loads(text).items()}
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError) as error:
        raise InvalidRequest(
            "what the file remembers of the strips cannot be read", where=text[:200], remedy="restore the clips again"
        ) from error


def _read(kept: dict[str, object]) -> Shown:
    exact = {name: Fraction(str(kept[name])) for name in ("first", "speed")}
    rate = kept["media_rate"]
    metas = kept["metas"]
    if not isinstance(metas, list):
        raise TypeError("metas is no list")
    known = {**kept, **exact, "metas": tuple(metas), "media_rate": None if rate is None else Fraction(str(rate))}
    return Shown(**known)  # type: ignore[arg-type]
