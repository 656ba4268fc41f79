"""Objects of schemas that the installed OpenTimelineIO does not know, kept through reading and writing.

OTIO refuses a whole file for one unknown effect. In the places where a timeline can do without them, unknown objects
are replaced before parsing by known ones that carry the original as text, and put back when JSON is written.
"""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

import opentimelineio as otio

_KEY = "resilver_stand_in"


def put_in(data: Any, known: Container[str]) -> bool:
    """Replace, in place, what is of unknown name in JSON data; whether there was anything."""
    if isinstance(data, list):
        return any([put_in(item, known) for item in data])
    if not isinstance(data, dict):
        return False
    changed = False
    for key, value in data.items():
        if key == "metadata":
            continue
        if key in ("effects", "markers", "children") and isinstance(value, list):
            for index, item in enumerate(value):
                if _is_unknown(item, known):
                    value[index], changed = _stand_in(key, item), True
        elif key == "media_reference" and _is_unknown(value, known):
            data[key], changed = _stand_in(key, value), True
        elif key == "media_references" and isinstance(value, dict):
            for name, item in value.items():
                if _is_unknown(item, known):
                    value[name], changed = _stand_in("media_reference", item), True
        changed = put_in(data[key], known) or changed
    return changed


def take_out(data: Any) -> Any:
    """The same data with every stand-in replaced by what it stands for."""
    if isinstance(data, list):
        return [take_out(item) for item in data]
    if not isinstance(data, dict):
        return data
    metadata = data.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get(_KEY), str):
        return json.loads(metadata[_KEY])
    return {key: take_out(value) for key, value in data.items()}


def has_stand_ins(text: str) -> bool:
    return f'"{_KEY}"' in text


def stands_for(item: otio.core.SerializableObjectWithMetadata) -> str | None:
    """Name and version of the unknown schema that an object stands for; None for an ordinary object."""
    original = item.metadata.get(_KEY)
    return str(json.loads(original).get("OTIO_SCHEMA")) if isinstance(original, str) else None


def _is_unknown(item: Any, known: Container[str]) -> bool:
    schema = item.get("OTIO_SCHEMA") if isinstance(item, dict) else None
    return isinstance(schema, str) and schema.partition(".")[0] not in known


def _stand_in(place: str, item: dict[str, Any]) -> dict[str, Any]:
    """The mildest object that may stand in this place. An unknown effect may change time, so it stands as one that
    does."""
    name = item.get("name") if isinstance(item.get("name"), str) else ""
    base = {"metadata": {_KEY: json.dumps(item)}, "name": name}
    if place == "effects":
        return {"OTIO_SCHEMA": "TimeEffect.1", **base, "effect_name": item["OTIO_SCHEMA"]}
    if place == "markers":
        moment = {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": 0}
        span = {"OTIO_SCHEMA": "TimeRange.1", "duration": moment, "start_time": moment}
        return {"OTIO_SCHEMA": "Marker.2", **base, "color": "RED", "marked_range": span}
    if place == "media_reference":
        return {"OTIO_SCHEMA": "MissingReference.1", **base, "available_range": None}
    source = item.get("source_range")
    return {
        "OTIO_SCHEMA": "Clip.2",
        **base,
        "source_range": source if isinstance(source, dict) else None,
        "effects": [],
        "markers": [],
        "enabled": True,
        "media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}, "name": ""}},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
