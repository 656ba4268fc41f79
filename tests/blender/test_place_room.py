"""On which channel a restored clip lies, and what moves or is refused for it."""

from __future__ import annotations

import wave
from fractions import Fraction
from typing import Any

import pytest

from support import burnt
from support.blender import VERSIONS, blender

FILM = ("shot", "film", 2, 10, 40)
RESTORED = "shot [restored]"
WITHOUT_SOUND = ("4.2",)
"""Blenders whose module cannot load sounds."""


def case(name: str, *strips: tuple[str, str, int, int, int], occupied: Any = "refuse", **more: Any) -> dict[str, Any]:
    ways = [occupied] if isinstance(occupied, str) else occupied
    return {"name": name, "strips": [FILM, *strips], "restored": ["shot"], "occupied": ways, **more}


CASES = (
    case("free"),
    case("beside", ("a", "color", 3, 40, 60), ("b", "color", 3, 1, 10)),
    case("covered", ("title", "color", 3, 30, 60)),
    case("covered, above", ("title", "color", 3, 30, 60), occupied="above"),
    case("covered, room", ("title", "color", 3, 30, 60), ("over it", "color", 4, 50, 70), ("far", "color", 4, 70, 90),
         ("high", "color", 5, 65, 80),
         ("aside", "color", 3, 60, 90), occupied="make-room"),
    case("title further up", ("title", "color", 4, 30, 60)),
    case("muted above", ("title", "muted", 3, 30, 60)),
    case("locked", locked=[3]),
    case("muted channel", ("title", "color", 3, 30, 60), muted=[3]),
    case("full", *((f"c{n}", "muted", n, 10, 40) for n in range(3, 129))),
    case("full, room", *((f"c{n}", "color", n, 10, 40) for n in range(3, 129)), occupied="make-room"),
    case("again", occupied=["refuse", "refuse", "refuse"]),
    case("two layers", ("upper", "film", 3, 10, 40), occupied="make-room", restored=["shot", "upper"]),
    case("twice in a row", ("title", "color", 3, 30, 60), occupied=["make-room", "refuse"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("room")
    with wave.open(str(folder / "quiet.wav"), "wb") as quiet:
        quiet.setnchannels(1)
        quiet.setsampwidth(2)
        quiet.setframerate(8000)
        quiet.writeframes(bytes(2 * 8000 * 5))
    return {
        "original": str(burnt.write_movie(folder / "original.mp4", 60, Fraction(24), 96, 54)),
        "restored": str(burnt.write_movie(folder / "restored.mp4", 122, Fraction(60), 192, 108)),
        "sound": str(folder / "quiet.wav"),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_clip_finds_its_channel(version: str, media: dict[str, str]) -> None:
    sound = () if version in WITHOUT_SOUND else (case("sound between", ("sound", "sound", 3, 5, 50)),)
    found = blender(version, "place_room", cases=[*CASES, *sound], **media)
    channels = {name: seen["edit"].get(RESTORED, [None])[0] for name, seen in found.items()}
    errors = {name: " ".join(seen["errors"]).strip() for name, seen in found.items()}
    assert {name for name, error in errors.items() if error} == {"covered", "full", "full, room"}
    assert channels == {
        "free": 3, "beside": 3, "covered": None, "covered, above": 4, "covered, room": 3, "title further up": 3,
        "muted above": 4, "locked": 4, "muted channel": 4, "full": None, "full, room": None, "again": 3,
        "two layers": 3, "twice in a row": 3,
    } | {each["name"]: 4 for each in sound}  # fmt: skip
    _words(found, errors)
    _rooms(found)


def _words(found: dict[str, Any], errors: dict[str, str]) -> None:
    for name, seen in found.items():
        hidden = {"covered": "'title' on channel 3 lies above it", "two layers": "'upper' on channel 3 lies above it"}
        wanted = hidden.get("two layers" if name == "two layers" else name.split(",")[0], "")
        if name in ("twice in a row", "covered, above", "covered, room"):
            wanted = hidden["covered"]
        if name == "full, room":
            wanted = "'c3' on channel 3, 'c4' on channel 4 and 124 more lie above it"
        assert seen["in the way"][0] == wanted, name
    assert errors["covered"].startswith("TargetOccupied: 'title' on channel 3 lies above it, shot, ")
    assert errors["full"].startswith("TargetOccupied: no channel is free up to 128, shot, ")
    assert "would have to move above channel 128" in errors["full, room"]


def _rooms(found: dict[str, Any]) -> None:
    """What is refused changes nothing; what moves is only what has to, and stays in its order."""
    for name in ("covered", "full", "full, room"):
        assert found[name]["edit"] == found[name]["before"]
    moved = {name: strip[0] for name, strip in found["covered, room"]["edit"].items()}
    assert moved == {"shot": 2, RESTORED: 3, "title": 4, "over it": 5, "high": 6, "far": 4, "aside": 3}
    assert found["again"]["edit"].keys() == {"shot", RESTORED}
    layers = {name: strip[0] for name, strip in found["two layers"]["edit"].items()}
    assert layers == {"shot": 2, RESTORED: 3, "upper": 4, "upper [restored]": 5}
    again = {name: strip[0] for name, strip in found["twice in a row"]["edit"].items()}
    assert again == {"shot": 2, RESTORED: 3, "title": 4}
