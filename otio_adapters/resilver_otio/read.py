"""Timelines from files, in every format that the installed OpenTimelineIO adapters read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from resilver_client.errors import TimelineUnreadable

from .bundle import open_bundle
from .compound import check_compound
from .dropped import mend
from .exact import keep_floats
from .parse import check_size, first_line, parse_object, pick_timeline, to_json
from .paths import resolve_url
from .request import timeline_rate
from .times import seconds
from .walk import walk
from .write import write_timeline

__all__ = ["TIMELINE_SUFFIXES", "Edit", "read_timeline", "write_timeline"]

TIMELINE_SUFFIXES = frozenset({".otio", ".otioz", ".otiod", ".xml", ".fcpxml", ".edl", ".aaf"})
"""File names that mean a timeline; all but the first three need the adapters of the extra ``timelines``."""

_JSON_SUFFIXES = {".otio", ".json"}


@dataclass(frozen=True)
class Edit:
    """A timeline that was read."""

    json: str
    """OTIO JSON with absolute media paths: what ``collect`` and ``place`` take, and what travels in a request."""
    rate: Fraction
    """Frames a second by which its cuts count."""
    start: Fraction
    """Seconds that its start timecode stands for."""
    notes: tuple[str, ...] = ()
    """What the format's reader could not keep, in plain sentences."""


@dataclass(frozen=True)
class _Content:
    found: otio.core.SerializableObject
    folder: Path
    """What relative media paths count from."""
    text: str | None = None
    """The JSON it came from, if it did."""


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

    Raises TimelineUnreadable, with the reason, for everything that is not one readable timeline; DiskFull where the
    media of an ``.otioz`` do not fit.
    """
    try:
        return _edit(Path(path), name, rate, Path(media_folder) if media_folder else None)
    except TimelineUnreadable as error:  # a wrong number deep inside does not know its file
        if error.where:
            raise
        raise TimelineUnreadable(error.what, where=str(path), remedy=error.remedy or "export it again") from error


def _edit(path: Path, name: str | None, rate: Fraction | None, media_folder: Path | None) -> Edit:
    content = _read(path, rate, media_folder)
    timeline = pick_timeline(content.found, name, str(path))
    notes = mend(timeline, path) if content.text is None else ()
    _make_absolute(timeline, content.folder.absolute())
    start = timeline.global_start_time
    first = next(walk(timeline), None)
    counted = Fraction(24) if first is None else timeline_rate(first, timeline)
    text = to_json(timeline)
    text = text if content.text is None else keep_floats(text, content.text)
    return Edit(text, counted, Fraction(0) if start is None else seconds(start), notes)


def _read(file: Path, rate: Fraction | None, media_folder: Path | None) -> _Content:
    suffix = file.suffix.lower()
    if file.is_dir():
        if suffix != ".otiod":
            what, remedy = "it is a folder, not a timeline", "name the timeline's file"
            raise TimelineUnreadable(what, where=str(file), remedy=remedy)
        return _from_json(_bytes(file / "content.otio"), file, file)
    if not file.exists():
        raise TimelineUnreadable("no such file", where=str(file), remedy="check the path")
    if suffix == ".otioz":
        return _from_json(*open_bundle(file, media_folder), file)
    check_size(file.stat().st_size, str(file))
    if suffix in _JSON_SUFFIXES:
        return _from_json(_bytes(file), file.parent, file)
    return _Content(_adapt(file, rate), file.parent)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TimelineUnreadable(str(error.strerror), where=str(file)) from error


def _from_json(content: bytes, folder: Path, file: Path) -> _Content:
    found = parse_object(content, str(file))
    return _Content(found, folder, content.decode("utf-8-sig"))


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
    if suffix == "aaf":
        check_compound(file)
    arguments = {"rate": float(rate)} if suffix == "edl" and rate is not None else {}
    adapter = otio.adapters.from_filepath(str(file))
    linker = otio.media_linker.MediaLinkingPolicy.DoNotLinkMedia
    try:
        return adapter.read_from_file(str(file), media_linker_name=linker, **arguments)
    except Exception as error:  # adapters raise whatever their parsers raise
        what = f"the adapter {adapter.name} cannot read it ({first_line(error)})"
        raise TimelineUnreadable(what, where=str(file), remedy="export it again") from error


def _check_xml(file: Path) -> None:
    """Entities are not used by any editor's XML, and let a small file grow without bound."""
    if b"<!ENTITY" in _bytes(file):
        raise TimelineUnreadable("the XML declares entities", where=str(file), remedy="export it again without them")


def _make_absolute(timeline: otio.schema.Timeline, folder: Path) -> None:
    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            if isinstance(reference, otio.schema.ExternalReference):
                reference.target_url = resolve_url(reference.target_url, folder)
            elif isinstance(reference, otio.schema.ImageSequenceReference):
                reference.target_url_base = resolve_url(reference.target_url_base or ".", folder)
