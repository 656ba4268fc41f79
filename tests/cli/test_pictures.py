"""Results whose form the output's name decides, and a picture that stays a picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer

from resilver_server.cli.arguments import profile_for
from resilver_server.media.probe import probe
from support.command import Desk

pytestmark = pytest.mark.xdist_group("cli")
LIGHT = ("--stage", "upscale:scale=2,model=none")


@pytest.mark.parametrize(
    ("asked", "output", "source", "profile"),
    [
        (None, "a.mov", "a.mkv", "prores-422hq"),
        (None, "a.MP4", "a.mkv", "h264"),
        (None, "a.mkv", "a.mov", "ffv1"),
        (None, "a.tif", "a.png", "tiff"),
        ("dnxhr-hq", "a.mov", "a.mkv", "dnxhr-hq"),
        (None, None, "a.mkv", "prores-422hq"),
        (None, None, "a.jpg", "png"),
    ],
)
def test_the_profile_follows_from_the_names(asked: str | None, output: str | None, source: str, profile: str) -> None:
    assert profile_for(asked, Path(output) if output else None, Path(source)) == profile


@pytest.mark.parametrize(("asked", "output"), [(None, "a.avi"), ("h264", "a.mov"), ("png", "a.mov")])
def test_a_suffix_that_would_lie_is_refused(asked: str | None, output: str) -> None:
    with pytest.raises(typer.BadParameter):
        profile_for(asked, Path(output), Path("a.mkv"))


def test_a_picture_comes_back_as_a_picture(desk: Desk) -> None:
    noise = np.random.default_rng(3).integers(0, 65536, (32, 48, 3), np.uint16)
    photo = desk.folder / "photo.png"
    assert cv2.imwrite(str(photo), cv2.resize(noise, (96, 64), interpolation=cv2.INTER_CUBIC))
    done = desk.run("restore", photo, "-o", desk.folder / "large.png", *LIGHT)
    assert done.returncode == 0, done.stderr
    restored = cv2.imread(str(desk.folder / "large.png"), cv2.IMREAD_UNCHANGED)
    assert restored is not None
    assert (restored.shape, restored.dtype) == ((128, 192, 3), np.dtype(np.uint16))
    small = cv2.resize(restored, (96, 64), interpolation=cv2.INTER_AREA).astype(float)
    assert np.corrcoef(small.ravel(), cv2.imread(str(photo), cv2.IMREAD_UNCHANGED).ravel())[0, 1] > 0.99
    record = json.loads((desk.folder / "large.resilver.json").read_text())
    assert (record["frames"], record["width"], record["height"]) == (1, 192, 128)


def test_a_range_of_one_frame_of_a_film_is_still_a_folder(desk: Desk) -> None:
    done = desk.run("restore", desk.film, "-o", desk.folder / "frame.png", "--range", "2:3", *LIGHT)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (desk.folder / "frame").iterdir()] == ["frame.00000000.png"]


def test_a_matte_is_found_from_where_the_command_runs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    matte = np.zeros((32, 48), np.uint8)
    matte[:, 24:] = 255
    assert cv2.imwrite("matte.png", matte)
    stage = "deflicker:matte=matte.png"
    done = desk.run("restore", "film.mkv", "-o", "matted.mkv", "--stage", stage)
    assert done.returncode == 0, done.stderr
    record = json.loads((desk.folder / "matted.resilver.json").read_text())
    assert record["recipe"]["stages"][0]["matte"] == str(desk.folder / "matte.png")
    assert len(record["stages"][-1]["matte_digest"]) == 64


def test_tail_frames_follow_the_last(desk: Desk) -> None:
    done = desk.run("restore", desk.film, "-o", desk.folder / "tail.mkv", "--tail", "3", *LIGHT)
    assert done.returncode == 0, done.stderr
    assert probe(str(desk.folder / "tail.mkv")).frame_count == desk.frames + 3
