"""Real exports of Resolve and Hiero become shots with the right source frames, or refusals that name the clip.

Media frames are counted from 0; "file" is the number in an image sequence's file names. The arithmetic behind every
expected number is written beside it.
"""

from __future__ import annotations

import json
from fractions import Fraction as F
from pathlib import Path

import pytest

from resilver_client.errors import TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.locate import locate
from resilver_otio.read import read_timeline
from resilver_otio.types import ClipRequest, Collected, Located
from support.shared import otio_sample

NTSC = F(24000, 1001)


def collected(*parts: str) -> Collected:
    return collect(read_timeline(otio_sample(*parts)).json)


def only(*parts: str) -> ClipRequest:
    found = collected(*parts)
    assert not found.refusals
    (clip,) = found.clips
    return clip


def located(clip: ClipRequest) -> Located:
    """As if probing found exactly the media that the timeline describes."""
    assert clip.media_rate is not None
    assert clip.available_duration is not None
    return locate(clip, clip.media_rate, round(clip.available_duration * clip.media_rate))


def first_frame(place: Located) -> F:
    return place.start * place.rate


def end_frame(place: Located) -> F:
    """Where playing stops, in media frames; exclusive."""
    return (place.start + place.speed * place.duration) * place.rate


def played_backwards(sample: str, start: int, count: int) -> ClipRequest:
    """A real clip with another range, in Resolve's own form of a clip at -100 %: the range as it is, a warp of -1."""
    data = json.loads(otio_sample("resolve_clips", sample).read_text())
    data["source_range"]["start_time"]["value"] = float(start)
    data["source_range"]["duration"]["value"] = float(count)
    warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "metadata": {}, "name": "", "effect_name": "", "time_scalar": -1.0}
    data["effects"].insert(0, warp)
    track = {"OTIO_SCHEMA": "Track.1", "metadata": {}, "name": "Video 1", "kind": "Video", "children": [data]}
    stack = {"OTIO_SCHEMA": "Stack.1", "metadata": {}, "name": "", "children": [track]}
    timeline = {"OTIO_SCHEMA": "Timeline.1", "metadata": {}, "name": "", "tracks": stack}
    (clip,) = collect(json.dumps(timeline)).clips
    return clip


@pytest.mark.parametrize("folder", ["resolve", "resolve_clips", "hiero_clips"])
def test_every_export_is_spelled_out_here(folder: str) -> None:
    said = Path(__file__).read_text("utf-8")
    missing = [each.name for each in otio_sample(folder).iterdir() if f'"{each.name}"' not in said]
    assert not missing


class TestResolve:
    def test_plain_clip(self) -> None:
        """source 1800000@50 = 36000 s = 10:00:00:00; media starts there too: frames 0 to 1500 of 1500."""
        clip = only("resolve", "base.otio")
        place = located(clip)
        assert (first_frame(place), end_frame(place)) == (0, 1500)
        assert (clip.record_start, clip.duration) == (0, 30)
        assert clip.media == "E:\\SHOWREEL\\NBC UNIVERSAL\\more 13th st\\1128797.mxf"

    def test_audio_tracks_are_not_film(self) -> None:
        """The same clip over eight audio tracks, seven of them one gap as long as the timeline: one shot, whose media
        starts at 1800000@50, as its range does. 1800000 + 1500 is where both end."""
        place = located(only("resolve", "ref10_clean_audio_base.otio"))
        assert (first_frame(place), end_frame(place)) == (0, 1500)

    @pytest.mark.parametrize(("sample", "offset"), [("ref2.otio", 50), ("ref3_clipvol.otio", 10)])
    def test_dissolve(self, sample: str, offset: int) -> None:
        """The cut is at frame 596; the dissolve shows ``offset`` frames on either side of it of both clips:
        the first plays 0 to 596 + offset, the second from 596 - offset to 1500."""
        found = collected("resolve", sample)
        first, second = found.clips
        assert (end_frame(located(first)), located(first).tail) == (596 + offset, F(offset, 50))
        assert (first_frame(located(second)), located(second).head) == (596 - offset, F(offset, 50))
        assert end_frame(located(second)) == 1500
        assert second.record_start == F(596, 50)
        assert second.notes == ("Video Faders",)

    def test_half_speed(self) -> None:
        """1500 record frames at 50 % are 30 s; 30 s * 0.5 = 15 s of media at 50 = frames 0 to 750."""
        place = located(only("resolve", "ref4_retime_50pct.otio"))
        assert (place.duration, place.speed) == (30, F(1, 2))
        assert (first_frame(place), end_frame(place)) == (0, 750)

    def test_speed_ramp_is_refused(self) -> None:
        """Key frames at 0, 10.32, 49.2 and 59.14 s show media seconds 0, 10.32, 20.04 and 29.98: 100 %, then 9.72 s in
        38.88 s = 25 %, then 100 % again."""
        found = collected("resolve", "ref5_speedramp_stepped.otio")
        (refusal,) = found.refusals
        assert not found.clips
        assert (refusal.clip, refusal.reason, refusal.clip_id) == ("1128797.mxf", "CLIP_UNSUPPORTED", "0/0")
        assert "4 key frames" in refusal.message

    def test_double_speed(self) -> None:
        """start 39@24 is frame 39, file 1001 + 39 = 1040; 11 frames at 200 % are 22: to frame 61, file 1061 last."""
        clip = only("resolve_clips", "img_seq_2x_speed_resolve.json")
        place = located(clip)
        assert (first_frame(place), end_frame(place)) == (39, 61)
        assert clip.first_number == 1001
        assert clip.first_number + first_frame(place) == 1040
        assert clip.first_number + end_frame(place) - 1 == 1061
        assert clip.media == "C:\\Users\\robin\\OneDrive\\Bureau\\dev_ayon\\data\\img_sequence\\tif\\output.%04d.tif"

    def test_embedded_timecode_between_frames(self) -> None:
        """source 91046.625@25 = 3641.865 s, media starts at 87399@24 = 3641.625 s: 0.24 s in, times 24 = 5.76
        frames. 74 frames at 25 are 2.96 s = 71.04 frames of 24: to 76.8. Frame 5 is file 1005."""
        clip = only("resolve_clips", "img_seq_embedded_tc.json")
        place = located(clip)
        assert (first_frame(place), end_frame(place)) == (F("5.76"), F("76.8"))
        assert place.start == F("0.24")
        assert clip.first_number is not None
        assert clip.first_number + int(first_frame(place)) == 1005

    def test_zero_based_sequence(self) -> None:
        """34@25, media from 0@25, files from 1000: frames 34 to 34 + 39 = 73, files 1034 to 1072."""
        clip = only("resolve_clips", "img_seq_with_handles.json")
        place = located(clip)
        assert (first_frame(place), end_frame(place)) == (34, 73)
        assert clip.first_number == 1000
        assert (clip.first_number + 34, clip.first_number + 73 - 1) == (1034, 1072)

    def test_reverse(self) -> None:
        """The same export played backwards over 20@25, 41 frames long, files from 1000: the range is files 1020 to
        1060 however it is played, so 1060 is shown first, and 41 frames on it ends after 1020."""
        clip = played_backwards("img_seq_with_handles.json", 20, 41)
        place = located(clip)
        assert clip.first_number == 1000
        assert (place.speed, place.duration) == (-1, F(41, 25))
        assert (1000 + first_frame(place), 1000 + end_frame(place) + 1) == (1060, 1020)

    def test_movie_with_handles(self) -> None:
        """0@25 of 16450 frames from 0@25, 171 frames at 100 %: frames 0 to 171."""
        place = located(only("resolve_clips", "movie_with_handles.json"))
        assert (first_frame(place), end_frame(place)) == (0, 171)

    def test_movie_timecode_in_another_rate(self) -> None:
        """90032@25 = 3601.28 s, media from 86400@24 = 3600 s: 1.28 s * 24 = 30.72 frames; 44@25 = 1.76 s = 42.24
        frames of 24: to 72.96."""
        place = located(only("resolve_clips", "qt_embedded_tc.json"))
        assert (first_frame(place), end_frame(place)) == (F("30.72"), F("72.96"))

    def test_two_and_a_half_times(self) -> None:
        """0@25 of 16450 frames from 0@25; 171 record frames at 250 % are 171 * 2.5 = 427.5 frames."""
        place = located(only("resolve_clips", "qt_retimed_speed.json"))
        assert (first_frame(place), end_frame(place)) == (0, F("427.5"))


class TestHiero:
    def test_double_speed_in_single_precision_rate(self) -> None:
        """The rate 23.976024627685547 is 24000/1001 rounded to single precision, and the start was rescaled with it:
        909986.0387191772 / 23.976024627685547 = 37954 s = 948850@25, and 948850 - 948674 = 176 (Hiero's own
        "sourceIn"). 11 frames at 24000/1001 are 11011/24000 s; twice that at 25 is 22.93958 frames."""
        clip = only("hiero_clips", "img_seq_2x_speed.json")
        place = located(clip)
        assert first_frame(place) == 176
        assert place.duration == F(11011, 24000)
        assert end_frame(place) == 176 + 2 * 25 * F(11011, 24000)
        assert clip.timeline_rate == NTSC

    def test_freeze_frame_of_a_sequence(self) -> None:
        """909990.8339241028 / 23.976024627685547 = 37954.2 s = 948855@25: frame 181, held for 5 record frames."""
        place = located(only("hiero_clips", "img_seq_freeze_frame.json"))
        assert (first_frame(place), place.speed, place.duration) == (181, 0, 5 / NTSC)

    def test_freeze_frame_of_a_movie(self) -> None:
        """29.970030784606937 / 23.976024627685547 = 1.25 s = frame 30 at 24 (Hiero's own "sourceIn")."""
        place = located(only("hiero_clips", "qt_freeze_frame.json"))
        assert (first_frame(place), place.speed, place.duration) == (30, 0, 11 / NTSC)

    def test_zero_based_range_on_numbered_media(self) -> None:
        """source 0 to 51; the media says 997 to 1056. Outside when absolute, so it counts from the first file."""
        clip = only("hiero_clips", "img_seq_23.976_metadata.json")
        place = located(clip)
        assert (first_frame(place), end_frame(place)) == (0, 51)
        assert (clip.first_number, clip.media_rate) == (997, NTSC)

    def test_time_warp_is_refused(self) -> None:
        (refusal,) = collected("hiero_clips", "qt_timewarp.json").refusals
        assert (refusal.clip, refusal.reason) == ("sh010", "CLIP_UNSUPPORTED")
        assert "TimeWarp2" in refusal.message


class TestOthers:
    def test_transitions(self) -> None:
        """Clip-003 starts at 3@24 on media from 1@24: frame 2. The dissolve shows 2 frames before: from frame 0.
        Clip-002 would need 2 + 6 + 3 = 11 of 9 frames for it, so it gets no tail. Clip-004 is all of its media."""
        first, second, third, fourth = collected("transition.otio").clips
        assert (first_frame(located(first)), end_frame(located(first))) == (3, 6)
        assert (first_frame(located(second)), end_frame(located(second)), located(second).tail) == (2, 8, 0)
        assert (first_frame(located(third)), end_frame(located(third)), located(third).head) == (0, 6, F(2, 24))
        assert (first_frame(located(fourth)), end_frame(located(fourth))) == (0, 6)
        assert [clip.record_start * 24 for clip in (first, second, third, fourth)] == [0, 3, 9, 13]
        assert first.media == "/folder/titles.mov"

    def test_nested_clips_without_media_are_named(self) -> None:
        found = collected("nested_example.otio")
        assert not found.clips
        assert {refusal.reason for refusal in found.refusals} == {"CLIP_OFFLINE"}
        assert {refusal.clip_id: refusal.clip for refusal in found.refusals} == {
            "0/0": "Normal Clip 1",
            "0/1/0": "Clip Inside A Stack 1",
            "0/2": "Normal Clip 2",
            "0/3/0": "Clip Inside A Stack 2",
            "0/4": "Normal Clip 3",
            "0/5/0": "Clip Inside A Track",
            "0/6": "Normal Clip 4",
        }

    def test_newer_schema_is_named_with_its_place(self) -> None:
        with pytest.raises(TimelineUnreadable) as caught:
            read_timeline(otio_sample("needs_newer_otio_marker3.otio"))
        assert "Marker.3 needs a newer OpenTimelineIO" in str(caught.value)
        assert "'sc01_sh010_layerA'" in str(caught.value)
