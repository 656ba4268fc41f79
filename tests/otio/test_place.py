"""What a result looks like in detail: references, markers, effects, nests, sequences, one-clip timelines."""

from __future__ import annotations

import json
from fractions import Fraction as F
from pathlib import Path

import opentimelineio as otio
import pytest

from resilver_client.errors import FrameCountMismatch, InvalidRequest, TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.locate import locate
from resilver_otio.parse import parse_timeline, to_json
from resilver_otio.place import place
from resilver_otio.read import read_timeline
from resilver_otio.sources import one_clip_timeline
from resilver_otio.types import Layout, Restored
from support.shared import otio_sample

RT, TR = otio.opentime.RationalTime, otio.opentime.TimeRange


def clip(name: str, start: float = 86400, length: float = 48, url: str = "/film/a.mov") -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(url, TR(RT(86400, 24), RT(240, 24)))
    return otio.schema.Clip(name, reference, TR(RT(start, 24), RT(length, 24)))


def edit(*children: otio.core.Composable) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline("edit")
    track = otio.schema.Track("Video 1", kind="Video")
    track.extend(children)
    timeline.tracks.append(track)
    return timeline


def result(clip_id: str = "0/0", frames: int = 120, **more: object) -> Restored:
    return Restored(clip_id, "/out/a.mov", F(60), frames, 3840, 2160, "jobs/1", "abc", **more)  # type: ignore[arg-type]


def placed(timeline: otio.schema.Timeline, layout: Layout, *results: Restored) -> otio.schema.Timeline:
    return parse_timeline(place(to_json(timeline), results or (result(),), layout).timeline)


class TestOverlay:
    def test_shape(self) -> None:
        """Two seconds of 60 on a timeline of 24: the range counts in 24, the media in 60."""
        above = placed(edit(clip("a")), Layout.OVERLAY).tracks[1]
        assert above.name == "Restored"
        assert above[0].source_range == TR(RT(0, 24), RT(48, 24))
        assert above[0].media_reference.available_range == TR(RT(0, 60), RT(120, 60))
        ours = dict(above[0].metadata["resilver"])
        assert ours == {"job": "jobs/1", "recipe": "abc", "clip": "0/0", "head": "0"}

    def test_start_timecode_of_the_file(self) -> None:
        above = placed(edit(clip("a")), Layout.OVERLAY, result(start_time=F(3600))).tracks[1]
        assert above[0].source_range.start_time == RT(86400, 24)
        assert above[0].media_reference.available_range.start_time == RT(216000, 60)

    def test_url_is_written_as_the_original_is(self) -> None:
        urls = {"/film/a.mov": "/out/a.mov", "file:///film/a.mov": "file:///out/a.mov"}
        for url, expected in urls.items():
            above = placed(edit(clip("a", url=url)), Layout.OVERLAY).tracks[1]
            assert above[0].media_reference.target_url == expected

    def test_sequences(self) -> None:
        new = Restored("0/0", "/out/a.%06d.exr", F(60), 120, 1, 1, "j", "r", is_sequence=True, first_number=1)
        reference = placed(edit(clip("a")), Layout.OVERLAY, new).tracks[1][0].media_reference
        assert isinstance(reference, otio.schema.ImageSequenceReference)
        assert reference.target_url_for_image_number(0) == "/out/a.000001.exr"
        assert (reference.rate, reference.available_range.duration) == (60, RT(120, 60))

    def test_above_all_video_tracks_and_below_audio(self) -> None:
        timeline = edit(clip("a"))
        for name, kind in (("Video 2", "Video"), ("Audio 1", "Audio")):
            timeline.tracks.append(otio.schema.Track(name, kind=kind))
        timeline.tracks[1].append(clip("title"))
        answer = place(to_json(timeline), [result()], Layout.OVERLAY)
        done = parse_timeline(answer.timeline)
        assert [track.name for track in done.tracks] == ["Video 1", "Video 2", "Restored", "Audio 1"]
        assert "a: its restored clip lies above title, which it may hide" in answer.report

    def test_one_track_for_each_track(self) -> None:
        timeline = edit(clip("a"))
        timeline.tracks.append(otio.schema.Track("Video 2", kind="Video"))
        timeline.tracks[1].append(clip("b"))
        done = placed(timeline, Layout.OVERLAY, result("0/0"), result("1/0"))
        names = [track.name for track in done.tracks]
        assert names == ["Video 1", "Video 2", "Restored Video 1", "Restored Video 2"]
        assert [done.tracks[2][0].name, done.tracks[3][0].name] == ["a", "b"]

    def test_inside_nests(self) -> None:
        stack = otio.schema.Stack("nest", source_range=TR(RT(0, 24), RT(30, 24)))
        stack.append(clip("layer"))
        inner = otio.schema.Track("inner", kind="Video", source_range=TR(RT(0, 24), RT(4, 24)))
        inner.append(clip("deep"))
        inner.effects.append(otio.schema.FreezeFrame())
        timeline = edit(clip("a"), stack, inner)
        before = [to_json(child) for child in (timeline.tracks[0][0], timeline.tracks[0][1][0], inner)]
        done = placed(timeline, Layout.OVERLAY, result("0/1/0"), result("0/2/0"))
        row = done.tracks[0]
        assert [type(child).__name__ for child in row] == ["Clip", "Stack", "Stack"]
        assert [to_json(child) for child in (row[0], row[1][0], row[2][0])] == before
        assert [each.name for each in row[1]] == ["layer", "Restored layer"]
        assert row[2][1].source_range == inner.source_range
        assert isinstance(row[2][1].effects[0], otio.schema.FreezeFrame)
        assert row.range_of_child_at_index(2).duration == RT(4, 24)


class TestReplace:
    def test_retime_is_baked_in_and_everything_else_kept(self) -> None:
        item = clip("a", start=86424)
        item.effects.extend([otio.schema.LinearTimeWarp("w", 2.0), otio.schema.Effect("blur", "Blur")])
        item.markers.append(otio.schema.Marker("dirt", TR(RT(86424 + 12, 24), RT(2, 24))))
        item.metadata["Resolve_OTIO"] = {"Link Group ID": 3}
        new = placed(edit(item), Layout.REPLACE).tracks[0][0]
        assert [effect.name for effect in new.effects] == ["blur"]
        assert new.source_range == TR(RT(0, 24), RT(48, 24))
        assert new.markers[0].marked_range == TR(RT(6, 24), RT(1, 24))  # 12 media frames in, at 200 %
        assert new.metadata["Resolve_OTIO"]["Link Group ID"] == 3

    @pytest.mark.parametrize(("speed", "moment"), [(1.0, 12), (-1.0, 48 - 12 - 2), (0.5, 24), (0.0, 0)])
    def test_markers_stay_on_their_moment(self, speed: float, moment: int) -> None:
        """A marker 12 media frames in, 2 long, on 48 record frames."""
        item = clip("a", start=86424)
        item.effects.append(otio.schema.LinearTimeWarp("w", speed))
        item.markers.append(otio.schema.Marker("dirt", TR(RT(86436, 24), RT(2, 24))))
        new = placed(edit(item), Layout.REPLACE).tracks[0][0]
        assert new.markers[0].marked_range.start_time == RT(moment, 24)

    def test_dissolve_without_handles_keeps_the_original_there(self) -> None:
        mix = otio.schema.Transition("mix", "SMPTE_Dissolve", RT(3, 24), RT(4, 24))
        timeline = edit(clip("a", 86448), mix, clip("b", 86448))
        answer = place(to_json(timeline), [result("0/0"), result("0/2")], Layout.REPLACE)
        row = parse_timeline(answer.timeline).tracks[0]
        spans = [(c.name, c.media_reference.target_url, c.source_range) for c in row if isinstance(c, otio.schema.Clip)]
        assert spans == [
            ("a", "/out/a.mov", TR(RT(0, 24), RT(45, 24))),
            ("a", "/film/a.mov", TR(RT(86448 + 45, 24), RT(3, 24))),
            ("b", "/film/a.mov", TR(RT(86448, 24), RT(4, 24))),
            ("b", "/out/a.mov", TR(RT(4, 24), RT(44, 24))),
        ]
        assert len(answer.report) == 2


class TestSwitchable:
    def test_one_range_is_valid_for_both(self) -> None:
        new = placed(edit(clip("a", start=86424)), Layout.SWITCHABLE).tracks[0][0]
        assert new.active_media_reference_key == "restored"
        references = new.media_references()
        assert references["original"].target_url == "/film/a.mov"
        assert references["restored"].available_range == TR(RT(216060, 60), RT(120, 60))
        assert new.source_range == TR(RT(86424, 24), RT(48, 24))

    def test_again(self) -> None:
        """A clip that was restored before keeps its original and gets the new result."""
        once = placed(edit(clip("a")), Layout.SWITCHABLE)
        again = Restored("0/0", "/out/b.mov", F(60), 120, 1, 1, "jobs/2", "def")
        new = placed(once, Layout.SWITCHABLE, again).tracks[0][0]
        urls = {key: reference.target_url for key, reference in new.media_references().items()}
        assert urls == {"original": "/film/a.mov", "restored": "/out/b.mov"}
        assert new.metadata["resilver"]["job"] == "jobs/2"


class TestOneClip:
    def test_movie_learns_its_range(self) -> None:
        """100 frames played at 16 are 6.25 s = 375 frames of 60."""
        text = one_clip_timeline("/film/reel.mov", "reel", play_rate=F(16))
        (found,) = collect(text).clips
        spot = locate(found, F(24), 100)
        new = result(found.id, 375, source_rate=spot.rate, source_frames=100)
        row, above = parse_timeline(place(text, [new], Layout.OVERLAY).timeline).tracks
        assert row[0].source_range == TR(RT(0, 16), RT(100, 16))
        assert row[0].media_reference.available_range == TR(RT(0, 16), RT(100, 16))
        assert above[0].source_range == TR(RT(0, 16), RT(100, 16))
        assert above[0].media_reference.available_range == TR(RT(0, 60), RT(375, 60))

    def test_range_of_frames(self) -> None:
        text = one_clip_timeline("/film/reel.mov", "reel", frames=(24, 48))
        new = result("0/0", 60, source_rate=F(24), source_frames=100)
        row, above = parse_timeline(place(text, [new], Layout.OVERLAY).timeline).tracks
        assert row[0].source_range == TR(RT(24, 24), RT(24, 24))
        assert above[0].trimmed_range().duration == RT(24, 24)

    def test_folder_of_frames(self, tmp_path: Path) -> None:
        for number in range(86, 90):
            (tmp_path / f"scan_{number:05d}.png").write_bytes(b"")
        (tmp_path / "notes.txt").write_text("")
        (found,) = collect(one_clip_timeline(str(tmp_path), "scan", play_rate=F(18))).clips
        assert found.media == str(tmp_path / "scan_%05d.png")
        assert (found.first_number, found.play_rate, found.is_sequence) == (86, 18, True)

    def test_folder_with_two_sequences_is_left_to_probing(self, tmp_path: Path) -> None:
        (tmp_path / "a.001.png").write_bytes(b"")
        (tmp_path / "b.001.png").write_bytes(b"")
        (found,) = collect(one_clip_timeline(str(tmp_path), "scan")).clips
        assert found.media == str(tmp_path)


class TestRefusals:
    def test_results_of_another_timeline(self) -> None:
        text = to_json(edit(clip("a")))
        for results in ([result("0/5")], [result(), result()], [result(frames=0)]):
            with pytest.raises(InvalidRequest):
                place(text, results, Layout.OVERLAY)

    def test_file_that_is_too_short(self) -> None:
        """48 frames at 24 are 2 s = 120 frames of 60; 119 are one short."""
        with pytest.raises(FrameCountMismatch, match="119 frames"):
            placed(edit(clip("a")), Layout.OVERLAY, result(frames=119))

    def test_asked_count_is_taken_as_asked(self) -> None:
        item = clip("a")
        item.metadata["resilver"] = {"output_frames": 100}
        above = placed(edit(item), Layout.OVERLAY, result(frames=100)).tracks[1]
        assert above[0].source_range.duration == RT(48, 24)

    def test_several_rates(self) -> None:
        other = Restored("0/1", "/out/b.mov", F(50), 100, 1, 1, "j", "r")
        with pytest.raises(InvalidRequest, match="several rates"):
            place(to_json(edit(clip("a"), clip("b"))), [result(), other], Layout.OVERLAY, at_delivery_rate=True)

    def test_no_timeline(self) -> None:
        with pytest.raises(TimelineUnreadable):
            place("{}", [], Layout.OVERLAY)


def test_new_timeline_keeps_its_timecode() -> None:
    """Hour 1 at 24 is 86400; at 60 it is 216000, and at 59.94 too."""
    timeline = edit(clip("a"))
    timeline.global_start_time = RT(86400, 24)
    done = parse_timeline(place(to_json(timeline), [result()], Layout.OVERLAY, at_delivery_rate=True).timeline)
    assert done.global_start_time == RT(216000, 60)
    assert done.tracks[0][0].source_range == TR(RT(216000, 60), RT(120, 60))


def test_resolve_sample_is_untouched() -> None:
    """All of a real export but the new track is there again, byte for byte."""
    text = read_timeline(otio_sample("resolve", "ref2.otio")).json
    clips = collect(text).clips
    results = [Restored(each.id, "/out/x.mov", F(60), 1200, 1, 1, "j", "r", head=each.head) for each in clips]
    after = json.loads(place(text, results, Layout.OVERLAY).timeline)
    (added,) = [each for each in after["tracks"]["children"] if "resilver" in each["metadata"]]
    after["tracks"]["children"].remove(added)
    assert json.dumps(after, sort_keys=True) == json.dumps(json.loads(text), sort_keys=True)
