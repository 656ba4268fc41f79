"""What DaVinci Resolve counts in frames of the timeline, counted again where the timeline gets another rate.

Key frames of picture effects lie on the record side, from the clip's first frame (a zoom that begins with a clip's
media begins at -32 where the clip's range is 32 timeline frames into it); those of a transition from its own first
frame. Markers are written in the timeline's rate. Speed ramps are in seconds, and stay.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .foreign import as_list, as_mapping
from .times import snap_rate, whole, written_rate

_OWN = "Resolve_OTIO"
_KEYS = "Key Frames"
_NUMBER = re.compile(r"-?\d{1,15}")


def recount(timeline_json: str, before: Fraction, after: Fraction) -> tuple[str, tuple[str, ...]]:
    """The timeline, whose cuts are on the grid of ``after`` already, with what ``before`` counted counted anew, and
    sentences on what could not be."""
    data = json.loads(timeline_json)
    if before == after or _OWN not in as_mapping(data.get("metadata")):
        return timeline_json, ()
    report: list[str] = []
    _walk(data["tracks"], before, after, report)
    return json.dumps(data, indent=4, ensure_ascii=False), tuple(dict.fromkeys(report))


def _walk(item: dict[str, Any], before: Fraction, after: Fraction, report: list[str]) -> None:
    for marker in item.get("markers") or ():
        marker["marked_range"] = _marked(marker["marked_range"], before, after)
    for effect in _effects(item):
        where = f"{item.get('name') or 'a clip'}: {effect.get('Effect Name')}"
        for parameter in as_list(effect.get("Parameters")):
            keys = as_mapping(parameter.get(_KEYS))
            if keys and not all(map(_NUMBER.fullmatch, keys)):
                report.append(f"{where} has key frames that are no frames; look after them at the new rate")
            elif keys:
                _recount_keys(parameter, _scale(keys, item, before, after), where, report)
    for child in item.get("children") or ():
        if child.get("kind", "Video") == "Video":
            _walk(child, before, after, report)
        else:
            _tell_sound(child, report)


def _effects(item: dict[str, Any]) -> list[Any]:
    """What Resolve says of each effect of an item, or of what a transition is."""
    if "in_offset" in item:
        return [as_mapping(_section(item).get("Effects"))]
    return [_section(effect) for effect in item.get("effects") or ()]


def _section(owner: dict[str, Any]) -> Any:
    return as_mapping(as_mapping(owner.get("metadata")).get(_OWN))


def _scale(keys: Mapping[str, Any], item: dict[str, Any], before: Fraction, after: Fraction) -> Fraction:
    """How many new frames an old one is. A transition's curve ends where the transition does, which lies on a cut of
    the new grid."""
    scale = after / before
    if "in_offset" not in item:
        return scale
    last = max(map(int, keys))
    length = Fraction(item["in_offset"]["value"]) + Fraction(item["out_offset"]["value"])
    return length / last if last > 0 and abs(last * scale - length) <= 1 else scale


def _recount_keys(parameter: dict[str, Any], scale: Fraction, where: str, report: list[str]) -> None:
    keys = parameter[_KEYS]
    moved = {str(math.floor(int(key) * scale + Fraction(1, 2))): value for key, value in keys.items()}
    if len(moved) < len(keys):
        report.append(f"{where} has key frames that fall together at the new rate; look after them")
    parameter[_KEYS] = moved


def _marked(span: dict[str, Any], before: Fraction, after: Fraction) -> dict[str, Any]:
    """A marker on the first new frame that is not before it; one of a single frame stays one."""
    start, duration = span["start_time"], span["duration"]
    moment = Fraction(start["value"]) / snap_rate(start["rate"]) * after
    moment = moment if whole(start["value"]) is None else Fraction(math.ceil(moment))
    length = duration["value"] if duration["value"] <= 1 else math.ceil(Fraction(duration["value"]) * after / before)
    rate = written_rate(after)
    return {
        **span,
        "start_time": {**start, "rate": rate, "value": float(moment)},
        "duration": {**duration, "rate": rate, "value": float(length)},
    }


def _tell_sound(track: dict[str, Any], report: list[str]) -> None:
    """What sound's key frames count is not known, so they stay."""
    for clip in track.get("children") or ():
        for effect in _effects(clip):
            if any(as_mapping(each.get(_KEYS)) for each in as_list(effect.get("Parameters"))):
                name = clip.get("name") or "sound"
                report.append(f"{name}: look after the key frames of {effect.get('Effect Name')} at the new rate")
