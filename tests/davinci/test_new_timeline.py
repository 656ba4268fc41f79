"""A timeline with settings of its own, filled; or none."""

from __future__ import annotations

from typing import Any

import pytest

from davinci.resolve_double import Profile
from davinci.scene import MENU, MODERN, Scene, attempt, every_call, outline, spans
from resilver_davinci import importing
from resilver_davinci.refused import Refused
from resilver_davinci.timelines import free_name

by_profile = pytest.mark.parametrize("profile", MENU, ids=lambda profile: profile.name)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAITS", (0.0, 0.0))


def scored(profile: Profile = MODERN) -> Scene:
    """A scene whose reel has sound."""
    scene = Scene(profile)
    scene.reel.sound = True
    scene.double.keep()
    return scene


def make(scene: Scene, **more: Any) -> dict[str, Any]:
    """A timeline in 4K60 with two clips and a piece of sound."""
    clips = [
        scene.request(0, track=1, start=0, duration=60, source_start=20, source_end=80),
        scene.request(1, track=2, start=60, duration=62, source_start=20, source_end=82),
    ]
    sound = {"name": "Ton", "media": scene.reel.id, "track": 2, "start": 0, "duration": 60}
    asked = {
        "name": "Reel 1 4K60",
        "width": 3840,
        "height": 2160,
        "rate": "60",
        "start_timecode": "01:00:00:00",
        "bin": "Resilver",
        "clips": clips,
        "sound": [{**sound, "source_start": 0, "source_end": 24}],
    }
    return scene.call("new_timeline", **{**asked, **more})


@by_profile
def test_settings_clips_and_sound_are_as_asked(profile: Profile) -> None:
    scene = scored(profile)
    before = scene.state()
    result = make(scene)
    (made,) = [one for one in scene.double.project.timelines if one is not scene.timeline]
    assert result["timeline"] == {
        "id": made.id,
        "name": "Reel 1 4K60",
        "start": 216000,
        "rate": "60",
        "width": 3840,
        "height": 2160,
    }
    assert result["notes"] == []
    assert (made.rate, made.custom, made.start) == (60, True, 216000)
    lying = scene.double.lying(made)
    assert (spans(lying, 1), spans(lying, 2)) == ([(216000, 60)], [(216060, 62)])
    assert [(one.track, one.start, one.duration) for one in lying if one.kind == "audio"] == [(2, 216000, 60)]
    assert [(one["start"], one["duration"]) for one in result["placed"]] == [(216000, 60), (216060, 62)]
    now = scene.state()
    assert now["lying"][scene.timeline.id] == before["lying"][scene.timeline.id]
    assert now["open"] == before["open"]


@by_profile
@pytest.mark.parametrize(
    ("rate", "start_timecode", "first"),
    [("23.976", "01:00:00:00", 86400), ("50", "10:00:00:00", 1800000), ("59.94", "01:00:00:00", 216000)],
)
def test_other_rates_and_starts(profile: Profile, rate: str, start_timecode: str, first: int) -> None:
    scene = Scene(profile)
    result = make(scene, rate=rate, start_timecode=start_timecode, clips=[], sound=[])
    assert (result["timeline"]["rate"], result["timeline"]["start"]) == (rate, first)


@by_profile
def test_drop_frame(profile: Profile) -> None:
    scene = Scene(profile)
    result = make(scene, rate="59.94 DF", start_timecode="01:00:00;00", clips=[], sound=[])
    assert (result["timeline"]["rate"], result["timeline"]["start"]) == ("59.94 DF", 215784)


def test_a_name_that_is_taken_gets_a_number() -> None:
    scene = Scene()
    assert make(scene, name="Reel 1", clips=[], sound=[])["timeline"]["name"] == "Reel 1 2"
    assert make(scene, name="Reel 1", clips=[], sound=[])["timeline"]["name"] == "Reel 1 3"
    assert free_name("A", {"B"}) == "A"


def test_sound_that_cannot_be_laid_exactly_is_left_out_and_named() -> None:
    scene = scored()
    piece = {"track": 1, "start": 0, "duration": 60, "source_start": 0, "source_end": 24}
    sound = [
        {**piece, "name": "gone", "media": "no such id"},
        {**piece, "name": "too long", "media": scene.reel.id, "source_end": 30},
        {**piece, "name": "right", "media": scene.reel.id, "start": 100},
    ]
    result = make(scene, sound=sound)
    assert [note.split(":")[0] for note in result["notes"]] == [
        'the sound "gone" was left out',
        'the sound "too long" was left out',
    ]
    (made,) = [one for one in scene.double.project.timelines if one is not scene.timeline]
    assert [(one.start, one.duration) for one in scene.double.lying(made) if one.kind == "audio"] == [(216100, 60)]


def test_sound_that_vanishes_is_laid_again() -> None:
    scene = scored()
    scene.double.faults.lose_on_save = 3
    assert make(scene)["notes"] == []
    (made,) = [one for one in scene.double.project.timelines if one is not scene.timeline]
    scene.double.save_and_reopen()
    made = next(one for one in scene.double.project.timelines if one.id == made.id)
    assert len(scene.double.lying(made)) == 3


@by_profile
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"rate_change_fails": True}, "a rate of 24 instead of 60"),
        ({"failing": {"Timeline.SetSetting": -1}}, "a width of 1920 instead of 3840, a height of 1080 instead of 2160"),
        ({"failing": {"MediaPool.CreateEmptyTimeline": -1}}, "does not make a new timeline"),
        ({"failing": {"Timeline.AddTrack": -1}}, "does not add the video track 2"),
        ({"failing": {"MediaPool.AppendToTimeline": -1}}, "does not lay it on video track 1 at 01:00:00:00"),
        ({"wrong_import_fps": 24.0}, "24 frames a second instead of 60"),
        ({"lose_on_save": 99}, "vanish"),
    ],
    ids=str,
)
def test_what_fails_leaves_no_timeline(profile: Profile, fault: dict[str, Any], said: str) -> None:
    scene = scored(profile)
    before = scene.state()
    scene.double.faults.update(fault)
    with pytest.raises(Refused) as refused:
        make(scene)
    assert said in refused.value.what
    assert not refused.value.told
    assert scene.state() == before


def test_a_start_that_is_not_taken_is_refused() -> None:
    scene = Scene()
    scene.double.faults.fail("Timeline.SetStartTimecode", -1)
    with pytest.raises(Refused, match="a start at 01:00:00:00 instead of 02:00:00:00"):
        make(scene, start_timecode="02:00:00:00")
    assert len(scene.double.project.timelines) == 1


def test_a_timeline_that_cannot_be_deleted_again_is_named() -> None:
    scene = scored()
    scene.double.faults.update({"rate_change_fails": True, "failing": {"MediaPool.DeleteTimelines": -1}})
    with pytest.raises(Refused, match='could not be taken back: the new timeline "Reel 1 4K60"'):
        make(scene)


def test_in_a_project_without_a_timeline_the_new_one_stays_open() -> None:
    scene = Scene()
    scene.double.drop_timeline(scene.timeline)
    made = make(scene, clips=[], sound=[])["timeline"]
    assert scene.double.project.current_timeline == made["id"]


def test_any_call_that_fails_leaves_all_or_nothing() -> None:
    def made_by(scene: Scene) -> list[Any]:
        (made,) = [one for one in scene.double.project.timelines if one is not scene.timeline]
        return outline(scene.double.lying(made))

    whole = scored()
    make(whole)
    for which, scene in every_call(scored, make):
        before = scene.state()
        result, refused = attempt(lambda scene=scene: make(scene))
        if refused is None:
            notes = [note for note in (result or {})["notes"] if "sound" in note]
            silent = [one for one in made_by(whole) if one[-1] == "video"]
            assert made_by(scene) == (silent if notes else made_by(whole)), which
        else:
            was_open = scene.double.faults.modal_open
            assert "dialog" in refused.remedy or not was_open, which
            assert scene.unharmed(before) or (was_open and refused.told), (which, str(refused))
