"""What the server tells a host before and after a job: every clip's reason, room on disk, how to show a result."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from resilver.v1 import catalogue_pb2, jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import InvalidMatte, RangeOutsideMedia, SelectionEmpty
from resilver_client.values import fraction
from resilver_server.api.writing import write_request
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.serial import canonical, loads
from resilver_server.scheduling.identity import state_key
from resilver_server.scheduling.joining import ShotResult
from resilver_server.scheduling.outline import ClipPlace
from support.edits import Cut, edit, movie
from support.jobs import film, manager, on_loop, request
from support.serving import server_process

FRAMES = 20


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with server_process(tmp_path_factory.mktemp("home")) as server, server.client() as client:
        yield client


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("media") / "film.mkv", FRAMES)


def asked(shown: str, folder: Path, profile: str = "ffv1", **changes: object) -> jobs_pb2.JobRequest:
    recipe = Recipe((StageSettings("upscale", {"model": "none", "scale": 2.0}),), Delivery(profile))
    return write_request(request(uuid.uuid4().hex, shown, folder, recipe=recipe, **changes))


def finished(client: Client, wanted: jobs_pb2.JobRequest) -> jobs_pb2.Job:
    job = client.submit(wanted)
    for _ in client.watch(job.id):
        pass
    done = client.get(job.id)
    assert done.state == jobs_pb2.JOB_STATE_SUCCEEDED, done.error
    return done


def test_stages_say_which_pictures_they_take(client: Client) -> None:
    matte, keep = catalogue_pb2.STAGE_INPUT_MATTE, catalogue_pb2.STAGE_INPUT_KEEP_MATTE
    fewer = {"cadence": [], "upscale": [matte]}  # what makes no pixels, and what makes frames of another size
    for stage in client.stages():
        assert list(stage.inputs)[:2] == fewer.get(stage.name, [matte, keep]), stage.name


def test_every_reason_comes_at_once_also_where_no_clip_remains(client: Client, reel: Path, tmp_path: Path) -> None:
    cuts = [
        Cut(movie(reel), (15, 10), "too long"),
        Cut(movie(tmp_path / "gone.mkv"), (0, 5), "lost"),
        Cut(movie(reel), (0, 5), "matted", resilver={"mattes": {"upscale": str(tmp_path / "none.png")}}),
    ]
    reasons = {"too long": "RANGE_OUTSIDE_MEDIA", "lost": "MEDIA_NOT_FOUND", "matted": "INVALID_MATTE"}
    plan = client.plan(asked(edit(24, cuts), tmp_path, skip_refused=True))
    assert {refusal.clip: refusal.reason for refusal in plan.refusals} == reasons
    assert [refusal.clip_id for refusal in plan.refusals] == ["0/0", "0/1", "0/2"]
    assert all(refusal.message for refusal in plan.refusals)
    assert not plan.shots
    with pytest.raises(SelectionEmpty, match=r"none of the clips can be restored, .*gone\.mkv"):
        client.submit(asked(edit(24, cuts), tmp_path, skip_refused=True))
    with pytest.raises(RangeOutsideMedia):
        client.plan(asked(edit(24, cuts), tmp_path))
    with pytest.raises(InvalidMatte, match=r"none\.png"):
        client.plan(asked(edit(24, cuts[2:]), tmp_path))


@pytest.mark.parametrize("profile", ["ffv1", "prores-422hq", "png"])
def test_a_plan_tells_how_much_room_it_takes(client: Client, reel: Path, tmp_path: Path, profile: str) -> None:
    """The film is noise, of which no encoder makes little: the estimate is for film, so it is only near."""
    wanted = asked(edit(24, [Cut(movie(reel), (0, FRAMES))]), tmp_path / "out" / "deep", profile)
    plan = client.plan(wanted)
    assert 0 < plan.free_bytes < 1 << 60
    assert plan.needed_bytes == 2 * plan.shots[0].output_bytes  # the store lies on the same disk
    (shot,) = finished(client, wanted).shots
    written = Path(shot.output)
    files = [written] if written.is_file() else list(written.iterdir())
    taken = sum(file.stat().st_size for file in files)
    assert taken / 3 < plan.shots[0].output_bytes < taken * 3


def test_a_preview_takes_little_room(client: Client, reel: Path, tmp_path: Path) -> None:
    plan = client.plan(asked(edit(24, [Cut(movie(reel), (0, FRAMES))]), tmp_path, preview_frames=2))
    assert plan.shots[0].output_bytes == 2 * 3 * 3 * 192 * 128


def test_room_on_disk_is_in_no_key(tmp_path: Path, reel: Path) -> None:
    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            outline = await running._planner.outline(
                request("a", edit(24, [Cut(movie(reel), (0, FRAMES))]), tmp_path / "out"), running._ledger.fit
            )
            (shot,) = outline.shots
            more = dataclasses.replace(shot, output_bytes=1)
            assert shot.output_bytes > 1
            assert state_key(more.plan, more.stamps.text) == state_key(shot.plan, shot.stamps.text)
            assert "bytes" not in canonical(shot.plan)

    on_loop(check)


@pytest.mark.parametrize(("profile", "name"), [("ffv1", "shot.mkv"), ("png", "shot/shot.%08d.png")])
def test_a_job_tells_how_its_results_are_shown(
    client: Client, reel: Path, tmp_path: Path, profile: str, name: str
) -> None:
    (shot,) = finished(client, asked(edit(24, [Cut(movie(reel), (0, 3))]), tmp_path, profile)).shots
    assert shot.media == str(tmp_path / name)
    assert Path(shot.media % 0 if "%" in shot.media else shot.media).is_file()
    assert fraction(shot.output_rate) == Fraction(24)
    assert (shot.output_format.width, shot.output_format.height) == (192, 128)
    assert not shot.change_maps


def test_a_preview_s_change_maps_name_stage_and_frame(client: Client, reel: Path, tmp_path: Path) -> None:
    (shot,) = finished(client, asked(edit(24, [Cut(movie(reel), (0, FRAMES))]), tmp_path, preview_frames=2)).shots
    assert shot.media == ""
    assert [(each.stage, each.output_frame) for each in shot.change_maps] == [("upscale", 5), ("upscale", 15)]
    assert all(Path(each.path).is_file() and Path(each.path).parent == Path(shot.output) for each in shot.change_maps)
    assert all(f".{each.output_frame:06d}." in each.path for each in shot.change_maps)


def test_rows_of_an_older_server_are_still_read(tmp_path: Path, reel: Path) -> None:
    old = loads(ShotResult, '{"joined": null, "pictures": ["/out/a.png"], "staging": "/out/.x"}')
    assert (old.pictures, old.changes) == (("/out/a.png",), ())

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            outline = await running._planner.outline(
                request("a", edit(24, [Cut(movie(reel), (0, FRAMES))]), tmp_path / "out"), running._ledger.fit
            )
            place = outline.shots[0].place
            stored = json.loads(canonical(place))
            for name in ("pictures", "exact_start"):
                del stored["clip"][name]
            assert loads(ClipPlace, json.dumps(stored)) == place

    on_loop(check)
