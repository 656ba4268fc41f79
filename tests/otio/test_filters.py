"""Filters for interlaced material, asked for a whole timeline."""

from __future__ import annotations

import json

import opentimelineio as otio

from resilver_otio.collect import collect
from resilver_otio.sources import with_fields
from resilver_otio.types import Selection


def _timeline() -> otio.schema.Timeline:
    timeline, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    length = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(10, 25))
    for name, asked in (
        ("plain", {}),
        ("own", {"resilver": {"fields": "ivtc"}}),
        ("film", {"resilver": {"fields": "none"}}),
    ):
        reference = otio.schema.ExternalReference(f"/film/{name}.mov", length)
        track.append(otio.schema.Clip(name, reference, length, metadata=asked))
    timeline.tracks.append(track)
    return timeline


def test_it_holds_for_every_clip_that_says_nothing_itself() -> None:
    text = _timeline().to_json_string()
    assert [clip.fields for clip in collect(text, Selection()).clips] == ["none", "ivtc", "none"]
    filtered = with_fields(text, "bwdif")
    assert [clip.fields for clip in collect(filtered, Selection()).clips] == ["bwdif", "ivtc", "none"]


def test_nothing_else_changes() -> None:
    text = _timeline().to_json_string()
    changed = json.loads(with_fields(text, "bwdif"))
    assert changed["metadata"].pop("resilver") == {"fields": "bwdif"}
    assert changed == json.loads(text)
