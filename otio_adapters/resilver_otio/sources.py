"""A movie, a folder of frames or a picture as a timeline of one clip."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from .paths import sequence_pattern, split_pattern
from .times import written_rate

_NUMBERED = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[A-Za-z0-9]+)$")
PICTURES = {".png", ".tif", ".tiff", ".dpx", ".exr", ".jpg", ".jpeg"}
"""Suffixes of pictures and of the frames of sequences."""


def one_clip_timeline(
    media_path: str,
    name: str,
    play_rate: Fraction | None = None,
    fields: str = "none",
    frames: tuple[int, int | None] | None = None,
    first_number: int | None = None,
) -> str:
    """OTIO JSON of a timeline whose one clip shows a movie, a picture or an image sequence.

    ``media_path`` is a file, the printf pattern of a sequence, or a folder with one sequence in it. ``play_rate`` is
    the rate its frames are played at instead of their own, ``fields`` the filter for interlaced material
    (``none``, ``bwdif``, ``ivtc``), ``frames`` a half-open range of media frames counted from 0.

    What cannot be known before the media is probed (rate, length) is left open; ``collect`` and ``locate`` read the
    rest from ``metadata.resilver``.
    """
    path = media_path
    found = find_sequence(Path(media_path)) if Path(media_path).is_dir() else None
    if found is not None:
        path, first_number = found
    asked: dict[str, object] = {"fields": fields}
    if play_rate is not None:
        asked["rate"] = str(play_rate)
    if frames is not None:
        asked["frames"] = list(frames)
    if first_number is not None:
        asked["first_number"] = first_number
    clip = otio.schema.Clip(name, _reference(path, first_number, play_rate), metadata={"resilver": asked})
    track = otio.schema.Track("Video 1", kind=otio.schema.TrackKind.Video)
    track.append(clip)
    timeline = otio.schema.Timeline(name)
    timeline.tracks.append(track)
    return str(timeline.to_json_string())


def with_fields(timeline: str, fields: str) -> str:
    """The OTIO JSON of a timeline whose clips, where they say nothing themselves, go through a filter for interlaced
    material (``bwdif``, ``ivtc``)."""
    data = json.loads(timeline)
    data.setdefault("metadata", {}).setdefault("resilver", {})["fields"] = fields
    return json.dumps(data, indent=4, ensure_ascii=False)


def find_sequence(folder: Path) -> tuple[str, int] | None:
    """Pattern and lowest number of the sequence in a folder, or None unless there is exactly one."""
    numbers: dict[tuple[str, str], list[str]] = {}
    for file in folder.iterdir():
        match = _NUMBERED.match(file.name)
        if match and match["suffix"].lower() in PICTURES:
            numbers.setdefault((match["prefix"], match["suffix"]), []).append(match["number"])
    if len(numbers) != 1:
        return None
    ((prefix, suffix), found) = numbers.popitem()
    padding = len(found[0]) if len({len(each) for each in found}) == 1 else 0
    return sequence_pattern(str(folder), prefix, padding, suffix), min(map(int, found))


def _reference(path: str, first_number: int | None, rate: Fraction | None) -> otio.core.MediaReference:
    parts = split_pattern(path)
    if parts is None or first_number is None:
        return otio.schema.ExternalReference(path)
    folder, prefix, padding, suffix = parts
    return otio.schema.ImageSequenceReference(
        target_url_base=folder,
        name_prefix=prefix,
        name_suffix=suffix,
        start_frame=first_number,
        frame_zero_padding=padding,
        rate=written_rate(rate) if rate is not None else 0,
    )
