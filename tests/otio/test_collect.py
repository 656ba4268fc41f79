"""Which clips are taken, what is read off them, and what is refused."""

from __future__ import annotations

from fractions import Fraction as F

import opentimelineio as otio
import pytest

from resilver_client.errors import SelectionEmpty
from resilver_otio.collect import collect
from resilver_otio.parse import to_json
from resilver_otio.sources import one_clip_timeline
from resilver_otio.types import Collected, Refusal, Selection

RT, TR = otio.opentime.RationalTime, otio.opentime.TimeRange


def clip(
    name: str, start: float = 0, length: float = 24, rate: float = 24, url: str = "/film/a.mov"
) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(url, TR(RT(0, rate), RT(1000, rate)))
    return otio.schema.Clip(name, reference, TR(RT(start, rate), RT(length, rate)))


def gap(length: float) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=TR(RT(0, 24), RT(length, 24)))


def track(*children: otio.core.Composable, name: str = "Video 1", kind: str = "Video") -> otio.schema.Track:
    made = otio.schema.Track(name, kind=kind)
    made.extend(children)
    return made


def timeline(*tracks: otio.core.Item) -> otio.schema.Timeline:
    made = otio.schema.Timeline("edit")
    made.tracks.extend(tracks)
    return made


def ids(found: Collected) -> list[str]:
    return [each.id for each in found.clips]


def only_refusal(item: otio.schema.Clip) -> Refusal:
    found = collect(timeline(track(item)))
    assert not found.clips
    return found.refusals[0]


@pytest.fixture
def edit() -> otio.schema.Timeline:
    """V1: one [0, 24), gap, two [36, 60); V2: three [0, 24) at its own offset of 48; then audio."""
    one, two, three = clip("one"), clip("two.[1-9].dpx"), clip("three")
    one.markers.append(otio.schema.Marker("dirt", TR(RT(3, 24), RT(1, 24)), "CYAN"))
    made = timeline(
        track(one, gap(12), two),
        track(gap(48), three, name="Titles"),
        track(clip("sound"), name="Audio 1", kind="Audio"),
    )
    made.tracks.markers.append(otio.schema.Marker("fix", TR(RT(50, 24), RT(0, 24)), "RED"))
    return made


class TestSelection:
    def test_everything(self, edit: otio.schema.Timeline) -> None:
        assert ids(collect(edit)) == ["0/0", "0/2", "1/1"]

    @pytest.mark.parametrize(
        ("selection", "expected"),
        [
            (Selection(names=("one",)), ["0/0"]),
            (Selection(names=("one", "three")), ["0/0", "1/1"]),
            (Selection(names=("two.[1-9].dpx",)), ["0/2"]),
            (Selection(names=("t*",)), ["0/2", "1/1"]),
            (Selection(names=("two.[1-9].d?x",)), ["0/2"]),
            (Selection(indices=(2,)), ["1/1"]),
            (Selection(tracks=("Titles",)), ["1/1"]),
            (Selection(tracks=("1",)), ["0/0", "0/2"]),
            (Selection(markers=("dirt",)), ["0/0"]),
            (Selection(markers=("fix",)), ["0/2", "1/1"]),
            (Selection(colours=("cyan",)), ["0/0"]),
            (Selection(colours=("Red",), tracks=("2",)), ["1/1"]),
            (Selection(range=(F(1), F(3, 2))), []),
            (Selection(range=(F(59, 24), F(60, 24))), ["0/2", "1/1"]),
            (Selection(range=(F(60, 24), F(61, 24))), ["1/1"]),
            (Selection(range=(F(0), F(1))), ["0/0"]),
        ],
    )
    def test_conditions(self, selection: Selection, expected: list[str], edit: otio.schema.Timeline) -> None:
        if expected:
            assert ids(collect(edit, selection)) == expected
        else:
            with pytest.raises(SelectionEmpty, match="three"):
                collect(edit, selection)

    def test_audio_and_disabled_clips_are_not_film(self, edit: otio.schema.Timeline) -> None:
        edit.tracks[0][0].enabled = False
        edit.tracks[1].enabled = False
        assert ids(collect(edit)) == ["0/2"]

    def test_indices_count_clips_that_are_not_taken_too(self, edit: otio.schema.Timeline) -> None:
        edit.tracks[0][0].enabled = False
        assert ids(collect(edit, Selection(indices=(1,)))) == ["0/2"]

    def test_clip_colour(self, edit: otio.schema.Timeline) -> None:
        if not hasattr(edit.tracks[0][0], "color"):
            pytest.skip("this OpenTimelineIO has no clip colours")
        edit.tracks[0][2].color = otio.core.Color.ORANGE
        assert ids(collect(edit, Selection(colours=("orange",)))) == ["0/2"]

    def test_json_is_taken_as_well(self, edit: otio.schema.Timeline) -> None:
        assert collect(to_json(edit)) == collect(edit)


class TestTimes:
    def test_record_positions(self, edit: otio.schema.Timeline) -> None:
        assert [each.record_start for each in collect(edit).clips] == [0, F(36, 24), 2]

    def test_nested_positions(self) -> None:
        """The stack starts at 12 and is trimmed by 10: inner frame 24 is at 12 + 24 - 10 = 26 of the timeline."""
        stack = otio.schema.Stack("nest", source_range=TR(RT(10, 24), RT(30, 24)))
        stack.append(track(clip("a"), clip("b"), clip("hidden"), name="inner"))
        found = collect(timeline(track(gap(12), stack)))
        assert [(each.id, each.record_start * 24) for each in found.clips] == [("0/1/0/0", 2), ("0/1/0/1", 26)]

    def test_retimed_nest(self) -> None:
        """At 200 % the inner second [1, 2) is shown half a second after the nest's start, for half a second."""
        stack = otio.schema.Stack("nest", source_range=TR(RT(0, 24), RT(24, 24)))
        stack.append(track(clip("a"), clip("b"), clip("hidden"), name="inner"))
        stack.effects.append(otio.schema.LinearTimeWarp("fast", 2.0))
        found = collect(timeline(track(gap(24), stack)))
        assert [(each.name, each.record_start) for each in found.clips] == [("a", 1), ("b", F(3, 2))]
        assert [each.speed for each in found.clips] == [1, 1]

    def test_frozen_nest_shows_one_clip(self) -> None:
        stack = otio.schema.Stack("nest", source_range=TR(RT(30, 24), RT(24, 24)))
        stack.append(track(clip("a"), clip("b"), name="inner"))
        stack.effects.append(otio.schema.FreezeFrame())
        assert [each.name for each in collect(timeline(track(stack))).clips] == ["b"]

    def test_ramp_around_is_refused(self) -> None:
        stack = otio.schema.Stack("nest")
        stack.append(track(clip("a"), name="inner"))
        stack.effects.append(otio.schema.TimeEffect("ease"))
        (refusal,) = collect(timeline(track(stack))).refusals
        assert (refusal.clip, refusal.reason) == ("a", "CLIP_UNSUPPORTED")
        assert "inside 'nest'" in refusal.message

    def test_clip_after_one_of_unknown_length_is_refused(self) -> None:
        unknown = otio.schema.Clip("open", otio.schema.ExternalReference("/film/a.mov"))
        found = collect(timeline(track(unknown, clip("b"))))
        assert ids(found) == ["0/0"]
        assert found.clips[0].duration is None
        assert found.refusals[0].clip == "b"

    def test_warps_multiply(self) -> None:
        item = clip("a")
        for scalar in (2.0, -0.75):
            item.effects.append(otio.schema.LinearTimeWarp("w", scalar))
        assert collect(timeline(track(item))).clips[0].speed == F(-3, 2)

    def test_disabled_effects_do_nothing(self) -> None:
        item = clip("a")
        warp = otio.schema.LinearTimeWarp("w", 2.0)
        warp.enabled = False
        item.effects.append(warp)
        assert collect(timeline(track(item))).clips[0].speed == 1

    @pytest.mark.parametrize("rate", [23.976, 23.98, 24000 / 1001, 23.976024627685547])
    def test_rates_are_exact(self, rate: float) -> None:
        """An hour in: 86400 frames of 24000/1001 are 3603.6 s, whichever way the rate is written."""
        (found,) = collect(timeline(track(clip("a", start=86400, rate=rate)))).clips
        assert (found.timeline_rate, found.media_rate) == (F(24000, 1001), F(24000, 1001))
        assert found.source_start == F("3603.6")

    def test_noise_is_taken_off_and_fractions_are_kept(self) -> None:
        noisy, true = clip("a", start=20.000000000000004), clip("b", start=91046.625, rate=25)
        found = collect(timeline(track(noisy, true))).clips
        assert [each.source_start for each in found] == [F(20, 24), F("3641.865")]

    def test_transitions_on_either_side(self) -> None:
        mix = otio.schema.Transition("mix", "SMPTE_Dissolve", RT(2, 24), RT(3, 24))
        first, second = collect(timeline(track(clip("a", 10), mix, clip("b", 10)))).clips
        assert (first.head, first.tail, second.head, second.tail) == (0, F(3, 24), F(2, 24), 0)
        assert second.record_start == 1


class TestMedia:
    def test_sequence(self) -> None:
        reference = otio.schema.ImageSequenceReference(
            "/film/100%", "scan.", ".dpx", 86400, 1, 24, 5, available_range=TR(RT(0, 24), RT(50, 24))
        )
        item = otio.schema.Clip("s", reference, TR(RT(3, 24), RT(9, 24)))
        (found,) = collect(timeline(track(item))).clips
        assert (found.media, found.first_number, found.is_sequence) == ("/film/100%/scan.%05d.dpx", 86400, True)

    @pytest.mark.parametrize(("step", "start", "word"), [(2, 0, "every 2th file"), (1, -5, "negative")])
    def test_odd_sequences_are_refused(self, step: int, start: int, word: str) -> None:
        reference = otio.schema.ImageSequenceReference(
            "/film", "s.", ".dpx", start, step, 24, 4, available_range=TR(RT(0, 24), RT(50, 24))
        )
        refusal = only_refusal(otio.schema.Clip("s", reference, TR(RT(0, 24), RT(9, 24))))
        assert (refusal.clip, refusal.reason) == ("s", "CLIP_UNSUPPORTED")
        assert word in refusal.message

    def test_offline_media_of_resolve(self) -> None:
        missing = otio.schema.MissingReference(metadata={"Resolve_OTIO": {"Media Url": "/gone/a.mov"}})
        refusal = only_refusal(otio.schema.Clip("a", missing, TR(RT(0, 24), RT(9, 24))))
        assert (refusal.clip, refusal.reason) == ("a", "CLIP_OFFLINE")
        assert "/gone/a.mov" in refusal.message

    def test_title_of_resolve(self) -> None:
        made = track(otio.schema.Clip("Text+", otio.schema.MissingReference(), TR(RT(0, 24), RT(9, 24))))
        made.metadata["Resolve_OTIO"] = {"Locked": False}
        (refusal,) = collect(timeline(made)).refusals
        assert (refusal.clip, refusal.reason) == ("Text+", "CLIP_UNSUPPORTED")

    def test_generator(self) -> None:
        generator = otio.schema.GeneratorReference("bars", "SMPTEBars")
        assert only_refusal(otio.schema.Clip("bars", generator, TR(RT(0, 24), RT(9, 24)))).reason == "CLIP_UNSUPPORTED"

    def test_remote_media(self) -> None:
        refusal = only_refusal(clip("net", url="https://example.com/a.mov"))
        assert (refusal.clip, refusal.reason) == ("net", "CLIP_UNSUPPORTED")
        assert "net" in refusal.message

    def test_effect_that_may_change_time(self) -> None:
        item = clip("a")
        item.effects.append(otio.schema.Effect("x", "TimeWarp3"))
        assert "'x'" in only_refusal(item).message

    def test_other_effects_stay_on_the_original(self) -> None:
        item = clip("a")
        item.effects.append(otio.schema.Effect("blur", "Blur"))
        untouched = {"Effect Name": "Cropping", "Enabled": True, "Parameters": [], "Type": 3}
        item.effects.append(otio.schema.Effect("", "Resolve Effect", {"Resolve_OTIO": untouched}))
        assert collect(timeline(track(item))).clips[0].notes == ("blur",)

    def test_restored_clips_are_not_restored_again(self) -> None:
        above = track(clip("restored a"), name="Restored")
        above.metadata["resilver"] = {"layer": "restored"}
        both = timeline(track(clip("a")), above)
        assert ids(collect(both)) == ["0/0"]
        assert ids(collect(both, Selection(tracks=("Restored",)))) == ["1/0"]

    def test_switchable_clip_is_restored_from_its_original(self) -> None:
        item = clip("a")
        new = otio.schema.ExternalReference("/out/a.mov", TR(RT(0, 60), RT(2500, 60)))
        item.set_media_references({"original": item.media_reference, "restored": new}, "restored")
        assert collect(timeline(track(item))).clips[0].media == "/film/a.mov"


class TestAskedInMetadata:
    def test_all_of_it(self) -> None:
        item = clip("a")
        item.metadata["resilver"] = {
            "rate": "16", "fields": "ivtc", "output_frames": 61, "output_offset": "1/240",
            "first_number": 7, "frames": [3, 9], "start": "7/24000", "duration": "1001/24000",
            "mattes": {"upscale": "/m.png"}, "key_frames": {"colour": "/k.%04d.png"},
            "keep_frames": {"repair": "120-139, 200"}, "parameters": {"repair": {"bad": "7", "largest": 0.5}},
        }  # fmt: skip
        (found,) = collect(timeline(track(item))).clips
        assert (found.play_rate, found.fields, found.output_frames, found.output_offset) == (16, "ivtc", 61, F(1, 240))
        assert (found.first_number, found.frames) == (7, (3, 9))
        assert (found.exact_start, found.duration) == (F(7, 24000), F(1001, 24000))
        assert found.pictures == {"mattes": {"upscale": "/m.png"}, "key_frames": {"colour": "/k.%04d.png"}}
        assert found.keep_frames == {"repair": "120-139, 200"}
        assert found.parameters == {"repair": {"bad": "7", "largest": 0.5}}

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("rate", "fast"),
            ("rate", "-1"),
            ("fields", "yadif"),
            ("output_frames", 0),
            ("frames", [5, 5]),
            ("frames", 3),
            ("start", "soon"),
            ("start", "1e999999999"),
            ("duration", "0"),
            ("mattes", "/m.png"),
            ("keep_mattes", {"upscale": 3}),
            ("key_frames", {"colour": ""}),
            ("defect_maps", ["/m.png"]),
            ("keep_frames", {"repair": [1, 2]}),
            ("keep_frames", "1-2"),
            ("parameters", {"repair": "bad=7"}),
            ("parameters", {"repair": {"bad": [7]}}),
        ],
    )
    def test_nonsense_is_refused_by_key(self, key: str, value: object) -> None:
        item = clip("a")
        item.metadata["resilver"] = {key: value}
        refusal = only_refusal(item)
        assert f"metadata.resilver.{key}" in refusal.message

    def test_one_clip_timeline(self) -> None:
        text = one_clip_timeline("/film/reel.mov", "reel", play_rate=F(18), fields="bwdif", frames=(24, 48))
        (found,) = collect(text).clips
        assert (found.media, found.name, found.play_rate, found.fields) == ("/film/reel.mov", "reel", 18, "bwdif")
        assert (found.frames, found.duration, found.source_start) == ((24, 48), None, None)
