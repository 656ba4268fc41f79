"""OTIO JSON into a timeline, within limits, and with every reason why it cannot be one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import opentimelineio as otio

from resilver_client.errors import TimelineUnreadable
from resilver_client.limits import TIMELINE_BYTES, TIMELINE_DEPTH, TIMELINE_ITEMS, TIMELINE_VALUES

from .stand_ins import has_stand_ins, put_in, take_out

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)
_ITEM = re.compile(r"(?!(RationalTime|TimeRange|TimeTransform|\w+Reference|V2d|Box2d|Color)\.)\w")
"""Whatever is no value and no reference to media."""
_OTHER_NAMES = {
    "Sequence", "Filler", "SerializeableCollection", "RationalTime", "TimeRange", "TimeTransform", "V2d", "Box2d",
    "Color", "ResilverRecipe", "ResilverResult",
}  # fmt: skip
"""Names that OTIO reads but does not list: former ones, its value types, and those of this plug-in."""


def parse_timeline(text: str, where: str = "timeline") -> otio.schema.Timeline:
    """A timeline from OTIO JSON. Raises TimelineUnreadable."""
    return pick_timeline(parse_object(text.encode(), where), None, where)


def to_json(timeline: otio.schema.Timeline) -> str:
    """OTIO JSON of a timeline."""
    text = str(timeline.to_json_string())
    return json.dumps(take_out(json.loads(text)), indent=4, ensure_ascii=False) if has_stand_ins(text) else text


def parse_object(content: bytes, where: str) -> otio.core.SerializableObject:
    """Whatever OTIO object the JSON holds. Raises TimelineUnreadable; what is too large is not parsed at all."""
    check_size(len(content), where)
    if content.count(b",") > TIMELINE_VALUES:
        raise _too_much(f"more than {TIMELINE_VALUES} values", where)
    _check_depth(content, where)
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise TimelineUnreadable(f"not valid JSON ({error})", where=where, remedy="export it again") from error
    if not isinstance(data, dict) or "OTIO_SCHEMA" not in data:
        raise TimelineUnreadable("JSON, but not OpenTimelineIO", where=where)
    _check_items(data, where)
    known = otio.core.type_version_map()
    if put_in(data, known.keys() | _OTHER_NAMES):
        text = json.dumps(data)
    unknown = next(_unknown_schemas(data, "the file", True, known), None)
    if unknown is not None:
        what, owner = unknown
        remedy = "export it for an older OpenTimelineIO, or update OpenTimelineIO here"
        raise TimelineUnreadable(what, where=f"{where}, in {owner}", remedy=remedy)
    try:
        return otio.core.deserialize_json_from_string(text)
    except Exception as error:  # OTIO raises many unrelated classes for broken content
        raise TimelineUnreadable(first_line(error), where=where, remedy="export it again") from error


def pick_timeline(found: Any, name: str | None, where: str) -> otio.schema.Timeline:
    """The timeline in an OTIO object, or around a lone clip, track or stack; ``name`` picks one of several.

    Raises TimelineUnreadable, naming those there are, unless exactly one is meant.
    """
    timelines = list(_timelines(found))
    chosen = [each for each in timelines if name is None or each.name == name]
    if len(chosen) == 1:
        if chosen[0].tracks is None:
            raise TimelineUnreadable("the timeline has no tracks", where=where, remedy="export it again")
        _fill_in(chosen[0])
        return chosen[0]
    if not timelines:
        raise TimelineUnreadable(f"it holds no timeline but {type(found).__name__}", where=where)
    names = ", ".join(repr(each.name) for each in timelines)
    what = f"no timeline is named {name!r}" if not chosen else f"it holds {len(chosen)} timelines"
    raise TimelineUnreadable(f"{what}: there are {names}", where=where, remedy="name one, or export only that one")


def _fill_in(timeline: otio.schema.Timeline) -> None:
    """OpenTimelineIO gives a reference to every clip, but for one that names as its own one that it has not."""
    for clip in timeline.find_clips():
        if clip.media_reference is None:
            clip.media_reference = otio.schema.MissingReference()


def first_line(error: Exception) -> str:
    """Class and first line of an error of somebody else's."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises ValueError for a key that is there twice: nobody writes such, and OpenTimelineIO's parser
    kills the process over some."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def check_size(size: int, where: str) -> None:
    """Raises TimelineUnreadable for a timeline of too many bytes."""
    if size > TIMELINE_BYTES:
        raise _too_much(f"larger than {TIMELINE_BYTES >> 20} MiB", where)


def _too_much(what: str, where: str) -> TimelineUnreadable:
    return TimelineUnreadable(what, where=where, remedy="export a shorter timeline, or one reel at a time")


def _check_depth(content: bytes, where: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(content):
        mark = token.group()[:1]
        if mark in b"[{":
            depth += 1
            if depth > TIMELINE_DEPTH:
                raise _too_much(f"nested deeper than {TIMELINE_DEPTH} levels", where)
        elif mark in b"]}":
            depth -= 1


def _check_items(data: Any, where: str) -> None:
    """Raises TimelineUnreadable for more than TIMELINE_ITEMS clips, gaps, markers and the like."""
    count, waiting = 0, [data]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            count += _ITEM.match(str(each.get("OTIO_SCHEMA", ""))) is not None
            waiting.extend(value for value in each.values() if isinstance(value, dict | list))
        else:
            waiting.extend(value for value in each if isinstance(value, dict | list))
        if count > TIMELINE_ITEMS:
            raise _too_much(f"more than {TIMELINE_ITEMS} clips, gaps, markers and effects", where)


def _unknown_schemas(data: Any, owner: str, structural: bool, known: dict[str, int]) -> Iterator[tuple[str, str]]:
    """What the installed OTIO cannot read, and the clip or composition it sits on. Free metadata may hold anything
    of an unknown name, yet not a newer version of a known one."""
    if isinstance(data, list):
        for item in data:
            yield from _unknown_schemas(item, owner, structural, known)
    if not isinstance(data, dict):
        return
    name, _, version = str(data.get("OTIO_SCHEMA", "")).partition(".")
    if name in known and version.isdigit() and int(version) > known[name]:
        yield f"{name}.{version} needs a newer OpenTimelineIO, which reads up to {name}.{known[name]} here", owner
    elif name and name not in known and structural and name not in _OTHER_NAMES:
        yield f"{name}.{version} is a schema that OpenTimelineIO does not know", owner
    if name in ("Clip", "Stack", "Track", "Timeline", "Gap", "Transition"):
        owner = f"{name.lower()} {data.get('name') or '(without a name)'!r}"
    for key, value in data.items():
        yield from _unknown_schemas(value, owner, structural and key != "metadata", known)


def _timelines(found: Any) -> Iterator[otio.schema.Timeline]:
    if isinstance(found, otio.schema.Timeline):
        yield found
    elif isinstance(found, otio.schema.SerializableCollection):
        for item in found:
            if not isinstance(item, otio.schema.Clip):  # bins list the clips that their timelines use
                yield from _timelines(item)
    elif isinstance(found, otio.schema.Stack):
        timeline = otio.schema.Timeline(found.name)
        timeline.tracks = found.deepcopy()
        yield timeline
    elif isinstance(found, otio.schema.Track):
        yield _around(found)
    elif isinstance(found, otio.schema.Clip):
        track = otio.schema.Track("Video 1", kind=otio.schema.TrackKind.Video)
        track.append(found)
        yield _around(track)


def _around(track: otio.schema.Track) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline(track[0].name if track.name == "Video 1" and len(track) == 1 else track.name)
    timeline.tracks.append(track)
    return timeline
