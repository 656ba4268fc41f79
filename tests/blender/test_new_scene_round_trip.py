"""A whole edit through a real server and a real network into a scene at 60 frames a second, as Blender renders it.

Every cut lies on the first frame that is not before it, so that a frame shows its own moment, nothing rounded: the
film's bar stands where that says, as well as a network can put it there. That is well within half an output frame.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest

from resilver_otio.locate import cut_frame
from support import bars
from support.blender import blender
from support.models import installed_models
from support.serving import server_process

RATES = {"23.976": (24, 1.001), "25": (25, 1.0)}
OUTPUT = Fraction(60)
FIRST = 3
"""The old scene's first frame."""
SHOTS: tuple[dict[str, Any], ...] = (
    {"name": "one", "channel": 2, "left": 3, "right": 14, "first": 0},
    {"name": "flash", "channel": 2, "left": 14, "right": 15, "first": 20},
    {"name": "two", "channel": 2, "left": 15, "right": 30, "first": 30},
    {"name": "three", "channel": 2, "left": 33, "right": 40, "first": 5},
    {"name": "above", "channel": 4, "left": 37, "right": 46, "first": 40},
    {"name": "last", "channel": 2, "left": 46, "right": 53, "first": bars.FRAMES - 7},
)
"""Odd lengths; cuts that meet, a gap, one shot over another's end, and the film's last frames at the end."""
NETWORK = 0.12
"""Media frames by which the network may put the bar wrong between two filmed frames (``test_round_trip``)."""
SAME = 0.03
"""Media frames by which two measurements of one picture may differ."""


def _exact(name: str) -> Fraction:
    fps, base = RATES[name]
    return Fraction(fps * 1000, round(base * 1000))


def _at(frame: int, rate: Fraction) -> int:
    """The new scene's frame of a cut."""
    return 1 + int(cut_frame((frame - FIRST) / rate, OUTPUT))


def _recipe() -> str:
    stages = [
        {"stage": "upscale", "parameters": {"model": {"text": "none"}, "scale": {"number": 1.0}}},
        {"stage": "interpolate", "parameters": {"model": {"text": "rife-4.25"}, "rate": {"text": str(OUTPUT)}}},
    ]
    return json.dumps({"stages": stages, "delivery": {"profile": "prores-422hq", "keepAudio": False}})


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("version", "rate_name"), [("4.2", "25"), ("5.2", "23.976")])
def test_every_cut_and_every_frame(version: str, rate_name: str, tmp_path: Path) -> None:
    rate, (fps, base) = _exact(rate_name), RATES[rate_name]
    film = bars.movie(tmp_path / "film.mp4", rate)
    home = installed_models(tmp_path / "home", "rife-4.25")
    with server_process(home):
        seen = blender(
            version, "new_scene_round_trip", timeout=400, environment={"RESILVER_HOME": str(home)}, film=str(film),
            shots=SHOTS, fps=fps, fps_base=base, size=[bars.WIDTH, bars.HEIGHT], recipe=_recipe(),
            output=str(tmp_path / "out"), pictures=str(tmp_path / "rendered"),
        )  # fmt: skip
    assert seen["outcome"] == ["FINISHED"]
    assert seen["untouched"]
    end = _at(SHOTS[-1]["right"], rate)
    assert seen["settings"] == [60, 1.0, bars.WIDTH, bars.HEIGHT, end - 1]
    placed = sorted((strip["left"], strip["right"], strip["name"], strip["channel"]) for strip in seen["strips"])
    assert placed == sorted(
        (_at(shot["left"], rate), _at(shot["right"], rate), shot["name"], shot["channel"]) for shot in SHOTS
    )
    results = {strip["name"]: bars.frames_of(Path(strip["path"])) for strip in seen["strips"]}
    assert len(seen["pictures"]) == end - 1
    worst = max(_off(frame, path, results, rate) for frame, path in enumerate(seen["pictures"], 1))
    print(f"Blender {version}, {rate_name} fps: bars within {worst:.3f} media frames of their time")
    assert worst <= NETWORK


def _off(frame: int, path: str, results: dict[str, list[float]], rate: Fraction) -> float:
    """Media frames by which a result's frame is not that of its moment; Blender shows that frame and no other."""
    picture = cv2.imread(path)
    over = [shot for shot in SHOTS if _at(shot["left"], rate) <= frame < _at(shot["right"], rate)]
    if not over:
        assert picture.max() <= 1, f"frame {frame} lies in a gap"  # renders are dithered
        return 0.0
    shot = max(over, key=lambda shot: int(shot["channel"]))
    shown = bars.media_frame(picture)
    own = results[shot["name"]][frame - _at(shot["left"], rate)]
    assert abs(shown - own) <= SAME, f"frame {frame} is not the one that was made for it ({shot['name']})"
    moment = shot["first"] + (frame - 1) * rate / OUTPUT + FIRST - shot["left"]
    return abs(own - min(float(moment), bars.FRAMES - 1))
