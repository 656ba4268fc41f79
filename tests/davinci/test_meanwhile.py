"""People work on in Resolve while clips are placed: what they do between two calls loses nothing and hides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from davinci.resolve_double import Profile
from davinci.scene import MENU, Scene, attempt, outline, spans
from resilver_davinci import importing
from resilver_davinci.refused import Refused

by_profile = pytest.mark.parametrize("profile", MENU, ids=lambda profile: profile.name)
NEW = ({"index": None, "name": "Restored"},)
METHODS = (
    "MediaPool.ImportMedia", "Timeline.AddTrack", "MediaPool.AppendToTimeline", "TimelineItem.SetClipColor",
    "ProjectManager.SaveProject",
)  # fmt: skip
"""Calls of a placing, from its first to its last change."""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAITS", (0.0, 0.0))


def just_before(scene: Scene, method: str, act: Callable[[], object]) -> None:
    """Somebody does something once, right before the next call of a method."""

    def before(kind: str, name: str) -> None:
        if f"{kind}.{name}" == method:
            scene.double.before_call = lambda kind, name: None
            act()

    scene.double.before_call = before


def trailer(scene: Scene) -> Any:
    """Another timeline with as many tracks, which is not the open one."""
    other = scene.double.open_timeline("Trailer")
    scene.double.lay_title("frei", track=3, start=5000)
    scene.double.project.current_timeline = scene.timeline.id
    return other


def place(scene: Scene) -> dict[str, Any]:
    return scene.place(scene.request(0), scene.request(1), tracks=NEW, disable=[scene.clips[0].id])


@by_profile
@pytest.mark.parametrize("method", METHODS)
def test_another_timeline_that_is_opened_gets_nothing(profile: Profile, method: str) -> None:
    scene = Scene(profile)
    other = trailer(scene)
    before = scene.double.lying(other)
    just_before(scene, method, lambda: setattr(scene.double.project, "current_timeline", other.id))
    result = place(scene)
    assert spans(scene.double.lying(scene.timeline), 2) == [(86400, 24), (86424, 25)]
    assert scene.double.lying(other) == before
    assert result["notes"] == []


def test_what_stays_on_the_other_timeline_is_named() -> None:
    scene = Scene()
    other = trailer(scene)
    before = scene.double.lying(other)
    scene.double.faults.fail("Timeline.DeleteClips", -1)
    just_before(
        scene, "MediaPool.AppendToTimeline", lambda: setattr(scene.double.project, "current_timeline", other.id)
    )
    with pytest.raises(Refused, match='another timeline, "Trailer", was opened meanwhile, and it lies there') as said:
        place(scene)
    assert (said.value.where, said.value.remedy) == ("Würzburg 0", "remove it there by hand")
    assert len(scene.double.lying(other)) == len(before) + 1


def test_another_bin_that_is_opened_gets_nothing() -> None:
    scene = Scene()
    root = scene.double.project.folders[0]
    just_before(scene, "MediaPool.ImportMedia", lambda: setattr(scene.double.project, "current_folder", root.id))
    place(scene)
    (bin_,) = [folder for folder in scene.double.project.folders if folder.name == "Resilver"]
    assert [media.folder for media in scene.double.project.media if "/restored/" in media.path] == [bin_.id] * 2


def test_what_cannot_be_moved_into_its_bin_is_not_left_in_another() -> None:
    scene = Scene()
    before, root = scene.state(), scene.double.project.folders[0]
    scene.double.faults.fail("MediaPool.MoveClips", -1)
    just_before(scene, "MediaPool.ImportMedia", lambda: setattr(scene.double.project, "current_folder", root.id))
    with pytest.raises(Refused, match="another bin"):
        place(scene)
    assert scene.state() == before


@by_profile
@pytest.mark.parametrize("method", METHODS)
def test_a_project_that_is_closed_is_the_one_reason(profile: Profile, method: str) -> None:
    scene = Scene(profile)
    saved = outline(scene.double.lying())

    def another() -> None:
        scene.double.open_project("Fremd")
        scene.double.open_timeline("Reel 1")

    just_before(scene, method, another)
    with pytest.raises(Refused, match="the project was closed while") as refused:
        place(scene)
    assert "open it again" in refused.value.remedy
    assert scene.double.lying() == []
    assert [media.path for media in scene.double.project.media if media.path] == []
    scene.double.load("Heimat")
    assert outline(scene.double.lying()) == saved


@pytest.mark.parametrize("method", METHODS)
def test_a_timeline_that_is_deleted_is_the_one_reason(method: str) -> None:
    scene = Scene()
    other = trailer(scene)
    before = scene.double.lying(other)
    media = [each.path for each in scene.double.project.media if each.path]
    just_before(scene, method, lambda: scene.double.drop_timeline(scene.timeline))
    with pytest.raises(Refused, match="the timeline was deleted while") as refused:
        place(scene)
    assert not refused.value.told, "what lay on it went with it"
    assert scene.double.lying(other) == before
    assert [each.path for each in scene.double.project.media if each.path] == media


def _trim(scene: Scene) -> None:
    scene.clips[0].duration -= 1


def _move(scene: Scene) -> None:
    scene.clips[0].start += 1000


def _delete(scene: Scene) -> None:
    scene.timeline.tracks["video"][0].items.remove(scene.clips[0])


def _raise(scene: Scene) -> None:
    scene.double.lay_title("frei", track=4, start=5000)
    track = scene.timeline.tracks["video"][0]
    track.items.remove(scene.clips[0])
    scene.timeline.tracks["video"][3].put(scene.clips[0])


@pytest.mark.parametrize("change", [_trim, _move, _delete, _raise])
def test_an_original_that_is_changed_while_it_is_covered_is_named(change: Callable[[Scene], None]) -> None:
    scene = Scene()
    just_before(scene, "MediaPool.AppendToTimeline", lambda: change(scene))
    result = scene.place(scene.request(0), scene.request(1), tracks=NEW)
    assert result["notes"] == ['"Würzburg 0" was changed while its restored clip was laid: look whether they still fit']
    assert spans(scene.double.lying(), 2) == [(86400, 24), (86424, 25)]


def test_a_place_that_is_taken_in_the_last_moment_leaves_all_as_it_was() -> None:
    scene = Scene()
    scene.double.lay_title("Titel", track=2, start=200)
    before = scene.state()
    laid: list[Any] = []
    just_before(
        scene,
        "MediaPool.AppendToTimeline",
        lambda: laid.append(scene.double.lay_title("Im Weg", track=2, start=30, duration=5)),
    )
    result, refused = attempt(lambda: scene.place(scene.request(0), scene.request(1)))
    assert result is None
    assert refused is not None
    assert (refused.where, refused.told) == ("Würzburg 1", False)
    scene.timeline.tracks["video"][1].items.remove(laid[0])
    assert scene.state() == before


def _track_below(scene: Scene) -> None:
    scene.double.lay_title("oben", track=4, start=5000)
    tracks = scene.timeline.tracks["video"]
    tracks.insert(0, tracks.pop())


def counted(scene: Scene) -> Iterator[Callable[[], dict[str, Any]]]:
    """Calls that go by the number of video tracks as they were."""
    count = len(scene.timeline.tracks["video"])
    asked = scene.request(0)
    ids = {**scene.ids(), "video_tracks": count}
    yield lambda: scene.call("place", **ids, tracks=NEW, bin="Resilver", clips=[asked], disable=[])
    yield lambda: scene.call("take_back", **ids, items=[], tracks=[2], enable=[], takes=[])


def test_tracks_that_were_counted_before_another_came_are_not_touched() -> None:
    scene = Scene()
    scene.double.lay_title("mine", track=3, start=500)
    calls = list(counted(scene))
    _track_below(scene)
    before = scene.state()
    for call in calls:
        with pytest.raises(Refused, match="added or removed just now") as refused:
            call()
        assert refused.value.reason == "TARGET_OCCUPIED"
        assert scene.state() == before
