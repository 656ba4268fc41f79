"""What goes wrong around a job, in real Blenders with a real server: each fault ends in one plain message, nothing is
lost, and Blender restores afterwards. ``test_interface`` has those that a single operator meets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from support import bars
from support.blender import VERSIONS, blender
from support.serving import ServerProcess, server_process, start
from support.shared import ROOT

ENDS = ("4.2", "5.2")
ORIGINALS = [["one", 2, 1, 25, "", False], ["two", 2, 31, 55, "", False]]
RESTORED = [["one [restored]", 3, 1, 25, "restored", False], ["two [restored]", 3, 31, 55, "restored", False]]
BOTH = sorted(ORIGINALS + RESTORED)
GONE = "the strip that was restored is no longer there, one, undo until it is back, then place the result again"
ODD = "it's %d # ünï 日本"
"""A folder whose name means something to programs."""
NAME = 61
"""Bytes that Blender keeps of a strip's name."""
ABOVE = "'c3' on channel 3, 'c4' on channel 4 and 124 more lie above it"


def _recipe(profile: str, *more: dict[str, Any], **size: Any) -> str:
    upscale = {"stage": "upscale", "parameters": {"model": {"text": "none"}, **size}}
    return json.dumps({"stages": [upscale, *more], "delivery": {"profile": profile}})


QUICK = _recipe("h264", scale={"number": 1.0})
PICTURES = _recipe("png", scale={"number": 1.0})
BLEND = {"stage": "interpolate", "parameters": {"model": {"text": "blend"}, "rate": {"text": "60"}}}
STEADY = _recipe("prores-422hq", BLEND, width={"integer": 640}, height={"integer": 360})
"""Long enough to be paused before its second strip."""
SLOW = _recipe("prores-422hq", BLEND, width={"integer": 1280}, height={"integer": 720})
"""Some seconds of work: long enough to be met in the middle."""


def _seen(version: str, scenario: str, folder: Path, *, served: bool = True, **given: Any) -> dict[str, Any]:
    """What a scenario sees, with a server of its own unless one is there."""
    film, home = bars.movie(folder / "film.mp4", Fraction(24)), folder / "home"
    given = {"recipe": QUICK, "film": str(film), "folder": str(folder / "acts"), **given}
    if not served:
        return blender(version, scenario, 300, environment={"RESILVER_HOME": str(home)}, **given)
    with server_process(home):
        return blender(version, scenario, 300, environment={"RESILVER_HOME": str(home)}, **given)


def _placed_after_all(seen: dict[str, Any]) -> bool:
    """Whether the same job was placed in the end."""
    return (seen["retried"], seen["same"], seen["end"]) == (["FINISHED"], True, BOTH)


@pytest.fixture(scope="module", params=VERSIONS)
def edits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _seen(request.param, "faults_edits", tmp_path_factory.mktemp("edits"))


@pytest.fixture(scope="module", params=VERSIONS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("files")
    (folder / ODD).mkdir()
    film = bars.movie(folder / ODD / "film %05d #2 ñ.mp4", Fraction(24))
    return _seen(request.param, "faults_files", folder, slow=STEADY, pictures=PICTURES, odd=ODD, odd_film=str(film))


@pytest.mark.parametrize(
    ("act", "left"), [("deleted", ORIGINALS[1:]), ("undone", [])], ids=["deleted", "undone to before it was there"]
)
def test_an_original_that_is_gone_meanwhile(edits: dict[str, Any], act: str, left: list[Any]) -> None:
    seen = edits[act]
    assert (seen["phase"], seen["said"], seen["strips"]) == ("failed", [GONE], left)
    assert _placed_after_all(seen)


def test_originals_that_were_moved_or_trimmed_meanwhile(edits: dict[str, Any]) -> None:
    assert edits["moved"]["said"] == ["2 shots restored, on channel 5 and channel 3"]
    assert edits["moved"]["strips"] == [
        ["one", 4, 1, 25, "", False],
        ["one [restored]", 5, 1, 25, "restored", False],
        ["two", 2, 38, 62, "", False],
        ["two [restored]", 3, 38, 62, "restored", False],
    ]
    rest = "'two' shows more now than was restored, the rest is not covered"
    assert edits["trimmed"]["said"] == [f"2 shots restored, on channel 3; {rest}"]
    assert edits["trimmed"]["strips"] == [
        ["one", 2, 4, 20, "", False],
        ["one [restored]", 3, 4, 20, "restored", False],
        ["two", 2, 31, 60, "", False],
        ["two [restored]", 3, 31, 55, "restored", False],
    ]


def test_a_scene_that_is_deleted_meanwhile(edits: dict[str, Any]) -> None:
    seen = edits["scene_deleted"]
    assert seen["said"] == "the scene was deleted, Untitled, 2 shots, undo until it is back"
    assert seen["left"] == ["other"]
    assert _placed_after_all(seen)


def test_a_restored_file_that_is_deleted_is_told_and_made_again(edits: dict[str, Any]) -> None:
    seen = edits["file_deleted"]
    assert (seen["first"], seen["missing"], seen["again"]) == (["FINISHED"], "file missing", ["FINISHED"])
    assert (seen["there"], seen["state"], seen["strips"]) == (True, "up to date", BOTH)


def test_jobs_at_the_same_time_and_of_the_same_strips(edits: dict[str, Any]) -> None:
    apart = edits["two_at_once"]
    assert (apart["said"], apart["strips"], apart["stored"]) == (["1 shot restored, on channel 3"] * 2, BOTH, 2)
    assert edits["restored_twice"] == {"outcome": ["FINISHED"], "strips": BOTH, "files": [True, True, False]}
    same = edits["same_at_once"]
    assert (same["said"], same["strips"]) == (["2 shots restored, on channel 3"] * 2, BOTH)


def test_a_file_that_is_saved_and_opened_while_its_job_runs(edits: dict[str, Any]) -> None:
    placed = [["FINISHED"], BOTH, True]
    assert edits["other_name"] == {"a": placed, "b": placed}
    seen = edits["opened_twice"]
    assert (seen["followed"], seen["thread"]) == (0, False)
    assert (seen["outcome"], seen["strips"]) == (["FINISHED"], BOTH)
    seen = edits["placed_and_opened"]
    assert (seen["placed"], seen["opened"]) == (BOTH, ORIGINALS)
    assert (seen["outcome"], seen["strips"]) == (["FINISHED"], BOTH)


def test_a_server_that_is_not_there_and_a_wrong_token(files: dict[str, Any]) -> None:
    for act, said in (("no_server", "127.0.0.1:9"), ("wrong_token", "token")):
        seen = files[act]
        assert (seen["phase"], seen["strips"]) == ("failed", ORIGINALS)
        (sentence,) = seen["said"]
        assert said in sentence
        assert (seen["retried"], seen["end"]) == (["FINISHED"], BOTH)


def test_a_folder_that_cannot_be_made(files: dict[str, Any]) -> None:
    seen = files["no_folder"]
    (sentence,) = seen["said"]
    assert sentence.startswith("not a folder, ")
    assert sentence.endswith("film.mp4, choose another output")
    assert (seen["strips"], seen["then"], seen["end"]) == (ORIGINALS, ["FINISHED"], BOTH)


def test_names_that_no_file_system_takes(files: dict[str, Any]) -> None:
    seen = files["odd_names"]
    assert seen["outcome"] == ["FINISHED"]
    assert len(seen["kept"].encode()) == NAME
    assert [strip[1:4] for strip in seen["strips"] if strip[4]] == [[3, 31, 55], [3, 1, 25]]
    assert all(strip[0].endswith(" [restored]") for strip in seen["strips"] if strip[4])
    assert seen["there"] == [True, True]
    assert len({Path(file).parent for file in seen["files"]}) == 1, "no name leads out of the folder"


def test_paths_that_mean_something_to_programs(files: dict[str, Any]) -> None:
    assert files["odd_paths"] == {"outcome": ["FINISHED"], "strips": BOTH}
    assert files["odd_pictures"] == {"outcome": ["FINISHED"], "strips": BOTH, "there": [True] * 26}
    assert files["odd_mattes"] == {"outcome": ["FINISHED"], "placed": ["FINISHED"], "frames": [24]}


def test_strips_that_cannot_be_restored_are_left_out_one_by_one(files: dict[str, Any]) -> None:
    seen = files["refused"]
    gone, title, scene = seen["said"]
    assert gone.endswith("film.mp4.mov, gone, relink the strip")
    assert title == "it is a text, which has no film, title, leave it out of the selection"
    assert scene == "it is a scene strip, which has no film, scene, leave it out of the selection"
    assert [sentence.count("\n") for sentence in seen["repairs"]] == [1, 0, 0]
    assert seen["repairs"][2] == "no error: {'FINISHED'}"
    assert seen["end"] == BOTH
    assert seen["report"][:3] == ["title was left out", "scene was left out", "gone was left out"]
    assert seen["listed"] == 1


def test_a_channel_above_that_is_taken(files: dict[str, Any]) -> None:
    title = ["title", 3, 1, 20, "", False]
    for act in ("above_taken", "left_out"):
        assert len(files[act]["said"]) == 1
        assert "'title' on channel 3 lies above it, one," in files[act]["said"][0]
        assert files[act]["strips"] == sorted([*ORIGINALS, title])
        assert files[act]["repaired"] == ["FINISHED"]
    one, two = RESTORED
    assert files["above_taken"]["end"] == sorted([*ORIGINALS, title, [one[0], 4, *one[2:]], two])
    assert files["left_out"]["end"] == sorted([*ORIGINALS, title, two])


def test_all_channels_taken(files: dict[str, Any]) -> None:
    above = "no channel is free up to 128, one, clear a channel above it"
    room = "'c128' would have to move above channel 128, one, clear a channel below it"
    seen = files["all_taken"]
    assert f"{ABOVE}, one, move that away" in seen["said"]["refuse"]
    assert (seen["said"]["above"], seen["said"]["make-room"], seen["same"]) == (above, room, True)
    assert (seen["outcome"], seen["strips"]) == (["FINISHED"], BOTH)
    late = files["all_taken_late"]
    assert late["said"] == [f"{ABOVE}, one, move it, make room, or use the next free channel"]
    assert late["repairs"] == {"use-track-above": above, "make-room": room}
    assert (late["same"], late["still"]) == (True, True)
    assert (late["outcome"], late["strips"]) == ("no error: {'FINISHED'}", BOTH)


def test_media_that_is_deleted_half_way(files: dict[str, Any]) -> None:
    seen = files["media_gone"]
    (sentence,) = seen["said"]
    both = "the file is not there any more (and 1 more shot stopped: the file is not there any more, two, "
    assert sentence.startswith(("no such file, ", "the file is not there any more, ", both)), "found here or there"
    assert "film.mp4" in sentence
    assert "relink the clip" in sentence
    assert (seen["phase"], seen["strips"]) == ("failed", ORIGINALS)
    assert _placed_after_all(seen)


@contextmanager
def _started_again(server: ServerProcess) -> Iterator[None]:
    """Somebody starts the server again as soon as it has died."""
    started: list[ServerProcess] = []

    def again() -> None:
        server.process.wait()
        started.append(start(server.home))

    thread = Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
        for each in started:
            each.stop()


@pytest.mark.parametrize("version", ENDS)
def test_a_server_that_is_killed_and_started_again_is_followed_to_the_same_result(version: str, tmp_path: Path) -> None:
    with server_process(tmp_path / "home") as server, _started_again(server):
        seen = _seen(
            version, "faults_server", tmp_path, served=False, act="killed", recipe=SLOW, pid=server.process.pid
        )
    assert (seen["phase"], seen["said"], seen["strips"]) == ("done", ["2 shots restored, on channel 3"], BOTH)
    assert (seen["calm"], seen["end"]) == (["FINISHED"], BOTH)
    assert seen["same"], "the files differ from those of a server that lives"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("version", "at", "where"), [("4.2", "render", "home/content"), ("5.2", "join", "acts/full/out")]
)
def test_a_disk_that_is_full(
    version: str, at: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    for name, value in (("PYTHONPATH", ROOT / "tests"), ("FULL_AT", at), ("FULL_UNTIL", room)):
        monkeypatch.setenv(name, str(value))
    with server_process(tmp_path / "home", program=[str(ROOT / "tests" / "support" / "full_server.py")]):
        seen = _seen(version, "faults_server", tmp_path, served=False, act="full", room=str(room))
    assert seen["waits"].startswith("waiting for disk space: ")
    assert seen["waits"].endswith(f"GB free, but no more can be written, {tmp_path / where}")
    assert (seen["meanwhile"], seen["left"]) == (ORIGINALS, [])
    assert (seen["phase"], seen["strips"]) == ("done", BOTH), "it goes on by itself"


@pytest.mark.parametrize("version", ENDS[1:])
def test_very_many_strips_in_one_job(version: str, tmp_path: Path) -> None:
    seen = _seen(version, "faults_many", tmp_path, count=40)
    assert seen["outcome"] == ["FINISHED"]
    assert seen["restored"] == seen["laid"]
    print(f"Blender {version}: {seen['whole']:.1f} s, of them in Blender {seen['seconds']}")
