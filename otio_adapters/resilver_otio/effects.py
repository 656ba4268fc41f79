"""What the effects on an item do to its time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from resilver_client.errors import ClipUnsupported

from .foreign import as_list, as_mapping, section
from .stand_ins import stands_for

_CHANGES_TIME = re.compile(
    r"time\W?_?(re)?\W?_?(map|warp)|retim|\bspeed|freeze|optical.?flow|motion.?effect|\breverse", re.I
)
_NOISE = Fraction(1, 10**9)


def speed_of(item: otio.core.Item) -> Fraction:
    """Media seconds a record second: the product of all constant retimes; 0 is a freeze, negative runs backwards.

    Raises ClipUnsupported, naming the item, for every effect whose time is no constant speed, or not known.
    """
    speed = Fraction(1)
    for effect in item.effects:
        if not getattr(effect, "enabled", True):
            continue
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= _scalar(effect, item)
        elif isinstance(effect, otio.schema.TimeEffect):
            raise _unsupported(item, _ramp(effect))
        elif _may_change_time(effect):
            raise _unsupported(item, f"the effect {_name(effect)!r} changes its time in a way that is not known")
    return speed


def kept_effects(item: otio.core.Item) -> tuple[str, ...]:
    """Names of effects that leave the time alone and do something: they stay on the original."""
    names = []
    for effect in item.effects:
        resolve = section(effect, "Resolve_OTIO")
        if isinstance(effect, otio.schema.TimeEffect) or not getattr(effect, "enabled", True):
            continue
        if resolve and not (resolve.get("Enabled", True) and as_list(resolve.get("Parameters"))):
            continue  # Resolve lists every inspector section, also those nobody touched
        names.append(str(resolve.get("Effect Name") or _name(effect)))
    return tuple(dict.fromkeys(names))


def _scalar(effect: otio.schema.LinearTimeWarp, item: otio.core.Item) -> Fraction:
    value = float(effect.time_scalar)
    if not math.isfinite(value) or abs(value) > 1000:
        raise _unsupported(item, f"its speed is {value}")
    near = Fraction(value).limit_denominator(100_000)
    return near if abs(near - Fraction(value)) <= _NOISE else Fraction(value).limit_denominator(10**7)


def _ramp(effect: otio.schema.TimeEffect) -> str:
    unknown = stands_for(effect)
    if unknown is not None:
        return f"its effect {unknown} is of a schema that OpenTimelineIO does not know"
    resolve = section(effect, "Resolve_OTIO")
    if "Key Frames" in resolve:
        return f"its speed changes ({len(as_list(resolve['Key Frames']))} key frames)"
    if "lookup" in effect.metadata:
        return f"the time warp {_name(effect)!r} changes its speed from frame to frame"
    return f"the time effect {_name(effect)!r} is no constant speed"


def _may_change_time(effect: otio.schema.Effect) -> bool:
    if section(effect, "Resolve_OTIO"):
        return False  # Resolve writes retimes as time effects; "Retime and Scaling" only says how they are drawn
    fcp = section(effect, "fcp_xml")
    words = (effect.name, effect.effect_name, str(fcp.get("effectid", "")))
    return any(_CHANGES_TIME.search(word or "") for word in words) and not _identity_remap(fcp)


def _identity_remap(fcp: Mapping[str, Any]) -> bool:
    """Whether a Final Cut 7 "Time Remap" leaves the clip at 100 %, forwards."""
    parameters = [as_mapping(each) for each in as_list(fcp.get("parameter"))]
    found = {str(each.get("parameterid", "")): each.get("value") for each in parameters}
    if "speed" not in found:
        return False
    still = {"false", "0", "none", ""}
    turned = (str(found.get(key, "")).lower() for key in ("reverse", "variablespeed"))
    return str(found["speed"]) in ("100", "100.0") and all(word in still for word in turned)


def _name(effect: otio.schema.Effect) -> str:
    return str(effect.name or effect.effect_name or effect.schema_name())


def _unsupported(item: otio.core.Item, why: str) -> ClipUnsupported:
    return ClipUnsupported(
        why, where=item.name, remedy="render the clip in the editor and use that, or leave it out of the selection"
    )
