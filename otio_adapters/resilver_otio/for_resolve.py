"""A result timeline in the shape that DaVinci Resolve imports (docs/decisions/1010).

Resolve refuses a whole file for one thing in it that it does not take: a clip without media (its own exports write
titles so), a schema that it does not know, media without a range. Works on the JSON itself, so that every number that
Resolve wrote goes back bit by bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from resilver_client.errors import ClipUnsupported, InvalidRequest, OutputUnwritable

from .foreign import as_mapping
from .parse import parse_timeline
from .paths import is_windows, media_path
from .times import snap_rate, whole
from .types import Placed

_OWN = "Resolve_OTIO"
_DEFAULT = "DEFAULT_MEDIA"
_COMPOSITIONS = ("Stack", "Track")
_KNOWN = {
    "Timeline": 1, "Stack": 1, "Track": 1, "Clip": 2, "Gap": 1, "Transition": 1, "Marker": 2,
    "Effect": 1, "TimeEffect": 1, "LinearTimeWarp": 1, "FreezeFrame": 1,
    "ExternalReference": 1, "ImageSequenceReference": 1, "GeneratorReference": 1, "MissingReference": 1,
    "RationalTime": 1, "TimeRange": 1,
}  # fmt: skip
"""Schemas that Resolve writes, or is known to read, with their newest version there."""

_NEAR = Fraction(1, 1000)
"""A start so near to a frame, in frames, is that frame's."""

_Json = dict[str, Any]


def is_from_resolve(timeline_json: str) -> bool:
    """Whether a timeline is an export of Resolve, or the result that was made from one."""
    try:
        data = json.loads(timeline_json)
    except (ValueError, RecursionError):
        return False
    return _is_timeline(data) and _OWN in as_mapping(data.get("metadata"))


def ensure_importable(timeline_json: str, path: str | Path) -> None:
    """Raises OutputUnwritable for an edit of Resolve that is to become FCPXML: what the adapter there is writes has
    wrong rates (docs/decisions/1011), which nobody sees before the edit is off."""
    if Path(path).suffix.lower() == ".fcpxml" and is_from_resolve(timeline_json):
        raise OutputUnwritable(
            "the FCPXML that can be written for an edit of DaVinci Resolve has wrong frame rates",
            where=str(path),
            remedy="write .otio, and import it with File > Import > Timeline",
        )


def for_resolve(timeline_json: str) -> Placed:
    """The timeline (OTIO JSON) as Resolve imports it, and sentences on what is left out or has to be looked after.

    What Resolve wrote itself stays as it was. Clips without media become gaps of the same length, and dissolves with
    them go.

    Raises TimelineUnreadable for JSON that is no timeline, InvalidRequest for a timeline that is not Resolve's,
    ClipUnsupported, naming the clip, for one with several media.
    """
    parse_timeline(timeline_json)
    data = json.loads(timeline_json)
    if not is_from_resolve(timeline_json):
        what, remedy = "the timeline is not an export of DaVinci Resolve", "export it there as OTIO"
        raise InvalidRequest(what, remedy=remedy)
    report: list[str] = []
    clips = list(_shape(data["tracks"], "", report))
    plain = _plain(data, "the timeline", report)
    report.extend(_unmeasured(clips))
    return Placed(json.dumps(plain, indent=4, ensure_ascii=False), tuple(report))


def _unmeasured(clips: Sequence[_Json]) -> Iterator[str]:
    """What nobody has seen Resolve do, where the timeline asks for it."""
    sequences = dict.fromkeys(_reference(each)["name"] for each in clips if _is_sequence(each))
    if sequences:
        yield (
            f"image sequences ({', '.join(sequences)}): Resolve 18 was reported not to import them from OTIO files; "
            "look whether these clips are there, else choose a movie as the result's format"
        )
    crossing = dict.fromkeys(_name(each) for each in clips if _is_ours(each) and _crosses_label_rates(each))
    if crossing:
        yield (
            f"{', '.join(crossing)}: the restored file has a timecode, and of its rate and the timeline's one is a "
            "whole number and one is not; how Resolve counts between the two was not measured. Look whether the "
            "clips show the right moment, or restore at the timeline's kind of rate (59.94 for 23.976 and 29.97)"
        )


def _is_ours(item: _Json) -> bool:
    return "resilver" in as_mapping(item.get("metadata"))


def _is_sequence(clip: _Json) -> bool:
    return _kind(_reference(clip)) == "ImageSequenceReference"


def _crosses_label_rates(clip: _Json) -> bool:
    """Whether an hour of timecode is an hour for the file or for the timeline, but not for both."""
    first = as_mapping(as_mapping(_reference(clip).get("available_range")).get("start_time"))
    if not first or not first["value"]:
        return False
    rates = (snap_rate(first["rate"]), snap_rate(clip["source_range"]["start_time"]["rate"]))
    return len({rate.denominator == 1 for rate in rates}) == 2


def _is_timeline(data: Any) -> bool:
    return isinstance(data, dict) and _kind(data) == "Timeline"


def _kind(item: Any) -> str:
    return str(as_mapping(item).get("OTIO_SCHEMA", "")).partition(".")[0]


def _shape(composition: _Json, track: str, report: list[str]) -> Iterator[_Json]:
    """In place, with all that lies in it; its clips. ``track``: name of the outermost track, for people."""
    cursor = Fraction(0)
    children: list[tuple[_Json, bool]] = []
    for child in composition["children"]:
        why = _why_left_out(child)
        where = f"{track}, {float(cursor):.3f} s in" if track else ""
        if why:
            report.append(f"{_name(child)} ({where}) is left out, put it back by hand: {why}")
            child = _gap(child)
        elif _kind(child) == "Clip":
            _shape_clip(child)
            yield child
        elif _kind(child) in _COMPOSITIONS:
            yield from _shape(child, track or str(child.get("name") or "a track"), report)
        children.append((child, bool(why)))
        cursor += _length(child) if _kind(composition) == "Track" else 0
    composition["children"] = list(_joined(_without_loose_dissolves(children, track, report)))
    if _is_ours(composition):
        composition["metadata"].setdefault(_OWN, {"Locked": False})


def _why_left_out(child: _Json) -> str:
    """Why Resolve would refuse the file for this child; empty where it does not."""
    kind = _kind(child)
    if kind in (*_COMPOSITIONS, "Gap", "Transition"):
        return ""
    if kind != "Clip":
        return f"{child.get('OTIO_SCHEMA')} is nothing that Resolve knows"
    reference = _reference(child)
    if _kind(reference) == "GeneratorReference":
        return ""
    if _kind(reference) == "MissingReference":
        offline = as_mapping(as_mapping(reference.get("metadata")).get(_OWN)).get("Media Url")
        return (
            f"its media is offline: {offline}"
            if offline
            else "it is a title, a compound clip or the like, which has no media in the export"
        )
    if _kind(reference) not in _KNOWN:
        return f"its media is a {reference.get('OTIO_SCHEMA')}, which Resolve does not know"
    return "" if reference.get("available_range") else "nothing says where its media begins"


def _reference(clip: _Json) -> _Json:
    """Its one media reference. Raises ClipUnsupported for a clip with several: one range cannot be right for both, as
    Resolve counts it from each file's own timecode."""
    references = as_mapping(clip.get("media_references"))
    if len(references) > 1:
        what, remedy = "Resolve imports no clip with several media", "restore it with the layout overlay or replace"
        raise ClipUnsupported(what, where=_name(clip), remedy=remedy)
    return next(iter(references.values()), {"OTIO_SCHEMA": "MissingReference.1"})


def _shape_clip(clip: _Json) -> None:
    reference = _reference(clip)
    clip["media_references"] = {_DEFAULT: reference}
    clip["active_media_reference_key"] = _DEFAULT
    if _is_ours(clip):
        clip["metadata"].setdefault(_OWN, {})
        _settle(clip["source_range"]["start_time"], reference.get("available_range"))
    if _kind(reference) == "ImageSequenceReference":
        base = _bare(str(reference["target_url_base"]))
        reference["target_url_base"] = base.rstrip("/\\") or base
        reference["name"] = reference.get("name") or _sequence_name(reference)
    elif _kind(reference) == "ExternalReference":
        reference["target_url"] = _bare(str(reference["target_url"]))
        reference["name"] = reference.get("name") or reference["target_url"].replace("\\", "/").rpartition("/")[2]


def _settle(start: _Json, available: _Json | None) -> None:
    """The start that means a frame of the restored file, never a float's breadth before it: where the file's frame
    lies between frames of the timeline, an importer that cuts fractions off would show the frame before. Resolve
    itself writes such values a breadth above (20.000000000000004)."""
    if available is None:
        return
    rate, other = snap_rate(start["rate"]), snap_rate(available["duration"]["rate"])
    exact = Fraction(start["value"]) / rate * other
    frame = round(exact)
    if whole(start["value"]) is not None or abs(exact - frame) > _NEAR:
        return
    value = float(frame * rate / other)
    slow, fast = float(rate), float(other)
    while Fraction(value) / rate * other < frame or min(value / slow * fast, value * fast / slow) < frame:
        value = math.nextafter(value, math.inf)
    start["value"] = value


def _bare(url: str) -> str:
    """A plain path, as Resolve writes and reads it."""
    path = media_path(url)
    return path.replace("/", "\\") if path != url and is_windows(path) else path


def _sequence_name(reference: _Json) -> str:
    """``scan.[0001-0100].exr``, as Resolve calls sequences."""
    first, digits = int(reference["start_frame"]), int(reference["frame_zero_padding"])
    last = first + int(reference["available_range"]["duration"]["value"]) - 1
    return f"{reference['name_prefix']}[{first:0{digits}d}-{last:0{digits}d}]{reference['name_suffix']}"


def _gap(child: _Json) -> _Json:
    """Nothing, for as long as the child lasts."""
    span = child.get("source_range") or as_mapping(_reference(child)).get("available_range")
    if not span:
        raise ClipUnsupported("nothing says how long it is", where=_name(child), remedy="take it out and export again")
    return {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": {**span, "start_time": {**span["duration"], "value": 0.0}},
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _without_loose_dissolves(
    children: list[tuple[_Json, bool]], track: str, report: list[str]
) -> Iterator[tuple[_Json, bool]]:
    """Without the transitions to what is left out: there is nothing to dissolve from."""
    for index, (child, left_out) in enumerate(children):
        beside = children[max(0, index - 1) : index + 2]
        if _kind(child) == "Transition" and any(gone for _, gone in beside):
            report.append(f"the {_name(child)} beside it ({track}) is left out with it")
        else:
            yield child, left_out


def _joined(children: Iterator[tuple[_Json, bool]]) -> Iterator[_Json]:
    """With a gap that stands for a clip made one with its neighbours, as Resolve itself writes them."""
    held: _Json | None = None
    was_left_out = False
    for child, left_out in children:
        if held is not None and _kind(held) == _kind(child) == "Gap" and (left_out or was_left_out):
            mine, other = held["source_range"]["duration"], child["source_range"]["duration"]
            if mine["rate"] == other["rate"]:
                span = {**held["source_range"], "duration": {**mine, "value": mine["value"] + other["value"]}}
                held, was_left_out = {**held, "source_range": span}, True
                continue
        if held is not None:
            yield held
        held, was_left_out = child, left_out
    if held is not None:
        yield held


def _length(child: _Json) -> Fraction:
    """Record seconds of a track's child, for people: 0 where it does not say."""
    span = child.get("source_range")
    if _kind(child) == "Clip" and not span:
        span = _reference(child).get("available_range")
    duration = as_mapping(as_mapping(span).get("duration"))
    return Fraction(duration["value"]) / snap_rate(duration["rate"]) if duration else Fraction(0)


def _plain(data: Any, owner: str, report: list[str]) -> Any:
    """Without objects of unknown schemas, wherever they are, and without what newer versions of OpenTimelineIO add."""
    if isinstance(data, list):
        return [_plain(each, owner, report) for each in data if not _is_foreign(each, owner, report)]
    if not isinstance(data, dict):
        return data
    owner = _name(data) if _kind(data) in ("Clip", "Track", "Gap", "Transition", "Stack") else owner
    added = _added(data)
    return {
        key: None if _is_foreign(value, owner, report) else _plain(value, owner, report)
        for key, value in data.items()
        if key not in added
    }


def _is_foreign(value: Any, owner: str, report: list[str]) -> bool:
    schema = as_mapping(value).get("OTIO_SCHEMA") if isinstance(value, dict) else None
    if not isinstance(schema, str):
        return False
    name, _, version = schema.partition(".")
    if name in _KNOWN and version.isdigit() and int(version) <= _KNOWN[name]:
        return False
    report.append(f"{owner}: {schema} is left out, Resolve does not know it")
    return True


def _added(data: _Json) -> set[str]:
    """Fields that OpenTimelineIO 0.18 writes and Resolve does not, where they say nothing."""
    if _kind(data) in ("Clip", "Gap", "Track", "Stack") and data.get("color", "") is None:
        return {"color"}
    if _kind(data) in ("Effect", "TimeEffect", "LinearTimeWarp", "FreezeFrame") and data.get("enabled") is True:
        return {"enabled"}
    return set()


def _name(item: _Json) -> str:
    return str(item.get("name") or item.get("OTIO_SCHEMA", "object").partition(".")[0].lower())
