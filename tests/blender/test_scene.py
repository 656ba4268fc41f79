"""A second scene at 4K60: every cut in one rounding, restored clips frame for frame, the rest carried or named."""

from __future__ import annotations

import json
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from resilver_otio.locate import cut_frame
from support import burnt
from support.blender import VERSIONS, blender

OUTPUT = Fraction(60)
RATES = {"23.976": (24, 1.001), "24": (24, 1.0), "25": (25, 1.0), "29.97": (30, 1.001)}
FIRST = 3
"""The old scene's first frame."""
SHOTS: tuple[dict[str, Any], ...] = (
    {"name": "plain", "left": 3, "right": 10, "first": 0, "restored": False, "meta": False},
    {"name": "one", "left": 10, "right": 21, "first": 4, "restored": True, "meta": False},
    {"name": "two", "left": 21, "right": 22, "first": 9, "restored": True, "meta": False},
    {"name": "trimmed", "left": 22, "right": 35, "first": 31, "restored": False, "meta": False},
    {"name": "backwards", "left": 35, "right": 42, "first": 0, "restored": False, "meta": False, "reverse": True},
    {"name": "three", "left": 42, "right": 59, "first": 2, "restored": True, "meta": True},
    {"name": "last", "left": 59, "right": 64, "first": 8, "restored": False, "meta": True},
)  # fmt: skip
"""Adjacent shots of odd lengths; the last two lie in a meta. ``first`` is the media frame at ``left``."""
LENGTH = 90
"""Frames of the original; they spell numbers from 2000, restored clips from 500, 1000, 1500."""
ORIGINAL = 2000
TAIL = 2
RECIPE = json.dumps({"delivery": {"profile": "h264", "tailFrames": TAIL}})
WITHOUT_SOUND = ("4.2",)
NEAREST = ("4.2", "4.5")
"""Blenders that show the media frame nearest to the moment. Later ones keep decoded frames by whole numbers and show a
frame that they have instead of the next one, so a movie slower than its scene is up to a media frame late."""


def exact(name: str) -> Fraction:
    fps, base = RATES[name]
    return Fraction(fps * 1000, round(base * 1000))


def at(frame: int, rate: Fraction) -> int:
    """The new scene's frame of a cut."""
    return 1 + int(cut_frame((frame - FIRST) / rate, OUTPUT))


def _rate(folder: Path, name: str) -> dict[str, Any]:
    rate, files = exact(name), {}
    for position, shot in enumerate(shot for shot in SHOTS if shot["restored"]):
        frames = at(shot["right"], rate) - at(shot["left"], rate) + TAIL
        path = folder / f"{name}-{position}.mp4"
        burnt.write_movie(path, frames, OUTPUT, first=500 * (position + 1))
        files[shot["name"]] = (str(path), frames)
    original = burnt.write_movie(folder / f"original-{name}.mp4", LENGTH, rate, 96, 54, first=ORIGINAL)
    fps, base = RATES[name]
    return {"name": name, "fps": fps, "base": base, "files": files, "original": original}


@pytest.fixture(scope="module", params=VERSIONS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("scene")
    with wave.open(str(folder / "quiet.wav"), "wb") as quiet:
        quiet.setnchannels(1)
        quiet.setsampwidth(2)
        quiet.setframerate(8000)
        quiet.writeframes(bytes(2 * 8000 * 5))
    found = blender(
        request.param, "place_scene", 400, rates=[_rate(folder, name) for name in RATES], shots=SHOTS, recipe=RECIPE,
        slow=burnt.write_movie(folder / "slow.mp4", 60, Fraction(16), 96, 54), second="b.png",
        still=burnt.write_picture(folder / "a.png", 1, 96, 54), clip=burnt.write_movie(folder / "c.mp4", 52, OUTPUT),
        sound=None if request.param in WITHOUT_SOUND else folder / "quiet.wav", pictures=folder / "rendered",
    )  # fmt: skip
    return {"version": request.param, **found}


@pytest.mark.parametrize("name", RATES)
def test_every_frame_of_the_new_scene(seen: dict[str, Any], name: str) -> None:
    rate, found = exact(name), seen[name]
    paths = {int(frame): Path(path) for frame, path in found["pictures"].items()}
    assert max(paths) == at(SHOTS[-1]["right"], rate) - 1
    numbers = dict(zip(paths, map(burnt.number_of, burnt.read_pictures(paths.values())), strict=True))
    late = Fraction(1, 2) if seen["version"] in NEAREST else Fraction(1)
    assert [wrong for frame, number in numbers.items() if (wrong := _wrong(frame, number, rate, late))] == []


def _wrong(frame: int, number: int | None, rate: Fraction, late: Fraction) -> str:
    """What is wrong with a frame of the new scene; empty where it is right. A movie that was not restored may stand
    half a media frame ahead and ``late`` behind."""
    shot = next(shot for shot in SHOTS if at(shot["left"], rate) <= frame < at(shot["right"], rate))
    if number is None:
        return f"{frame}: unreadable"
    if shot["restored"]:
        position = [each["name"] for each in SHOTS if each["restored"]].index(shot["name"])
        wanted = 500 * (position + 1) + frame - at(shot["left"], rate)
        return "" if number == wanted else f"{frame}: {number}, not {wanted}"
    travel = (frame - 1) * rate / OUTPUT - (shot["left"] - FIRST)  # in frames of the original
    first = LENGTH - 1 if shot.get("reverse") else shot["first"]
    media = ORIGINAL + (first - travel if shot.get("reverse") else first + travel)
    ahead = media - number if shot.get("reverse") else number - media
    slack = rate / OUTPUT / 2  # content begins on a whole frame of the new scene
    return (
        ""
        if -late - slack <= ahead <= Fraction(1, 2) + slack
        else f"{frame}: {number}, not {float(media):.2f} ({shot['name']})"
    )


@pytest.mark.parametrize("name", RATES)
def test_the_scene_and_its_strips(seen: dict[str, Any], name: str) -> None:
    rate, found = exact(name), seen[name]
    assert found["name"] == "Scene 192x108@60"
    assert found["settings"] == [60, 1.0, 192, 108, 1, at(SHOTS[-1]["right"], rate) - 1, "Standard"]
    for shot in SHOTS:
        assert found["strips"][shot["name"]] == [2, at(shot["left"], rate), at(shot["right"], rate), False]
    assert found["strips"]["meta"] == [2, at(42, rate), at(64, rate), False]
    assert found["report"] == []
    assert found["where"] == ["channel 2 of the scene 'Scene 192x108@60'"] * 3
    assert found["error"].startswith("FrameCountMismatch: ")
    assert found["state"] == [True, "up to date", False]
    assert (found["kept"], found["same"], found["undone"]) == (True, True, True)


def test_what_is_carried_and_what_is_named(seen: dict[str, Any]) -> None:
    found = seen["everything"]
    assert found["name"] == "Scene 4K60"
    left_out = {sentence.split("'")[1]: sentence for sentence in found["report"]}
    assert set(left_out) == {"slow", "pictures", "other", "gone"}
    assert "16" not in left_out["slow"]
    assert "plays at 24 frames a second, not its own rate" in left_out["slow"]
    assert "a scene strip" in left_out["other"]
    assert "image sequence" in left_out["pictures"]
    kinds = {"shot", "title", "colour", "grade", "still", "blink", "fine"} | ({"sound"} if found["volume"] else set())
    assert set(found["strips"]) == kinds
    assert found["strips"]["shot"] == [2, 1, 51, False]
    assert found["strips"]["title"] == [4, 11, 49, False]
    assert found["strips"]["still"] == [2, 101, 149, False]
    assert found["strips"]["blink"] == [8, 74, 76, False]
    assert found["strips"]["fine"] == [9, 1, 21, True]
    assert found["text"] == ["The End", 800, [0.3, 0.7], 280]
    assert found["colour"] == [0.25, 0.5, 0.75]
    assert found["curve"] == ["blend_alpha", [61.0, 0.5]]
    assert found["bright"] == -12
    assert found["marker"] == [["here", 61]]
    assert found["scale"] == pytest.approx(20)
    assert found["state"] == "up to date"
    if seen["version"] not in WITHOUT_SOUND:
        assert found["strips"]["sound"] == [10, 24, 84, False]
        assert found["volume"] == 0.5
