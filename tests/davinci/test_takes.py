"""Restored clips come as takes of their originals, which keep everything else; and are dropped again."""

from __future__ import annotations

from typing import Any

import pytest

from davinci.resolve_double import Profile
from davinci.scene import MENU, Scene, attempt, every_call, outline
from resilver_davinci import importing
from resilver_davinci.refused import Refused

by_profile = pytest.mark.parametrize("profile", MENU, ids=lambda profile: profile.name)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAITS", (0.0, 0.0))


def take(scene: Scene, *numbers: int, file_rate: str = "24", **more: Any) -> dict[str, Any]:
    """``take`` of these clips; of the first two where none is named."""
    asked = [scene.request(number, track=1, file_rate=file_rate, **more) for number in numbers or (0, 1)]
    return scene.call("take", bin="Resilver", clips=asked)


def drop(scene: Scene, *numbers: int, **more: Any) -> dict[str, Any]:
    """``take_back`` of the takes of these clips."""
    return scene.call(
        "take_back", items=[], tracks=[], enable=[], takes=[scene.clips[one].id for one in numbers], **more
    )


@by_profile
@pytest.mark.parametrize("file_rate", ["24", "60"])
def test_the_original_shows_the_restored_file_where_it_lay(profile: Profile, file_rate: str) -> None:
    scene = Scene(profile)
    before = scene.state()
    result = take(scene, 0, 1, file_rate=file_rate)
    assert result["notes"] == []
    lying = [one for one in scene.double.lying() if one.kind == "video"]
    was = [one for one in before["lying"][scene.timeline.id] if one.kind == "video"]
    assert [(one.id, one.start, one.duration, one.colour) for one in lying] == [
        (one.id, one.start, one.duration, one.colour) for one in was
    ]
    assert [one.path for one in lying[:2]] == [f"/restored/würzburg {number}.mov" for number in (0, 1)]
    assert [one.takes for one in lying] == [2, 2, 0]
    assert [one["id"] for one in result["placed"]] == [item.id for item in scene.clips[:2]]
    assert [(one["track"], one["start"], one["duration"]) for one in result["placed"]] == [
        (1, 86400, 24),
        (1, 86424, 25),
    ]
    assert scene.state()["open"] == before["open"]
    assert scene.state()["markers"] == before["markers"]
    assert [one.takes for one in scene.saved() if one.kind == "video"] == [2, 2, 0]


@by_profile
@pytest.mark.parametrize(
    "fault",
    [{}, {"add_take_selects": True}, {"take_changes_duration": True}, {"first_import_empty": True}],
    ids=str,
)
def test_whatever_adding_a_take_does_the_place_stays(profile: Profile, fault: dict[str, Any]) -> None:
    scene = Scene(profile)
    before = outline(scene.double.lying())
    scene.double.faults.update(fault)
    take(scene, 0, 1, file_rate="60")
    assert [one[1:4] for one in outline(scene.double.lying())] == [one[1:4] for one in before]
    assert [item.take for item in scene.clips] == [2, 2, 0]


def test_a_length_that_would_change_is_corrected_or_refused() -> None:
    scene = Scene()
    scene.double.faults.take_changes_duration = True
    take(scene, 0, file_rate="60", source_end=78)  # two frames of the file, one of the timeline, too few
    assert (scene.clips[0].duration, scene.clips[0].take) == (24, 2)
    before = scene.state()
    with pytest.raises(Refused, match="would be 21 or 22 frames long instead of 25") as refused:
        take(scene, 1, file_rate="60", source_end=74)
    assert refused.value.where == "Würzburg 1"
    assert scene.state() == before


def selector(scene: Scene, number: int, selected: int) -> None:
    """The artist's own takes of a clip."""
    other = scene.double.media("/film/other.mov", frames=500)
    handle = scene.double.handle(scene.clips[number])
    assert handle.AddTake(scene.double.handle(other), 0, 100)
    assert handle.SelectTakeByIndex(selected)
    scene.double.keep()


@pytest.mark.parametrize("selected", [1, 2])
def test_takes_that_were_there_stay(selected: int) -> None:
    scene = Scene()
    selector(scene, 0, selected)
    before = scene.state()
    take(scene, 0)
    assert (len(scene.clips[0].takes), scene.clips[0].take) == (3, 3)
    scene.double.faults.fail("MediaPool.ImportMedia", -1)
    now = scene.state()
    with pytest.raises(Refused):
        take(scene, 0, path="/restored/again.mov")
    assert scene.state() == now
    scene.mend()
    result = drop(scene, 0)
    assert result == {"removed": [scene.clips[0].id], "notes": []}
    assert len(scene.clips[0].takes) == 2
    assert before["lying"][scene.timeline.id][1:] == scene.state()["lying"][scene.timeline.id][1:]


def test_a_selector_of_one_take_stays_one() -> None:
    scene = Scene()
    selector(scene, 0, 1)
    assert scene.double.handle(scene.clips[0]).DeleteTakeByIndex(2)
    assert len(scene.clips[0].takes) == 1
    before = scene.state()
    scene.double.faults.fail("ProjectManager.SaveProject", -1)
    scene.double.faults.fail("TimelineItem.SelectTakeByIndex", 1)
    with pytest.raises(Refused, match="does not make the restored clip a take"):
        take(scene, 0)
    assert scene.state() == before
    assert len(scene.clips[0].takes) == 1


@by_profile
@pytest.mark.parametrize("method", ["AddTake", "SelectTakeByIndex"])
def test_what_fails_leaves_no_take(profile: Profile, method: str) -> None:
    scene = Scene(profile)
    before = scene.state()
    scene.double.faults.fail("TimelineItem." + method, -1)
    with pytest.raises(Refused, match="does not make the restored clip a take") as refused:
        take(scene)
    assert refused.value.where == "Würzburg 0"
    assert refused.value.remedy == "put the restored clips on a track above instead"
    assert not refused.value.told
    assert scene.state() == before


def test_takes_that_cannot_be_deleted_again_are_named() -> None:
    scene = Scene()
    for method in ("DeleteTakeByIndex", "SelectTakeByIndex"):
        scene.double.faults.fail("TimelineItem." + method, -1)
    with pytest.raises(Refused, match='could not be taken back: the takes of "reel 1 – Würzburg'):
        take(scene, 0)


def test_a_clip_that_was_moved_or_is_locked_is_refused() -> None:
    scene = Scene()
    asked = scene.request(2, track=1)
    scene.clips[2].start += 1
    with pytest.raises(Refused, match="has been changed since") as refused:
        scene.call("take", bin="Resilver", clips=[asked])
    assert refused.value.reason == "CLIP_UNSUPPORTED"
    scene.timeline.tracks["video"][0].locked = True
    with pytest.raises(Refused, match="is locked"):
        take(scene, 0)


def test_any_call_that_fails_leaves_all_or_nothing() -> None:
    whole = Scene()
    take(whole)
    for which, scene in every_call(Scene, take):
        before = scene.state()
        _, refused = attempt(lambda scene=scene: take(scene))
        if refused is None:
            assert outline(scene.double.lying()) == outline(whole.double.lying()), which
        else:
            was_open = scene.double.faults.modal_open
            assert "dialog" in refused.remedy or not was_open, which
            assert scene.unharmed(before) or (was_open and refused.told), (which, str(refused))


@by_profile
def test_a_take_is_dropped_and_the_clip_is_a_plain_one_again(profile: Profile) -> None:
    scene = Scene(profile)
    before = outline(scene.double.lying())
    take(scene)
    assert drop(scene, 0, 1) == {"removed": [scene.clips[0].id, scene.clips[1].id], "notes": []}
    assert outline(scene.double.lying()) == before
    assert outline(scene.saved()) == before


def test_of_two_jobs_the_named_one_is_dropped() -> None:
    scene = Scene()
    first = take(scene, 0)["placed"][0]
    take(scene, 0, path="/restored/again.mov")
    drop(scene, 0, media={scene.clips[0].id: first["media"]})
    assert len(scene.clips[0].takes) == 2
    (shown,) = [one.path for one in scene.double.lying() if one.id == scene.clips[0].id]
    assert shown == "/restored/again.mov"
    drop(scene, 0)
    assert scene.clips[0].takes == []
    assert scene.clips[0].media == scene.reel.id


def test_a_take_that_does_not_go_and_a_clip_that_is_gone_are_notes() -> None:
    scene = Scene()
    take(scene)
    scene.double.faults.fail("TimelineItem.DeleteTakeByIndex", -1)
    scene.timeline.tracks["video"][0].items.remove(scene.clips[1])
    result = drop(scene, 0, 1)
    assert result["removed"] == []
    assert [note for note in result["notes"] if "no longer on the timeline" in note]
    assert [note for note in result["notes"] if "could not be removed" in note]
