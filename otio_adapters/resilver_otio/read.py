"""Timelines from files, in every format that the installed OpenTimelineIO adapters read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from resilver_client.errors import OutputExists, OutputUnwritable, ResilverError, TimelineUnreadable

from .bundle import open_bundle
from .paths import resolve_url
from .request import timeline_rate
from .times import seconds
from .walk import walk

MAX_BYTES = 256 << 20
MAX_DEPTH = 400
"""JSON nesting: OpenTimelineIO's parser runs out of stack, and kills the process, at some ten thousand."""

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)
_JSON_SUFFIXES = {".otio", ".json"}
TIMELINE_SUFFIXES = frozenset({".otio", ".otioz", ".otiod", ".xml", ".fcpxml", ".edl", ".aaf"})
"""File names that mean a timeline; all but the first three need the adapters of the extra ``timelines``."""


@dataclass(frozen=True)
class Edit:
    """A timeline that was read."""

    json: str
    """OTIO JSON with absolute media paths: what ``collect`` and ``place`` take, and what travels in a request."""
    rate: Fraction
    """Frames a second by which its cuts count."""
    start: Fraction
    """Seconds that its start timecode stands for."""


def read_timeline(
    path: str | Path,
    *,
    name: str | None = None,
    rate: Fraction | None = None,
    media_folder: str | Path | None = None,
) -> Edit:
    """The timeline in a file, with relative media paths made absolute against the file's folder.

    ``name`` picks one of several timelines. ``rate`` is for formats that do not say theirs (EDL: 24 if not given).
    The media inside an ``.otioz`` are unpacked to ``media_folder``, by default ``FILE.media`` beside it; files
    that are there already are used, never replaced. A lone clip, track or stack becomes a timeline around it.

    Raises TimelineUnreadable, with the reason, for everything that is not one readable timeline.
    """
    timeline = _read(Path(path), name, rate, Path(media_folder) if media_folder else None)
    start = timeline.global_start_time
    first = next(walk(timeline), None)
    counted = Fraction(24) if first is None else timeline_rate(first, timeline)
    return Edit(to_json(timeline), counted, Fraction(0) if start is None else seconds(start))


def write_timeline(timeline: str, path: str | Path) -> None:
    """Write OTIO JSON to a file in the format its suffix names, complete or not at all.

    Raises OutputExists for a file that is there, OutputUnwritable where the file or the format cannot be written.
    """
    target = Path(path)
    if target.exists():
        raise OutputExists("the timeline exists", where=str(target), remedy="choose another name")
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        otio.adapters.write_to_file(parse_timeline(timeline), str(part))
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.link(part, target)
    except FileExistsError as error:
        raise OutputExists("the timeline exists", where=str(target), remedy="choose another name") from error
    except ResilverError:
        raise
    except Exception as error:  # adapters raise whatever their writers raise
        raise OutputUnwritable(_first_line(error), where=str(target), remedy="write it as .otio") from error
    finally:
        part.unlink(missing_ok=True)


def _read(file: Path, name: str | None, rate: Fraction | None, media_folder: Path | None) -> otio.schema.Timeline:
    if file.is_dir():
        return _read_json(file / "content.otio", name, file) if file.suffix == ".otiod" else _fail_folder(file)
    if not file.exists():
        raise TimelineUnreadable("no such file", where=str(file), remedy="check the path")
    if file.stat().st_size > MAX_BYTES and file.suffix.lower() != ".otioz":
        raise TimelineUnreadable(
            f"larger than {MAX_BYTES >> 20} MiB", where=str(file), remedy="export a shorter timeline"
        )
    if file.suffix.lower() in _JSON_SUFFIXES:
        return _read_json(file, name, file.parent)
    if file.suffix.lower() == ".otioz":
        content, folder = open_bundle(file, media_folder)
        return _finish(_parse(content, str(file)), name, folder, str(file))
    return _finish(_adapt(file, rate), name, file.parent, str(file))


def parse_timeline(text: str, where: str = "timeline") -> otio.schema.Timeline:
    """A timeline from OTIO JSON. Raises TimelineUnreadable."""
    return _pick(_parse(text.encode(), where), None, where)


def to_json(timeline: otio.schema.Timeline) -> str:
    """OTIO JSON of a timeline: what ``collect`` and ``place`` take, and what travels in a request."""
    return str(timeline.to_json_string())


def _fail_folder(folder: Path) -> otio.schema.Timeline:
    raise TimelineUnreadable("it is a folder, not a timeline", where=str(folder), remedy="name the timeline's file")


def _read_json(file: Path, name: str | None, folder: Path) -> otio.schema.Timeline:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TimelineUnreadable(str(error.strerror), where=str(file)) from error
    return _finish(_parse(content, str(file)), name, folder, str(file))


def _parse(content: bytes, where: str) -> otio.core.SerializableObject:
    if len(content) > MAX_BYTES:
        raise TimelineUnreadable(f"larger than {MAX_BYTES >> 20} MiB", where=where)
    _check_depth(content, where)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TimelineUnreadable(f"not valid JSON ({error})", where=where, remedy="export it again") from error
    if not isinstance(data, dict) or "OTIO_SCHEMA" not in data:
        raise TimelineUnreadable("JSON, but not OpenTimelineIO", where=where)
    unknown = next(_unknown_schemas(data, "", structural=True), None)
    if unknown is not None:
        what, owner = unknown
        raise TimelineUnreadable(
            what, where=f"{where}, in {owner}", remedy="export it for OTIO 0.17, or update OpenTimelineIO"
        )
    try:
        return otio.core.deserialize_json_from_string(content.decode("utf-8-sig"))
    except Exception as error:  # OTIO raises many unrelated classes for broken content
        raise TimelineUnreadable(_first_line(error), where=where, remedy="export it again") from error


def _check_depth(content: bytes, where: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(content):
        mark = token.group()[:1]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise TimelineUnreadable(f"nested deeper than {MAX_DEPTH} levels", where=where)
        elif mark in b"]}":
            depth -= 1


def _unknown_schemas(data: Any, owner: str, structural: bool) -> Iterator[tuple[str, str]]:
    """What the installed OTIO cannot read, and the clip or composition it sits on. Free metadata may hold anything
    of an unknown name, yet not a newer version of a known one."""
    if isinstance(data, list):
        for item in data:
            yield from _unknown_schemas(item, owner, structural)
    if not isinstance(data, dict):
        return
    name, _, version = str(data.get("OTIO_SCHEMA", "")).partition(".")
    known = otio.core.type_version_map()
    if name in known and version.isdigit() and int(version) > known[name]:
        yield f"{name}.{version} needs a newer OpenTimelineIO, which reads up to {name}.{known[name]} here", owner
    elif name and name not in known and structural and name not in _OLD_NAMES:
        yield f"{name}.{version} is a schema that OpenTimelineIO does not know", owner
    if name in ("Clip", "Stack", "Track", "Timeline", "Gap", "Transition"):
        owner = f"{name.lower()} {data.get('name') or '(without a name)'!r}"
    for key, value in data.items():
        yield from _unknown_schemas(value, owner, structural and key != "metadata")


_OLD_NAMES = {
    "Sequence", "Filler", "SerializeableCollection", "RationalTime", "TimeRange", "TimeTransform", "V2d", "Box2d",
    "Color", "ResilverRecipe", "ResilverResult",
}  # fmt: skip
"""Names that OTIO still reads but does not list: former ones, and its value types."""


def _adapt(file: Path, rate: Fraction | None) -> otio.core.SerializableObject:
    suffix = file.suffix.lower().lstrip(".")
    readable = sorted(otio.adapters.suffixes_with_defined_adapters(read=True))
    if suffix not in readable:
        raise TimelineUnreadable(
            f"no installed adapter reads {file.suffix or 'files without a suffix'}",
            where=str(file),
            remedy=f"readable are: {', '.join(readable)}; pip install 'resilver[timelines]' adds xml, fcpxml, edl, aaf",
        )
    if suffix in ("xml", "fcpxml"):
        _check_xml(file)
    arguments = {"rate": float(rate)} if suffix == "edl" and rate is not None else {}
    adapter = otio.adapters.from_filepath(str(file))
    try:
        return adapter.read_from_file(
            str(file), media_linker_name=otio.media_linker.MediaLinkingPolicy.DoNotLinkMedia, **arguments
        )
    except Exception as error:  # adapters raise whatever their parsers raise
        raise TimelineUnreadable(
            f"the adapter {adapter.name} cannot read it ({_first_line(error)})",
            where=str(file),
            remedy="export it again",
        ) from error


def _check_xml(file: Path) -> None:
    """Entities are not used by any editor's XML, and let a small file grow without bound."""
    if b"<!ENTITY" in file.read_bytes():
        raise TimelineUnreadable("the XML declares entities", where=str(file), remedy="export it again without them")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _finish(found: Any, name: str | None, folder: Path, where: str) -> otio.schema.Timeline:
    timeline = _pick(found, name, where)
    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            if isinstance(reference, otio.schema.ExternalReference):
                reference.target_url = resolve_url(reference.target_url, folder.absolute())
            elif isinstance(reference, otio.schema.ImageSequenceReference):
                reference.target_url_base = resolve_url(reference.target_url_base or ".", folder.absolute())
    return timeline


def _pick(found: Any, name: str | None, where: str) -> otio.schema.Timeline:
    timelines = list(_timelines(found))
    chosen = [each for each in timelines if name is None or each.name == name]
    if len(chosen) == 1:
        return chosen[0]
    if not timelines:
        raise TimelineUnreadable(f"it holds no timeline but {type(found).__name__}", where=where)
    names = ", ".join(repr(each.name) for each in timelines)
    what = f"no timeline is named {name!r}" if name is not None and not chosen else f"it holds {len(chosen)} timelines"
    raise TimelineUnreadable(
        f"{what}: there are {names}", where=where, remedy="name one of them, or export only that one"
    )


def _timelines(found: Any) -> Iterator[otio.schema.Timeline]:
    if isinstance(found, otio.schema.Timeline):
        yield found
    elif isinstance(found, otio.schema.SerializableCollection):
        inner = [each for item in found for each in _timelines(item) if not isinstance(item, otio.schema.Clip)]
        yield from inner
    elif isinstance(found, otio.schema.Stack):
        yield _around(found.name, list(found), found)
    elif isinstance(found, otio.schema.Track):
        yield _around(found.name, [found], None)
    elif isinstance(found, otio.schema.Clip):
        track = otio.schema.Track("Video 1", kind=otio.schema.TrackKind.Video)
        track.append(found)
        yield _around(found.name, [track], None)


def _around(name: str, layers: list[Any], stack: otio.schema.Stack | None) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline(name)
    if stack is not None:
        timeline.tracks = stack.deepcopy()
        return timeline
    for layer in layers:
        timeline.tracks.append(layer.deepcopy() if layer.parent() is not None else layer)
    return timeline
