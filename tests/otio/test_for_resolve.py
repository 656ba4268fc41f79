"""Results in the shape that Resolve imports: real exports through ``place``, and what has to be left out."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from fractions import Fraction as F
from typing import Any

import pytest

from resilver_client.errors import ClipUnsupported, InvalidRequest, TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.for_resolve import for_resolve, is_from_resolve
from resilver_otio.place import place
from resilver_otio.read import read_timeline
from resilver_otio.times import snap_rate
from resilver_otio.types import Layout
from support.resolve_edits import around, clip, dissolve, gap, item, restored, span, time, title, track, warp
from support.resolve_rules import faults_of, seconds
from support.shared import otio_sample

TIMELINES = (
    "base", "ref10_clean_audio_base", "ref2", "ref3_clipvol", "ref4_retime_50pct", "ref5_speedramp_stepped",
)  # fmt: skip
CLIPS = (
    "img_seq_2x_speed_resolve", "img_seq_embedded_tc", "img_seq_with_handles", "movie_with_handles", "qt_embedded_tc",
    "qt_retimed_speed",
)  # fmt: skip


def sample(name: str) -> Any:
    """The JSON of a real export; of a lone clip in the timeline that it was cut out of."""
    if name in TIMELINES:
        return json.loads(otio_sample("resolve", f"{name}.otio").read_text())
    return around(json.loads(otio_sample("resolve_clips", f"{name}.json").read_text()))


def through(data: Any, layout: Layout = Layout.OVERLAY, at_delivery_rate: bool = False, **more: Any) -> Any:
    """The result of restoring every clip that can be, as it is written for Resolve, and the restored files."""
    text = json.dumps(data)
    results = [restored(each, at_delivery_rate, **more) for each in collect(text).clips]
    placed = place(text, results, layout, at_delivery_rate)
    return json.loads(for_resolve(placed.timeline).timeline), results


def lying(track: Any) -> list[tuple[F, F, int, str]]:
    """Of every clip: record start and duration in seconds, its first frame in the file, and the file's path. The frame
    is the whole part, as an importer in floating point has it that cuts fractions off."""
    found, cursor = [], F(0)
    for child in track["children"]:
        if child["OTIO_SCHEMA"] == "Transition.1":
            continue
        length = seconds(child["source_range"]["duration"])
        if child["OTIO_SCHEMA"] == "Clip.2":
            media = child["media_references"]["DEFAULT_MEDIA"]
            start, first = child["source_range"]["start_time"], media["available_range"]["start_time"]
            into = math.floor(start["value"] / start["rate"] * first["rate"]) - round(first["value"])
            found.append((cursor, length, into, media.get("target_url") or media["target_url_base"]))
        cursor += length
    return found


class TestRules:
    """The validator takes what Resolve wrote, and sees each thing that Resolve refuses."""

    @pytest.mark.parametrize("name", [*TIMELINES, *CLIPS])
    def test_real_exports_keep_them(self, name: str) -> None:
        assert faults_of(sample(name)) == []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda t, c: t.update(global_start_time=None), "no global_start_time"),
            (lambda t, c: t.update(metadata={}), "not signed"),
            (lambda t, c: c.update(OTIO_SCHEMA="Clip.3"), "Clip.3 is not known"),
            (lambda t, c: c.update(color=None), "other fields: ['OTIO_SCHEMA', 'color']"),
            (lambda t, c: c.update(media_references={"restored": {}}), "not one DEFAULT_MEDIA"),
            (lambda t, c: c.update(source_range=span(0, 48, 24.0)), "shows 0.0 s"),
            (lambda t, c: c.update(source_range=span(216000, 120, 60.0)), "not in the timeline's rate"),
            (lambda t, c: c["media_references"]["DEFAULT_MEDIA"].update(target_url="file:///a.mov"), "not bare"),
            (lambda t, c: c["media_references"]["DEFAULT_MEDIA"].update(available_range=None), "no range"),
            (lambda t, c: c["markers"].append({"OTIO_SCHEMA": "Marker.3"}), "Marker.3 is not known"),
            (lambda t, c: c.update(media_references=title(2)["media_references"]), "has no media"),
            (lambda t, c: t["tracks"]["children"][0]["children"].append(dissolve(2)), "not between two clips"),
            (lambda t, c: t["tracks"]["children"][0]["children"].extend([gap(2), gap(3)]), "side by side"),
        ],
    )
    def test_each_can_be_broken(self, change: Any, said: str) -> None:
        data = around(clip("a.mov"))
        assert faults_of(data) == []
        change(data, data["tracks"]["children"][0]["children"][0])
        assert any(said in fault for fault in faults_of(data))


class TestRealExports:
    @pytest.mark.parametrize("sequence", [False, True])
    @pytest.mark.parametrize("at_delivery_rate", [False, True])
    @pytest.mark.parametrize("layout", [Layout.OVERLAY, Layout.REPLACE])
    @pytest.mark.parametrize("name", [*TIMELINES, *CLIPS])
    def test_the_result_keeps_the_rules(
        self, name: str, layout: Layout, at_delivery_rate: bool, sequence: bool
    ) -> None:
        done, _ = through(sample(name), layout, at_delivery_rate, sequence=sequence)
        assert faults_of(done) == []

    @pytest.mark.parametrize("name", [*TIMELINES, *CLIPS])
    def test_what_resolve_wrote_is_there_bit_by_bit(self, name: str) -> None:
        """But for the new track the result is the export: the text of every number too."""
        data = sample(name)
        done, results = through(data)
        tracks = done["tracks"]["children"]
        added = [each for each in tracks if "resilver" in each["metadata"]]
        assert len(added) == (1 if results else 0)
        done["tracks"]["children"] = [each for each in tracks if each not in added]
        assert json.dumps(done, sort_keys=True) == json.dumps(data, sort_keys=True)

    @pytest.mark.parametrize("name", [name for name in (*TIMELINES, *CLIPS) if "ramp" not in name])
    def test_restored_clips_lie_where_theirs_do(self, name: str) -> None:
        """Start and duration are the original's, the file's own first frame is at the clip's, after the head."""
        data = sample(name)
        done, results = through(data)
        (added,) = [each for each in done["tracks"]["children"] if "resilver" in each["metadata"]]
        originals = lying(data["tracks"]["children"][0])
        assert len(results) == len(originals)
        expected = [
            (start, length, result.head * 60, result.path)
            for (start, length, _, _), result in zip(originals, results, strict=True)
        ]
        assert lying(added) == expected

    def test_a_dissolve_at_the_rate_of_the_result(self) -> None:
        """Cuts at 546, 596 and 646 of 50 are at 655.2, 715.2 and 775.2 of 60: the first frames from there are 656, 716
        and 776. The second file begins at the first of them, so its clip begins 60 frames into it."""
        done, _ = through(sample("ref2"), at_delivery_rate=True)
        assert done["global_start_time"] == time(216000, 60.0)  # hour 1
        video, above, sound = done["tracks"]["children"]
        for row in (video, above):
            mix = row["children"][1]
            assert (mix["in_offset"], mix["out_offset"]) == (time(60, 60.0), time(60, 60.0))
            (curve,) = mix["metadata"]["Resolve_OTIO"]["Effects"]["Parameters"]
            assert list(curve["Key Frames"]) == ["0", "120"]  # as long as the dissolve; 100 frames of 50 before
        assert [(start * 60, length * 60, into) for start, length, into, _ in lying(above)] == [
            (0, 716, 0),
            (716, 1084, 60),
        ]
        assert [length * 60 for _, length, _, _ in lying(sound)] == [1800]

    def test_key_frames_keep_their_moment_at_another_rate(self) -> None:
        """A zoom over the media: from 32 timeline frames (of 25) before the clip to 1009 after its start."""
        done, _ = through(sample("qt_embedded_tc"), at_delivery_rate=True)
        effects = done["tracks"]["children"][0]["children"][0]["effects"]
        (zoom,) = [e["metadata"]["Resolve_OTIO"] for e in effects if "Zoom" in str(e)]
        frames = [list(parameter["Key Frames"]) for parameter in zoom["Parameters"]]
        assert frames == [["-77", "2422"]] * 2  # -76.8 and 2421.6 of 60

    def test_markers_keep_their_moment_at_another_rate(self) -> None:
        """At 90054@25 = 3602.16 s: the first frame of 60 from there is 216130 (3602.1667 s)."""
        done, _ = through(sample("qt_embedded_tc"), at_delivery_rate=True)
        (marker,) = done["tracks"]["children"][0]["children"][0]["markers"]
        assert marker["marked_range"] == span(216130, 1, 60.0)

    def test_sound_with_key_frames_is_named_at_another_rate(self) -> None:
        data = sample("ref3_clipvol")
        effects = data["tracks"]["children"][1]["children"][0]["effects"]
        (volume,) = [
            each
            for effect in effects
            for each in effect["metadata"]["Resolve_OTIO"]["Parameters"]
            if each["Parameter ID"] == "volume"
        ]
        volume["Key Frames"] = {"0": {"Value": 0.0, "Variant Type": "Double"}}
        results = [restored(each, True) for each in collect(json.dumps(data)).clips]
        report = place(json.dumps(data), results, Layout.OVERLAY, at_delivery_rate=True).report
        assert any("look after the key frames of Fairlight Clip Volume and Fades" in line for line in report)


class TestRates:
    """Timelines of every rate, with restored files of 60 and of 59.94, at the timeline's rate and at the file's."""

    @pytest.mark.parametrize("at_delivery_rate", [False, True])
    @pytest.mark.parametrize("delivery", [F(60), F(60000, 1001)])
    @pytest.mark.parametrize("rate", [23.976, 23.976023976023978, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0])
    def test_every_clip_is_on_its_frame(self, rate: float, delivery: F, at_delivery_rate: bool) -> None:
        exact, base = snap_rate(rate), round(rate)
        first = 3600 * base + 7

        def media(name: str) -> Any:
            made = clip(name, reference=None)["media_references"]["DEFAULT_MEDIA"]
            return {**made, "available_range": span(3600 * base, 400, rate)}

        a, b, c = (clip(n, first, count, rate, media(n)) for n, count in (("a", 49), ("b", 50), ("c", 33)))
        c["effects"] = [warp(-2.0)]
        data = around(gap(5, rate), a, dissolve(4, rate), b, gap(11, rate), c, rate=rate)
        done, results = through(data, at_delivery_rate=at_delivery_rate, rate=delivery)
        assert faults_of(done) == []
        (added,) = [each for each in done["tracks"]["children"] if "resilver" in each["metadata"]]
        grid = delivery if at_delivery_rate else exact
        cuts = [[math.ceil(F(frame) / exact * grid) for frame in cut] for cut in ((5, 54), (54, 104), (115, 148))]
        lie = lying(added)
        assert [[start * grid, (start + length) * grid] for start, length, _, _ in lie] == cuts
        heads = [0, 4, 0]  # the dissolve shows four frames of the second file before its cut
        into = [F(head) / exact * delivery for head in heads]
        if at_delivery_rate:
            into = [F(0), F(cuts[1][0] - math.ceil(F(50) / exact * delivery)), F(0)]
        assert [frame for _, _, frame, _ in lie] == [math.floor(frame) for frame in into]
        for (_, length, frame, _), result in zip(lie, results, strict=True):
            assert frame + length * delivery <= result.frames


class TestWhatIsLeftOut:
    def test_a_title_becomes_a_gap_of_its_length(self) -> None:
        shaped = for_resolve(json.dumps(around(clip("a.mov"), title(30), clip("b.mov"))))
        data = json.loads(shaped.timeline)
        row = data["tracks"]["children"][0]["children"]
        assert [each["OTIO_SCHEMA"] for each in row] == ["Clip.2", "Gap.1", "Clip.2"]
        assert row[1]["source_range"] == span(0, 30, 24.0)
        assert lying(data["tracks"]["children"][0])[1][0] == F(78, 24)
        assert faults_of(data) == []
        (said,) = shaped.report
        assert said.startswith("Text+ (Video 1, 2.000 s in) is left out")

    def test_dissolves_with_it_go_and_gaps_become_one(self) -> None:
        data = around(clip("a.mov"), dissolve(4), title(30), gap(10), title(5, "Text 2"), clip("b.mov"))
        shaped = for_resolve(json.dumps(data))
        row = json.loads(shaped.timeline)["tracks"]["children"][0]["children"]
        assert [each["OTIO_SCHEMA"] for each in row] == ["Clip.2", "Gap.1", "Clip.2"]
        assert row[1]["source_range"] == span(0, 45, 24.0)
        assert faults_of(json.loads(shaped.timeline)) == []
        assert "Cross Dissolve" in " ".join(shaped.report)

    def test_offline_media_are_named_with_their_path(self) -> None:
        missing = {
            "OTIO_SCHEMA": "MissingReference.1", "metadata": {"Resolve_OTIO": {"Media Url": "/gone/b.mov"}}, "name": "",
            "available_range": span(0, 100, 24.0), "available_image_bounds": None,
        }  # fmt: skip
        shaped = for_resolve(json.dumps(around(clip("a.mov"), clip("b.mov", reference=missing))))
        assert "its media is offline: /gone/b.mov" in shaped.report[0]
        assert faults_of(json.loads(shaped.timeline)) == []

    def test_unknown_schemas_go_wherever_they_are(self) -> None:
        a = clip("a.mov")
        a["effects"].append({"OTIO_SCHEMA": "NeuralEffect.1", "metadata": {}, "name": "glow"})
        a["metadata"]["note"] = {"OTIO_SCHEMA": "StudioNote.2", "text": "x"}
        own = {"OTIO_SCHEMA": "StudioReference.1", "metadata": {}, "name": "", "available_range": None}
        shaped = for_resolve(json.dumps(around(a, clip("b.mov", reference=own))))
        done = json.loads(shaped.timeline)
        assert faults_of(done) == []
        assert "OTIO_SCHEMA" not in str(done["tracks"]["children"][0]["children"][0]["metadata"])
        for schema in ("NeuralEffect.1", "StudioNote.2", "StudioReference.1"):
            assert any(schema in line for line in shaped.report)

    def test_generators_and_nests_stay(self) -> None:
        """Both are forms that Resolve writes or reads; a title inside a nest goes all the same."""
        colour = {
            "OTIO_SCHEMA": "GeneratorReference.1", "metadata": {"Resolve_OTIO": {"Generator Type": "Solid Color"}},
            "name": "", "available_range": None, "available_image_bounds": None, "generator_kind": "Solid Color",
            "parameters": {},
        }  # fmt: skip
        nest = item("Stack.1", "nest", source_range=span(0, 24, 24.0), children=[track("inner", title(24))])
        shaped = for_resolve(json.dumps(around(clip("colour", 0, reference=colour), nest)))
        row = json.loads(shaped.timeline)["tracks"]["children"][0]["children"]
        assert row[0]["media_references"]["DEFAULT_MEDIA"]["OTIO_SCHEMA"] == "GeneratorReference.1"
        assert row[1]["children"][0]["children"][0]["OTIO_SCHEMA"] == "Gap.1"
        assert len(shaped.report) == 1

    def test_sequences_are_told_to_be_looked_after(self) -> None:
        data = around(clip("a.mov"))
        results = [restored(each, False, sequence=True) for each in collect(json.dumps(data)).clips]
        shaped = for_resolve(place(json.dumps(data), results, Layout.OVERLAY).timeline)
        above = json.loads(shaped.timeline)["tracks"]["children"][1]["children"][0]
        media = above["media_references"]["DEFAULT_MEDIA"]
        assert (media["target_url_base"], media["name"]) == ("/out", "x.[000001-000120].exr")
        (said,) = shaped.report
        assert "x.[000001-000120].exr" in said
        assert "Resolve 18" in said

    @pytest.mark.parametrize(
        ("rate", "delivery", "told"),
        [
            (24.0, F(60), False),
            (23.976, F(60000, 1001), False),
            (23.976, F(60), True),
            (25.0, F(60000, 1001), True),
        ],
    )
    def test_timecode_between_kinds_of_rates_is_told(self, rate: float, delivery: F, told: bool) -> None:
        """An hour of timecode at 23.976 lasts 3603.6 s, one at 60 lasts 3600 s."""
        base = 3600 * round(rate)
        a = clip("a.mov", base, 48, rate)
        a["media_references"]["DEFAULT_MEDIA"]["available_range"] = span(base, 240, rate)
        text = json.dumps(around(a, rate=rate))
        results = [restored(each, False, delivery) for each in collect(text).clips]
        report = for_resolve(place(text, results, Layout.OVERLAY).timeline).report
        assert any("was not measured" in line for line in report) == told
        without = [dataclasses.replace(each, start_time=None) for each in results]
        assert for_resolve(place(text, without, Layout.OVERLAY).timeline).report == ()


class TestPaths:
    def test_urls_become_plain(self) -> None:
        urls = {
            "file:///film/a%20b.mov": "/film/a b.mov",
            "file:///E:/film/a.mov": "E:\\film\\a.mov",
            "E:\\film\\ä.mov": "E:\\film\\ä.mov",
            "/film/a.mov": "/film/a.mov",
        }
        for url, path in urls.items():
            data = around(clip("a.mov"))
            media = data["tracks"]["children"][0]["children"][0]["media_references"]["DEFAULT_MEDIA"]
            media["target_url"] = url
            done = json.loads(for_resolve(json.dumps(data)).timeline)
            media = done["tracks"]["children"][0]["children"][0]["media_references"]["DEFAULT_MEDIA"]
            assert media["target_url"] == path


class TestRefusals:
    def test_timelines_of_others(self) -> None:
        data = around(clip("a.mov"))
        data["metadata"] = {}
        assert not is_from_resolve(json.dumps(data))
        with pytest.raises(InvalidRequest, match="not an export of DaVinci Resolve"):
            for_resolve(json.dumps(data))
        with pytest.raises(TimelineUnreadable):
            for_resolve("{}")
        assert not is_from_resolve("nothing")

    def test_clips_with_two_media(self) -> None:
        text = json.dumps(around(clip("a.mov")))
        switchable = place(text, [restored(each, False) for each in collect(text).clips], Layout.SWITCHABLE)
        with pytest.raises(ClipUnsupported, match=r"several media, a\.mov"):
            for_resolve(switchable.timeline)

    def test_no_change_of_what_was_given(self) -> None:
        data = around(clip("a.mov"), title(3))
        before = copy.deepcopy(data)
        for_resolve(json.dumps(data))
        assert data == before


def test_again() -> None:
    """What was shaped once stays as it is."""
    text = json.dumps(around(clip("a.mov"), title(3), clip("b.mov")))
    once = for_resolve(text)
    again = for_resolve(once.timeline)
    assert (again.timeline, again.report) == (once.timeline, ())


def test_results_of_an_export_are_known_as_such() -> None:
    text = read_timeline(otio_sample("resolve", "ref2.otio")).json
    assert is_from_resolve(text)
