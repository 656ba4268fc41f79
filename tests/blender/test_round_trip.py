"""Select, restore, look: on every frame that Blender shows of a restored strip, the bar stands where its time says.

Upscale and interpolation run on real networks in a real server; Blender renders; the position of the bar in each
picture gives the media time, which must be that of the timeline's frame within half an output frame.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest

from support import bars
from support.blender import VERSIONS, blender
from support.models import installed_models
from support.serving import server_process

RATES = {"23.976": (24, 1.001), "24": (24, 1.0), "25": (25, 1.0), "29.97": (30, 1.001), "60": (60, 1.0)}
OUTPUT = Fraction(60)
NOISE = 0.05
"""Media frames (a third of a pixel) by which network, codec and measurement may put the bar wrong."""


def _exact(name: str) -> Fraction:
    fps, base = RATES[name]
    return Fraction(fps * 1000, round(base * 1000))


def _cases(folder: Path, rate: Fraction) -> list[dict[str, Any]]:
    """One strip of each kind, one after the other. ``speed`` is media frames a timeline frame, ``first`` the media
    frame at ``start``; the picture at timeline frame t is that of ``first + speed * (t - start)``."""
    film, scan = (str(bars.movie(folder / f"film{r}.mp4", Fraction(r))) for r in (24, 16))
    names = bars.sequence(folder / "pictures", 86)
    timed, slow = Fraction(24) / rate, Fraction(16) / rate
    last = bars.FRAMES - 1
    cases = [
        dict(name="whole scan", path=scan, conform=False, speed=1, first=0, start=1, left=1, right=1 + bars.FRAMES),
        dict(name="handles", path=film, conform=True, speed=timed, first=0, start=95, left=100, right=117),
        dict(name="media trims", path=film, conform=True, speed=timed, first=9, trims=(9, 6), start=130, left=130,
             right=149),
        dict(name="both trims", path=film, conform=False, speed=1, first=7, trims=(7, 11), start=157, left=160,
             right=181),
        dict(name="slow scan", path=scan, conform=True, speed=slow, first=0, start=190, left=193, right=220),
        dict(name="soft split", path=film, conform=True, speed=timed, first=0, start=230, left=230, right=252,
             splits=(("SOFT", 241),)),
        dict(name="hard split", path=film, conform=True, speed=timed, first=0, start=260, left=262, right=284,
             splits=(("HARD", 273),)),
        dict(name="pictures", path=str(folder / "pictures"), files=names, conform=False, speed=1, first=0, start=287,
             left=291, right=311),
        dict(name="reversed", path=scan, conform=False, reverse=True, speed=-1, first=last, start=320, left=324,
             right=345),
    ]  # fmt: skip
    return [{key: float(value) if isinstance(value, Fraction) else value for key, value in c.items()} for c in cases]


def _recipe(model: str) -> str:
    scale = 1.0 if model == "none" else 2.0
    stages = [
        {"stage": "upscale", "parameters": {"model": {"text": model}, "scale": {"number": scale}}},
        {"stage": "interpolate", "parameters": {"model": {"text": "rife-4.6"}, "rate": {"text": str(OUTPUT)}}},
    ]
    return json.dumps({"stages": stages, "delivery": {"profile": "prores-422hq", "keepAudio": False, "tailFrames": 2}})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rate_name", RATES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_frame_shows_its_time(version: str, rate_name: str, tmp_path: Path) -> None:
    rate = _exact(rate_name)
    cases = _cases(tmp_path, rate)
    fps, base = RATES[rate_name]
    model = "span-x2" if (version, rate_name) == (VERSIONS[0], "24") else "none"
    home = installed_models(tmp_path / "home", "rife-4.6", model)
    with server_process(home):
        seen = blender(
            version, "round_trip", timeout=600, environment={"RESILVER_HOME": str(home)}, cases=cases, fps=fps,
            fps_base=base, size=[bars.WIDTH, bars.HEIGHT], recipe=_recipe(model), output=str(tmp_path / "out"),
            pictures=str(tmp_path / "rendered"),
        )  # fmt: skip
    assert seen["outcome"] == ["FINISHED"]
    _in_place(seen["strips"])
    excess = max(_errors(cases, seen["restored"], rate))
    print(f"Blender {version}, {rate_name} fps: {excess:+.3f} media frames beyond half an output frame at worst")
    assert excess <= NOISE


def _in_place(strips: list[dict[str, Any]]) -> None:
    originals = [strip for strip in strips if not strip["role"]]
    restored = {strip["name"]: strip for strip in strips if strip["role"] == "restored"}
    assert len(originals) == len(restored) == 11
    for original in originals:
        above = restored[f"{original['name']} [restored]"]
        assert (above["left"], above["right"]) == (original["left"], original["right"])
        assert above["channel"] == original["channel"] + 1
        assert above["job"]
        assert not original["mute"]


def _errors(cases: list[dict[str, Any]], restored: dict[str, dict[str, str]], rate: Fraction) -> list[float]:
    """Media frames by which each picture's bar is further than half an output frame from the time of its frame."""
    pictures = {int(frame): path for shown in restored.values() for frame, path in shown.items()}
    assert sorted(pictures) == sorted(t for case in cases for t in range(case["left"], case["right"]))
    found = []
    for case in cases:
        half = abs(case["speed"]) * float(rate / OUTPUT) / 2
        for frame in range(case["left"], case["right"]):
            wanted = case["first"] + case["speed"] * (frame - case["start"])
            shown = bars.media_frame(cv2.imread(pictures[frame]))
            found.append(abs(shown - wanted) - half)
    return found
