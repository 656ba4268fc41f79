"""The command line as people use it: a real server, real media, exit codes and what lies there afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import opentimelineio as otio
import pytest

from resilver_otio.sources import one_clip_timeline
from resilver_server.media.probe import probe
from support.command import Desk

pytestmark = pytest.mark.xdist_group("cli")
LIGHT = ("--stage", "upscale:width=96,height=64,model=none", "--stage", "interpolate:model=blend,rate=60")


def test_a_movie_is_restored(desk: Desk) -> None:
    result = desk.folder / "out" / "film.mov"
    done = desk.run("restore", desk.film, "-o", result, *LIGHT)
    assert done.returncode == 0, done.stderr
    info = probe(str(result))
    assert (info.format.width, info.format.height, info.rate) == (96, 64, 60)
    assert info.frame_count == -(-desk.frames * 60 // 24)
    record = json.loads((desk.folder / "out" / "film.resilver.json").read_text())
    assert record["frames"] == info.frame_count
    assert record["filmed"][0] == {"start": 0, "stop": 1}

    again = desk.run("restore", desk.film, "-o", result, *LIGHT)
    assert again.returncode == 1
    assert again.stderr.startswith("error: OUTPUT_EXISTS: ")


def test_a_timeline_comes_back_with_the_clip_in_place(desk: Desk) -> None:
    edit = desk.folder / "edit.otio"
    edit.write_text(one_clip_timeline(str(desk.film), "shot", frames=(2, 8)))
    done = desk.run("restore", edit, "-o", desk.folder / "edit restored.otio", *LIGHT)
    assert done.returncode == 0, done.stderr
    timeline = otio.adapters.read_from_file(str(desk.folder / "edit restored.otio"))
    below, above = timeline.video_tracks()
    original, restored = below.find_clips()[0], above.find_clips()[0]
    assert restored.range_in_parent().duration.to_seconds() == pytest.approx(6 / 24)
    assert restored.range_in_parent() == original.range_in_parent()
    assert probe(restored.media_reference.target_url).frame_count == 15


def test_plan_is_printed_and_nothing_is_done(desk: Desk) -> None:
    done = desk.run("restore", desk.film, "-o", desk.folder / "planned.mov", *LIGHT, "--plan", "--json")
    assert done.returncode == 0, done.stderr
    shot = json.loads(done.stdout)["shots"][0]
    assert int(shot["outputFrames"]) == 23
    assert not (desk.folder / "planned.mov").exists()


def test_preview_gives_pictures(desk: Desk) -> None:
    done = desk.run("restore", desk.film, "-o", desk.folder / "look", *LIGHT, "--preview", "2")
    assert done.returncode == 0, done.stderr
    pictures = sorted(path.name for path in (desk.folder / "look").rglob("film.??????.png"))
    assert len(pictures) == 2, "a before/after picture of each frame, beside the change maps of the stages"
    assert not list((desk.folder / "look").rglob("*.mov"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("restore", "missing.mov", "-o", "x.mov", *LIGHT), "MEDIA_NOT_FOUND"),
        (("restore", "{film}", "-o", "x.mov", "--stage", "polish"), "UNKNOWN_STAGE"),
        (("restore", "{film}", "-o", "x.mov", "--preset", "talkies"), "UNKNOWN_PRESET"),
        (("restore", "{film}", "-o", "x.mov", "--stage", "deflicker:window=often"), "INVALID_RECIPE"),
        (("restore", "{film}", "-o", "x.mov", "--profile", "vhs", *LIGHT), "UNKNOWN_PROFILE"),
        (("restore", "{text}", "-o", "x.mov", *LIGHT), "MEDIA_UNREADABLE"),
        (("restore", "{edit}", "-o", "x.otio", *LIGHT), "TIMELINE_UNREADABLE"),
        (("jobs", "show", "nothing"), "JOB_NOT_FOUND"),
        (("models", "pull", "nothing"), "MODEL_UNKNOWN"),
        (("inspect", "missing.mov"), "MEDIA_NOT_FOUND"),
    ],
)
def test_errors_are_one_line_with_their_reason(desk: Desk, arguments: tuple[str, ...], reason: str) -> None:
    text, edit = desk.folder / "text.mov", desk.folder / "broken.otio"
    text.write_text("no film")
    edit.write_text('{"OTIO_SCHEMA": "Timeline.1", ')
    done = desk.run(*(item.format(film=desk.film, text=text, edit=edit) for item in arguments))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {reason}: ")
    assert done.stderr.count("\n") == 1
    assert not Path("x.mov").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("restore",),
        ("restore", "{film}", "-o", "x.mov"),
        ("restore", "{film}", "-o", "x.mov", "--to", "huge"),
        ("restore", "{film}", "-o", "x.avi", *LIGHT),
        ("restore", "{film}", "-o", "x.mov", "--select", "name=a", *LIGHT),
        ("restore", "{film}", "{film}", "-o", "x.mov", *LIGHT),
        ("jobs", "list", "--state", "odd"),
    ],
)
def test_wrong_usage_is_exit_code_2(desk: Desk, arguments: tuple[str, ...]) -> None:
    done = desk.run(*(item.format(film=desk.film) for item in arguments))
    assert done.returncode == 2, done.stderr


def test_jobs_are_listed(desk: Desk) -> None:
    done = desk.run("jobs", "list", "--state", "succeeded", "--json")
    assert done.returncode == 0
    assert all(job["state"] == "JOB_STATE_SUCCEEDED" for job in json.loads(done.stdout).get("jobs", []))
