"""Strips of Blender come to the server exactly: every output frame lies at the media time that the strip shows then."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resilver_client.catalogue import OWN_KEYS, Input
from resilver_otio.collect import collect
from resilver_otio.locate import locate
from resilver_otio.types import PICTURES, ClipRequest
from resilver_server.domain.shots import Shot
from resilver_server.planning.timemap import output_count, shown_frame, shown_span, source_span, time_map
from support.extension import module

Shown = module("strips.shown").Shown
timeline = module("sending.timeline")
numbered = module("strips.numbered")
exact_rate = module("strips.rates").exact_rate

NTSC = Fraction(1000, 1001)
SCENES = [Fraction(24), 24 * NTSC, Fraction(25), 30 * NTSC, Fraction(60), Fraction(1199, 50)]
MEDIA = [Fraction(16), Fraction(18), 24 * NTSC, Fraction(24), Fraction(25), 30 * NTSC, Fraction(50), Fraction(60)]
OUTPUT = Fraction(60)


def strip(**changes: Any) -> Any:
    plain = Shown(
        name="reel", uid="u1", channel=2, start=10, stop=58, metas=(), media="/film/reel.mov", kind="movie",
        first=Fraction(0), speed=Fraction(1), reverse=False, media_rate=Fraction(24), first_number=None, width=1440,
        height=1080,
    )  # fmt: skip
    return replace(plain, **changes)


@st.composite
def strips(draw: st.DrawFn) -> tuple[Any, Fraction, Fraction, int]:
    """A strip as Blender can show it, the scene's rate, the media's rate and how many frames the media has."""
    scene, rate = draw(st.sampled_from(SCENES)), draw(st.sampled_from(MEDIA))
    frames = draw(st.integers(8, 200))
    speed = rate / scene if draw(st.booleans()) else Fraction(1)
    length = int(frames / speed)
    left = draw(st.integers(0, length - 1))
    count = draw(st.integers(1, length - left))
    reverse = draw(st.booleans())
    first = (length - 1 - left if reverse else left) * speed
    assume(not reverse or first - (count - 1) * speed <= frames - 1)
    start = draw(st.integers(1, 5000))
    shown = strip(start=start, stop=start + count, first=first, speed=speed, reverse=reverse, media_rate=rate)
    return shown, scene, rate, frames


def only_clip(shown: Any, scene: Fraction) -> ClipRequest:
    made = timeline.to_timeline("Scene", scene, 1, [shown])
    found = collect(made.otio)
    assert not found.refusals
    (clip,) = found.clips
    assert made.places == {shown.uid: clip.id}
    return clip


def shot_of(clip: ClipRequest, rate: Fraction, frames: int) -> Shot:
    located = locate(clip, rate, frames)
    return Shot(clip.name, clip.media, located.rate, located.start, located.duration, located.speed)


@given(strips())
def test_every_output_frame_lies_where_the_strip_shows_it(case: tuple[Any, Fraction, Fraction, int]) -> None:
    shown, scene, rate, frames = case
    shot = shot_of(only_clip(shown, scene), rate, frames)
    mapping = time_map(shot, OUTPUT)
    count = output_count(shot, OUTPUT)
    for k in range(count):
        assert mapping.time(k) * shot.rate == shown.media_frame(shown.start + k / OUTPUT * scene)
    assert len(source_span(shot, OUTPUT, frames, tail=2, handle=0)) >= 1
    assert count == ceil((shown.stop - shown.start) / scene * OUTPUT)


@given(strips())
def test_mattes_are_counted_as_the_server_counts_the_film(case: tuple[Any, Fraction, Fraction, int]) -> None:
    shown, scene, rate, frames = case
    span = shown_span(shot_of(only_clip(shown, scene), rate, frames))
    assert shown.media_span() == (max(0, span.start), span.stop)
    for number in range(*shown.media_span()):
        near = shown.timeline_frame(number)
        best = min(abs(shown.media_frame(frame) - number) for frame in range(shown.start, shown.stop))
        assert abs(shown.media_frame(near) - number) == best


@given(strips(), st.data())
def test_frames_that_are_looked_at_are_those_that_blender_shows(
    case: tuple[Any, Fraction, Fraction, int], data: st.DataObject
) -> None:
    """Every timeline frame's picture is among them, and every one of them belongs to one of these frames."""
    shown = case[0]
    start = data.draw(st.integers(shown.start, shown.stop - 1))
    stop = data.draw(st.integers(start + 1, shown.stop))
    low, high = shown.media_frames(start, stop)
    bottom, top = shown.media_span()
    seen = [min(max(floor(shown.media_frame(frame) + Fraction(1, 2)), bottom), top - 1) for frame in range(start, stop)]
    assert bottom <= low <= min(seen) <= max(seen) < high <= top
    edge = max(Fraction(1), shown.speed)
    assert all(
        min(abs(shown.media_frame(frame) - each) for frame in range(start, stop)) < edge for each in range(low, high)
    )
    both = shown.media_frames(start, stop, between=True)
    assert both[0] <= low < high <= both[1]
    for frame in range(start, stop):
        place = min(max(shown.media_frame(frame), Fraction(bottom)), Fraction(top - 1))
        assert both[0] <= floor(place) <= ceil(place) < both[1]
    assert shown.media_frames(shown.start - 9, shown.start) == shown.media_frames(shown.start, shown.start + 1)


def test_pictures_go_by_the_servers_words() -> None:
    words = {Input.MATTE: "mattes", Input.KEEP: "keep_mattes", Input.DEFECT_MAP: "defect_maps"}
    channels = [SimpleNamespace(stage="repair", input=kind, channel=1) for kind in words]
    found = timeline.gathered([("a", channel, f"/{channel.input}") for channel in channels])
    assert found == {"a": {word: {"repair": f"/{kind}"} for kind, word in words.items()}}
    assert set(words.values()) | {OWN_KEYS[Input.KEY_FRAMES]} == set(PICTURES)


def test_frames_side_by_side_are_kept_once() -> None:
    """60 on 24: what is left out between two timeline frames belongs to the first of them."""
    shown = strip(start=10, stop=20, speed=Fraction(5, 2))
    spans = [shown.media_frames(frame, frame + 1) for frame in range(10, 13)]
    assert spans == [(0, 3), (3, 5), (5, 8)]
    assert shown.media_frames(10, 13) == (0, 8)
    slow = strip(start=10, stop=20, first=Fraction(4), speed=Fraction(2, 3), reverse=True)
    assert [slow.media_frames(frame, frame + 1) for frame in range(10, 13)] == [(4, 5), (3, 4), (3, 4)]
    assert slow.media_frames(11, 12, between=True) == (3, 5)
    assert strip(kind="still").media_frames(3, 9) == (0, 1)


@given(strips())
def test_each_media_frame_of_a_strip_is_one_output_frame_at_its_own_rate(
    case: tuple[Any, Fraction, Fraction, int],
) -> None:
    """What is only enlarged keeps its frames: none is lost or doubled, also where it lies frame for frame."""
    shown, scene, rate, frames = case
    whole = replace(shown, first=Fraction(int(shown.first)))
    assume(whole.media_frame(whole.stop - 1) >= 0)
    shot = shot_of(only_clip(whole, scene), rate, frames)
    mapping = time_map(shot, shot.rate)
    seen = [
        shown_frame(mapping.time(k), shot.rate, mapping.reverse) for k in range(int(shot.duration * shot.rate) or 1)
    ]
    step = -1 if shown.reverse else 1
    assert seen == list(range(int(shown.first), int(shown.first) + step * len(seen), step))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_frame_for_frame_lasts_as_long_as_on_the_timeline(reverse: bool) -> None:
    """64 frames of 16 fps, one on each frame of a 24 fps scene: 2.67 seconds, in the order that Blender shows."""
    first = Fraction(63 if reverse else 0)
    shown = strip(start=1, stop=65, media_rate=Fraction(16), reverse=reverse, first=first)
    shot = shot_of(only_clip(shown, Fraction(24)), Fraction(16), 64)
    assert (shot.rate, shot.duration, output_count(shot, OUTPUT)) == (24, Fraction(64, 24), 160)
    mapping = time_map(shot, Fraction(24))
    seen = [shown_frame(mapping.time(j), shot.rate, reverse) for j in range(64)]
    assert seen == (list(range(63, -1, -1)) if reverse else list(range(64)))


def test_a_sequence_keeps_its_pattern_and_its_first_number() -> None:
    pattern = "/film/100%% wool/scan.%05d.dpx"
    shown = strip(kind="sequence", media=pattern, media_rate=None, first_number=86400, first=Fraction(5))
    clip = only_clip(shown, Fraction(18))
    assert (clip.media, clip.first_number, clip.is_sequence) == ("/film/100% wool/scan.%05d.dpx", 86400, True)
    shot = shot_of(clip, clip.play_rate or Fraction(0), 100)
    assert (shot.rate, shot.start, shot.duration) == (18, Fraction(5, 18), Fraction(48, 18))


def test_a_still_lasts_as_long_as_its_strip() -> None:
    shown = strip(kind="still", media="/film/title.png", media_rate=None)
    located = locate(only_clip(shown, Fraction(25)), Fraction(25), 1)
    assert (located.duration, located.rate, located.speed) == (Fraction(48, 25), 25, 0)


def test_strips_that_lie_over_each_other_come_to_tracks_of_their_own() -> None:
    clips = [
        strip(uid="above", channel=3, start=20, stop=40),
        strip(uid="first", start=1, stop=10),
        strip(uid="inside one meta", start=30, stop=50, metas=("A",)),
        strip(uid="inside another", start=45, stop=60, metas=("B", "C")),
        strip(uid="behind it", start=50, stop=55),
    ]
    made = timeline.to_timeline("Scene", Fraction(24), 1, clips)
    found = {clip.id: clip for clip in collect(made.otio).clips}
    starts = {uid: found[place].record_start * 24 + 1 for uid, place in made.places.items()}
    assert starts == {clip.uid: clip.start for clip in clips}
    order = ("first", "inside one meta", "behind it", "inside another", "above")
    tracks = [found[made.places[uid]].track for uid in order]
    assert tracks == ["Channel 2", "Channel 2", "Channel 2", "Channel 2 (2)", "Channel 3"]


@given(st.sampled_from(SCENES), st.integers(0, 100_000), st.integers(-200_000, 100_000), st.sampled_from(MEDIA))
def test_a_scene_that_begins_before_its_first_frame_keeps_its_grid(
    scene: Fraction, start: int, earliest: int, delivery: Fraction
) -> None:
    begins = timeline.origin(start, scene, earliest)
    assert begins <= max(earliest, start)
    assert begins == start or begins <= earliest < start
    assert ((start - begins) / scene * delivery).denominator == 1


def test_a_timeline_may_begin_before_frame_0() -> None:
    begins = timeline.origin(1, Fraction(24), -30)
    made = timeline.to_timeline("Scene", Fraction(24), begins, [strip(start=-30, stop=10)])
    (clip,) = collect(made.otio).clips
    assert clip.record_start * 24 + begins == -30


def test_pictures_of_stages_go_with_their_clip() -> None:
    clips = [strip(uid="a"), strip(uid="b", channel=4)]
    pictures = {"b": {"mattes": {"repair": "/mattes/b.png"}, "keep_mattes": {"upscale": "/mattes/%06d.png"}}}
    made = timeline.to_timeline("Scene", Fraction(24), 1, clips, pictures)
    found = {clip.id: clip.pictures for clip in collect(made.otio).clips}
    assert found == {made.places["a"]: {}, made.places["b"]: pictures["b"]}


def test_a_strip_before_the_scene_has_no_place_in_its_timeline() -> None:
    with pytest.raises(ValueError, match="begins before frame 11"):
        timeline.to_timeline("Scene", Fraction(24), 11, [strip()])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (24 / 1.0010000467300415, 24 * NTSC),
        (29.970029830932617, 30 * NTSC),
        (6 / 0.10000000149011612, Fraction(60)),
        (23.976, 24 * NTSC),
        (23.98, Fraction(1199, 50)),
        (16.666666666666668, Fraction(50, 3)),
        (11.988011360168457, 12 * NTSC),
        (12.5, Fraction(25, 2)),
        (0.25, Fraction(1, 4)),
        (1000.0, Fraction(1000)),
    ],
)
def test_a_rate_in_single_precision_is_the_exact_one(written: float, meant: Fraction) -> None:
    assert exact_rate(written) == meant


@given(st.integers(1, 1000), st.sampled_from([Fraction(1), NTSC]))
def test_every_usual_rate_survives_single_precision(frames: int, factor: Fraction) -> None:
    import numpy as np

    assert exact_rate(float(np.float32(float(frames * factor)))) == frames * factor
    assert exact_rate(frames / float(np.float32(float(1 / factor)))) == frames * factor


@pytest.mark.parametrize("rate", [0.0, -24.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="no rate"):
        exact_rate(rate)


@pytest.mark.parametrize(
    ("names", "pattern", "first"),
    [
        (["scan.0100.png", "scan.0101.png"], "scan.%04d.png", 100),
        (["scan.9999.png", "scan.10000.png"], "scan.%d.png", 9999),
        (["0007.exr", "0008.exr"], "%04d.exr", 7),
        (["r2_09.tif", "r2_10.tif"], "r2_%02d.tif", 9),
        (["100% wool 1.png", "100% wool 2.png"], "100%% wool %01d.png", 1),
        (["a.0999.png", "a.1000.png"], "a.%04d.png", 999),
    ],
)
def test_names_that_count_up_are_a_sequence(names: list[str], pattern: str, first: int) -> None:
    assert numbered.sequence_of(names) == (pattern, first)
    assert [pattern % (first + k) for k in range(len(names))] == names


@pytest.mark.parametrize(
    ("names", "file"),
    [
        (["s.001.png", "s.003.png"], "s.003.png"),
        (["s.002.png", "s.001.png"], "s.001.png"),
        (["s.001.png", "s.001.png"], "s.001.png"),
        (["s.001.png", "t.002.png"], "t.002.png"),
        (["s.001.png", "s.002.tif"], "s.002.tif"),
        (["s.001.png", "s.2.png"], "s.2.png"),
        (["s.9.png", "s.010.png"], "s.010.png"),
        (["s.001.png", "title.png"], "title.png"),
        (["title.png", "s.001.png"], "title.png"),
        (["s.001.png", "s.002.png", "s.004.png", "s.005.png"], "s.004.png"),
    ],
)
def test_the_first_picture_out_of_line_is_named(names: list[str], file: str) -> None:
    with pytest.raises(numbered.NotASequence) as caught:
        numbered.sequence_of(names)
    assert caught.value.file == file
