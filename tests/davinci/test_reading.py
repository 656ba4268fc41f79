"""What runs inside Resolve reads the open timeline: ids, places, and null for what a version cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from davinci.resolve_double import Double, Profile
from davinci.scene import MENU, Scene, attempt
from resilver_davinci import api, rates, words
from resilver_davinci.answers import answer
from resilver_davinci.refused import Refused

by_profile = pytest.mark.parametrize("profile", MENU, ids=lambda profile: profile.name)


def read(scene: Scene, **arguments: Any) -> dict[str, Any]:
    """``edit`` without the export."""
    return answer(scene.double.resolve, "edit", {"otio": None, **arguments})


@by_profile
def test_tells_where_everything_lies(profile: Profile) -> None:
    scene = Scene(profile)
    edit = read(scene)
    assert edit["project"] == {"id": scene.double.project.id, "name": "Heimat"}
    assert edit["timeline"] == {
        "id": scene.timeline.id,
        "name": "Reel 1",
        "start": 86400,
        "end": 86467,
        "rate": "24",
        "start_timecode": "01:00:00:00",
        "width": 1920,
        "height": 1080,
    }
    assert [(one["start"], one["duration"]) for one in edit["video"][0]["items"]] == [
        (86400, 24),
        (86424, 25),
        (86460, 7),
    ]
    assert [one["id"] for one in edit["video"][0]["items"]] == [item.id for item in scene.clips]
    assert edit["audio"][0]["items"][0]["duration"] == 67
    media = edit["video"][0]["items"][1]["media"]
    assert (media["id"], media["path"], media["frames"]) == (scene.reel.id, scene.reel.path, "2000")
    assert float(media["fps"]) == 24


@by_profile
def test_says_null_for_what_a_version_cannot_say(profile: Profile) -> None:
    scene = Scene(profile)
    scene.double.select([scene.clips[1]])
    scene.double.mark(24, 48)
    edit = read(scene)
    item = edit["video"][0]["items"][1]
    assert (item["source_start"], item["source_seconds"]) == (
        (24, pytest.approx(25 / 24)) if profile.has((19,)) else (None, None)
    )
    assert (item["type"], item["speed"]) == (("video", 100) if profile.has((21, 1)) else (None, None))
    assert edit["marks"] == ({"in": 24, "out": 48} if profile.has((19, 1)) else None)
    assert edit["selected"] == ([scene.clips[1].id] if profile.has((21, 0, 4)) else None)


def test_linked_sound_is_not_among_the_selected() -> None:
    scene = Scene()
    both = scene.double.lay(scene.reel, track=1, start=100, duration=10, audio=True)
    scene.double.select([both, scene.clips[0]])
    assert set(read(scene)["selected"]) == {both.id, scene.clips[0].id}


def test_the_clip_under_the_playhead_and_no_marks() -> None:
    scene = Scene()
    scene.double.playhead(scene.clips[2])
    assert (read(scene)["current"], read(scene)["marks"], read(scene)["selected"]) == (scene.clips[2].id, None, [])
    scene.double.playhead(55)
    assert read(scene)["current"] is None


def test_titles_and_transitions_have_no_media() -> None:
    scene = Scene()
    scene.double.lay_title("Titel", track=2, start=0, duration=20)
    scene.double.lay_transition(scene.clips[0], scene.clips[1])
    edit = read(scene)
    assert [item["media"] is None for item in edit["video"][1]["items"]] == [True]
    assert sum(item["media"] is None for item in edit["video"][0]["items"]) == 1


@by_profile
def test_exports_the_timeline_and_changes_nothing(profile: Profile, tmp_path: Path) -> None:
    scene, path = Scene(profile), tmp_path / "Ä edit.otio"
    before = scene.state()
    read(scene, otio=str(path))
    assert json.loads(path.read_text(encoding="utf-8"))["OTIO_SCHEMA"] == "Timeline.1"
    assert scene.state() == before
    changing = {name for _, name in scene.double.calls if name.startswith(("Set", "Add", "Delete", "Open", "Save"))}
    assert not changing


def test_an_older_export_is_never_taken_for_this_one(tmp_path: Path) -> None:
    scene, path = Scene(), tmp_path / "edit.otio"
    path.write_text("{}", encoding="utf-8")
    scene.double.faults.export_writes_nothing = True
    with pytest.raises(Refused, match="does not export") as refused:
        read(scene, otio=str(path))
    assert refused.value.to_json()["reason"] == "HOST_FAILED"
    assert not path.exists()


def test_another_timeline_is_read_and_the_open_one_stays_open() -> None:
    scene = Scene()
    other = scene.double.open_timeline("Trailer")
    before = scene.state()
    assert read(scene)["timeline"]["name"] == "Trailer"
    assert read(scene, timeline=scene.timeline.id)["timeline"]["name"] == "Reel 1"
    assert len(read(scene, timeline=scene.timeline.id)["video"][0]["items"]) == 3
    assert scene.state() == before
    assert scene.double.project.current_timeline == other.id
    with pytest.raises(Refused, match="is gone") as refused:
        read(scene, timeline="no such id")
    assert refused.value.reason == "HOST_FAILED"


@by_profile
def test_nothing_open_is_said_so(profile: Profile) -> None:
    double = Double(profile)
    with pytest.raises(Refused, match="no project is open") as refused:
        answer(double.resolve, "edit", {"otio": None})
    assert refused.value.reason == "SELECTION_EMPTY"
    double.open_project("Leer")
    with pytest.raises(Refused, match="no timeline is open") as refused:
        answer(double.resolve, "edit", {"otio": None})
    assert refused.value.reason == "SELECTION_EMPTY"


@pytest.mark.parametrize("call", ["edit", "save", "place", "take", "take_back", "new_timeline"])
def test_an_open_dialog_is_one_plain_message(call: str) -> None:
    scene = Scene()
    arguments = {"otio": None, "clips": [], "bin": "Resilver", "name": "", "tracks": []}
    scene.double.faults.modal_open = True
    with pytest.raises(Refused) as refused:
        scene.call(call, **arguments)
    assert refused.value.to_json() == {
        "reason": "HOST_FAILED",
        "what": "Resolve does not answer",
        "where": "",
        "remedy": "close the dialog that is open in Resolve, then try again",
    }


def test_a_dialog_that_opens_at_any_moment_of_reading_is_the_same_message(tmp_path: Path) -> None:
    calls = Scene()
    read(calls, otio=str(tmp_path / "a.otio"))
    for number in range(len(calls.double.calls)):
        scene = Scene()
        scene.break_at(number, modal=True)
        _, refused = attempt(lambda scene=scene: read(scene, otio=str(tmp_path / "a.otio")))
        assert refused is None or "dialog" in refused.remedy


def test_saves() -> None:
    scene = Scene()
    assert scene.call("save") == {"saved": True}
    scene.double.faults.save_fails = True
    assert scene.call("save") == {"saved": False}


def test_a_call_of_a_newer_bridge_is_refused() -> None:
    with pytest.raises(Refused, match="install"):
        Scene().call("dance")


def test_numbers_however_resolve_writes_them() -> None:
    assert [api.whole_or_none(one) for one in (24, 24.0, "24", "24.0")] == [24] * 4
    assert [api.whole_or_none(one) for one in (23.976, "", None, False, "abc", float("nan"))] == [None] * 6
    assert [api.text(one) for one in (24.0, 23.976, "29.97 DF", None, False, 10000000.0)] == [
        "24", "23.976", "29.97 DF", "", "", "10000000",
    ]  # fmt: skip
    assert rates.same("23.976", 23.98)
    assert not rates.same("23.976", 24.0)
    assert not rates.same("", "")
    assert rates.exact("59.94 DF") == 60000 / 1001
    assert words.timecode(107892, 30, True) == "01:00:00;00"
    assert words.timecode(1800, 30, True) == "00:01:00;02"
    assert words.timecode(90012, 25, False) == "01:00:00:12"
