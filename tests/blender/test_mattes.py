"""What an artist puts on a channel lies on the film's own pixels, frame by frame, in every Blender."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from support import burnt
from support.blender import VERSIONS, blender

ABOVE = 5
FILM = (160, 120)
Array = npt.NDArray[Any]


def coordinates(width: int, height: int) -> Array:
    """A picture whose red and green rise with x and y, so that every pixel says where it comes from (BGR)."""
    x, y = np.meshgrid(np.linspace(30, 220, width), np.linspace(220, 30, height))
    return np.stack([np.full_like(x, 128), y, x], axis=-1).round().astype(np.uint8)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("media")
    found = {"picture": str(folder / "picture.png")}
    assert cv2.imwrite(found["picture"], coordinates(*FILM))
    found["film16"] = str(burnt.write_movie(folder / "film16.mp4", 40, Fraction(16)))
    found["film24"] = str(burnt.write_movie(folder / "film24.mp4", 60, Fraction(24)))
    found["film60"] = str(burnt.write_movie(folder / "film60.mp4", 60, Fraction(60)))
    return found


def picture(media: dict[str, str], channel: int, name: str, looks: dict[str, Any]) -> list[list[Any]]:
    path = Path(media["picture"])
    made = ["pictures", str(path.parent), [path.name], 11, channel]
    return [made, ["handles", 0, -9], ["called", name], ["look", looks]]


LOOKS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "as it is": ({}, [320, 180]),
    "fitted": ({"scale_x": 1.5, "scale_y": 1.5}, [320, 180]),
    "smaller": ({"scale_x": 0.8, "scale_y": 0.6}, [320, 180]),
    "moved": ({"offset_x": 31.5, "offset_y": -12.25}, [320, 180]),
    "turned": ({"rotation": 0.4, "offset_x": 20}, [320, 240]),
    "turned by a quarter": ({"rotation": float(np.pi / 2)}, [320, 240]),
    "turned about a corner": ({"rotation": -0.2, "origin": [0.2, 0.9], "scale_x": 1.1}, [400, 300]),
    "mirrored": ({"use_flip_x": True, "offset_x": 40}, [320, 180]),
    "upside down": ({"use_flip_y": True, "offset_y": 10, "rotation": 0.3}, [320, 240]),
    "odd": ({"scale_x": 1.2, "scale_y": 1.2}, [321, 181]),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_picture_of_the_film_comes_back_pixel_for_pixel(version: str, media: dict[str, str], tmp_path: Path) -> None:
    """The film itself lies on the channel, transformed in the same way: then the matte is the film."""
    cases = [
        {"name": name, "size": size, "steps": picture(media, 1, "film", looks) + picture(media, ABOVE, "copy", looks)}
        for name, (looks, size) in LOOKS.items()
    ]
    found = blender(version, "facts_mattes", cases=cases, folder=str(tmp_path))
    assert {name: off(case["baked"]) for name, case in found.items() if off(case["baked"]) > 3} == {}
    assert {name: case["changed"] for name, case in found.items() if case["changed"]} == {}


def off(path: str) -> float:
    """Levels by which a picture differs from the film at worst, where it lies in the scene and off its edges."""
    seen, film = cv2.imread(path), coordinates(*FILM)
    assert seen is not None, path
    assert seen.shape == film.shape
    inside = cv2.erode((seen.max(axis=2) > 0).astype(np.uint8), np.ones((5, 5)), borderValue=0).astype(bool)
    assert inside.mean() > 0.4
    return float(np.abs(seen.astype(float) - film)[inside].max())


@pytest.mark.parametrize("version", VERSIONS)
def test_half_a_frame_is_white_where_the_film_lies_under_it(
    version: str, media: dict[str, str], tmp_path: Path
) -> None:
    fitted = {"scale_x": 1.5, "scale_y": 1.5}
    mask = ["half_mask", 1, 100]
    cases = [
        {"name": "fitted", "size": [320, 180], "steps": [*picture(media, 1, "film", fitted), mask]},
        {"name": "mirrored", "size": [320, 180], "steps": [*picture(media, 1, "film", {"use_flip_x": True}), mask]},
        {"name": "in a meta", "size": [320, 180], "steps": [
            *picture(media, 1, "film", fitted), ["meta"], ["look", {"offset_x": 60}], mask]},
        {"name": "multiplied", "size": [320, 180], "steps": [
            *picture(media, 1, "film", fitted), mask, ["put", "blend_type", "MULTIPLY"], ["channel_muted", ABOVE]]},
        {"name": "sliding", "size": [320, 180], "steps": [
            *picture(media, 1, "film", {}), ["sliding", "offset_x", [[11, -40], [20, 40]]], mask]},
    ]  # fmt: skip
    found = blender(version, "facts_mattes", cases=cases, folder=str(tmp_path))
    white = {name: columns(case["baked"]) for name, case in found.items()}
    assert white == {"fitted": (0, 80), "mirrored": (80, 160), "in a meta": (0, 40), "multiplied": (0, 80),
                     "sliding": (0, 120)}  # fmt: skip
    assert {name: case["changed"] for name, case in found.items() if case["changed"]} == {}


def columns(path: str) -> tuple[int, int]:
    """First white column and the first behind it; at its edge one column may be grey, all else is black or white."""
    seen = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    assert seen is not None, path
    assert seen.ndim == 2, "a matte without colour is grey"
    row = seen[0].astype(int)
    assert (seen == row).all()
    light = np.flatnonzero(row > 127)
    assert ((row > 0) & (row < 255)).sum() <= 2
    return int(light[0]), int(light[-1]) + 1


@pytest.mark.parametrize("version", VERSIONS)
def test_each_frame_of_film_has_the_picture_that_lies_over_it(
    version: str, media: dict[str, str], tmp_path: Path
) -> None:
    """On the channel lies a film that spells the timeline's frames, from 0 at frame 1."""
    count = ["movie", media["film24"], 1, False, ABOVE]
    film = {
        "frame for frame": ["movie", media["film16"], 5, False],
        "16 in 24": ["movie", media["film16"], 3, True],
        "60 in 24": ["movie", media["film60"], 9, True],
    }
    trims = ["handles", 4, 6]
    cases = [
        {"name": f"{name}{' backwards' if backwards else ''}", "steps": [
            made, *([["backwards"]] if backwards else []), trims, ["called", "film"], count]}
        for name, made in film.items() for backwards in (False, True)
    ]  # fmt: skip
    found = blender(version, "facts_mattes", cases=cases, folder=str(tmp_path))
    for name, case in found.items():
        first, stop = case["span"]
        paths = [Path(case["baked"] % number) for number in range(stop - first)]
        assert len(list(paths[0].parent.iterdir())) == stop - first, name
        shown = [burnt.number_of(each) for each in burnt.read_pictures(paths)]
        assert shown == [frame - 1 for frame in case["frames"]], name
        assert case["changed"] == {}, name


@pytest.mark.parametrize("version", VERSIONS)
def test_where_nothing_lies_there_is_no_matte(version: str, media: dict[str, str], tmp_path: Path) -> None:
    film = picture(media, 1, "film", {})
    cases = [
        {"name": "empty", "steps": film},
        {"name": "muted", "steps": [*film, ["half_mask", 1, 100], ["put", "mute", True]]},
        {"name": "elsewhere", "steps": [*film, ["half_mask", 21, 100]]},
        {"name": "touching", "steps": [*film, ["half_mask", 19, 100]]},
    ]
    found = blender(version, "facts_mattes", cases=cases, folder=str(tmp_path))
    reasons = {name: case["baked"].partition(":")[0] for name, case in found.items()}
    assert reasons.pop("touching").endswith(".png")
    assert set(reasons.values()) == {"INVALID_MATTE"}
    assert "channel 5" in found["empty"]["baked"]
