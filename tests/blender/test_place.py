"""Restored clips come back into real edits: where they lie, what they show, how they look, what is taken back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from support import burnt
from support.blender import VERSIONS, blender

OUTPUT = Fraction(60)
RATES = {
    "16": (16, 1.0), "23.976": (24, 1.001), "24": (24, 1.0), "25": (25, 1.0), "29.97": (30, 1.001), "30": (30, 1.0),
    "60": (60, 1.0),
}  # fmt: skip
SHOTS = (
    {"name": "before", "left": 3, "right": 8, "restored": False},
    {"name": "one", "left": 8, "right": 31, "restored": True},
    {"name": "two", "left": 31, "right": 38, "restored": True},
    {"name": "a single frame", "left": 38, "right": 39, "restored": True},
    {"name": "after", "left": 39, "right": 43, "restored": False},
)
"""Adjacent shots of odd lengths. The original's frames spell numbers from 2000, so that none is a restored one's."""
ORIGINAL = 2000
every_version = pytest.mark.parametrize("version", VERSIONS)


def exact(name: str) -> Fraction:
    fps, base = RATES[name]
    return Fraction(fps * 1000, round(base * 1000))


def numbers(pictures: dict[str, str]) -> dict[int, int | None]:
    """Frame of the timeline -> the number that its picture spells."""
    paths = {int(frame): Path(path) for frame, path in pictures.items()}
    return dict(zip(paths, map(burnt.number_of, burnt.read_pictures(paths.values())), strict=True))


def _files(folder: Path, name: str) -> dict[str, tuple[str, int]]:
    """A restored clip for each restored shot: path and frames, as the server makes them (two tail frames)."""
    made = {}
    for position, shot in enumerate(shot for shot in SHOTS if shot["restored"]):
        frames = round((int(shot["right"]) - int(shot["left"])) * OUTPUT / exact(name)) + 2
        path = folder / f"{name}-{position}.mp4"
        burnt.write_movie(path, frames, OUTPUT, first=500 * position)
        made[str(shot["name"])] = (str(path), frames)
    return made


@every_version
def test_every_frame_is_the_right_one(version: str, tmp_path: Path) -> None:
    original = burnt.write_movie(tmp_path / "original.mp4", 60, Fraction(24), 96, 54, first=ORIGINAL)
    rates = [
        {"name": name, "fps": fps, "base": base, "files": _files(tmp_path, name)} for name, (fps, base) in RATES.items()
    ]
    found = blender(
        version, "place_frames", 300, rates=rates, original=original, shots=SHOTS, pictures=tmp_path / "rendered"
    )
    for name in RATES:
        seen = numbers(found[name]["pictures"])
        assert [wrong for frame in seen if (wrong := _wrong(frame, seen[frame], exact(name)))] == []
        assert found[name]["where"] == ["channel 3"] * 3
        assert found[name]["edit"]["two [restored]"] == [3, 31, 38, False, ""]


def _wrong(frame: int, seen: int | None, rate: Fraction) -> str:
    """What is wrong with a rendered frame; empty where it is right."""
    shot = next(shot for shot in SHOTS if int(shot["left"]) <= frame < int(shot["right"]))
    k = frame - int(shot["left"])
    if not shot["restored"]:
        return "" if seen == ORIGINAL + k else f"{frame}: {seen}, not the original's {ORIGINAL + k}"
    position = [each["name"] for each in SHOTS if each["restored"]].index(shot["name"])
    wanted = 500 * position + k * OUTPUT / rate
    right = seen is not None and abs(seen - wanted) <= Fraction(1, 2)
    return "" if right else f"{frame}: {seen}, not {float(wanted):.2f}"
