"""The double falls into Resolve's traps: deletes, takes, markers, failures, times (9 to 13 of resolve.md section 8)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davinci.double_desk import RESTORED, Desk, desk
from davinci.resolve_double import PROFILES, Double, Item, Profile
from davinci.resolve_double.rates import RATES, frames_of, timecode_of

every = pytest.mark.parametrize("one", PROFILES, ids=lambda one: one.name)


def laid(scene: Desk, **how: Any) -> tuple[Item, Any]:
    """A clip of 200 frames at 24 fps from 10:00:00:00, and its handle."""
    media = scene.double.media("/a/b.mov", 200, 24.0, "10:00:00:00", "Video + Audio")
    item = scene.double.lay(media, **how)
    return item, scene.double.handle(item)


# 9: deleting


@every
def test_nothing_is_deleted_on_the_fairlight_page(one: Profile) -> None:
    scene = Desk(one)
    _, handle = laid(scene, audio=True)
    assert scene.resolve.OpenPage("fairlight") is True
    assert scene.timeline.DeleteClips([handle], False) is False
    assert len(scene.double.lying()) == 2
    assert scene.resolve.OpenPage("edit") is True
    assert scene.timeline.DeleteClips([handle], False) is True
    assert [lying.kind for lying in scene.double.lying()] == ["audio"], "linked sound stays"
    assert handle.GetDuration() is None
    assert handle.SetClipEnabled(True) is False


def test_a_delete_may_miss_and_say_yes() -> None:
    scene = desk()
    _, handle = laid(scene)
    scene.faults.delete_misses = 1
    assert scene.timeline.DeleteClips([handle]) is True
    assert len(scene.double.lying()) == 1
    assert scene.timeline.DeleteClips([handle]) is True
    assert scene.double.lying() == []


def test_locked_tracks_keep_their_clips_and_ripple_closes_the_hole() -> None:
    scene = desk()
    _, handle = laid(scene, start=0, duration=10)
    laid(scene, start=20, duration=10)
    scene.timeline.SetTrackLock("video", 1, True)
    assert scene.timeline.DeleteClips([handle]) is False
    scene.timeline.SetTrackLock("video", 1, False)
    assert scene.timeline.DeleteClips([handle], True) is True
    assert [lying.start for lying in scene.double.lying()] == [86410]


# 10: takes


@every
def test_takes_swap_the_source_in_place(one: Profile) -> None:
    scene = Desk(one, fps=24.0)
    item, handle = laid(scene, start=5, duration=24, source_in=12)
    scene.double.colour(item, "Chocolate")
    assert (handle.GetTakesCount(), handle.GetSelectedTakeIndex(), handle.FinalizeTake()) == (0, 0, False)
    assert handle.GetTakeByIndex(1) == {}
    assert handle.SelectTakeByIndex(1) is False
    assert handle.AddTake(scene.imported(), 0, 24) is True
    assert (handle.GetTakesCount(), handle.GetSelectedTakeIndex()) == (2, 1)
    assert handle.GetMediaPoolItem().GetName() == "b.mov"
    assert handle.SelectTakeByIndex(2) is True
    assert handle.GetMediaPoolItem().GetName() == "r.mov"
    lying = scene.double.lying()[0]
    assert (lying.id, lying.start, lying.duration, lying.colour, lying.takes) == (item.id, 86405, 24, "Chocolate", 2)
    assert (lying.path, lying.source_in, lying.source_frames) == (RESTORED, 0, 24)
    take = handle.GetTakeByIndex(2)
    assert (take["startFrame"], take["endFrame"], take["mediaPoolItem"].GetName()) == (0, 24, "r.mov")
    assert handle.SelectTakeByIndex(1) is True
    assert scene.double.lying()[0].source_in == 12
    assert handle.DeleteTakeByIndex(2) is True
    assert handle.GetTakesCount() == 1
    assert handle.FinalizeTake() is True
    assert handle.GetTakesCount() == 0


@pytest.mark.parametrize(("changes", "duration"), [(False, 24), (True, 20)])
def test_whether_a_take_of_another_rate_keeps_the_duration_is_a_switch(changes: bool, duration: int) -> None:
    scene = desk()
    scene.faults.take_changes_duration = changes
    _, handle = laid(scene, duration=24)
    handle.AddTake(scene.imported(), 0, 50)
    handle.SelectTakeByIndex(2)
    assert scene.double.lying()[0].duration == duration
    handle.SelectTakeByIndex(1)
    assert scene.double.lying()[0].duration == 24


def test_the_other_switches_of_takes() -> None:
    scene = desk(fps=24.0)
    item, handle = laid(scene, duration=24, speed=2)
    scene.faults.add_take_selects = scene.faults.take_keeps_speed = True
    handle.AddTake(scene.imported())
    assert handle.GetSelectedTakeIndex() == 2
    assert item.speed == 2
    assert item.source_frames == 48
    scene.faults.take_keeps_speed = False
    handle.SelectTakeByIndex(2)
    assert item.speed == 1
    assert item.source_frames == 24


# 11: markers


@every
def test_one_marker_a_frame_and_keys_are_floats(one: Profile) -> None:
    scene = Desk(one)
    _, handle = laid(scene, source_in=12)
    for marked in (scene.timeline, handle, handle.GetMediaPoolItem()):
        assert marked.AddMarker(12, "Cyan", "Restored", "note", 1, "job-1") is True
        assert marked.AddMarker(12, "Red", "again", "", 1, "") is False
        assert marked.AddMarker(13, "Chocolate", "no colour of markers", "", 1, "") is False
        about = {"color": "Cyan", "duration": 1.0, "note": "note", "name": "Restored", "customData": "job-1"}
        assert marked.GetMarkers() == {12.0: about}
        assert isinstance(next(iter(marked.GetMarkers())), float)
        assert marked.GetMarkerByCustomData("job-1") == {12.0: about}
        assert marked.GetMarkerCustomData(12) == "job-1"
    assert "job-1" not in scene.double.export_otio()
    assert '"Note": "note"' in scene.double.export_otio()
    assert scene.timeline.UpdateMarkerCustomData(12, "job-2") is True
    assert scene.timeline.DeleteMarkerByCustomData("job-1") is False
    assert scene.timeline.DeleteMarkerByCustomData("job-2") is True
    assert handle.DeleteMarkerAtFrame(12) is True
    assert handle.GetMarkers() == {}


def test_colours_of_clips_and_of_generators() -> None:
    scene = desk()
    handle = scene.double.handle(scene.double.lay_generator())
    assert handle.SetClipColor("Chocolate") is True
    assert handle.GetClipColor() == ""
    _, handle = laid(scene, start=24)
    assert handle.SetClipColor("Cyan") is False
    assert handle.SetClipColor("Chocolate") is True
    assert handle.GetClipColor() == "Chocolate"
    assert handle.AddFlag("Cyan") is True
    assert handle.GetFlagList() == ["Cyan"]


# 12: dialogs, what vanishes, stale handles


@every
def test_a_studio_call_on_the_free_edition_opens_a_dialog(one: Profile) -> None:
    scene = Desk(one)
    timeline, pool = scene.timeline, scene.pool
    if one.studio:
        return
    assert timeline.DetectSceneCuts() is False
    assert scene.faults.modal_open
    assert timeline.AddTrack("video") is False
    assert timeline.GetName() is False
    assert pool.GetCurrentFolder() is False
    scene.faults.modal_open = False
    assert timeline.AddTrack("video") is True


@every
def test_an_errored_chunk_vanishes_on_save(one: Profile) -> None:
    scene = Desk(one)
    clip = scene.imported()
    scene.faults.lose_on_save = 2
    items = [scene.append(clip, 0, 60, at=24 * place)[0] for place in range(4)]
    assert all(item.GetUniqueId() for item in items)
    assert len(scene.double.lying()) == 4
    assert scene.resolve.GetProjectManager().SaveProject() is True
    assert [lying.start for lying in scene.double.lying()] == [86448, 86472]
    assert items[0].GetUniqueId() is None
    assert scene.append(clip, 0, 60, at=0)[0].GetUniqueId()
    scene.resolve.GetProjectManager().SaveProject()
    assert len(scene.double.lying()) == 3


def test_an_append_that_errors_places_what_vanishes() -> None:
    scene = desk()
    clip = scene.imported()
    scene.faults.append_error = True
    assert scene.append(clip) == []
    assert len(scene.double.lying()) == 1
    scene.resolve.GetProjectManager().SaveProject()
    assert scene.double.lying() == []


@every
def test_handles_go_stale(one: Profile) -> None:
    scene = Desk(one)
    _, item = laid(scene)
    project, pool, timeline, clip = scene.project, scene.pool, scene.timeline, scene.imported()
    other = pool.CreateEmptyTimeline("Other")
    assert pool.DeleteTimelines([timeline]) is True
    assert timeline.GetName() is None
    assert timeline.AddTrack("video") is False
    assert item.GetDuration() is None
    assert other.GetName() == "Other"
    scene.double.open_project("Next")
    for handle, name in ((project, "GetName"), (pool, "GetRootFolder"), (other, "GetName"), (clip, "GetName")):
        assert getattr(handle, name)() is None
    assert other.AddTrack("video") is False


def test_what_was_not_saved_is_gone_when_the_project_is_opened_again() -> None:
    scene = desk()
    laid(scene)
    scene.append(scene.imported(), at=100)
    scene.double.save_and_reopen()
    assert [lying.name for lying in scene.double.lying()] == ["b.mov"]
    scene.append(scene.imported(), at=100)
    assert scene.resolve.GetProjectManager().SaveProject() is True
    scene.double.save_and_reopen()
    assert [lying.name for lying in scene.double.lying()] == ["b.mov", "r.mov"]


def test_an_untitled_project_cannot_be_saved() -> None:
    scene = desk()
    scene.double.open_project("Untitled Project")
    assert scene.resolve.GetProjectManager().SaveProject() is False


def test_injected_failures_are_used_up() -> None:
    scene = desk()
    scene.faults.fail("Timeline.AddTrack", 1)
    assert scene.timeline.AddTrack("video") is False
    assert scene.timeline.AddTrack("video") is True
    assert scene.timeline.GetTrackCount("video") == 2
    assert ("Timeline", "AddTrack") in scene.double.calls
    scene.faults.drop_appends = 1
    clip = scene.imported()
    assert scene.append(clip)[0].GetUniqueId() is None
    assert scene.append(clip)[0].GetUniqueId()


# 13: times


@pytest.mark.parametrize(("fps", "end"), [(24.0, 22), (60.0, 34)])
@every
def test_source_frames_end_differently_where_the_rates_differ(one: Profile, fps: float, end: int) -> None:
    """Frames [10, 22) at 24 are said as 10, 22; frames [10, 35) at 60 as 10, 34."""
    scene = Desk(one, fps=fps)
    scene.double.files[RESTORED]["start_timecode"] = "02:00:00:00"
    item = scene.append(scene.imported(), 10, 22 if fps == 24 else 35)[0]
    if not one.has((19,)):
        assert "GetSourceEndFrame" not in dir(item)
        return
    assert (item.GetSourceStartFrame(), item.GetSourceEndFrame()) == (10, end)
    seconds = item.GetSourceEndTime() - item.GetSourceStartTime()
    assert round(seconds * fps) == (12 if fps == 24 else 25), "the robust rule gives what was sent"
    assert item.GetSourceStartTime() == pytest.approx(7200 + 10 / fps)
    scene.faults.source_start_off_by = 1
    assert item.GetSourceStartFrame() == 11


@every
def test_offsets_are_of_the_record_side(one: Profile) -> None:
    scene = Desk(one)
    _, handle = laid(scene, duration=30, source_in=39, speed=2)
    assert handle.GetLeftOffset() == 19
    assert handle.GetRightOffset() == (50 if one.has((20,)) else 49)
    assert handle.GetLeftOffset(True) == (19.5 if one.has((19, 1)) else 19)
    assert handle.GetDuration() == 30
    assert handle.GetEnd() == handle.GetStart() + 30


def test_reversed_clips_start_after_their_end() -> None:
    scene = desk("21.1.0 Studio")
    _, handle = laid(scene, duration=41, source_in=20, speed=-1)
    assert handle.GetSourceStartFrame() > handle.GetSourceEndFrame()
    assert handle.GetSourceStartTime() > handle.GetSourceEndTime()
    assert handle.GetSpeed()["Percentage"] == -100.0
    assert handle.SetProperty("Speed", 50) is False


def test_transitions_are_items_without_media() -> None:
    scene = desk("21.1.0 Studio")
    first, _ = laid(scene, duration=24)
    second, _ = laid(scene, start=24, duration=24, source_in=24)
    scene.double.lay_transition(first, second, 6, 6)
    items = scene.timeline.GetItemListInTrack("video", 1)
    assert [item.GetName() for item in items] == ["b.mov", "Cross Dissolve", "b.mov"]
    assert items[1].GetMediaPoolItem() is None
    assert items[1].GetProperty() == {}
    assert (items[1].GetStart(), items[1].GetDuration(), items[1].GetType()) == (86418, 12, "transition")


# Which clips


@every
def test_what_is_meant(one: Profile) -> None:
    scene = Desk(one)
    item, _ = laid(scene, audio=True)
    above = scene.double.lay_title(track=2)
    scene.double.select([item])
    scene.double.mark(3, 134)
    scene.double.playhead(item)
    timeline = scene.timeline
    assert timeline.GetCurrentVideoItem().GetUniqueId() == above.id, "the uppermost that is switched on"
    timeline.SetTrackEnable("video", 2, False)
    assert timeline.GetCurrentVideoItem().GetUniqueId() == item.id
    scene.resolve.OpenPage("media")
    assert timeline.GetCurrentVideoItem() is None
    assert timeline.GetCurrentTimecode() is None
    if one.has((19, 1)):
        marks = {"in": 3, "out": 134}
        assert timeline.GetMarkInOut() == {"video": marks, "audio": marks}
        scene.faults.mark_out_exclusive = True
        assert timeline.GetMarkInOut()["video"]["out"] == 135
        assert timeline.ClearMarkInOut() is True
        assert timeline.GetMarkInOut() == {}
    if one.has((21, 0, 4)):
        assert [one.GetTrackTypeAndIndex()[0] for one in timeline.GetSelectedClips()] == ["video", "audio"]
        scene.faults.selected_backwards = True
        assert timeline.GetSelectedClips()[0].GetTrackTypeAndIndex()[0] == "audio"
        scene.faults.selection_without_audio = True
        assert len(timeline.GetSelectedClips()) == 1


# The double itself


def test_two_threads_at_once_are_found_out() -> None:
    scene = desk()
    errors: list[str] = []

    def elsewhere() -> None:
        with pytest.raises(AssertionError) as error:
            scene.resolve.OpenPage("edit")
        errors.append(str(error.value))

    def inside(kind: str, name: str) -> None:
        if name == "GetVersion":
            other = threading.Thread(target=elsewhere)
            other.start()
            other.join()

    scene.double.before_call = inside
    scene.resolve.GetVersion()
    assert "two threads" in errors[0]


@given(frame=st.integers(0, 24 * 3600 * 60), rate=st.sampled_from(sorted(RATES)))
def test_timecode_comes_back(frame: int, rate: str) -> None:
    assert frames_of(timecode_of(frame, RATES[rate]), RATES[rate]) == frame


@given(frame=st.integers(0, 107892 * 3), rate=st.sampled_from(["29.97", "59.94"]))
def test_drop_frame_timecode_comes_back(frame: int, rate: str) -> None:
    assert frames_of(timecode_of(frame, RATES[rate], drop=True), RATES[rate]) == frame


def test_everything_goes_through_json() -> None:
    scene = desk()
    scene.double.lay(
        scene.double.media("/a/b.mov", 100, 23.976, "01:00:00:00", "Video + Audio"), duration=20, audio=True
    )
    scene.double.faults.fail("Timeline.AddTrack", 2)
    back = Double.from_json(scene.double.to_json())
    assert back.to_json() == scene.double.to_json()
    assert back.lying() == scene.double.lying()
    assert back.faults.failing == {"Timeline.AddTrack": 2}
