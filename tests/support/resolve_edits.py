"""Timelines in the shape that DaVinci Resolve exports, as JSON, made by hand, and the restored files for them."""

from __future__ import annotations

import math
from fractions import Fraction as F
from typing import Any

from resilver_otio.locate import locate, on_grid
from resilver_otio.types import ClipRequest, Restored


def around(*children: Any, rate: float | None = None) -> Any:
    """A timeline of one video track, from hour 1."""
    rate = children[0]["source_range"]["duration"]["rate"] if rate is None else rate
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
        "name": "",
        "global_start_time": time(3600 * round(rate), rate),
        "tracks": {**item("Stack.1"), "children": [track("Video 1", *children)]},
    }


def item(schema: str, name: str = "", **more: Any) -> Any:
    return {
        "OTIO_SCHEMA": schema, "metadata": {}, "name": name, "source_range": None, "effects": [], "markers": [],
        "enabled": True, **more,
    }  # fmt: skip


def track(name: str, *children: Any) -> Any:
    signed = {"Resolve_OTIO": {"Locked": False}}
    return item("Track.1", name, metadata=signed, kind="Video", children=list(children))


def time(value: float, rate: float) -> Any:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(value)}


def span(start: float, count: float, rate: float) -> Any:
    return {"OTIO_SCHEMA": "TimeRange.1", "duration": time(count, rate), "start_time": time(start, rate)}


def clip(name: str, start: float = 86400, count: float = 48, rate: float = 24.0, reference: Any = None) -> Any:
    """``count`` frames of a film of 240 frames at 24 that begins at hour 1."""
    media = {
        "OTIO_SCHEMA": "ExternalReference.1", "metadata": {}, "name": name, "available_range": span(86400, 240, 24.0),
        "available_image_bounds": None, "target_url": f"/film/{name}",
    }  # fmt: skip
    references = {"DEFAULT_MEDIA": media if reference is None else reference}
    return item(
        "Clip.2", name, metadata={"Resolve_OTIO": {}}, source_range=span(start, count, rate),
        media_references=references, active_media_reference_key="DEFAULT_MEDIA",
    )  # fmt: skip


def title(count: float, name: str = "Text+") -> Any:
    """A clip without media, as Resolve writes titles."""
    missing = {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}, "name": "", "available_range": None}
    made = clip(name, 0, count, reference={**missing, "available_image_bounds": None})
    return {**made, "metadata": {}}


def gap(count: float, rate: float = 24.0) -> Any:
    return item("Gap.1", source_range=span(0, count, rate))


def dissolve(half: float, rate: float = 24.0) -> Any:
    return {
        "OTIO_SCHEMA": "Transition.1", "metadata": {}, "name": "Cross Dissolve", "in_offset": time(half, rate),
        "out_offset": time(half, rate), "transition_type": "SMPTE_Dissolve",
    }  # fmt: skip


def warp(speed: float) -> Any:
    return {"OTIO_SCHEMA": "LinearTimeWarp.1", "metadata": {}, "name": "", "effect_name": "", "time_scalar": speed}


def restored(
    request: ClipRequest, at_delivery_rate: bool, rate: F = F(60), sequence: bool = False, name: str = "x"
) -> Restored:
    """What the server hands over for a clip: frames, head and timecode counted as it counts them."""
    assert request.media_rate is not None
    assert request.available_duration is not None
    spot = locate(request, request.media_rate, round(request.available_duration * request.media_rate))
    frames = on_grid(request, spot, rate)[0] if at_delivery_rate else math.ceil(spot.duration * rate)
    start = request.available_start if request.available_start else None
    if start is not None:  # the source's label where the result begins, on the result's own frames
        start = F(math.floor((start + spot.start) * rate), 1) / rate
    if sequence:
        path, start = f"/out/{name}.%06d.exr", None
    else:
        path = f"/out/{name}.mov"
    return Restored(
        request.id, path, rate, frames, 3840, 2160, "jobs/1", "abc", sequence, spot.head, start, 1 if sequence else 0
    )
