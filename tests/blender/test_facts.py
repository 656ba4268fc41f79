"""Every frame that Blender renders of a strip is the one that ``facts`` says, in every Blender."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest

from support import burnt
from support.blender import VERSIONS, blender

SEQUENCE_START = 100
STILL = 107
NTSC = [24, 1.001]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Films and pictures whose frames spell their number; those of the sequence their number in the name."""
    folder = tmp_path_factory.mktemp("media")
    rates = {rate: Fraction(rate) for rate in ("16", "24", "25", "60")} | {"30": Fraction(30000, 1001)}
    found = {name: str(burnt.write_movie(folder / f"film{name}.mp4", 72, rate)) for name, rate in rates.items()}
    found["short"] = str(burnt.write_movie(folder / "short.mp4", 10, Fraction(24)))
    found["scan"] = str(folder / "scan")
    burnt.write_sequence(folder / "scan", range(SEQUENCE_START, SEQUENCE_START + 40))
    return found


def cases_of(media: dict[str, str]) -> list[dict[str, Any]]:
    """Strips as users make them: name, steps, and the rate of the scene (24 where nothing is said)."""
    scan = [f"scan.{number:04d}.png" for number in range(SEQUENCE_START, SEQUENCE_START + 40)]
    plain = ["movie", media["24"], 11, False]
    slow = ["movie", media["16"], 11, True]
    pictures = ["pictures", media["scan"], scan, 5]
    both: list[list[Any]] = [["trims", 7, 9], ["handles", 4, 6]]
    table: dict[str, tuple[list[list[Any]], list[float]]] = {
        "plain": ([plain], [24, 1.0]),
        "frame for frame 16 on 24": ([["movie", media["16"], 1, False]], [24, 1.0]),
        "handles": ([plain, ["handles", 5, 8]], [24, 1.0]),
        "media trims": ([plain, ["trims", 6, 3]], [24, 1.0]),
        "both trims": ([plain, *both], [24, 1.0]),
        "moved": ([plain, *both, ["move", 17]], [24, 1.0]),
        "content moved": ([plain, *both, ["content", 40]], [24, 1.0]),
        "soft split": ([plain, *both, ["split", "SOFT", 30, 50]], [24, 1.0]),
        "hard split": ([plain, *both, ["split", "HARD", 30, 50]], [24, 1.0]),
        "held": ([plain, ["handles", -5, -7]], [24, 1.0]),
        "held after trims": ([plain, ["trims", 10, 12], ["handles", -5, -7]], [24, 1.0]),
        "16 in 24": ([slow], [24, 1.0]),
        "16 in 24 with trims": ([slow, *both], [24, 1.0]),
        "16 in 24 split": ([slow, *both, ["split", "SOFT", 30], ["split", "HARD", 51]], [24, 1.0]),
        "16 in 24 held": ([slow, ["trims", 2, 3], ["handles", -4, -9]], [24, 1.0]),
        "25 in 24": ([["movie", media["25"], 1, True], *both], [24, 1.0]),
        "24 in 25": ([["movie", media["24"], 1, True], *both], [25, 1.0]),
        "60 in 25 held": ([["movie", media["60"], 11, True], ["handles", 0, -4]], [25, 1.0]),
        "29.97 in 23.976": ([["movie", media["30"], 1, True], *both], NTSC),
        "short 24 in 25": ([["movie", media["short"], 1, True]], [25, 1.0]),
        "short 24 on 25": ([["movie", media["short"], 1, False]], [25, 1.0]),
        "60 in 6 over 0.1": ([["movie", media["60"], 11, True]], [6, 0.1]),
        "relinked": ([slow, ["relink", media["25"]]], [24, 1.0]),
        "rate changed": ([slow, ["rate", 30, 1.001]], [24, 1.0]),
        "backwards": ([plain, ["backwards"]], [24, 1.0]),
        "backwards with trims": ([plain, *both, ["backwards"]], [24, 1.0]),
        "backwards, then trims": ([plain, ["backwards"], *both], [24, 1.0]),
        "backwards soft split": ([plain, *both, ["backwards"], ["split", "SOFT", 30]], [24, 1.0]),
        "backwards hard split": ([plain, *both, ["backwards"], ["split", "HARD", 30]], [24, 1.0]),
        "backwards held": ([plain, *both, ["backwards"], ["handles", -9, -11]], [24, 1.0]),
        "backwards 16 in 24": ([slow, *both, ["backwards"]], [24, 1.0]),
        "backwards 60 in 25": ([["movie", media["60"], 11, True], ["backwards"]], [25, 1.0]),
        "backwards 60 in 25 held": ([["movie", media["60"], 11, True], ["backwards"], ["handles", -3, -4]], [25, 1.0]),
        "pictures": ([pictures], [24, 1.0]),
        "pictures with trims": ([pictures, ["trims", 3, 4], ["handles", 2, 5]], [25, 1.0]),
        "pictures split": ([pictures, ["trims", 3, 4], ["split", "SOFT", 20], ["split", "HARD", 30]], [24, 1.0]),
        "pictures backwards": ([pictures, ["trims", 3, 4], ["backwards"]], [24, 1.0]),
        "still": ([["pictures", media["scan"], [f"scan.{STILL:04d}.png"], 5], ["handles", 0, -10]], [24, 1.0]),
        "meta": ([plain, *both, ["meta"]], [24, 1.0]),
        "meta trimmed": ([plain, *both, ["meta"], ["handles", 6, 5]], [24, 1.0]),
        "meta moved": ([plain, *both, ["meta"], ["handles", 6, 5], ["move", 13]], [24, 1.0]),
        "meta split": ([plain, *both, ["meta"], ["split", "SOFT", 30], ["split", "HARD", 45]], [24, 1.0]),
        "meta in meta": ([slow, *both, ["meta"], ["handles", 2, 3], ["meta"], ["handles", 4, 1]], [24, 1.0]),
        "meta held": ([plain, *both, ["meta"], ["handles", -3, -5]], [24, 1.0]),
    }
    return [{"name": name, "steps": steps, "rate": rate} for name, (steps, rate) in table.items()]


@pytest.mark.parametrize("version", VERSIONS)
def test_rendered_frames_are_those_that_facts_says(version: str, media: dict[str, str], tmp_path: Path) -> None:
    found = blender(version, "facts_rendering", cases=cases_of(media), folder=str(tmp_path))
    wrong = [line for name, case in found.items() for line in faults(name, case)]
    assert not wrong, "\n".join(wrong)


def faults(name: str, case: dict[str, Any]) -> list[str]:
    """Where the rendered pictures are not what was said of a case's strips."""
    pictures = dict(enumerate(burnt.read_pictures(map(Path, case["pictures"])), case["low"]))
    wrong = [f"{name}: {strip['error']}" for strip in case["strips"] if "error" in strip]
    left = set(pictures)
    for strip in (strip for strip in case["strips"] if "error" not in strip):
        for frame in range(strip["start"] - strip["held_before"], strip["stop"] + strip["held_after"]):
            left.discard(frame)
            number = burnt.number_of(pictures[frame])
            if number not in allowed(strip, frame):
                wrong.append(f"{name}: {strip['name']} at {frame} shows {number}, said {media_frame(strip, frame)}")
    return wrong + [f"{name}: nothing was said of {frame}" for frame in sorted(left) if pictures[frame].max() > 5]


def media_frame(strip: dict[str, Any], frame: int) -> Fraction:
    """The media frame at a timeline frame, of what was said; a sequence's by its number."""
    if strip["kind"] == "still":
        return Fraction(STILL)
    inside = min(max(frame, strip["start"]), strip["stop"] - 1)
    travel = (inside - strip["start"]) * Fraction(strip["speed"])
    return Fraction(strip["first"]) + (-travel if strip["reverse"] else travel) + (strip["first_number"] or 0)


def allowed(strip: dict[str, Any], frame: int) -> set[int]:
    """The frames that may be seen. Blender rounds to the nearest, halves upwards, but never beyond the media; what it
    holds before and after is the media's end, less than a frame (or a timeline frame's travel) away."""
    said = media_frame(strip, frame)
    nearest = floor(said + Fraction(1, 2))
    if strip["start"] < frame < strip["stop"] - 1:
        return {nearest}
    if frame in (strip["start"], strip["stop"] - 1):
        return {nearest, floor(said)}
    away = max(Fraction(1), Fraction(strip["speed"]))
    return {number for number in range(nearest - 4, nearest + 5) if abs(number - said) <= away}


REFUSED: dict[str, tuple[str, str]] = {
    "scene": ("CLIP_UNSUPPORTED", "scene strip"),
    "mask": ("CLIP_UNSUPPORTED", "a mask"),
    "clip": ("CLIP_UNSUPPORTED", "clip strip"),
    "colour": ("CLIP_UNSUPPORTED", "a colour"),
    "text": ("CLIP_UNSUPPORTED", "a text"),
    "glow": ("CLIP_UNSUPPORTED", "an effect"),
    "retimed": ("CLIP_UNSUPPORTED", "retiming"),
    "retimed pictures": ("CLIP_UNSUPPORTED", "retiming"),
    "retimed meta": ("CLIP_UNSUPPORTED", "the meta strip MetaStrip around it: its speed was changed by retiming"),
    "strobe": ("CLIP_UNSUPPORTED", "strobe"),
    "strobe of a meta": ("CLIP_UNSUPPORTED", "meta strip MetaStrip around it: strobe shows every 3"),
    "meta backwards": ("CLIP_UNSUPPORTED", "plays backwards"),
    "speed control": ("CLIP_UNSUPPORTED", "speed control"),
    "stereo": ("CLIP_UNSUPPORTED", "stereoscopy"),
    "a gap": ("CLIP_UNSUPPORTED", "scan.0103.png"),
    "mixed": ("CLIP_UNSUPPORTED", "other.png"),
    "only held": ("CLIP_UNSUPPORTED", "holds the first or the last frame"),
    "out of sight": ("CLIP_UNSUPPORTED", "outside what the meta"),
    "missing": ("CLIP_OFFLINE", "missing.mp4"),
    "no film": ("CLIP_OFFLINE", "Blender cannot read"),
    "missing picture": ("CLIP_OFFLINE", "scan.0199.png"),
    "missing folder": ("CLIP_OFFLINE", "nowhere"),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_cannot_be_restored_is_refused_by_name(version: str, media: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "no film.mp4").write_text("no film")
    plain, scan = ["movie", media["24"], 11, False], "scan.{:04d}.png".format
    pictures = ["pictures", media["scan"], [scan(k) for k in range(100, 110)], 11]
    steps: dict[str, list[list[Any]]] = {
        "scene": [["scene_strip"]],
        "mask": [["mask_strip"]],
        "clip": [["clip_strip", media["24"]]],
        "colour": [["effect", "COLOR"]],
        "text": [["effect", "TEXT"]],
        "glow": [plain, ["effect", "GLOW"]],
        "retimed": [plain, ["retime", 30]],
        "retimed pictures": [pictures, ["retime", 15]],
        "retimed meta": [plain, ["meta"], ["retime", 30], ["faster"]],
        "strobe": [plain, ["put", "strobe", 2.0]],
        "strobe of a meta": [plain, ["meta"], ["put", "strobe", 3.0]],
        "meta backwards": [plain, ["meta"], ["backwards"]],
        "speed control": [plain, ["effect", "SPEED"]],
        "stereo": [plain, ["stereo"]],
        "a gap": [["pictures", media["scan"], [scan(k) for k in (100, 101, 103)], 11]],
        "mixed": [["pictures", media["scan"], [scan(100), "other.png"], 11]],
        "only held": [plain, ["handles", 0, -50], ["handles", 80, 0]],
        "out of sight": [plain, ["movie", media["24"], 101, False], ["meta"], ["child_out_of_sight"]],
        "missing": [["movie", str(tmp_path / "missing.mp4"), 11, False]],
        "no film": [["movie", str(tmp_path / "no film.mp4"), 11, False]],
        "missing picture": [["pictures", media["scan"], [scan(199)], 11]],
        "missing folder": [pictures, ["folder_of", "/nowhere/"]],
        "relative": [plain, ["relative"]],
    }
    cases = [{"name": name, "steps": each} for name, each in steps.items()]
    blend = tmp_path / "edit" / "edit.blend"
    found = blender(version, "facts_refused", cases=cases, folder=str(tmp_path), blend_path=str(blend))
    assert found.pop("relative") == ["", media["24"], "movie", "film24"]
    wrong = {name: found[name] for name, (reason, word) in REFUSED.items()
             if found[name][0] != reason or word not in found[name][1]}  # fmt: skip
    assert wrong == {}
    assert {name for name, (_, _, where, remedy) in found.items() if not where or not remedy} == set()


@pytest.mark.parametrize("version", VERSIONS)
def test_selected_strips_are_read_and_nothing_is_changed(version: str, media: dict[str, str], tmp_path: Path) -> None:
    found = blender(
        version, "facts_selection", film=media["24"], folder=str(tmp_path), blend_path=str(tmp_path / "edit.blend")
    )
    assert found["everything"] == ["same start", "early", "a", "c", "b", "late", "colour"]
    assert found["some"] == ["early"]
    assert found["in an open meta"] == ["c"]
    assert found["nothing"] == []
    assert found["before"] == found["after"]
    assert found["same"]
    assert found["undone"] == [1, None]
    assert found["twenty of 500"] < 1
