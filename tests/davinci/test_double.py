"""The double falls into Resolve's traps: placing, importing, timelines, settings (1 to 8 of resolve.md section 8)."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from davinci.double_desk import RESTORED, Desk, desk
from davinci.resolve_double import PROFILES, Profile, Unmodelled

every = pytest.mark.parametrize("one", PROFILES, ids=lambda one: one.name)


def test_there_are_five_versions_in_two_editions() -> None:
    assert [one.name for one in PROFILES][::2] == [
        f"{version} Free" for version in ("18.6.6", "19.1.3", "20.3.1", "21.0.4", "21.1.0")
    ]
    assert [one.name for one in PROFILES if not one.runs_python_menu] == ["21.1.0 Free"]
    assert [one.name for one in PROFILES if not one.has_ui_manager] == [
        f"{version} Free" for version in ("19.1.3", "20.3.1", "21.0.4", "21.1.0")
    ]


# 1: recordFrame, endFrame, floor


@every
def test_record_frame_is_absolute(one: Profile) -> None:
    scene = Desk(one)
    placed = scene.append(scene.imported(), 0, 60, at=10)
    assert placed[0].GetStart() == 86410
    assert scene.double.lying()[0].start == 86410


@every
def test_a_relative_record_frame_lands_an_hour_early_and_says_nothing(one: Profile) -> None:
    scene = Desk(one)
    placed = scene.pool.AppendToTimeline([{"mediaPoolItem": scene.imported(), "trackIndex": 1, "recordFrame": 10}])
    assert placed[0].GetUniqueId()
    assert scene.double.lying()[0].start == 10


@pytest.mark.parametrize(("inclusive", "frames"), [(False, 94), (True, 95)])
@every
def test_the_end_is_exclusive_unless_switched(one: Profile, inclusive: bool, frames: int) -> None:
    scene = Desk(one, fps=24.0)
    scene.faults.inclusive_end = inclusive
    assert scene.append(scene.imported(), 100, 194)[0].GetDuration() == frames


@given(
    timeline=st.sampled_from(["23.976", "24", "25", "29.97", "50", "60"]),
    media=st.sampled_from([23.976, 24.0, 25.0, 29.97, 50.0, 59.94, 60.0]),
    frames=st.integers(1, 120),
)
def test_durations_are_rounded_down(timeline: str, media: float, frames: int) -> None:
    """Of media no slower than the timeline, `ceil(N * rate)` frames give N; one fewer gives what the floor says."""
    scene = desk(rate=timeline, fps=media)
    clip = scene.imported()
    per_frame = scene.double.project.media[-1].rate / scene.open.rate
    assume(per_frame >= 1)
    end = math.ceil(frames * per_frame)
    assert scene.append(clip, 0, end)[0].GetDuration() == frames
    shorter = math.floor((end - 1) / per_frame)
    if shorter:
        assert scene.append(clip, 0, end - 1, at=200)[0].GetDuration() == shorter


def test_slower_media_cannot_have_every_length() -> None:
    """25 fps in 29.97: 15 frames give 17, 16 give 19; none gives 18."""
    scene = desk(rate="29.97", fps=25.0)
    clip = scene.imported()
    assert [scene.append(clip, 0, end, at=100 * end)[0].GetDuration() for end in (15, 16)] == [17, 19]


def test_rounding_down_leaves_gaps() -> None:
    """Two halves of a 60 fps file in 24: 31 frames give 12, not 12.4."""
    scene = desk()
    assert scene.append(scene.imported(), 0, 31)[0].GetDuration() == 12


@every
def test_fractions_of_source_frames_count_from_19_1_on(one: Profile) -> None:
    scene = Desk(one, fps=24.0)
    item = scene.append(scene.imported(), 0.5, 10.5)[0]
    assert item.GetDuration() == 10
    assert scene.double.lying()[0].source_in == (Fraction(1, 2) if one.has((19, 1)) else 0)


def test_without_a_place_clips_go_to_the_end() -> None:
    scene = desk(fps=24.0)
    clip = scene.imported()
    for _ in range(2):
        scene.pool.AppendToTimeline([{"mediaPoolItem": clip, "startFrame": 0, "endFrame": 10}])
    assert [(lying.start, lying.duration) for lying in scene.double.lying()] == [(86400, 10), (86410, 10)]


def test_stills_ignore_start_and_end_unless_marked() -> None:
    scene = desk()
    still = scene.double.media("/a/s.png", 1, 24.0, type="Still")
    scene.double.files["/a/s.png"] = {"frames": 1, "fps": 0.0, "type": "Still"}
    assert scene.append(scene.double.handle(still), 0, 7)[0].GetDuration() == 120


# 2: overlap, locked and missing tracks


@every
def test_the_later_of_two_overlapping_clips_is_dropped(one: Profile) -> None:
    scene = Desk(one)
    clip = scene.imported()
    scene.append(clip, 0, 60, at=0)
    dropped = scene.append(clip, 0, 60, at=23)
    assert len(dropped) == 1
    assert dropped[0].GetUniqueId() is None
    assert dropped[0].GetDuration() is None
    assert dropped[0].SetClipColor("Green") is False
    assert [lying.start for lying in scene.double.lying()] == [86400]
    assert scene.append(clip, 0, 60, at=24)[0].GetUniqueId()


@pytest.mark.parametrize(("as_none", "answer"), [(False, []), (True, [None])])
@every
def test_locked_and_missing_tracks_take_nothing(one: Profile, as_none: bool, answer: list[None]) -> None:
    scene = Desk(one)
    scene.faults.refused_as_none = as_none
    clip = scene.imported()
    assert scene.append(clip, track=2) == answer
    scene.timeline.SetTrackLock("video", 1, True)
    assert scene.append(clip, track=1) == answer
    assert scene.double.lying() == []


def test_sound_comes_along_unless_only_the_picture_is_asked_for() -> None:
    scene = desk()
    scene.double.files[RESTORED]["type"] = "Video + Audio"
    clip = scene.imported()
    scene.append(clip, 0, 60, at=0)
    assert [lying.kind for lying in scene.double.lying()] == ["video"]
    item = scene.append(clip, 0, 60, at=100, kind=None)[0]
    assert [lying.kind for lying in scene.double.lying()] == ["video", "video", "audio"]
    assert [linked.GetTrackTypeAndIndex() for linked in item.GetLinkedItems()] == [["audio", 1]]


def test_appends_go_to_the_current_timeline() -> None:
    scene = desk()
    first, clip = scene.timeline, scene.imported()
    scene.pool.CreateEmptyTimeline("Other")
    scene.append(clip)
    assert len(scene.double.lying()) == 1
    assert scene.project.SetCurrentTimeline(first) is True
    assert scene.double.lying() == []


@every
def test_before_20_3_2_an_append_may_want_a_selection(one: Profile) -> None:
    scene = Desk(one)
    scene.faults.no_media_selected_append_fails = True
    clip = scene.imported()
    assert (scene.append(clip) == []) == (not one.has((20, 3, 2)))
    if one.has((19,)) and not one.has((20, 3, 2)):
        assert scene.pool.SetSelectedClip(clip) is True
        assert scene.append(clip)[0].GetUniqueId()


# 3: importing


@every
def test_media_goes_into_the_current_folder(one: Profile) -> None:
    scene = Desk(one)
    folder = scene.pool.AddSubFolder(scene.pool.GetRootFolder(), "Resilver")
    scene.imported()
    assert scene.pool.SetCurrentFolder(folder) is True
    scene.imported()
    names = [[clip.GetName() for clip in one.GetClipList()] for one in (scene.pool.GetRootFolder(), folder)]
    assert names == [["Edit", "r.mov"], ["r.mov"]], "and the same file again is another clip"
    assert scene.pool.AddSubFolder(scene.pool.GetRootFolder(), "Resilver") is None


def test_the_first_import_may_be_empty() -> None:
    scene = desk()
    scene.faults.first_import_empty = True
    assert scene.pool.ImportMedia([RESTORED]) == []
    assert len(scene.pool.ImportMedia([RESTORED])) == 1
    assert scene.pool.ImportMedia(["/nowhere.mov"]) == []


@every
def test_sequences_take_the_projects_rate_until_told_otherwise(one: Profile) -> None:
    scene = Desk(one, rate="25")
    scene.double.files["/s/f_%03d.dpx"] = {"frames": 100, "fps": 0.0, "width": 2048, "height": 1556, "type": "Video"}
    clip = scene.pool.ImportMedia([{"FilePath": "/s/f_%03d.dpx", "StartIndex": 1, "EndIndex": 100}])[0]
    assert clip.GetName() == "f_[001-100].dpx"
    assert clip.GetClipProperty("File Path") == "/s/f_[001-100].dpx"
    assert float(clip.GetClipProperty("FPS")) == 25
    assert clip.SetClipProperty("FPS", 60) is False, "text, not a number"
    assert clip.SetClipProperty("FPS", "60") is True
    assert float(clip.GetClipProperty("FPS")) == 60
    scene.append(clip, 0, 60)
    assert clip.SetClipProperty("FPS", "24") is False
    assert float(clip.GetClipProperty("FPS")) == 60


def test_sound_takes_the_projects_rate_and_windows_paths_want_backslashes() -> None:
    scene = desk(rate="25")
    scene.double.files["/a.wav"] = {"frames": 96000, "fps": 48000.0, "type": "Audio"}
    scene.double.files["C:/a.wav"] = scene.double.files["C:\\a.wav"] = scene.double.files["/a.wav"]
    sound = scene.imported("/a.wav")
    assert (sound.GetClipProperty("FPS"), sound.GetClipProperty("Frames")) == (25.0, 50)
    storage = scene.resolve.GetMediaStorage()
    assert storage.AddItemListToMediaPool(["C:/a.wav"]) == []
    assert len(storage.AddItemListToMediaPool(["C:\\a.wav"])) == 1


def test_a_rate_that_was_read_wrongly() -> None:
    scene = desk()
    scene.faults.wrong_import_fps = 59.94
    assert scene.imported().GetClipProperty("FPS") == 59.94


# 4: names, and nothing raises


@every
def test_a_timelines_name_is_taken_once(one: Profile) -> None:
    scene = Desk(one)
    assert scene.pool.CreateEmptyTimeline("Edit") is None
    assert scene.timeline.DuplicateTimeline("Edit") is None
    assert scene.pool.CreateTimelineFromClips("Edit", [scene.imported()]) is None
    assert scene.pool.CreateEmptyTimeline("Edit 2").GetName() == "Edit 2"
    assert scene.timeline.SetName("Edit") is False


@every
def test_what_is_missing_is_none_and_what_is_wrong_is_false(one: Profile) -> None:
    scene = Desk(one)
    assert scene.project.GetTimelineByIndex(0) is None
    assert scene.project.GetTimelineByIndex(2) is None
    assert scene.timeline.GetTrackName("video", 9) is None
    assert scene.timeline.GetItemListInTrack("picture", 1) == []
    assert scene.timeline.DeleteClips([], False) is False
    assert scene.timeline.DeleteClips("items") is False
    assert scene.pool.SetCurrentFolder(None) is False
    assert scene.project.SetCurrentTimeline(scene.project) is False
    assert scene.pool.AppendToTimeline([{"mediaPoolItem": None}]) == []
    assert scene.timeline.SetTrackName("video", 1) is False
    assert scene.timeline.GetTrackName() is None


# 5: export


@every
def test_only_the_handles_own_enumerations_export(one: Profile, tmp_path: Path) -> None:
    scene = Desk(one)
    path = tmp_path / "edit.otio"
    resolve = scene.resolve
    for kind in ("EXPORT_OTIO", "otio", int(resolve.EXPORT_OTIO), None, 99.0):
        assert scene.timeline.Export(str(path), kind, resolve.EXPORT_NONE) is False
        assert not path.exists()
    assert isinstance(resolve.EXPORT_OTIO, float)
    assert scene.timeline.Export(str(path), resolve.EXPORT_OTIO, resolve.EXPORT_NONE) is True
    assert path.read_text(encoding="utf-8") == scene.double.export_otio()
    assert scene.timeline.Export(str(tmp_path / "no" / "edit.otio"), resolve.EXPORT_OTIO) is False
    scene.faults.export_writes_nothing = True
    assert scene.timeline.Export(str(tmp_path / "b.otio"), resolve.EXPORT_OTIO) is True
    assert not (tmp_path / "b.otio").exists()


# 6: import (all of it in test_double_otio.py)


@every
def test_import_through_the_api(one: Profile, tmp_path: Path) -> None:
    scene = Desk(one)
    media = scene.double.media(RESTORED, 600, 60.0)
    scene.double.lay(media)
    path = tmp_path / "back.otio"
    path.write_text(scene.double.export_otio(), encoding="utf-8")
    options = {"timelineName": "Edit", "importSourceClips": not one.has((21, 1))}
    assert scene.pool.ImportTimelineFromFile(str(path), options) is None
    made = scene.pool.ImportTimelineFromFile(str(path), dict(options, timelineName="Back"))
    assert made.GetName() == "Back"
    assert scene.timeline.GetName() == "Back"
    assert scene.pool.ImportTimelineFromFile(str(tmp_path / "none.otio"), {}) is None


# 7: tracks and settings


@every
def test_add_track_says_yes_and_not_where(one: Profile) -> None:
    scene = Desk(one)
    timeline = scene.timeline
    assert timeline.AddTrack("video") is True
    assert timeline.GetTrackCount("video") == 2
    assert timeline.AddTrack("picture") is False
    assert timeline.AddTrack("audio", "stereo") is True
    timeline.SetTrackName("video", 2, "upper")
    assert timeline.AddTrack("video", {"index": 2}) is one.has((19,))
    if one.has((19,)):
        assert [timeline.GetTrackName("video", index) for index in (1, 2, 3)] == ["Video 1", "Video 3", "upper"]
        assert timeline.AddTrack("video", {"index": 9}) is True
        assert timeline.GetTrackCount("video") == 4
        scene.faults.track_names_renumber = True
        assert timeline.DeleteTrack("video", 2) is True
        assert [timeline.GetTrackName("video", index) for index in (1, 2, 3)] == ["Video 1", "upper", "Video 3"]


@every
def test_the_interface_kit_is_missing_on_the_free_edition(one: Profile) -> None:
    fusion = Desk(one).double.menu_globals()["fusion"]
    assert (fusion.UIManager is not None) == one.has_ui_manager


@every
def test_settings_are_text_behind_a_gate(one: Profile) -> None:
    scene = Desk(one)
    timeline = scene.pool.CreateEmptyTimeline("4K60")
    assert timeline.SetSetting("timelineResolutionWidth", "3840") is False
    assert timeline.SetSetting("useCustomSettings", "1") is True
    assert timeline.SetSetting("timelineResolutionWidth", 3840) is False
    assert timeline.SetSetting("timelineResolutionWidth", "3840") is True
    assert timeline.SetSetting("timelinePlaybackFrameRate", "60") is False
    assert timeline.GetStartFrame() == 86400
    assert timeline.SetSetting("timelineFrameRate", "60") is True
    assert timeline.GetStartFrame() == 216000
    rate = timeline.GetSetting("timelineFrameRate")
    assert rate == ("60" if one.numbers_as_text else 60.0)
    assert type(rate) is (str if one.numbers_as_text else float)
    assert timeline.GetSetting("timelineResolutionWidth") == "3840"
    assert timeline.GetSetting("no such") == ""
    scene.append(scene.imported())
    assert timeline.SetSetting("timelineFrameRate", "24") is False
    assert scene.project.SetSetting("timelineFrameRate", "25") is False, "a timeline exists"


def test_a_rate_may_not_change_and_drop_frame_keeps_its_name() -> None:
    scene = desk()
    timeline = scene.pool.CreateEmptyTimeline("4K60")
    timeline.SetSetting("useCustomSettings", "1")
    scene.faults.rate_change_fails = True
    assert timeline.SetSetting("timelineFrameRate", "60") is True
    assert timeline.GetSetting("timelineFrameRate") == 24.0
    scene.faults.rate_change_fails = False
    assert timeline.SetSetting("timelineFrameRate", "29.97 DF") is True
    assert timeline.GetSetting("timelineFrameRate") == "29.97 DF"
    assert (timeline.GetStartTimecode(), timeline.GetStartFrame()) == ("01:00:00;00", 107892)
    assert timeline.SetSetting("timelineFrameRate", "61") is False


# 8: what is listed, and what answers all the same


@every
def test_what_a_version_lacks_answers_for_its_name_and_fails_when_called(one: Profile) -> None:
    timeline = Desk(one).timeline
    assert ("GetSelectedClips" in dir(timeline)) == one.has((21, 0, 4))
    assert hasattr(timeline, "GetSelectedTimelineItems")
    assert callable(timeline.GetSelectedTimelineItems)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        timeline.GetSelectedTimelineItems()
    if not one.has((21, 0, 4)):
        with pytest.raises(TypeError):
            timeline.GetSelectedClips()


def test_a_missing_method_may_answer_none() -> None:
    scene = desk("19.1.3 Free")
    scene.faults.missing_method_answers_none = True
    assert scene.timeline.GetSelectedClips() is None


def test_what_is_not_modelled_is_said_aloud() -> None:
    with pytest.raises(Unmodelled, match="GrabStill"):
        desk().timeline.GrabStill()


def test_handles_are_new_each_time() -> None:
    scene = desk()
    assert scene.timeline != scene.timeline
    assert scene.timeline.GetUniqueId() == scene.timeline.GetUniqueId()
