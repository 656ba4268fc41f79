"""What DaVinci Resolve's OTIO importer is known to ask for, rule by rule, as a list of what a timeline breaks.

Measured on 19.1.3.7 and after, or taken from Resolve's own exports. A file that breaks one of the rules is refused as
a whole, without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from resilver_otio.times import snap_rate

FIELDS = {
    "Timeline.1": {"metadata", "name", "global_start_time", "tracks"},
    "Stack.1": {"children", "effects", "enabled", "markers", "metadata", "name", "source_range"},
    "Track.1": {"children", "effects", "enabled", "kind", "markers", "metadata", "name", "source_range"},
    "Clip.2": {
        "active_media_reference_key", "effects", "enabled", "markers", "media_references", "metadata", "name",
        "source_range",
    },
    "Gap.1": {"effects", "enabled", "markers", "metadata", "name", "source_range"},
    "Transition.1": {"in_offset", "out_offset", "metadata", "name", "transition_type"},
    "Marker.2": {"color", "comment", "marked_range", "metadata", "name"},
    "Effect.1": {"effect_name", "metadata", "name"},
    "TimeEffect.1": {"effect_name", "metadata", "name"},
    "LinearTimeWarp.1": {"effect_name", "metadata", "name", "time_scalar"},
    "ExternalReference.1": {"available_image_bounds", "available_range", "metadata", "name", "target_url"},
    "ImageSequenceReference.1": {
        "available_image_bounds", "available_range", "frame_step", "frame_zero_padding", "metadata",
        "missing_frame_policy", "name", "name_prefix", "name_suffix", "rate", "start_frame", "target_url_base",
    },
    "RationalTime.1": {"rate", "value"},
    "TimeRange.1": {"duration", "start_time"},
}  # fmt: skip
"""Every schema that the real exports have, with exactly the fields that they have there."""


def faults_of(timeline: Any) -> list[str]:
    """What of Resolve's rules a timeline (OTIO JSON, parsed) breaks; empty where Resolve takes it."""
    return list(_faults(timeline))


def seconds(time: Any) -> Fraction:
    """Exact seconds; a value within a millionth of a frame is that frame."""
    value = Fraction(time["value"])
    near = Fraction(round(value))
    return (near if abs(value - near) < Fraction(1, 10**6) else value) / snap_rate(time["rate"])


def _faults(timeline: Any) -> Iterator[str]:
    if "Resolve_OTIO" not in timeline["metadata"]:
        yield "the timeline is not signed Resolve_OTIO"
    start = timeline["global_start_time"]
    if not start:
        yield "no global_start_time"
        return
    yield from _schemas(timeline, "timeline")
    kinds = [track.get("kind") for track in timeline["tracks"]["children"]]
    if kinds != sorted(kinds, key=["Video", "Audio"].index):
        yield f"tracks are not video first: {kinds}"
    for track in timeline["tracks"]["children"]:
        if "Resolve_OTIO" not in track["metadata"]:
            yield f"track {track['name']} has no Resolve_OTIO"
        yield from _track(track, start["rate"])


def _schemas(data: Any, where: str) -> Iterator[str]:
    if isinstance(data, list):
        for each in data:
            yield from _schemas(each, where)
    if not isinstance(data, dict):
        return
    schema = data.get("OTIO_SCHEMA")
    if schema is not None:
        if schema not in FIELDS:
            yield f"{where}: {schema} is not known"
        elif data.keys() - {"OTIO_SCHEMA"} != FIELDS[schema]:
            yield f"{where}: {schema} has other fields: {sorted(data.keys() ^ FIELDS[schema])}"
    for key, value in data.items():
        yield from _schemas(value, str(data.get("name") or f"{where}.{key}"))


def _track(track: Any, rate: float) -> Iterator[str]:
    children = track["children"]
    for index, child in enumerate(children):
        if child["OTIO_SCHEMA"] == "Clip.2":
            yield from _clip(child, rate)
        elif child["OTIO_SCHEMA"] == "Gap.1":
            span = child["source_range"]
            if span["start_time"]["value"] != 0 or span["duration"]["rate"] != rate:
                yield f"a gap of {track['name']} is not of the timeline's rate, from 0"
            if index and children[index - 1]["OTIO_SCHEMA"] == "Gap.1":
                yield f"gaps of {track['name']} lie side by side"
        elif child["OTIO_SCHEMA"] == "Transition.1":
            beside = children[index - 1 : index] + children[index + 1 : index + 2]
            if [each["OTIO_SCHEMA"] for each in beside] != ["Clip.2", "Clip.2"]:
                yield f"{child['name']} of {track['name']} is not between two clips"
            if {child["in_offset"]["rate"], child["out_offset"]["rate"]} != {rate}:
                yield f"{child['name']} of {track['name']} is not in the timeline's rate"


def _clip(clip: Any, rate: float) -> Iterator[str]:
    name, source = clip["name"], clip["source_range"]
    if list(clip["media_references"]) != ["DEFAULT_MEDIA"] or clip["active_media_reference_key"] != "DEFAULT_MEDIA":
        yield f"{name} has not one DEFAULT_MEDIA"
        return
    if clip["enabled"] not in (True, False):
        yield f"{name} does not say whether it is enabled"
    if "Resolve_OTIO" not in clip["metadata"]:
        yield f"{name} has no Resolve_OTIO"
    if {source["start_time"]["rate"], source["duration"]["rate"]} != {rate}:
        yield f"the range of {name} is not in the timeline's rate"
    reference = clip["media_references"]["DEFAULT_MEDIA"]
    if reference["OTIO_SCHEMA"] == "MissingReference.1":
        yield f"{name} has no media"
        return
    yield from _media(name, reference)
    yield from _inside(clip, reference)


def _media(name: str, reference: Any) -> Iterator[str]:
    path = reference.get("target_url") or reference.get("target_url_base") or ""
    if not path or path.startswith("file:"):
        yield f"the path of {name} is not bare: {path!r}"
    if path.endswith(("/", "\\")):
        yield f"the folder of {name} ends in a separator"
    if not reference["name"]:
        yield f"the media of {name} has no name"


def _inside(clip: Any, reference: Any) -> Iterator[str]:
    """Both ranges count from the media's timecode, and the clip's lies in the media's, give or take a frame."""
    name, source, available = clip["name"], clip["source_range"], reference["available_range"]
    if available is None:
        yield f"the media of {name} has no range"
        return
    first, frame = seconds(available["start_time"]), 1 / snap_rate(available["duration"]["rate"])
    length = seconds(available["duration"])
    if length == frame or any(each["OTIO_SCHEMA"] == "TimeEffect.1" for each in clip["effects"]):
        return  # a still lasts as long as it is asked to; a ramp runs its own way
    speed = Fraction(1)
    for effect in clip["effects"]:
        speed *= Fraction(effect.get("time_scalar", 1)).limit_denominator(100_000)
    start = seconds(source["start_time"])
    end = start + abs(speed) * seconds(source["duration"])
    if not first <= start or end > first + length + max(frame, 1 / snap_rate(source["duration"]["rate"])):
        yield f"{name} shows {float(start)} s to {float(end)} s of media from {float(first)} s, {float(length)} s long"
