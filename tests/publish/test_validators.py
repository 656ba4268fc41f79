"""Each validator fails and passes, over a real server with real media."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from publish.conftest import ABSENT, CLOSED
from publish.contract import TWO, Laid
from publish.memory_host import MemoryHost, MemorySession
from publish.orders import order, problems, recipe, state_after_validation
from resilver.v1 import types_pb2
from resilver_client import errors
from resilver_client.client import Client
from resilver_client.discovery import Endpoint
from resilver_client.errors import ResilverError
from resilver_client.values import settings
from resilver_otio.collect import collect
from resilver_otio.types import Selection
from resilver_publish.publication import repaired
from resilver_publish.types import Layout, Occupied, Order, Problem, Repair
from resilver_publish.validate import sized
from support.clips import moving, planes_of, write_movie
from support.edits import scans


def only(found: list[Problem], plugin: str, error: type[ResilverError]) -> Problem:
    """The one problem, which that plug-in found, and which says what to do."""
    (problem,) = found
    assert (problem.plugin, type(problem.error)) == (plugin, error)
    return problem


def passes(session: MemorySession, client: Client, order: Order) -> bool:
    state, found = state_after_validation(session, client, order)
    assert found == []
    return state.plan is not None and len(state.plan.shots) == len(state.clips)


def with_effect(host: MemoryHost, effect: otio.schema.Effect) -> None:
    next(host.edit.clips())[2].effects.append(effect)


def test_a_sound_edit_passes(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    assert passes(host.lay(TWO), client, order(tmp_path))


def test_media_that_is_gone(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    film = Path(shutil.copy(host.movie(24), tmp_path / "reel.mkv"))
    away = film.rename(tmp_path / "elsewhere.mkv")
    session = host.lay_media([(Laid("gone"), film, 24), (Laid("there", start=20), Path(host.movie(24)), 24)])
    gone, _ = session.selection()
    problem = only(problems(session, client, order(tmp_path)), "Media online and readable", errors.MediaNotFound)
    assert problem.clip == gone.id
    assert str(film) in str(problem.error)
    assert "relink" in str(problem.error)
    assert problem.repairs == (Repair.LEAVE_OUT,)
    assert passes(session, client, repaired(order(tmp_path), problem, Repair.LEAVE_OUT, client))
    away.rename(film)
    assert passes(session, client, order(tmp_path))


def test_media_that_a_server_elsewhere_does_not_see(
    host: MemoryHost, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = Path(shutil.copy(host.movie(24), tmp_path / "reel.mkv"))
    session = host.lay_media([(Laid("gone"), film, 24)])
    film.unlink()
    monkeypatch.setattr(client, "endpoint", lambda: Endpoint("tls://render.studio:50051", ""))
    problem = only(problems(session, client, order(tmp_path)), "Media online and readable", errors.MediaNotFound)
    assert str(problem.error).endswith("the server is on another machine, and has to see the file under the same path")


def test_media_that_cannot_be_read(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    film = tmp_path / "reel.mkv"
    film.write_text("no film")
    session = host.lay_media([(Laid("broken"), film, 24)])
    problem = only(problems(session, client, order(tmp_path)), "Media online and readable", errors.MediaUnreadable)
    assert problem.repairs == (), "nothing would remain"
    shutil.copy(host.movie(24), film)
    assert passes(session, client, order(tmp_path))


def test_media_that_the_host_knows_to_be_offline(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO)
    clip = next(host.edit.clips())[2]
    found = clip.media_reference
    clip.media_reference = otio.schema.MissingReference()
    problem = only(problems(session, client, order(tmp_path)), "Media online and readable", errors.ClipOffline)
    assert problem.repairs == (Repair.LEAVE_OUT,)
    clip.media_reference = found
    assert passes(session, client, order(tmp_path))


def test_a_range_beyond_the_media(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay([Laid("reel", first=95, length=30)])
    only(problems(session, client, order(tmp_path)), "Range inside the media", errors.RangeOutsideMedia)
    assert passes(host.lay([Laid("reel", first=90, length=10)]), client, order(tmp_path))


def test_uneven_frames(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    frames = [planes_of(moving(k, 64, 48), "yuv420p") for k in range(12)]
    stamps = [0, 1, 2, 4, 5, 6, 7, 10, 11, 12, 13, 14]
    uneven = write_movie(tmp_path / "uneven.mkv", frames, "ffv1", "yuv420p", stamps=stamps)
    even = write_movie(tmp_path / "even.mkv", frames, "ffv1", "yuv420p")
    laid = Laid("reel", length=8)
    session = host.lay_media([(laid, uneven, 12)])
    problem = only(problems(session, client, order(tmp_path)), "Constant rate", errors.VariableFrameRate)
    assert "constant-rate copy" in str(problem.error)
    assert passes(host.lay_media([(laid, even, 12)]), client, order(tmp_path))


def woven(path: Path) -> Path:
    """Video: each frame holds two moments."""
    moments = [planes_of(moving(2.0 * k), "yuv422p") for k in range(80)]
    frames = []
    for top, bottom in zip(moments[::2], moments[1::2], strict=True):
        planes = tuple(plane.copy() for plane in top)
        for plane, other in zip(planes, bottom, strict=True):
            plane[1::2] = other[1::2]
        frames.append(planes)
    return write_movie(path, frames, "ffv1", "yuv422p", Fraction(24), field_order=0, g="1", level="3")


def test_interlaced_frames_are_filtered_on_request(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    film = woven(tmp_path / "woven.mkv")
    session = host.lay_media([(Laid("video"), film, 40), (Laid("film", start=20), Path(host.movie(24)), 24)])
    problem = only(problems(session, client, order(tmp_path)), "Constant rate", errors.InterlacedMedia)
    assert problem.repairs == (Repair.DEINTERLACE, Repair.LEAVE_OUT)
    again = repaired(order(tmp_path), problem, Repair.DEINTERLACE, client)
    state, found = state_after_validation(session, client, again)
    assert found == []
    assert state.request is not None
    sent = collect(state.request.timeline, Selection(indices=tuple(state.request.selection.indices)))
    assert [(clip.name, clip.fields) for clip in sent.clips] == [("video", "bwdif"), ("film", "none")]


def test_effects_that_cannot_be_carried_over(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO)
    with_effect(host, otio.schema.LinearTimeWarp(time_scalar=2.0))
    assert passes(session, client, order(tmp_path))
    with_effect(host, otio.schema.TimeEffect(name="ramp"))
    problem = only(problems(session, client, order(tmp_path)), "No unsupported effect", errors.ClipUnsupported)
    assert "ramp" in str(problem.error)
    assert problem.clip == session.selection()[0].id


def test_what_the_host_itself_refuses(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    only(problems(host.lay_unmappable(), client, order(tmp_path)), "No unsupported effect", errors.ClipUnsupported)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (recipe("polish"), errors.UnknownStage),
        (recipe(profile="celluloid"), errors.UnknownProfile),
        (recipe(model="none", scale=99.0), errors.InvalidRecipe),
        (recipe("interpolate", rate="sixty"), errors.InvalidRate),
        (types_pb2.Recipe(stages=[settings("upscale", {"model": "none"}, 1.0, "/no/matte.png")]), errors.InvalidMatte),
    ],
)
def test_a_recipe_that_this_server_does_not_know(
    host: MemoryHost, client: Client, tmp_path: Path, asked: types_pb2.Recipe, error: type[ResilverError]
) -> None:
    only(problems(host.lay(TWO), client, order(tmp_path, recipe=asked)), "Recipe valid for this server", error)


def test_a_model_that_is_not_installed(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session, asked = host.lay(TWO), order(tmp_path, recipe=recipe(model=ABSENT, scale=2.0))
    problem = only(problems(session, client, asked), "Models installed", errors.ModelNotInstalled)
    assert "to download" in str(problem.error)
    assert problem.repairs == (Repair.INSTALL_MODEL,)
    heard: list[str] = []
    again = repaired(asked, problem, Repair.INSTALL_MODEL, client, lambda step: heard.append(step.model))
    assert set(heard) == {ABSENT}
    assert passes(session, client, again)


def test_a_licence_that_is_not_accepted(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session, asked = host.lay(TWO), order(tmp_path, recipe=recipe(model=CLOSED, scale=2.0))
    problem = only(problems(session, client, asked), "Models installed", errors.LicenceNotAccepted)
    assert "CC-BY-NC-4.0" in str(problem.error)
    assert problem.repairs == (Repair.ACCEPT_LICENCE,)
    accepted = replace(asked, accepted_licences=frozenset({CLOSED}))
    (offered,) = problems(session, client, accepted)
    assert offered.repairs == (Repair.INSTALL_MODEL,), "it is not asked for twice"
    again = repaired(asked, problem, Repair.ACCEPT_LICENCE, client)
    assert again.accepted_licences == {CLOSED}
    assert passes(session, client, again)


def test_an_unknown_model(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    asked = order(tmp_path, recipe=recipe(model="no-such", scale=2.0))
    problem = only(problems(host.lay(TWO), client, asked), "Models installed", errors.ModelUnknown)
    assert problem.repairs == ()


def test_results_that_do_not_fit_on_the_disk(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    """A picture held for hours, at the size of a wall."""
    (picture,) = scans(tmp_path / "still", [1]).iterdir()
    laid = Laid("still", length=24 * 3600 * 6)
    session = host.lay_media([(laid, picture, laid.length)])
    asked = order(tmp_path, recipe=recipe(model="none", width=16384))
    problem = only(problems(session, client, asked), "Room on disk", errors.DiskFull)
    assert "TB" in problem.error.what
    assert problem.error.where == str(tmp_path)
    assert passes(session, client, replace(asked, preview_frames=2))
    assert passes(host.lay_media([(Laid("still"), picture, 10)]), client, asked)


def test_a_folder_that_cannot_be_written_to(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    only(problems(host.lay(TWO), client, order(file)), "Room on disk", errors.OutputUnwritable)


def test_a_track_that_is_taken(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session, asked = host.lay([*TWO, Laid("title", track=2, start=35, selected=False)]), order(tmp_path)
    problem = only(problems(session, client, asked), "Target track free", errors.TargetOccupied)
    assert "title" in problem.error.what
    assert problem.clip == session.selection()[1].id
    assert problem.repairs == (Repair.USE_TRACK_ABOVE, Repair.MAKE_ROOM, Repair.LEAVE_OUT)
    for repair, occupied in ((Repair.USE_TRACK_ABOVE, Occupied.ABOVE), (Repair.MAKE_ROOM, Occupied.MAKE_ROOM)):
        again = repaired(asked, problem, repair, client)
        assert again.occupied is occupied
        assert passes(session, client, again)
    assert passes(session, client, replace(asked, preview_frames=2))
    assert passes(session, client, replace(asked, layout=Layout.NEW_TIMELINE))


def test_a_refusal_without_a_validator_of_its_own_stops_too(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO)
    next(host.edit.clips())[2].metadata["resilver"] = {"mattes": {"upscale": "/no/matte.png"}}
    problem = only(problems(session, client, order(tmp_path)), "Clip accepted by the server", errors.InvalidMatte)
    assert problem.clip == session.selection()[0].id


def test_what_one_clip_asks_for_reaches_the_server_for_that_clip(
    host: MemoryHost, client: Client, tmp_path: Path
) -> None:
    session = host.lay(TWO)
    first, second = (clip.id for clip in session.selection())
    own = {first: {"keep_frames": {"deflicker": "3-5", "repair": "7"}}, second: {"keep_frames": {"deflicker": ""}}}
    asked = order(tmp_path, "deflicker", own=own)
    state, found = state_after_validation(session, client, asked)
    assert (found, state.plan is not None) == ([], True)
    kept = [[(span.start, span.stop) for span in shot.stages[-1].settings.keep_frames] for shot in state.plan.shots]  # type: ignore[union-attr]
    assert kept == [[(3, 6)], []]
    wrong = replace(asked, own={second: {"keep_frames": {"deflicker": "last"}}})
    problem = only(problems(session, client, wrong), "No unsupported effect", errors.ClipUnsupported)
    assert problem.clip == second
    assert "'last' names no frames" in problem.error.what
    assert passes(session, client, repaired(wrong, problem, Repair.LEAVE_OUT, client))


def test_a_clip_that_the_server_does_not_see(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO)
    next(host.edit.clips())[2].enabled = False
    problem = only(problems(session, client, order(tmp_path)), "Clip accepted by the server", errors.ClipUnsupported)
    assert problem.clip == session.selection()[0].id
    assert "muted" in problem.error.remedy


def test_an_error_without_a_validator_of_its_own_stops_too(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    asked = order(tmp_path, output_folder="not/absolute")
    only(problems(host.lay(TWO), client, asked), "Accepted by the server", errors.PathNotAllowed)


def test_a_repair_that_is_not_offered_is_none(client: Client, tmp_path: Path) -> None:
    problem = Problem("x", errors.MediaNotFound("no such file"), "clip")
    with pytest.raises(errors.InvalidRequest, match="deinterlace"):
        repaired(order(tmp_path), problem, Repair.DEINTERLACE, client)


def test_every_problem_is_told_at_once(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    film = Path(host.movie(100))
    session = host.lay_media(
        [
            (Laid("gone"), tmp_path / "gone.mkv", 24),
            (Laid("too long", start=20, first=95, length=30), film, 100),
            (Laid("below a title", start=60), film, 100),
            (Laid("title", track=2, start=60, selected=False), film, 100),
            (Laid("above what is gone", track=2, selected=False), film, 100),
            (Laid("ramp", start=80), film, 100),
            (Laid("fine", start=100), film, 100),
        ]
    )
    clips = {clip.name: clip.id for clip in session.selection()}
    host.edit.find(clips["ramp"])[2].effects.append(otio.schema.TimeEffect(name="ramp"))  # type: ignore[index]
    found = problems(session, client, order(tmp_path))
    assert [(problem.plugin, problem.clip) for problem in found] == [
        ("Media online and readable", clips["gone"]),
        ("Range inside the media", clips["too long"]),
        ("No unsupported effect", clips["ramp"]),
        ("Target track free", clips["below a title"]),
    ]
    asked = order(tmp_path)
    for problem in found:
        asked = repaired(asked, problem, Repair.LEAVE_OUT, client)
    state, left = state_after_validation(session, client, asked)
    assert left == []
    assert [clip.clip.name for clip in state.clips] == ["fine"]
    assert "gone was left out" in state.report


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2_340_000_000, "2.3 GB"), (10**16, "10000 TB")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert sized(size) == text
