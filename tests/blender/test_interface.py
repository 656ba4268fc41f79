"""The interface in real Blenders with a real server: operators, jobs that are taken up again, errors in plain words."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from resilver_client.home import address_file
from support import bars
from support.blender import VERSIONS, blender
from support.serving import server_process

QUICK = {"scale": {"number": 1.0}}
SLOW = {"width": {"integer": 1280}, "height": {"integer": 720}}
"""Some seconds of work: long enough to be stopped in the middle."""
ORIGINALS = [["one", 2, 1, 25, "", False], ["two", 2, 31, 55, "", False]]
RESTORED = [["one [restored]", 3, 1, 25, "restored", False], ["two [restored]", 3, 31, 55, "restored", False]]
BOTH = sorted(ORIGINALS + RESTORED)


def _recipe(size: dict[str, Any]) -> str:
    stages = [
        {"stage": "upscale", "parameters": {"model": {"text": "none"}, **size}},
        {"stage": "interpolate", "parameters": {"model": {"text": "blend"}, "rate": {"text": "60"}}},
    ]
    return json.dumps({"stages": stages, "delivery": {"profile": "prores-422hq"}})


def _act(version: str, act: str, folder: Path, size: dict[str, Any], **more: Any) -> dict[str, Any]:
    home = folder / "home"
    film = bars.movie(folder / "film.mp4", Fraction(24))
    with server_process(home) as server:
        environment = {"RESILVER_HOME": str(home), **more.pop("environment", {})}
        return blender(
            version, "interface_jobs", timeout=240, environment=environment, act=act, film=str(film),
            recipe=_recipe(size), output=str(folder / "out"), pid=server.process.pid, **more,
        )  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_a_blocking_call_restores_and_one_undo_takes_back_exactly_the_strips(version: str, tmp_path: Path) -> None:
    seen = _act(version, "restore", tmp_path, QUICK)
    assert seen["outcome"] == ["FINISHED"]
    assert seen["restored"] == BOTH
    assert seen["undone"] == ORIGINALS
    assert seen["redone"] == BOTH
    (stored,) = seen["stored"]
    assert (stored["title"], stored["layout"], stored["shots"]) == ("Untitled, 2 shots", "overlay", 2)
    assert (stored["state"], stored["placed"]) == ("done", True)
    assert stored["sentence"] == "2 shots restored, on channel 3"
    assert seen["stored_undone"] == seen["stored_redone"] == seen["stored"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_job_places_nothing_and_can_be_tried_again(version: str, tmp_path: Path) -> None:
    seen = _act(version, "cancel", tmp_path, SLOW)
    assert seen["poll"] == [True, False]
    assert seen["standing"] == "Cancelling"
    assert seen["cancelled"] == ORIGINALS
    (stored,) = seen["stored"]
    assert (stored["state"], stored["placed"]) == ("cancelled", False)
    assert seen["retried"] == ["FINISHED"]
    assert seen["same"]
    assert seen["strips"] == BOTH
    assert [item["state"] for item in seen["end"]] == ["done"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_that_was_opened_again_takes_its_job_up(version: str, tmp_path: Path) -> None:
    seen = _act(version, "reopen", tmp_path, SLOW, saved=str(tmp_path / "edit.blend"))
    assert [item["state"] for item in seen["undone"]] == ["running"], "undo took the job off the scene"
    assert (seen["followed"], seen["thread"]) == (0, False)
    assert seen["opened"] == ORIGINALS
    assert [(item["state"], item["placed"]) for item in seen["stored"]] == [("running", False)]
    assert (seen["outcome"], seen["again"]) == (["FINISHED"], ["CANCELLED"])
    assert seen["strips"] == BOTH
    assert [(item["state"], item["placed"]) for item in seen["end"]] == [("done", True)]


def _stop_server(home: Path) -> None:
    """End the server that Blender has started, if it came to that."""
    with suppress(ProcessLookupError):
        os.kill(json.loads(address_file(home).read_text())["pid"], signal.SIGTERM)


@pytest.mark.parametrize("version", ["4.2", "5.2"])
def test_a_server_that_is_killed_half_way_is_told_of_and_another_carries_on(version: str, tmp_path: Path) -> None:
    command = {"RESILVER_COMMAND": str(Path(sys.executable).parent / "resilver")}
    try:
        seen = _act(version, "kill", tmp_path, SLOW, environment=command)
    finally:
        _stop_server(tmp_path / "home")
    assert seen["phase"] == "failed"
    assert "the job is kept: start the server again" in seen["said"]
    assert seen["strips"] == ORIGINALS
    assert seen["retried"] == ["FINISHED"]
    assert seen["end"] == BOTH


@pytest.mark.parametrize("version", VERSIONS)
def test_a_preview_shows_pictures_and_change_maps_and_mattes_come_in_on_request(version: str, tmp_path: Path) -> None:
    seen = _act(version, "preview", tmp_path, QUICK)
    assert seen["outcome"] == ["FINISHED"]
    assert seen["strips"] == sorted([*ORIGINALS, ["matte", 5, 1, 55, "", False]])
    assert seen["images"] >= 4
    assert seen["mattes"] == [1, 1]
    assert seen["roles"] == ["change_map"] * seen["maps"] + ["matte"] * 2
    assert seen["maps"]
    assert seen["muted"]


@pytest.mark.parametrize("version", ["4.2", "5.0"])
def test_a_channel_that_is_taken_meanwhile_costs_no_second_rendering(version: str, tmp_path: Path) -> None:
    seen = _act(version, "late", tmp_path, SLOW)
    title = ["title", 3, 1, 20, "", False]
    assert "title" in seen["said"]
    assert seen["strips"] == sorted([*ORIGINALS, title])
    assert "make-room" in seen["repairs"]
    assert (seen["outcome"], seen["same"]) == (["FINISHED"], True)
    assert seen["end"] == sorted([*BOTH, ["title", 4, 1, 20, "", False]])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_new_scene_holds_the_whole_edit(version: str, tmp_path: Path) -> None:
    seen = _act(version, "scene", tmp_path, QUICK)
    assert seen["outcome"] == ["FINISHED"]
    assert seen["format"] == [60, 640, 360]
    assert sorted(seen["strips"]) == [["one", 2], ["two", 2]]
    assert seen["old"] == ORIGINALS


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_are_plain_sentences_and_nothing_is_half_placed(version: str, tmp_path: Path) -> None:
    home, film = tmp_path / "home", bars.movie(tmp_path / "film.mp4", Fraction(24))
    with server_process(home):
        seen = blender(
            version, "interface_errors", timeout=240, environment={"RESILVER_HOME": str(home)}, film=str(film),
            recipe=_recipe(QUICK), output=str(tmp_path / "out"),
        )  # fmt: skip
    said = seen["said"]
    assert said["unsaved"].endswith("save the file, or choose a folder in the panel")
    assert said["no stage"] == "no stage is switched on, choose a preset, or switch a stage on"
    assert said["preset"].startswith("there is no preset 'talkies', known are silent-film, talkie")
    assert said["recipe"].startswith("this is no recipe")
    assert said["size"] == "'4K' is no size, write it as 3840x2160"
    assert "token" in said["token"]
    assert said["test"] == said["token"]
    assert "127.0.0.1:9" in said["missing"]
    assert said["offline"].endswith("switch on Preferences > System > Network > Allow Online Access")
    assert said["linked"].startswith("ClipUnsupported: the scene is linked from another file, Reel, open ")
    assert "film.mp4" in said["media"]
    assert "Select movie or image strips" in said["nothing"]
    assert seen["untouched"]
    _room_is_made(seen["occupied"])


def _room_is_made(seen: dict[str, Any]) -> None:
    title = ["title", 3, 1, 20, "", False]
    assert "'title' on channel 3" in seen["said"]
    assert seen["untouched"] == sorted([*ORIGINALS, title])
    assert seen["repairs"] == ["use-track-above", "make-room", "leave-out"]
    assert seen["outcome"] == ["FINISHED"]
    assert seen["strips"] == sorted([*BOTH, ["title", 4, 1, 20, "", False]])


@pytest.fixture(scope="module", params=VERSIONS)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All that is drawn, in several situations."""
    folder = tmp_path_factory.mktemp("drawn")
    home, film = folder / "home", bars.movie(folder / "film.mp4", Fraction(24))
    with server_process(home):
        return blender(
            request.param, "interface_drawing", timeout=240, environment={"RESILVER_HOME": str(home)}, film=str(film),
            recipe=_recipe(SLOW), output=str(folder / "out"),
        )  # fmt: skip


def test_a_look_that_fails_is_not_the_last_one(drawn: dict[str, Any]) -> None:
    assert drawn["timer"] == {"again": 0.25, "shown": ["a job runs"], "end": [None, {}]}


def test_drawing_touches_no_network_and_needs_no_server(drawn: dict[str, Any]) -> None:
    fresh = drawn["fresh"]
    assert (fresh["threads"], fresh["grpc"]) == (0, False)
    assert "[Restore 2 Shots]" in fresh["drawn"]["Resilver"]
    assert "The presets come from the server" in fresh["drawn"]["Resilver"]
    assert fresh["drawn"]["Menu"] == ["[Restore 2 Shots]", "[Preview Restoring]", "[Original / Restored]"]
    assert "Start the server when it is needed: True" in fresh["drawn"]["Preferences"]
    assert "[Test Connection]" in fresh["drawn"]["Preferences"]
    assert "Jobs" not in fresh["drawn"]


def test_stages_are_drawn_from_the_servers_catalogue(drawn: dict[str, Any]) -> None:
    stages = drawn["known"]["Stages"]
    assert stages[stages.index("Deflicker: True") : stages.index("Repair: True")] == [
        "Deflicker: True", "Strength: 1.0", "Window: 3.0", "Local: True", "Limit: 0.5",
        "Matte channel: 0", "Keep channel: 0",
    ]  # fmt: skip
    assert "Defect map channel: 0" in stages
    assert "Change maps: False" in drawn["known"]["Result"]
    assert "Cuts: auto" in stages
    assert "Home movie (changed)" not in drawn["known"]["Resilver"]
    assert "Home movie (changed)" in drawn["changed"]["Resilver"]
    assert "Window: 10.0" in drawn["changed"]["Stages"], "99 seconds are beyond the stage's limit"
    assert "Rate: 59.94" in drawn["changed"]["Result"]
    assert "[New 4K60 Scene]" in drawn["changed"]["Result"]
    assert "SPAN x2" in drawn["known"]["Models"]


def test_a_models_licence_is_shown_before_it_is_fetched(drawn: dict[str, Any]) -> None:
    assert drawn["licence"][0] == "SPAN x2 (1 MB to download)"
    assert drawn["licence"][1].startswith("Licence of the weights: ")
    assert drawn["licence"][2].startswith("Licence of the code: ")


def test_the_queue_shows_progress_and_what_can_be_done(drawn: dict[str, Any]) -> None:
    running = drawn["running"]["Jobs"]
    assert running[0] == "Untitled, 2 shots"
    assert running[-2:] == ["[]", "[Cancel]"]
    assert any(" %" in line for line in running)
    assert drawn["cancelled"]["Jobs"][2:] == ["Cancelled; nothing was placed", "[Try Again]"]


def test_each_problem_has_its_repairs(drawn: dict[str, Any]) -> None:
    shown = drawn["failed"]["Resilver"]
    text = " ".join(shown)
    assert "The place for the restored clip is taken: 'title' on channel 3" in text
    assert shown[shown.index("[Use the Next Free Channel]") :][:3] == [
        "[Use the Next Free Channel]", "[Make Room]", "[Leave It Out]",
    ]  # fmt: skip
    assert "[Dismiss]" in shown


def test_a_restored_strip_tells_whether_it_is_out_of_date(drawn: dict[str, Any]) -> None:
    box = drawn["box"][drawn["box"].index("one [restored]") :]
    assert box[1].startswith("Job ")
    assert box[2:] == [
        "Out of date: recipe changed", "[Original / Restored]", "[Restore Again]", "Keep Original, frame 1",
        "[Interpolate]",
    ]  # fmt: skip
