"""Select, restore, look: on every frame that Blender shows of a restored strip, the bar stands where its time says.

Upscale and interpolation run on real networks in a real server; Blender renders. Two things are measured apart: that
the bar of every frame of a result stands where the frame's own time says, as well as a network can put it there; and
that Blender shows, on every frame of the timeline, the result's frame nearest in time: within half an output frame.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
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
SHORT = 21
"""Frames of the film that is restored whole; after its last one that one is held."""
NETWORK = 0.15
"""Media frames by which a network may put the bar wrong between two filmed frames; RIFE 4.25: 0.11, RIFE 4.6: 0.17."""
SAME = 0.03
"""Media frames by which two measurements of one picture may differ; the next picture is 0.26 or more away."""


def _exact(name: str) -> Fraction:
    fps, base = RATES[name]
    return Fraction(fps * 1000, round(base * 1000))


def _cases(folder: Path, rate: Fraction) -> list[dict[str, Any]]:
    """One strip of each kind, one after the other. ``speed`` is media frames a timeline frame, ``first`` the media
    frame at ``start``; the picture at timeline frame t is that of ``first + speed * (t - start)``."""
    film, scan, short = (str(folder / f"{name}.mp4") for name in ("film", "scan", "short"))
    names = [bars.picture_name(86 + number) for number in range(bars.FRAMES)]
    if not Path(film).exists():
        bars.movie(Path(film), Fraction(24))
        bars.movie(Path(scan), Fraction(16))
        bars.movie(Path(short), Fraction(16), SHORT)
        bars.sequence(folder / "pictures", 86)
    timed, slow = Fraction(24) / rate, Fraction(16) / rate
    last = bars.FRAMES - 1
    cases = [
        dict(name="whole scan", path=short, conform=False, speed=1, first=0, start=1, left=1, right=1 + SHORT),
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
        {"stage": "interpolate", "parameters": {"model": {"text": "rife-4.25"}, "rate": {"text": str(OUTPUT)}}},
    ]
    return json.dumps({"stages": stages, "delivery": {"profile": "prores-422hq", "keepAudio": False, "tailFrames": 2}})


@pytest.fixture(scope="module")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder for each rate with its films and a server's home: what one Blender had rendered, the next one finds."""

    @functools.cache
    def workshop(rate_name: str) -> Path:
        return tmp_path_factory.mktemp(f"at-{rate_name}")

    return workshop


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("rate_name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in RATES])
def test_every_frame_shows_its_time(
    version: str, rate_name: str, workshops: Callable[[str], Path], tmp_path: Path
) -> None:
    rate, workshop = _exact(rate_name), workshops(rate_name)
    cases = _cases(workshop, rate)
    fps, base = RATES[rate_name]
    model = "span-x2" if rate_name == "24" else "none"
    home = installed_models(workshop / "home", "rife-4.25", model)
    with server_process(home):
        seen = blender(
            version, "round_trip", timeout=600, environment={"RESILVER_HOME": str(home)}, cases=cases, fps=fps,
            fps_base=base, size=[bars.WIDTH, bars.HEIGHT], recipe=_recipe(model), output=str(tmp_path / "out"),
            pictures=str(tmp_path / "rendered"),
        )  # fmt: skip
    assert seen["outcome"] == ["FINISHED"]
    _in_place(seen["strips"])
    results = {strip["name"]: _times(strip, cases, rate) for strip in seen["strips"] if not strip["role"]}
    worst = 0.0
    for strip in seen["strips"]:
        if strip["role"]:
            original = strip["name"].removesuffix(" [restored]")
            worst = max(worst, _check(strip, results[original], seen["restored"][strip["name"]], rate))
    print(f"Blender {version}, {rate_name} fps: bars within {worst:.3f} media frames of their time")


def _in_place(strips: list[dict[str, Any]]) -> None:
    originals = [strip for strip in strips if not strip["role"]]
    covered = [frame for strip in originals for frame in range(strip["left"], strip["right"])]
    assert len(covered) == len(set(covered)) >= 185
    restored = {strip["name"]: strip for strip in strips if strip["role"] == "restored"}
    assert len(originals) == len(restored) == 11
    for original in originals:
        above = restored[f"{original['name']} [restored]"]
        assert (above["left"], above["right"]) == (original["left"], original["right"])
        assert above["channel"] == original["channel"] + 1
        assert above["job"]
        assert not original["mute"]


def _times(strip: dict[str, Any], cases: list[dict[str, Any]], rate: Fraction) -> tuple[float, float]:
    """Of an original: the media frame at its first timeline frame, and media frames a timeline frame. A hard split
    begins its right part with a whole media frame."""
    case = next(case for case in cases if strip["name"].startswith(case["name"]))
    first = case["first"] + case["speed"] * (strip["left"] - case["start"])
    return float(int(first)) if strip["name"] == "hard split.001" else first, case["speed"]


def _check(strip: dict[str, Any], times: tuple[float, float], shown: dict[str, str], rate: Fraction) -> float:
    """How far the bars of a result's frames are from their times at worst, in media frames."""
    first, speed = times
    bar = bars.frames_of(Path(strip["path"]))
    step = speed * float(rate / OUTPUT)
    needed = int((strip["right"] - strip["left"]) * OUTPUT / rate)
    last = SHORT - 1 if strip["name"].startswith("whole scan") else bars.FRAMES - 1
    wanted = [min(first + step * number, last) for number in range(needed)]
    worst = max(abs(place - time) for place, time in zip(bar[:needed], wanted, strict=True))
    assert worst <= NETWORK, strip["name"]
    assert [int(frame) for frame in shown] == list(range(strip["left"], strip["right"]))
    for frame, path in shown.items():
        exact = (int(frame) - strip["left"]) * OUTPUT / rate
        seen = bars.media_frame(cv2.imread(path))
        nearest = [bar[number] for number in range(len(bar)) if abs(number - exact) <= Fraction(1, 2)]
        assert min(abs(seen - place) for place in nearest) <= SAME, f"{strip['name']}, frame {frame}"
    return worst
