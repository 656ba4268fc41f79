"""What comes back sits on the same record range to the frame: random timelines, every rate, every layout.

Positions are read back with OpenTimelineIO's own functions, not with ours.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilver_otio.collect import collect
from resilver_otio.locate import locate, on_grid
from resilver_otio.parse import parse_timeline, to_json
from resilver_otio.place import place
from resilver_otio.types import Layout, Restored

RT, TR = otio.opentime.RationalTime, otio.opentime.TimeRange
RATES = {
    "23.976": (23.976, F(24000, 1001)),
    "23.976 single precision": (23.976024627685547, F(24000, 1001)),
    "24": (24.0, F(24)),
    "25": (25.0, F(25)),
    "29.97": (29.97, F(30000, 1001)),
    "29.97 exact": (30000 / 1001, F(30000, 1001)),
    "30": (30.0, F(30)),
    "50": (50.0, F(50)),
    "59.94": (59.94, F(60000, 1001)),
    "60": (60.0, F(60)),
}
MEDIA_RATES = (F(16), F(18), F(24000, 1001), F(24), F(25), F(30000, 1001), F(50))
HANDLE = 40
"""Timeline frames of media before and after every clip."""


@dataclass(frozen=True)
class Item:
    kind: str
    length: int
    media_rate: F = F(24)
    timecode: int = 0
    """Media start in media frames."""
    speed: float = 1.0
    inner: tuple[Item, ...] = ()
    dissolve: tuple[int, int] | None = None
    """Offsets of a transition to the next item."""


clips = st.builds(
    Item,
    kind=st.just("clip"),
    length=st.integers(12, 60),
    media_rate=st.sampled_from(MEDIA_RATES),
    timecode=st.sampled_from((0, 86400, 90000)),
    speed=st.sampled_from((1.0, 1.0, 1.0, 0.5, 2.0, -1.0, 0.0)),
    dissolve=st.none() | st.tuples(st.integers(0, 5), st.integers(1, 5)),
)
gaps = st.builds(Item, kind=st.just("gap"), length=st.integers(1, 40))
nests = st.builds(
    Item, kind=st.just("nest"), length=st.just(0), inner=st.lists(clips | gaps, min_size=1, max_size=3).map(tuple)
)
tracks = st.lists(st.one_of(clips, clips, gaps, nests), min_size=1, max_size=6)
timelines = st.lists(tracks, min_size=1, max_size=3)


def build(layers: list[list[Item]], rate: float) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline("edit", global_start_time=RT(round(rate) * 3600, rate))
    counter = iter(range(1000))
    for number, items in enumerate(layers):
        track = otio.schema.Track(f"Video {number + 1}", kind="Video")
        timeline.tracks.append(track)
        fill(track, items, rate, counter)
    audio = otio.schema.Track("Audio 1", kind="Audio")
    audio.append(otio.schema.Clip("sound", source_range=TR(RT(0, rate), RT(7, rate))))
    timeline.tracks.append(audio)
    return timeline


def fill(track: otio.schema.Track, items: list[Item] | tuple[Item, ...], rate: float, counter: Any) -> None:
    for position, item in enumerate(items):
        if item.kind == "gap":
            track.append(otio.schema.Gap(source_range=TR(RT(0, rate), RT(item.length, rate))))
        elif item.kind == "nest":
            inner = otio.schema.Track("inner", kind="Video")
            fill(inner, item.inner, rate, counter)
            stack = otio.schema.Stack(f"nest {next(counter)}")
            stack.append(inner)
            track.append(stack)
        else:
            track.append(clip_of(item, rate, f"clip {next(counter)}"))
            after = items[position + 1] if position + 1 < len(items) else None
            if item.dissolve is not None and after is not None and after.kind == "clip":
                track.append(
                    otio.schema.Transition(
                        "mix", "SMPTE_Dissolve", RT(item.dissolve[0], rate), RT(item.dissolve[1], rate)
                    )
                )


def clip_of(item: Item, rate: float, name: str) -> otio.schema.Clip:
    """Source range in the timeline's rate, available range in the media's, both from the media's timecode."""
    exact = next(value for written, value in RATES.values() if written == rate)
    before = F(HANDLE) / exact * 2
    start = F(item.timecode) / item.media_rate + before
    frames = math.ceil((2 * before + 2 * F(item.length) / exact) * item.media_rate)
    media = float(item.media_rate)
    clip = otio.schema.Clip(
        name,
        otio.schema.ExternalReference(f"/film/{name}.mov", TR(RT(item.timecode, media), RT(frames, media))),
        TR(RT(float(start * exact), rate), RT(item.length, rate)),
    )
    if item.speed != 1.0:
        clip.effects.append(otio.schema.LinearTimeWarp("speed", item.speed))
    clip.effects.append(otio.schema.Effect("grade", "Blur"))
    return clip


def restore(text: str, chosen: set[str] | None, delivery: F, at_delivery_rate: bool) -> list[Restored]:
    """What the server would hand back: as many frames as the located range needs, or as the grid asks for."""
    results = []
    for clip in collect(text).clips:
        if chosen is not None and clip.id not in chosen:
            continue
        assert clip.media_rate is not None
        assert clip.available_duration is not None
        spot = locate(clip, clip.media_rate, round(clip.available_duration * clip.media_rate))
        frames = math.ceil(spot.duration * delivery)
        if at_delivery_rate:
            frames, offset = on_grid(clip, spot, delivery)
            assert 0 <= offset < 1 / delivery
        results.append(
            Restored(clip.id, f"/out/{clip.name}.mov", delivery, frames, 3840, 2160, "job", "abc", head=spot.head)
        )
    return results


def ranges(timeline: otio.schema.Timeline, rate: F) -> dict[str, tuple[F, F]]:
    """Record start and length of every video clip by name, in frames of ``rate``; OTIO's own arithmetic."""
    found = {}
    for clip in timeline.find_clips():
        if clip.name == "sound":
            continue
        parent = clip.parent()
        span = parent.range_of_child(clip)
        found[key(clip)] = (frames(span.start_time, rate), frames(span.duration, rate))
    return found


def key(clip: otio.schema.Clip) -> str:
    ours = clip.metadata.get("resilver")
    return f"restored {ours['clip']}" if ours else clip.name


def frames(time: otio.opentime.RationalTime, rate: F) -> F:
    """Whole frames, or the test fails: nothing may sit between two frames."""
    count = time.value * float(rate) / time.rate
    assert abs(count - round(count)) < 1e-3, f"{time} is no whole frame at {rate}"
    return F(round(count))


def expected(clip: otio.schema.Clip, chosen: set[str], ids: dict[str, str], rate: F) -> tuple[F, F]:
    """Range of the restored clip on a track above: the original's, less dissolves with clips that stay original."""
    parent = clip.parent()
    span = parent.range_of_child(clip)
    start, length = frames(span.start_time, rate), frames(span.duration, rate)
    children = list(parent)
    index = next(i for i, each in enumerate(children) if each is clip)
    before = children[index - 1] if index else None
    after = children[index + 1] if index + 1 < len(children) else None
    if isinstance(before, otio.schema.Transition) and ids[children[index - 2].name] not in chosen:
        cut = frames(before.out_offset, rate)
        start, length = start + cut, length - cut
    if isinstance(after, otio.schema.Transition) and ids[children[index + 2].name] not in chosen:
        length -= frames(after.in_offset, rate)
    return start, length


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("rate", list(RATES))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layers=timelines, data=st.data())
def test_same_record_range(rate: str, layout: Layout, layers: list[list[Item]], data: st.DataObject) -> None:
    written, exact = RATES[rate]
    original = build(layers, written)
    text = to_json(original)
    if not any(clip.name != "sound" for clip in original.find_clips()):
        return
    ids = {clip.name: clip.id for clip in collect(text).clips}
    chosen = data.draw(st.sets(st.sampled_from(sorted(ids.values())), min_size=1))
    delivery = data.draw(st.sampled_from((F(60), F(60000, 1001), F(50))))
    results = restore(text, chosen, delivery, False)
    result = parse_timeline(place(text, results, layout).timeline)
    placed = ranges(result, exact)
    for clip in original.find_clips():
        if clip.name == "sound":
            continue
        mine = ids[clip.name]
        span = clip.parent().range_of_child(clip)
        whole = (frames(span.start_time, exact), frames(span.duration, exact))
        if mine not in chosen:
            assert placed[clip.name] == whole
        elif layout is Layout.OVERLAY:
            assert placed[clip.name] == whole
            assert placed[f"restored {mine}"] == expected(clip, chosen, ids, exact)
        elif layout is Layout.REPLACE or not retimed(clip):
            assert placed[f"restored {mine}"] == whole
    for clip in result.find_clips():
        if "resilver" in clip.metadata:
            check_shown(clip, results, original, ids)


def retimed(clip: otio.schema.Clip) -> bool:
    return any(isinstance(effect, otio.schema.TimeEffect) for effect in clip.effects)


def exactly(time: otio.opentime.RationalTime) -> F:
    """Seconds at the rate that was meant: a rounded one is off by 5 ms after an hour and a half."""
    meant = {written: exact for written, exact in RATES.values()}.get(time.rate, F(time.rate))
    return F(time.value) / meant


def check_shown(
    clip: otio.schema.Clip, results: list[Restored], original: otio.schema.Timeline, ids: dict[str, str]
) -> None:
    """The moment of the restored file that the clip shows first is the moment of the film that it stands at."""
    result = next(each for each in results if each.clip_id == clip.metadata["resilver"]["clip"])
    source = next(each for each in original.find_clips() if ids.get(each.name) == result.clip_id)
    reference = clip.media_reference
    assert reference.target_url == result.path
    into_file = exactly(clip.trimmed_range().start_time) - exactly(reference.available_range.start_time)
    shown = exactly(clip.parent().range_of_child(clip).start_time)
    began = exactly(source.parent().range_of_child(source).start_time)
    assert abs(into_file - result.head - (shown - began)) < F(1, 10_000)
    end = into_file + exactly(clip.trimmed_range().duration)
    assert end <= result.frames / result.rate + F(1, 10_000)
    if clip.active_media_reference_key == "restored":
        assert set(clip.media_references()) == {"original", "restored"}
        assert clip.media_references()["original"].is_equivalent_to(source.media_reference)
        assert clip.source_range == source.source_range


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layers=timelines, rate=st.sampled_from(list(RATES)), data=st.data())
def test_overlay_touches_nothing_else(rate: str, layers: list[list[Item]], data: st.DataObject) -> None:
    """Every original object is there again, byte for byte; only tracks were added."""
    text = to_json(build(layers, RATES[rate][0]))
    if '"clip 0"' not in text:
        return
    ids = [clip.id for clip in collect(text).clips]
    chosen = data.draw(st.sets(st.sampled_from(ids), min_size=1))
    after = json.loads(place(text, restore(text, chosen, F(60), False), Layout.OVERLAY).timeline)
    remove_added(after)
    assert json.dumps(after, sort_keys=True) == json.dumps(json.loads(text), sort_keys=True)


def remove_added(data: Any) -> None:
    if isinstance(data, dict):
        children = data.get("children")
        if isinstance(children, list):
            data["children"] = [each for each in children if (each.get("metadata") or {}).get("resilver") is None]
        for value in data.values():
            remove_added(value)
    elif isinstance(data, list):
        for value in data:
            remove_added(value)


@pytest.mark.parametrize("layout", list(Layout))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layers=timelines, rate=st.sampled_from(list(RATES)), delivery=st.sampled_from((F(60), F(60000, 1001), F(50))))
def test_delivery_rate(layout: Layout, layers: list[list[Item]], rate: str, delivery: F) -> None:
    """At the delivery's rate every cut is the first frame of that grid not before the old cut, on every track."""
    written, exact = RATES[rate]
    original = build(layers, written)
    text = to_json(original)
    if '"clip 0"' not in text:
        return
    ids = {clip.name: clip.id for clip in collect(text).clips}
    results = restore(text, None, delivery, True)
    result = parse_timeline(place(text, results, layout, at_delivery_rate=True).timeline)
    placed = ranges(result, delivery)
    for clip in original.find_clips():
        span = clip.parent().range_of_child(clip)
        nest = clip.parent().parent()
        outer = nest.parent()  # None for the stack of all tracks
        zero = F(0) if outer is None else frames(outer.range_of_child(nest).start_time, exact) / exact
        first = frames(span.start_time, exact) / exact
        last = first + frames(span.duration, exact) / exact
        cuts = [math.ceil((zero + time) * delivery) - math.ceil(zero * delivery) for time in (first, last)]
        mine = placed.get(f"restored {ids.get(clip.name)}")
        if clip.name in placed:
            assert placed[clip.name] == (cuts[0], cuts[1] - cuts[0])
        if clip.name in ids:
            assert mine == (cuts[0], cuts[1] - cuts[0])
    for clip in result.find_clips():
        if "resilver" in clip.metadata:
            file = next(each for each in results if each.clip_id == clip.metadata["resilver"]["clip"])
            span = clip.trimmed_range()
            begin = span.start_time.to_seconds() - clip.media_reference.available_range.start_time.to_seconds()
            assert frames(RT(begin, 1), delivery) + frames(span.duration, delivery) <= file.frames


def test_dissolve_between_restored_clips_is_copied() -> None:
    layers = [[Item("clip", 30, dissolve=(3, 4)), Item("clip", 30)]]
    text = to_json(build(layers, 24.0))
    placed = place(text, restore(text, None, F(60), False), Layout.OVERLAY)
    above = parse_timeline(placed.timeline).tracks[1]
    assert [type(child).__name__ for child in above] == ["Clip", "Transition", "Clip"]
    assert (above[1].in_offset, above[1].out_offset) == (RT(3, 24), RT(4, 24))
    assert above[2].source_range.start_time == RT(3, 24)
    assert [line for line in placed.report if "dissolve" in line] == []
    assert "clip 0: grade stays on the original; set it on the restored clip too" in placed.report


def test_dissolve_with_an_original_is_left_out_and_told() -> None:
    layers = [[Item("clip", 30, dissolve=(3, 4)), Item("clip", 30)]]
    text = to_json(build(layers, 24.0))
    placed = place(text, restore(text, {"0/0"}, F(60), False), Layout.OVERLAY)
    (clip,) = parse_timeline(placed.timeline).tracks[1]
    assert clip.source_range.duration == RT(27, 24)
    assert "clip 0: its restored clip ends where the dissolve after it begins" in placed.report


def test_retimed_clip_is_not_switchable() -> None:
    text = to_json(build([[Item("clip", 30, speed=2.0)]], 24.0))
    placed = place(text, restore(text, None, F(60), False), Layout.SWITCHABLE)
    result = parse_timeline(placed.timeline)
    assert [track.name for track in result.tracks] == ["Video 1", "Restored", "Audio 1"]
    assert "clip 0 is retimed" in placed.report[0]
    assert set(result.tracks[0][0].media_references()) == {"DEFAULT_MEDIA"}
