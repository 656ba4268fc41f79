"""Exports and listings brought together: the real exports of Resolve, and what may be wrong with either.

Media frames are counted from 0; the arithmetic behind every expected number is written beside it.
"""

from __future__ import annotations

import json
from fractions import Fraction as F
from typing import Any

import opentimelineio as otio
import pytest

from davinci.listings import edit, item, listing_of, media, timeline_around, track
from resilver_bridge.clips import Shown, shown_clips
from resilver_bridge.edit import read_edit
from resilver_bridge.timeline import host_timeline, match
from resilver_client.errors import ClipOffline, ClipUnsupported, HostFailed, TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.types import Selection
from support.shared import otio_sample


def read(timeline: otio.schema.Timeline | str, listing: dict[str, Any], exists: bool = True) -> tuple[Shown, ...]:
    text = timeline if isinstance(timeline, str) else timeline.to_json_string()
    return shown_clips(match(read_edit(listing), text), lambda _: exists)


def sample(name: str, start: int) -> tuple[str, dict[str, Any]]:
    text = otio_sample("resolve", name).read_text("utf-8")
    return text, listing_of(otio.adapters.read_from_string(text, "otio_json"), start)


def lone(name: str) -> Shown:
    """The one clip of a real clip export."""
    timeline = timeline_around(otio_sample("resolve_clips", name))
    start = int(timeline.global_start_time.value)
    (shown,) = read(timeline, listing_of(timeline, start))
    assert shown.clip.refusal is None
    return shown


def frames(shown: Shown) -> tuple[F, F]:
    """First media frame that is shown, and where playing stops, transitions left out."""
    assert shown.located is not None
    place = shown.located
    first = (place.start + place.speed * place.head) * place.rate
    return first, first + place.speed * (place.duration - place.head - place.tail) * place.rate


class TestRealExports:
    def test_a_plain_clip(self) -> None:
        """source 1800000@50 = 36000 s, where the media starts too: frames 0 to 1500 of 1500."""
        (shown,) = read(*sample("base.otio", 180000))
        assert frames(shown) == (0, 1500)
        assert (shown.clip.track, shown.clip.start, shown.clip.stop) == (1, 180000, 181500)
        assert shown.clip.refusal is None
        assert shown.media is not None
        assert shown.media.path == "E:\\SHOWREEL\\NBC UNIVERSAL\\more 13th st\\1128797.mxf"

    @pytest.mark.parametrize(("name", "offset"), [("ref2.otio", 50), ("ref3_clipvol.otio", 10)])
    def test_a_dissolve_is_no_clip_and_both_clips_end_at_the_cut(self, name: str, offset: int) -> None:
        """The cut is at 596: the listing has the dissolve from 596 - offset on, for twice the offset."""
        text, listing = sample(name, 180000)
        assert len(listing["video"][0]["items"]) == 3
        first, second = read(text, listing)
        assert (first.clip.start, first.clip.stop) == (180000, 180596)
        assert (second.clip.start, second.clip.stop) == (180596, 181500)
        assert frames(first) == (0, 596)
        assert frames(second) == (596, 1500)
        words = f'"Cross Dissolve" ({offset} + {offset} frames)'
        assert (first.matched.before, first.matched.after) == ("", words)
        assert (second.matched.before, second.matched.after) == (words, "")

    def test_half_speed(self) -> None:
        """1500 record frames at 50 % of 50 a second show 15 s, frames 0 to 750."""
        (shown,) = read(*sample("ref4_retime_50pct.otio", 180000))
        assert frames(shown) == (0, 750)
        assert shown.speed == F(1, 2)

    def test_a_ramp_is_refused_by_name(self) -> None:
        (shown,) = read(*sample("ref5_speedramp_stepped.otio", 180000))
        assert isinstance(shown.clip.refusal, ClipUnsupported)
        assert "4 key frames" in str(shown.clip.refusal)
        assert "1128797.mxf" in shown.clip.refusal.where

    def test_sound_is_no_clip(self) -> None:
        assert len(read(*sample("ref10_clean_audio_base.otio", 180000))) == 1

    def test_the_result_is_the_export_with_the_names_of_the_listing(self) -> None:
        text, listing = sample("ref2.otio", 180000)
        listing["video"][0]["items"][2]["name"] = "the second shot"
        matching = match(read_edit(listing), text)
        chosen = listing["video"][0]["items"][2]["id"]
        timeline = host_timeline(matching, [chosen])
        (clip,) = collect(timeline.otio, Selection(indices=timeline.selection)).clips
        assert (clip.name, clip.id) == ("the second shot", timeline.places[chosen])
        assert clip.id == "0/2"
        before, after = json.loads(text), json.loads(timeline.otio)
        after["name"] = before["name"]
        after["tracks"]["children"][0]["children"][2]["name"] = before["tracks"]["children"][0]["children"][2]["name"]
        assert after == before


class TestRealClips:
    def test_double_speed_of_a_numbered_sequence(self) -> None:
        """start 39@24 is frame 39, file 1001 + 39 = 1040; 11 frames at 200 % are 22: to 61."""
        shown = lone("img_seq_2x_speed_resolve.json")
        assert frames(shown) == (39, 61)
        assert shown.media is not None
        assert (shown.media.first_number, shown.media.is_sequence) == (1001, True)
        assert shown.media.path.endswith("\\output.%04d.tif")
        assert shown.media.first_frame == 39

    def test_a_start_between_frames(self) -> None:
        """91046.625@25 = 3641.865 s, media from 87399@24 = 3641.625 s: 0.24 s * 24 = 5.76 frames in; 74 frames at 25
        are 2.96 s = 71.04 frames of 24: to 76.8."""
        assert frames(lone("img_seq_embedded_tc.json")) == (F("5.76"), F("76.8"))

    def test_a_zero_based_sequence(self) -> None:
        """34@25 on media from 0@25: frames 34 to 34 + 39 = 73."""
        assert frames(lone("img_seq_with_handles.json")) == (34, 73)

    def test_a_movie_with_handles(self) -> None:
        assert frames(lone("movie_with_handles.json")) == (0, 171)

    def test_a_timecode_in_another_rate(self) -> None:
        """90032@25 = 3601.28 s, media from 86400@24 = 3600 s: 1.28 s * 24 = 30.72; 44@25 = 1.76 s = 42.24: to 72.96."""
        assert frames(lone("qt_embedded_tc.json")) == (F("30.72"), F("72.96"))

    def test_two_and_a_half_times(self) -> None:
        """171 frames at 250 % are 427.5."""
        assert frames(lone("qt_retimed_speed.json")) == (0, F("427.5"))


PATH = "/film/reel.mov"


def clip(start: int, duration: int, *, path: str = PATH, frames: int = 100, rate: float = 24) -> otio.schema.Clip:
    made = otio.schema.Clip("reel.mov", otio.schema.ExternalReference(path, span(0, frames, rate)))
    made.source_range = span(start, duration, 24)
    return made


def span(start: float, count: float, rate: float = 24) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate))


def timeline(*tracks: list[otio.core.Composable], rate: float = 24) -> otio.schema.Timeline:
    made = otio.schema.Timeline("")
    made.global_start_time = otio.opentime.RationalTime(3600 * rate, rate)
    for number, children in enumerate(tracks, 1):
        exported = otio.schema.Track(f"Video {number}", kind=otio.schema.TrackKind.Video)
        exported.metadata["Resolve_OTIO"] = {"Locked": False}
        exported.extend(children)
        made.tracks.append(exported)
    return made


FILM = media(PATH, 100, 24)


def one(child: otio.core.Composable, listed: dict[str, Any], exists: bool = True) -> Shown:
    (shown,) = read(timeline([child]), edit(track(1, listed)), exists)
    return shown


def refused(child: otio.core.Composable, listed: dict[str, Any], exists: bool = True) -> str:
    refusal = one(child, listed, exists).clip.refusal
    assert isinstance(refusal, ClipUnsupported | ClipOffline), refusal
    assert refusal.where.startswith(listed["name"])
    return refusal.what


class TestRefusals:
    def test_kinds_without_film_of_their_own(self) -> None:
        missing = otio.schema.Clip("x", otio.schema.MissingReference(), span(0, 10))
        generator = otio.schema.Clip("x", otio.schema.GeneratorReference("Solid Color", "SolidColor"), span(0, 10))
        nested = otio.schema.Stack("x", source_range=span(0, 10))
        for child, listed, words in (
            (missing, item("Text+", 86400, 10), "title, a generator or an adjustment clip"),
            (generator, item("Solid Color", 86400, 10), "generator"),
            (missing, item("Bars", 86400, 10, type="generator"), "generator"),
            (missing, item("Adjustment Clip", 86400, 10), "adjustment clip"),
            (nested, item("Inside", 86400, 10, media("", 10, 24, "Compound")), "compound"),
            (missing, item("Angles", 86400, 10, media("", 10, 24, "Multicam")), "multicam"),
            (missing, item("Reel 2", 86400, 10, media("", 10, 24, "Timeline")), "timeline inside"),
            (missing, item("Comp", 86400, 10, media("", 10, 24, "Fusion")), "Fusion"),
            (missing, item("?", 86400, 10, media("", 10, 24, "Ein neues Ding")), "Ein neues Ding"),
        ):
            assert words in refused(child, listed)

    def test_a_kind_in_another_language_is_film_where_it_has_a_file(self) -> None:
        assert one(clip(0, 10), item("a", 86400, 10, media(PATH, 100, 24, "Vidéo + audio"))).clip.refusal is None

    def test_offline(self) -> None:
        assert "offline" in refused(clip(0, 10), item("a", 86400, 10, media(PATH, 100, 24, status="Offline")))
        assert "not there: /film/reel.mov" in refused(clip(0, 10), item("a", 86400, 10, FILM), exists=False)
        gone = otio.schema.MissingReference(available_range=span(0, 100))
        gone.metadata["Resolve_OTIO"] = {"Media Url": PATH}
        assert PATH in refused(otio.schema.Clip("a", gone, span(0, 10)), item("a", 86400, 10))

    def test_an_item_that_the_export_does_not_have(self) -> None:
        assert "nothing where it lies" in refused(clip(0, 10), item("a", 86400, 11, FILM))
        assert "nothing where it lies" in refused(clip(0, 10), item("a", 86401, 10, FILM))

    def test_a_track_that_is_switched_off(self) -> None:
        listing = edit(track(1, item("a", 86400, 10, FILM), enabled=False))
        (shown,) = read(timeline([clip(0, 10)]), listing)
        assert "switched off" in str(shown.clip.refusal)

    def test_a_clip_that_is_switched_off_is_handed_over_all_the_same(self) -> None:
        child = clip(0, 10)
        child.enabled = False
        matching = match(
            read_edit(edit(track(1, item("a", 86400, 10, FILM, enabled=False)))), timeline([child]).to_json_string()
        )
        handed = host_timeline(matching, ["a"])
        assert [each.name for each in collect(handed.otio, Selection(indices=handed.selection)).clips] == ["a"]


class TestDisagreement:
    """source 20, 10 frames of 24: the export shows media frames 20 to 30."""

    @pytest.mark.parametrize(("start", "seconds"), [(20, 10 / 24), (19, 10 / 24), (21, 10 / 24), (20, 11 / 24)])
    def test_a_frame_more_or_less_is_agreed(self, start: int, seconds: float) -> None:
        listed = item("a", 86400, 10, FILM, source_start=start, source_seconds=seconds)
        assert one(clip(20, 10), listed).clip.refusal is None

    @pytest.mark.parametrize(("start", "seconds"), [(18, 10 / 24), (22, 10 / 24), (20, 12 / 24), (20, 8 / 24)])
    def test_more_is_refused_with_both_ranges(self, start: int, seconds: float) -> None:
        listed = item("a", 86400, 10, FILM, source_start=start, source_seconds=seconds)
        what = refused(clip(20, 10), listed)
        assert "20 to 30 in the exported timeline" in what
        assert f"{start} to {start + round(seconds * 24)} in its listing" in what

    def test_before_19_the_left_offset_is_compared(self) -> None:
        assert one(clip(20, 10), item("a", 86400, 10, FILM, left_offset=20.0)).clip.refusal is None
        assert "a start 5 frames into it in its listing" in refused(
            clip(20, 10), item("a", 86400, 10, FILM, left_offset=5.0)
        )

    def test_a_timecode_read_at_another_rate_is_found_before_19(self) -> None:
        """Media at 23.976 from 00:10:00:00, which is 14400 frames or 600.6 s, in a timeline of 24. A clip that shows it
        from frame 20 on would be written as 14420@24, were the label copied: 600.83 s, 0.233 s in, frame 5.6."""
        child = clip(14420, 10, frames=2000, rate=24000 / 1001)
        child.media_reference.available_range = span(14400, 2000, 24000 / 1001)
        film = media(PATH, 2000, 23.976)
        assert "frames 5.59" in refused(child, item("a", 86400, 10, film, left_offset=20.0))
        for agreed in (5.6, 5.594):
            assert one(child, item("a", 86400, 10, film, left_offset=agreed)).clip.refusal is None

    def test_a_retimed_clip_is_compared_in_its_own_frames(self) -> None:
        """10 frames at 200 % are 20: 30 to 50."""
        child = clip(30, 10)
        child.effects.append(otio.schema.LinearTimeWarp("", time_scalar=2.0))
        listed = item("a", 86400, 10, FILM, source_start=30, source_seconds=20 / 24)
        assert one(child, listed).clip.refusal is None
        assert "30 to 40 in its listing" in refused(child, {**listed, "source_seconds": 10 / 24})

    @pytest.mark.parametrize(("start", "seconds"), [(30, 10 / 24), (40, -10 / 24), (39, -10 / 24)])
    def test_a_reversed_clip_is_compared_whichever_end_is_called_its_start(self, start: int, seconds: float) -> None:
        child = clip(30, 10)
        child.effects.append(otio.schema.LinearTimeWarp("", time_scalar=-1.0))
        listed = item("a", 86400, 10, FILM, source_start=start, source_seconds=seconds)
        shown = one(child, listed)
        assert shown.clip.refusal is None
        assert shown.located is not None
        assert shown.located.start * 24 == 39

    def test_a_still_and_a_freeze_show_one_frame_however_long_they_are(self) -> None:
        still = clip(0, 48, path="/film/title.png", frames=1)
        picture = media("/film/title.png", 1, 24, "Still")
        assert one(still, item("a", 86400, 48, picture, source_start=0, source_seconds=2.0)).clip.refusal is None
        frozen = clip(20, 48)
        frozen.effects.append(otio.schema.FreezeFrame())
        shown = one(frozen, item("a", 86400, 48, FILM, source_start=20, source_seconds=0.0))
        assert shown.clip.refusal is None
        assert (frames(shown), shown.speed) == ((20, 20), 0)


class TestTimelines:
    def test_two_tracks_and_an_empty_one(self) -> None:
        gap = otio.schema.Gap(source_range=span(0, 30))
        made = timeline([clip(0, 10), clip(10, 20)], [gap], [otio.schema.Gap(source_range=span(0, 5)), clip(50, 10)])
        listing = edit(
            track(1, item("a", 86400, 10, FILM), item("b", 86410, 20, FILM)),
            track(2),
            track(3, item("c", 86405, 10, FILM)),
        )
        shown = read(made, listing)
        assert [(each.clip.name, each.clip.track) for each in shown] == [("a", 1), ("b", 1), ("c", 3)]
        handed = host_timeline(match(read_edit(listing), made.to_json_string()), ["c", "a"])
        assert (handed.places, handed.selection) == ({"c": "2/1", "a": "0/0"}, (0, 2))

    def test_audio_tracks_in_between_keep_their_places(self) -> None:
        made = timeline([clip(0, 10)], [clip(20, 10)])
        sound = otio.schema.Track("Audio 1", kind=otio.schema.TrackKind.Audio)
        made.tracks.insert(1, sound)
        listing = edit(track(1, item("a", 86400, 10, FILM)), track(2, item("b", 86400, 10, FILM)))
        handed = host_timeline(match(read_edit(listing), made.to_json_string()), ["b"])
        assert (handed.places, handed.selection) == ({"b": "2/0"}, (1,))

    @pytest.mark.parametrize(
        ("text", "rate"), [("23.976", F(24000, 1001)), ("29.97 DF", F(30000, 1001)), ("59.94", F(60000, 1001))]
    )
    def test_ntsc_rates_land_on_whole_frames(self, text: str, rate: F) -> None:
        written = float(rate)
        child = otio.schema.Clip("a", otio.schema.ExternalReference(PATH, span(0, 100, written)), span(7, 11, written))
        made = timeline([otio.schema.Gap(source_range=span(0, 13, written)), child], rate=written)
        listing = edit(track(1, item("a", 107905, 11, media(PATH, 100, written))), rate=text, start=107892)
        (shown,) = read(made, listing)
        assert frames(shown) == (7, 18)

    def test_another_rate_is_told(self) -> None:
        with pytest.raises(HostFailed, match=r"exported the timeline at 24 .* runs at 25"):
            read(timeline([clip(0, 10)]), edit(track(1, item("a", 86400, 10, FILM)), rate="25"))

    def test_another_number_of_tracks_is_told(self) -> None:
        with pytest.raises(HostFailed, match="1 video tracks, the timeline has 2"):
            read(timeline([clip(0, 10)]), edit(track(1), track(2)))

    def test_no_timeline_is_told(self) -> None:
        with pytest.raises(TimelineUnreadable):
            read("{}", edit(track(1)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timeline", "start"), "86400"),
        (("timeline", "rate"), "fast"),
        (("timeline", "rate"), "1/0"),
        (("video", 0, "items", 0, "duration"), 1.5),
        (("video", 0, "items", 0, "enabled"), 1),
        (("video", 0, "items", 0, "media", "path"), None),
        (("video", 0, "locked"), None),
        (("selected",), [3]),
        (("marks",), []),
        (("project",), None),
    ],
)
def test_a_listing_of_wrong_types_names_the_field(path: tuple[str | int, ...], value: object) -> None:
    listing: Any = edit(track(1, item("a", 86400, 10, dict(FILM))))
    owner = listing
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    with pytest.raises(HostFailed) as caught:
        read_edit(listing)
    named = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    assert caught.value.where.startswith(f"edit{named}")
