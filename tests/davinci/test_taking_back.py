"""What was placed is taken off the timeline again, by id, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from davinci.resolve_double import Profile
from davinci.scene import MENU, Scene, attempt, every_call, outline
from resilver_davinci import importing

by_profile = pytest.mark.parametrize("profile", MENU, ids=lambda profile: profile.name)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAITS", (0.0, 0.0))


class Placed(Scene):
    """A scene with two restored clips on a track of their own; one original is off by that, one by the artist."""

    def __init__(self, profile: Profile | None = None) -> None:
        super().__init__(profile) if profile else super().__init__()
        self.clips[2].enabled = False
        self.double.keep()
        self.before = outline(self.double.lying())
        new = {"index": None, "name": "Restored"}
        off = [self.clips[0].id, self.clips[2].id]
        self.result = self.place(self.request(0), self.request(1), tracks=[new], disable=off)
        self.double.page = "fairlight"
        self.double.calls.clear()

    def back(self, **more: Any) -> dict[str, Any]:
        """``take_back`` of all of it."""
        items = [one["id"] for one in self.result["placed"]]
        asked = {"items": items, "tracks": self.result["tracks"], "enable": self.result["disabled"], "takes": []}
        return self.call("take_back", **{**asked, **more})


@by_profile
def test_all_is_as_it_was(profile: Profile) -> None:
    scene = Placed(profile)
    result = scene.back()
    assert result == {"removed": [one["id"] for one in scene.result["placed"]], "notes": []}
    assert outline(scene.double.lying()) == scene.before
    assert len(scene.timeline.tracks["video"]) == 1
    assert scene.double.page == "fairlight"
    assert outline(scene.saved()) == scene.before


def test_the_next_day_too() -> None:
    scene = Placed()
    scene.double.save_and_reopen()
    scene.timeline = scene.double.timeline
    scene.back()
    assert outline(scene.double.lying()) == scene.before


def test_what_the_artist_has_done_since_stays() -> None:
    scene = Placed()
    mine = scene.double.lay_title("Mein Titel", track=2, start=300, duration=10)
    gone, moved = scene.timeline.tracks["video"][1].items[:2]
    scene.timeline.tracks["video"][1].items.remove(gone)
    moved.start += 100
    result = scene.back()
    assert result["removed"] == [moved.id]
    assert result["notes"] == ["the video track 2 was left: it is not empty, or Resolve does not delete it"]
    assert scene.timeline.tracks["video"][1].items == [mine]


def test_what_does_not_go_is_named() -> None:
    scene = Placed()
    scene.timeline.tracks["video"][1].locked = True
    result = scene.back()
    assert result["removed"] == []
    assert (
        result["notes"][0]
        == '"würzburg 0.mov" on video track 2 at 01:00:00:00 could not be removed: its track is locked'
    )
    assert len(result["notes"]) == 3
    scene.timeline.tracks["video"][1].locked = False
    scene.double.faults.delete_misses = 1
    assert scene.back()["notes"] == []


def test_originals_that_are_gone_or_stay_off_are_named() -> None:
    scene = Placed()
    scene.double.faults.fail("TimelineItem.SetClipEnabled", -1)
    assert scene.back()["notes"] == ['"reel 1 – Würzburg.mov" is still switched off']
    scene.timeline.tracks["video"][0].items.remove(scene.clips[0])
    (note,) = scene.back()["notes"]
    assert note == "1 of the originals could not be switched on again: no longer on the timeline"


def test_tracks_go_highest_first_and_only_empty_ones() -> None:
    scene = Placed()
    scene.double.lay_title("oben", track=5, start=0, duration=10)
    result = scene.back(tracks=[2, 3, 9, 5])
    assert [[item.name for item in track.items] for track in scene.timeline.tracks["video"]][1:] == [[], ["oben"]]
    assert result["notes"] == ["the video track 5 was left: it is not empty, or Resolve does not delete it"]


def test_whatever_call_fails_a_second_time_takes_back_the_rest() -> None:
    for which, scene in every_call(Placed, lambda scene: scene.back()):
        whole = scene.before
        result, refused = attempt(lambda scene=scene: scene.back())
        scene.mend()
        lying = outline(scene.double.lying())
        if refused is None:
            assert lying == whole or (result or {})["notes"], which
        else:
            placed = [one for one in scene.double.lying() if one.track == 2 and one.kind == "video"]
            untouched = len(placed) == 2
            assert untouched or refused.told, which
        scene.back(tracks=[2])
        assert outline(scene.double.lying()) == whole, which
