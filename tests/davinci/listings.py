"""Answers of the menu script to ``edit``, made by hand, and from exports of Resolve that someone else made."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from resilver_otio.times import seconds, snap_rate

Json = dict[str, Any]


def media(path: str, frames: int, fps: float, kind: str = "Video", status: str = "Online") -> Json:
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    return {
        "id": f"media of {path}", "name": name, "path": path, "type": kind, "fps": f"{fps:g}", "frames": str(frames),
        "start_timecode": "", "status": status,
    }  # fmt: skip


def item(id: str, start: int, duration: int, film: Json | None = None, **changes: object) -> Json:
    return {
        "id": id, "name": id, "start": start, "duration": duration, "enabled": True, "colour": "", "type": None,
        "takes": 0, "speed": None, "source_start": None, "source_seconds": None, "left_offset": None, "media": film,
        **changes,
    }  # fmt: skip


def track(index: int, *items: Json, kind: str = "Video", **changes: object) -> Json:
    return {
        "index": index, "name": f"{kind} {index}", "locked": False, "enabled": True, "items": list(items), **changes,
    }  # fmt: skip


def edit(*video: Json, rate: str = "24", start: int = 86400, stop: int = 87400, **changes: object) -> Json:
    return {
        "project": {"id": "project 1", "name": "Project"},
        "timeline": {
            "id": "timeline 1", "name": "Edit", "start": start, "end": stop, "rate": rate,
            "start_timecode": "01:00:00:00", "width": 1920, "height": 1080,
        },
        "page": "edit", "video": list(video), "audio": [], "selected": None, "marks": None, "current": None, **changes,
    }  # fmt: skip


def listing_of(timeline: otio.schema.Timeline, start: int) -> Json:
    """The listing that belongs to an export: what Resolve's API says where the resolve reference is right about it."""
    rate = snap_rate(timeline.global_start_time.rate)
    video = [each for each in timeline.tracks if each.kind == otio.schema.TrackKind.Video]
    tracks = [track(n, *_items(each, n, rate, start)) for n, each in enumerate(video, 1)]
    stop = start + max(int(seconds(each.duration()) * rate) for each in video)
    return edit(*tracks, rate=f"{float(rate):g}", start=start, stop=stop)


def _items(exported: otio.schema.Track, number: int, rate: Fraction, start: int) -> list[Json]:
    found, cursor = [], start
    for position, child in enumerate(exported):
        if isinstance(child, otio.schema.Transition):
            before, after = (int(seconds(each) * rate) for each in (child.in_offset, child.out_offset))
            found.append(item(f"{number}/{position} {child.name}", cursor - before, before + after))
            continue
        length = int(seconds(child.source_range.duration) * rate)
        if isinstance(child, otio.schema.Clip):
            found.append(item(f"{number}/{position} {child.name}", cursor, length, _film(child.media_reference)))
        cursor += length
    return found


def _film(reference: otio.core.MediaReference) -> Json | None:
    available = reference.available_range
    if available is None:
        return None
    frames, fps = round(available.duration.value), available.duration.rate
    if isinstance(reference, otio.schema.ImageSequenceReference):
        padding, first = reference.frame_zero_padding, reference.start_frame
        numbers = f"[{first:0{padding}d}-{first + frames - 1:0{padding}d}]"
        name = f"{reference.name_prefix}{numbers}{reference.name_suffix}"
        return media(f"{reference.target_url_base}\\{name}", frames, fps)
    return media(reference.target_url, frames, fps)


def timeline_around(clip: Path) -> otio.schema.Timeline:
    """A lone clip that Resolve exported, as the one clip of a timeline at its rate that starts at hour 1."""
    content = otio.core.deserialize_json_from_string(json.dumps(json.loads(clip.read_text("utf-8"))))
    exported = otio.schema.Track("Video 1", kind=otio.schema.TrackKind.Video)
    exported.append(content)
    timeline = otio.schema.Timeline("")
    rate = content.source_range.duration.rate
    timeline.global_start_time = otio.opentime.RationalTime(3600 * rate, rate)
    timeline.tracks.append(exported)
    return timeline
