"""A restored strip lies exactly over its original, whatever the user did to it: proven by rendering both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from support.blender import VERSIONS, blender


def _scenery(width: int, height: int) -> npt.NDArray[np.float64]:
    """A picture without any symmetry, smooth enough to be the same at every size."""
    y, x = np.mgrid[0:height, 0:width]
    x, y = (x + 0.5) / width, (y + 0.5) / height
    waves = (np.sin(9 * x + 4 * y), np.sin(14 * y - 5 * x + 1), np.sin(11 * x * y + 7 * x))
    return np.stack([127 + 100 * wave for wave in waves], axis=-1)


def _picture(path: Path, size: tuple[int, int], content: tuple[int, int] | None = None) -> str:
    """The scenery, or with ``content`` the scenery at that size in the middle of black bars."""
    columns, rows = content or size
    whole = np.zeros((size[1], size[0], 3))
    left, top = (size[0] - columns) // 2, (size[1] - rows) // 2
    whole[top : top + rows, left : left + columns] = _scenery(columns, rows)
    assert cv2.imwrite(str(path), whole.round().astype(np.uint8))
    return str(path)


def _still_movie(path: Path, size: tuple[int, int]) -> str:
    pictures = _scenery(*size).round().astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=24, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = *size, "rgb24"
        for _ in range(9):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pictures[..., ::-1].copy(), format="rgb24")))
        container.mux(stream.encode(None))
    return str(path)


def _recipe(**parameters: int) -> str:
    given = {name: {"integer": str(value)} for name, value in parameters.items()}
    return json.dumps({"stages": [{"stage": "upscale", "parameters": given}], "delivery": {"profile": "png"}})


LOOKS: tuple[dict[str, Any], ...] = (
    {"name": "as added"},
    {"name": "scaled", "scale": 0.6},
    {"name": "moved", "scale": 0.7, "set": [("transform", "offset_x", 23), ("transform", "offset_y", -11)]},
    {"name": "flipped", "scale": 0.8, "set": [("", "use_flip_x", True), ("transform", "offset_x", 9)]},
    {"name": "flipped over", "set": [("", "use_flip_y", True)]},
    {"name": "cropped", "set": [("crop", "min_x", 11), ("crop", "max_x", 22), ("crop", "min_y", 7),
                                ("crop", "max_y", 4)]},
    {"name": "turned", "scale": 0.7, "set": [("transform", "rotation", 0.4), ("transform", "origin", (0.3, 0.65))]},
    {"name": "coloured", "set": [("", "color_multiply", 0.6), ("", "color_saturation", 0.4)]},
    {"name": "graded", "modifiers": [("BRIGHT_CONTRAST", "bright", 12.0), ("BRIGHT_CONTRAST", "contrast", -20.0)]},
    {"name": "half transparent", "scale": 0.8, "set": [("", "blend_alpha", 0.5)], "muted": True},
    {"name": "added light", "set": [("", "blend_type", "ADD")], "muted": True},
    {"name": "faded in", "animated": [("", "blend_alpha", (0.1, 1.0))], "muted": True},
    {"name": "zoomed", "animated": [("transform", "scale_x", (0.8, 1.5)), ("transform", "scale_y", (0.8, 1.5)),
                                    ("transform", "offset_x", (-5, 20)), ("crop", "min_x", (12, 12))]},
)  # fmt: skip


def _looks(folder: Path) -> list[dict[str, Any]]:
    """Every look on a picture that is doubled, and on one of another shape that gets black bars."""
    wide, narrow = _picture(folder / "wide.png", (160, 90)), _picture(folder / "narrow.png", (120, 90))
    doubled = _picture(folder / "doubled.png", (320, 180))
    barred = _picture(folder / "barred.png", (320, 180), (240, 180))
    larger = _picture(folder / "larger.png", (640, 360), (480, 360))
    to_size = _recipe(width=320, height=180)
    cases = [
        {**look, "name": look["name"], "original": wide, "restored": [(doubled, 1, (320, 180), _recipe())]}
        for look in LOOKS
    ]
    for look in LOOKS:
        cases.append(
            {
                **look,
                "name": f"{look['name']}, barred",
                "original": narrow,
                "restored": [(barred, 1, (320, 180), to_size)],
            }
        )
        twice = [(barred, 1, (320, 180), to_size), (larger, 1, (640, 360), _recipe(width=640, height=360))]
        cases.append({**look, "name": f"{look['name']}, again", "original": narrow, "restored": twice})
    movies = _still_movie(folder / "movie.mp4", (160, 90)), _still_movie(folder / "movie2.mp4", (320, 180))
    cases.append({**LOOKS[2], "name": "movie", "original": movies[0], "restored": [(movies[1], 9, (320, 180), "")]})
    return cases


@pytest.mark.parametrize("version", VERSIONS)
def test_restored_looks_as_the_original(version: str, tmp_path: Path) -> None:
    cases = _looks(tmp_path)
    found = blender(version, "place_look", 300, cases=cases, pictures=tmp_path / "rendered")
    assert [wrong for case in cases for wrong in _differences(case["name"], found[case["name"]])] == []
    for case in cases:
        seen = found[case["name"]]
        assert seen["tag"] == "COLOR_05"
        assert seen["edit"]["shot"][3] is case.get("muted", False), case["name"]
        assert ("shine through" in seen["where"]) is ("muted" in case and "again" not in case["name"]), case["name"]


def _differences(name: str, seen: dict[str, Any]) -> list[str]:
    """Where the picture with the restored strip is not the one without it, within what resampling changes."""
    wrong = []
    for before, after in zip(seen["before"], seen["after"], strict=True):
        one, other = (cv2.imread(path).astype(np.float64) for path in (before, after))
        apart, shifted = _apart(one, other), _apart(one[:, 1:], one[:, :-1])
        if not apart < shifted / 3:
            wrong.append(f"{name}: {apart:.2f}, a shift by one pixel would be {shifted:.2f}")
    return wrong


def _apart(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.abs(one - other).mean())
