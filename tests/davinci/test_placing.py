"""Restored clips come onto the timeline exactly, all or none, whatever Resolve does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from davinci.resolve_double import Profile
from davinci.scene import MENU, MODERN, Scene, attempt, every_call, outline, spans
from resilver_bridge.orders import Shape, StageWish, Wish, recipe
from resilver_client.catalogue import Catalogue, Stage
from resilver_davinci import importing
from resilver_davinci.refused import Refused

by_profile = pytest.mark.parametrize("profile", MENU, ids=lambda profile: profile.name)
RATES = ("23.976", "24", "25", "29.97", "29.97 DF", "30", "50", "59.94", "60")
PAIRS = [
    (rate, file_rate)
    for rate in RATES
    for file_rate in ("60", "59.94", "24", "23.976")
    if float(file_rate) >= float(rate.split()[0])  # slower files cannot end on every frame: the bridge refuses them
]
NEW = ({"index": None, "name": "Restored"},)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAITS", (0.0, 0.0))


def place(scene: Scene) -> dict[str, Any]:
    """Two clips on a new track between two others, one original switched off."""
    return scene.place(
        scene.request(0), scene.request(1), tracks=[{"index": 2, "name": "Restored"}], disable=[scene.clips[0].id]
    )


def titled(profile: Profile | None = None) -> Scene:
    """A scene with a title above all, over the whole length."""
    scene = Scene(profile) if profile else Scene()
    scene.double.lay_title("Titel", track=2, start=0, duration=99)
    return scene


@by_profile
@pytest.mark.parametrize(("rate", "file_rate"), PAIRS)
def test_every_clip_lies_exactly_over_its_original(profile: Profile, rate: str, file_rate: str) -> None:
    scene = Scene(profile, rate)
    asked = [scene.request(number, file_rate=file_rate) for number in range(3)]
    result = scene.place(*asked, tracks=NEW)
    originals = spans(scene.double.lying(), 1)
    assert spans(scene.double.lying(), 2) == originals
    assert [(one["start"], one["duration"], one["track"]) for one in result["placed"]] == [
        (*one, 2) for one in originals
    ]
    assert (result["tracks"], result["disabled"], result["notes"]) == ([2], [], [])
    above = [one for one in scene.double.lying() if one.track == 2 and one.kind == "video"]
    assert [(one.source_in, one.source_in + one.source_frames) for one in above] == [
        (one["source_start"], one["source_end"]) for one in asked
    ]
    assert [one["id"] for one in result["placed"]] == [one.id for one in above]
    if profile.has((19,)):
        said = [(one["source_start"], one["source_end"]) for one in result["placed"]]
        assert said == [(one["source_start"], one["source_end"]) for one in asked]
    else:
        assert {(one["source_start"], one["source_end"]) for one in result["placed"]} == {(None, None)}
    assert spans(scene.saved(), 2) == originals


@by_profile
def test_colour_and_marker_and_nothing_else_changes(profile: Profile) -> None:
    scene = Scene(profile)
    before = scene.state()
    scene.place(scene.request(1), tracks=NEW)
    after = scene.state()
    new = [one for one in after["lying"][scene.timeline.id] if one.track == 2]
    assert [one for one in after["lying"][scene.timeline.id] if one not in new] == before["lying"][scene.timeline.id]
    assert [one.colour for one in new] == ["Teal"]
    assert after["open"] == before["open"]
    (marker,) = after["markers"][new[0].id]
    assert (marker["frame"], marker["color"], marker["name"], marker["note"], marker["custom"]) == (
        new[0].source_in, "Sky", "Resilver", "4K60", "job-7/1",
    )  # fmt: skip
    assert [track for track, _, _ in after["tracks"][scene.timeline.id]["video"]] == ["Video 1", "Restored"]
    assert after["tracks"][scene.timeline.id]["audio"] == before["tracks"][scene.timeline.id]["audio"]
    assert after["bins"][-1][1] == "Resilver"


@pytest.mark.parametrize("rate", ["24", "25", "30", "60", "120"])
def test_the_tail_that_is_ordered_suffices_where_a_version_lays_a_frame_short(rate: str) -> None:
    """Of a file at 60 in a timeline of 24 three frames last as long as one of the timeline's; one would not do."""
    shape = Shape(1440, 1080, Fraction(24), fastest=Fraction(rate))
    wish = Wish(stages={"clean": StageWish(True, {})})
    tail = recipe(wish, Catalogue((Stage("clean", ""),)), shape).delivery.tail_frames
    assert tail == ceil(Fraction(rate) / 24)
    _laid_short(rate, tail)
    if tail > 1:
        with pytest.raises(Refused, match="23 frames long"):
            _laid_short(rate, tail - 1)


def _laid_short(rate: str, tail: int) -> None:
    """A clip of which so many further frames are there, where Resolve lays every clip a frame short."""
    scene = Scene(rate="24")
    asked = scene.request(0, file_rate=rate)
    asked["frames"] = asked["source_end"] + tail
    scene.file(asked)
    scene.double.faults.append_off_by = -1
    scene.place(asked, tracks=NEW)
    assert spans(scene.double.lying(), 2) == [(86400, 24)]


@pytest.mark.parametrize("profile", [one for one in MENU if one.has((19,))], ids=lambda profile: profile.name)
def test_a_track_is_made_between_two_others(profile: Profile) -> None:
    scene = titled(profile)
    result = place(scene)
    assert result["tracks"] == [2]
    assert [one.track for one in scene.double.lying() if one.kind == "title"] == [3]
    assert result["disabled"] == [scene.clips[0].id]
    assert [item.enabled for item in scene.clips] == [False, True, True]


def test_before_19_no_track_is_made_between_others() -> None:
    scene = titled(next(one for one in MENU if not one.has((19,))))
    before = scene.state()
    with pytest.raises(Refused, match="only above all others"):
        place(scene)
    assert scene.state() == before


def test_several_tracks_have_their_final_indices() -> None:
    scene = titled()
    asked = [scene.request(0, track=4), scene.request(1, track=2)]
    result = scene.place(*asked, tracks=[{"index": None, "name": "A"}, {"index": 2, "name": "B"}])
    assert result["tracks"] == [4, 2]
    names = [track.name for track in scene.timeline.tracks["video"]]
    assert (len(names), names[1], names[3]) == (4, "B", "A")
    assert [one.track for one in scene.double.lying() if one.kind == "title"] == [3]
    assert (spans(scene.double.lying(), 4), spans(scene.double.lying(), 2)) == ([(86400, 24)], [(86424, 25)])


def test_what_is_off_already_is_not_counted_as_switched_off() -> None:
    scene = Scene()
    scene.clips[1].enabled = False
    result = scene.place(scene.request(0), tracks=NEW, disable=[item.id for item in scene.clips])
    assert result["disabled"] == [scene.clips[0].id, scene.clips[2].id]


def test_another_timeline_and_another_bin_are_open_again_afterwards() -> None:
    scene = Scene()
    scene.double.open_timeline("Trailer")
    before = scene.state()
    scene.place(scene.request(0), tracks=NEW)
    assert scene.state()["open"] == before["open"]
    assert spans(scene.double.lying(scene.timeline), 2) == [(86400, 24)]


@by_profile
def test_a_sequence_gets_its_rate_and_its_numbers(profile: Profile) -> None:
    scene = Scene(profile, "25")
    asked = scene.request(0, path="/restored/a.%05d.exr", is_sequence=True, first_number=86400)
    scene.place(asked, tracks=NEW)
    (media,) = [one for one in scene.double.project.media if one.path.endswith(".exr")]
    assert media.path == f"/restored/a.[86400-{86400 + asked['frames'] - 1}].exr"
    assert media.rate == 60
    assert spans(scene.double.lying(), 2) == [(scene.start, 24)]


def test_what_is_in_the_bin_is_not_imported_again() -> None:
    scene = Scene()
    scene.place(scene.request(0), tracks=NEW)
    files = len(scene.double.project.media)
    scene.place(scene.request(0, track=3), tracks=NEW)
    assert len(scene.double.project.media) == files
    assert [one[1] for one in scene.state()["bins"]].count("Resilver") == 1
    scene.place(scene.request(0, track=4, frames=500), tracks=NEW)  # rendered anew, and longer: another file by now
    assert len(scene.double.project.media) == files + 1


def test_two_pieces_of_one_file_are_imported_once() -> None:
    scene = Scene()
    first = scene.request(0)
    second = scene.request(1, path=first["path"], frames=first["frames"])
    scene.place(first, second, tracks=NEW)
    assert sum(media.path == first["path"] for media in scene.double.project.media) == 1


Change = Callable[[Scene], Any]


def _occupy(scene: Scene) -> None:
    scene.double.lay_title("Im Weg", track=2, start=30, duration=5)


def _lock(scene: Scene) -> None:
    scene.double.lay_title(track=2, start=500, duration=5)
    scene.timeline.tracks["video"][1].locked = True


def _trim(scene: Scene) -> None:
    scene.clips[1].duration -= 1


def _delete(scene: Scene) -> None:
    scene.timeline.tracks["video"][0].items.remove(scene.clips[1])


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        (_occupy, "TARGET_OCCUPIED", 'video track 2 at 01:00:01:00 is taken by "Im Weg"'),
        (_lock, "HOST_FAILED", 'the video track 2 ("Video 2") is locked'),
        (_trim, "CLIP_UNSUPPORTED", "it lay on video track 1 at 01:00:01:00, 25 frames long, and now"),
        (_delete, "CLIP_UNSUPPORTED", "no longer on the timeline"),
        (lambda scene: None, "HOST_FAILED", "there is no video track 2"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_touched(change: Change, reason: str, said: str) -> None:
    scene = Scene()
    change(scene)
    before = scene.state()
    with pytest.raises(Refused) as refused:
        scene.place(scene.request(1, duration=25, original={"track": 1, "start": scene.start + 24, "duration": 25}))
    assert (refused.value.reason, refused.value.where) == (reason, "Würzburg 1")
    assert said in refused.value.what
    assert scene.state() == before
    assert not {"ImportMedia", "AddTrack", "AppendToTimeline"} & {name for _, name in scene.double.calls}


def test_two_restored_clips_in_one_place_are_refused() -> None:
    scene = Scene()
    with pytest.raises(Refused, match="taken by") as refused:
        scene.place(scene.request(0), scene.request(1, start=scene.start + 23), tracks=NEW)
    assert refused.value.reason == "TARGET_OCCUPIED"


def test_a_transition_takes_no_place() -> None:
    scene = Scene()
    scene.place(scene.request(0), tracks=NEW)
    above = scene.timeline.tracks["video"][1].items
    after = scene.double.lay(scene.reel, track=2, start=24, duration=1, source_in=0)
    scene.double.lay_transition(above[0], after)
    scene.place(scene.request(1, start=scene.start + 25))
    assert spans(scene.double.lying(), 2) == [(86400, 24), (86424, 1), (86425, 25)]


def test_another_project_is_not_touched() -> None:
    scene = Scene()
    asked = scene.request(0)
    scene.double.open_project("Fremd")
    scene.double.open_timeline("Reel 1")
    with pytest.raises(Refused, match="another project") as refused:
        scene.call("place", project="gone", tracks=[], bin="Resilver", clips=[asked], disable=[])
    assert refused.value.where == "Fremd"


@by_profile
@pytest.mark.parametrize(
    "fault",
    [
        {"first_import_empty": True},
        {"inclusive_end": True},
        {"append_off_by": 1},
        {"append_off_by": -1},
        {"append_error": True},
        {"lose_on_save": 1},
        {"drop_appends": 1},
        {"delete_misses": 1, "append_off_by": 1},
        {"source_start_off_by": 1},
        {"add_folder_makes_current": True},
        {"missing_method_answers_none": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("rate", ["24", "60"])
def test_what_versions_do_differently_is_corrected(profile: Profile, fault: dict[str, Any], rate: str) -> None:
    scene = Scene(profile, rate)
    before = scene.state()
    scene.double.faults.update(fault)
    result = scene.place(*(scene.request(number) for number in range(3)), tracks=NEW)
    assert spans(scene.double.lying(), 2) == spans(scene.double.lying(), 1)
    assert result["notes"] == []
    assert scene.state()["open"] == before["open"]
    above = [one for one in scene.double.lying() if one.track == 2 and one.kind == "video"]
    assert [(one["id"], one["start"]) for one in result["placed"]] == [(one.id, one.start) for one in above]
    assert {one.colour for one in above} == {"Teal"}
    assert spans(scene.saved(), 2) == spans(scene.double.lying(), 1)


def test_a_length_that_cannot_be_had_is_refused() -> None:
    scene = Scene(rate="60")
    before = scene.state()
    scene.double.faults.append_off_by = 2
    with pytest.raises(Refused, match="26 or 25 frames long instead of 24"):
        scene.place(scene.request(0), tracks=NEW)
    assert scene.state() == before


def test_no_frame_beyond_the_file_is_asked_for() -> None:
    scene = Scene(rate="60")
    scene.double.faults.append_off_by = -1
    asked = scene.request(0)
    scene.file(asked | {"frames": asked["source_end"]})
    with pytest.raises(Refused, match="23 frames long"):
        scene.place(asked | {"frames": asked["source_end"]}, tracks=NEW)


@pytest.mark.parametrize("profile", [one for one in MENU if one.has((19,))], ids=lambda profile: profile.name)
def test_where_appending_needs_selected_media_it_is_selected_and_the_selection_comes_back(profile: Profile) -> None:
    scene = Scene(profile)
    scene.double.project.selected_media = [scene.reel.id]
    scene.double.faults.no_media_selected_append_fails = True
    scene.place(scene.request(0), tracks=NEW)
    assert spans(scene.double.lying(), 2) == [(86400, 24)]
    assert scene.double.project.selected_media == [scene.reel.id]


def test_a_project_that_is_not_saved_is_a_note() -> None:
    scene = Scene()
    scene.double.faults.save_fails = True
    assert scene.place(scene.request(0), tracks=NEW)["notes"] == ["Resolve did not save the project: save it yourself"]
    assert spans(scene.double.lying(), 2) == [(86400, 24)]


@pytest.mark.parametrize("method", ["SetClipColor", "AddMarker"])
def test_colour_and_marker_that_fail_are_notes(method: str) -> None:
    scene = Scene()
    scene.double.faults.fail("TimelineItem." + method, -1)
    (note,) = scene.place(scene.request(0), tracks=NEW)["notes"]
    assert "Würzburg 0" in note


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"wrong_import_fps": 25.0}, "25 frames a second instead of 60"),
        ({"lose_on_save": 99}, "vanish from the timeline when the project is saved"),
        ({"drop_appends": 99}, "does not lay it on video track 2"),
        ({"source_start_off_by": 2}, "another part"),
        ({"failing": {"MediaPool.ImportMedia": -1}}, "gone, or not visible"),
        ({"failing": {"MediaPool.AddSubFolder": -1}}, "does not make a bin"),
        ({"failing": {"MediaPool.SetCurrentFolder": -1}}, "does not open a bin"),
        ({"failing": {"MediaPool.AppendToTimeline": -1}}, "does not lay it"),
        ({"failing": {"Timeline.AddTrack": -1}}, "does not add a video track"),
        ({"failing": {"TimelineItem.SetClipEnabled": -1}}, "does not switch a clip off"),
        ({"failing": {"Resolve.OpenPage": -1}}, "does not open its edit page"),
    ],
    ids=str,
)
@by_profile
def test_what_fails_leaves_nothing(profile: Profile, fault: dict[str, Any], said: str) -> None:
    if "source_start_off_by" in fault and not profile.has((19,)):
        pytest.skip("before 19 Resolve does not say where a source starts")
    scene = Scene(profile)
    before = scene.state()
    scene.double.faults.update(fault)
    with pytest.raises(Refused) as refused:
        scene.place(scene.request(0), scene.request(1), tracks=NEW, disable=[scene.clips[0].id])
    assert said in refused.value.what
    assert "taken back" not in refused.value.what
    assert scene.state() == before
    scene.double.faults.update({"lose_on_save": 0})
    assert outline(scene.saved()) == outline(before["lying"][scene.timeline.id])


def test_what_cannot_be_taken_back_is_named() -> None:
    scene = Scene()
    scene.double.faults.update({"failing": {"Timeline.DeleteClips": -1, "TimelineItem.SetClipEnabled": -1}})
    with pytest.raises(Refused) as refused:
        scene.place(scene.request(0), tracks=NEW, disable=[scene.clips[0].id])
    assert 'what could not be taken back: "würzburg 0.mov" on video track 2 at 01:00:00:00' in refused.value.what
    assert "the video track 2 that was added" in refused.value.what


def test_pictures_that_come_singly_are_taken_away_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The media pool's "Show Individual Frames" is on."""
    scene = Scene()
    double, before = scene.double, scene.state()

    def singly(pattern: str, first: int, last: int) -> Any:
        for number in range(first, last + 1):
            facts = {"frames": 1, "fps": 24.0, "width": 1, "height": 1, "type": "Still"}
            double.files[pattern % number] = facts
            media = double.import_file(pattern % number)
        return media

    monkeypatch.setattr(double, "import_sequence", singly)
    with pytest.raises(Refused, match="something else than it was asked for") as refused:
        scene.place(scene.request(0, path="/restored/a.%04d.png", is_sequence=True, first_number=1), tracks=NEW)
    assert "Show Individual Frames" in refused.value.remedy
    assert scene.state() == before


@pytest.mark.parametrize("profile", [MENU[0], MODERN, MENU[-1]], ids=lambda profile: profile.name)
def test_any_call_that_fails_leaves_all_or_nothing(profile: Profile) -> None:
    """Each call of Resolve in turn fails, raises, or finds a dialog open that stays open."""

    def new() -> Scene:
        return titled(profile) if profile.has((19,)) else Scene(profile)

    whole = new()
    place(whole)
    for which, scene in every_call(new, place):
        before = scene.state()
        result, refused = attempt(lambda scene=scene: place(scene))
        if refused is None:
            assert outline(scene.double.lying()) == outline(whole.double.lying()), which
            assert len((result or {})["placed"]) == 2
        else:
            was_open = scene.double.faults.modal_open
            assert "dialog" in refused.remedy or not was_open, which
            assert scene.unharmed(before) or (was_open and refused.told), (which, str(refused))
