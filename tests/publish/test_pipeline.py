"""Publications from end to end, over a real server: what is placed, and what stops them."""

from __future__ import annotations

import logging
from pathlib import Path

import pyblish.plugin
import pytest

from publish.contract import TWO, Laid
from publish.memory_host import MemoryHost, MemorySession
from publish.orders import order, recipe
from publish.plugins import check_progress, failing, recorder, states
from resilver.v1 import jobs_pb2
from resilver_client import errors
from resilver_client.client import Client
from resilver_publish.processing import Phase, phase_of
from resilver_publish.publication import PLUGINS, Publication, recipe_digest
from resilver_publish.state import clip_of, state_of, there
from resilver_publish.types import Layout, Occupied, RestoredClip
from support.jobs import decoded


def test_clips_come_back_above_their_originals(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO)
    first, second = session.selection()
    before = list(host.lying())
    outcome = Publication(session, client, order(tmp_path)).run()
    assert outcome.problems == ()
    assert not outcome.cancelled
    assert [placed.clip for placed in outcome.placements] == [first.id, second.id]
    new = [each for each in host.lying() if each not in before]
    assert [(each.track, each.start, each.stop) for each in new] == [(2, 10, 22), (2, 30, 38)]
    source = decoded(Path(before[0].path))
    for each, at in zip(new, (0, 20), strict=True):
        frames = decoded(Path(each.path))
        assert len(frames) == each.stop - each.start
        assert frames[0].shape == (128, 192, 3)
        small = frames[0].astype(float).reshape(64, 2, 96, 2, 3).mean((1, 3))
        apart = [abs(small - source[number]).mean() for number in range(at + 2)]
        assert apart.index(min(apart)) == at, "it is not the frame that was laid there"
    check_progress(session.told)
    assert {clip.name for clip in session.told[-1].clips} == {"reel 1", "reel 2"}
    host.undo()
    assert list(host.lying()) == before


def test_what_is_placed_says_how_it_was_made(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    found: list[RestoredClip] = []

    class Look(pyblish.plugin.ContextPlugin):
        order = Phase.INTEGRATE + 0.1

        def process(self, context: pyblish.plugin.Context) -> None:
            found.extend(state_of(context).restored)

    session = host.lay(TWO[:1])
    asked = order(tmp_path / "100% %d", recipe=recipe(profile="png", model="none", scale=2.0))
    outcome = Publication(session, client, asked, (*PLUGINS, Look)).run()
    assert outcome.problems == ()
    (restored,) = found
    assert restored.recipe == recipe_digest(asked.recipe)
    assert restored.job == outcome.job
    assert restored.is_sequence
    numbers = range(restored.first_number, restored.first_number + restored.frames)
    files = [Path(restored.path % number) for number in numbers]
    assert len(files) == 12
    assert all(file.is_file() for file in files)
    assert sorted(files) == sorted(files[0].parent.glob("*.png"))
    assert (restored.rate, restored.width, restored.height) == (24, 192, 128)


def test_restoring_again_replaces_no_file(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO[:1])
    asked = order(tmp_path, occupied=Occupied.ABOVE)
    for _ in range(4):  # several in one second
        assert Publication(session, client, asked).run().problems == ()
    paths = [Path(each.path) for each in host.lying()[1:]]
    assert len(set(paths)) == 4
    assert all(path.is_file() for path in paths)
    assert paths[0].parent == tmp_path
    assert {path.parent.parent for path in paths[1:]} == {tmp_path}


def test_a_job_that_was_quicker_keeps_its_names(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    """Another job is submitted for the same files between the plan and the submission."""

    class Quicker(pyblish.plugin.ContextPlugin):
        order = Phase.EXTRACT - 0.1

        def process(self, context: pyblish.plugin.Context) -> None:
            request = jobs_pb2.JobRequest()
            request.CopyFrom(there(state_of(context).request, "request"))
            request.request_id = "quicker"
            client.submit(request)

    outcome = Publication(host.lay(TWO[:1]), client, order(tmp_path), (*PLUGINS, Quicker)).run()
    assert outcome.problems == ()
    assert [Path(each.path).parent.parent for each in host.lying()[1:]] == [tmp_path]


def test_a_preview_is_shown_and_nothing_placed(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay([*TWO, Laid("title", track=2, start=0, length=90, selected=False)])
    before = list(host.lying())
    outcome = Publication(session, client, order(tmp_path, preview_frames=2)).run()
    assert outcome.problems == ()
    assert outcome.placements == ()
    ((pictures, change_maps),) = session.shown
    assert (outcome.pictures, outcome.change_maps) == (pictures, change_maps)
    assert len(pictures) == 4
    assert all(Path(picture).is_file() for picture in pictures)
    assert {change.clip for change in change_maps} == {clip.id for clip in session.selection()}
    assert all(Path(change.path).is_file() and change.stage == "upscale" for change in change_maps)
    assert list(host.lying()) == before


def test_a_new_timeline_is_at_the_delivery_s_rate(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO[:1])
    before = list(host.lying())
    asked = order(tmp_path, recipe=recipe("interpolate", rate="60", model="blend"), layout=Layout.NEW_TIMELINE)
    outcome = Publication(session, client, asked).run()
    assert outcome.problems == ()
    assert [placed.where for placed in outcome.placements] == ["the second timeline"]
    assert list(host.lying()) == before
    job = client.get(outcome.job)
    assert job.shots[0].frames == 30, "12 frames at 24 are half a second"


@pytest.mark.parametrize("phase", [Phase.COLLECT, Phase.VALIDATE, Phase.EXTRACT])
def test_what_fails_never_reaches_integrate(host: MemoryHost, client: Client, tmp_path: Path, phase: Phase) -> None:
    seen: list[str] = []
    before, jobs = list(host.lay(TWO).edit.clips()), states(client)
    session = MemorySession(host.edit)
    error = errors.ClipUnsupported("not this one", remedy="choose another")
    plugins = (*PLUGINS, *recorder(seen), failing(phase + 0.3, error))
    outcome = Publication(session, client, order(tmp_path), plugins).run()
    (problem,) = outcome.problems
    assert (problem.plugin, problem.error) == ("A studio's own", error)
    last = phase + (phase is Phase.VALIDATE)  # every validator runs
    assert seen == [each.name for each in Phase if each < last]
    assert outcome.job == ""
    assert states(client) == jobs
    assert list(host.edit.clips()) == before


def test_an_extractor_that_fails_late_leaves_no_job_at_work(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    seen: list[str] = []
    plugins = (*PLUGINS, *recorder(seen), failing(Phase.EXTRACT + 0.45, errors.DiskFull("no room for the notes")))
    outcome = Publication(host.lay(TWO), client, order(tmp_path), plugins).run()
    assert [type(problem.error) for problem in outcome.problems] == [errors.DiskFull]
    assert seen == ["COLLECT", "VALIDATE"]
    assert client.get(outcome.job).state == jobs_pb2.JOB_STATE_CANCELLED


def test_our_own_collectors_stop_it_too(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    seen: list[str] = []
    session = host.lay([Laid("reel", selected=False)])
    outcome = Publication(session, client, order(tmp_path), (*PLUGINS, *recorder(seen))).run()
    (problem,) = outcome.problems
    assert (problem.plugin, type(problem.error)) == ("Selection", errors.SelectionEmpty)
    assert seen == []


def test_leaving_every_clip_out_is_told(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO)
    ids = frozenset(clip.id for clip in session.selection())
    (problem,) = Publication(session, client, order(tmp_path, leave_out=ids)).run().problems
    assert isinstance(problem.error, errors.SelectionEmpty)


def test_a_server_that_is_not_there_is_one_problem(host: MemoryHost, tmp_path: Path) -> None:
    def nowhere() -> None:
        raise errors.ServerUnreachable("no server runs", remedy="start it")

    with Client(nowhere) as client:  # type: ignore[arg-type]
        (problem,) = Publication(host.lay(TWO), client, order(tmp_path)).run().problems
    assert (problem.plugin, type(problem.error)) == ("Plan", errors.ServerUnreachable)


def test_an_unexpected_exception_names_its_plug_in(
    host: MemoryHost, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    plugins = (*PLUGINS, failing(Phase.VALIDATE + 0.2, ZeroDivisionError("division by zero")))
    (problem,) = Publication(host.lay(TWO), client, order(tmp_path), plugins).run().problems
    assert isinstance(problem.error, errors.InternalError)
    assert "ZeroDivisionError: division by zero" in str(problem.error)
    assert "A studio's own" in str(problem.error)
    assert (root.level, list(root.handlers)) == before
    logged = [record.name for record in caplog.records if record.levelno >= logging.WARNING]
    assert logged == ["resilver_publish.processing"], "once, with its traceback"


def test_an_expected_error_writes_no_traceback(
    host: MemoryHost, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = (*PLUGINS, failing(Phase.VALIDATE + 0.2, errors.ClipUnsupported("no")))
    Publication(host.lay(TWO), client, order(tmp_path), plugins).run()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_without_an_order_nothing_is_run(host: MemoryHost, client: Client) -> None:
    with pytest.raises(errors.InvalidRequest, match="order"):
        Publication(host.lay(TWO), client).run()


def test_instances_are_clips(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    found: list[str] = []

    class Look(pyblish.plugin.InstancePlugin):
        order = Phase.VALIDATE
        families = ["shot"]  # noqa: RUF012

        def process(self, instance: pyblish.plugin.Instance) -> None:
            found.append(clip_of(instance).clip.name)
            assert set(instance.data) == {"name", "family", "resilver"}

    outcome = Publication(host.lay(TWO), client, order(tmp_path, preview_frames=1), (*PLUGINS, Look)).run()
    assert outcome.problems == ()
    assert found == ["reel 1", "reel 2"]


def test_plug_ins_stand_in_the_order_in_which_they_run() -> None:
    assert list(PLUGINS) == sorted(PLUGINS, key=lambda plugin: plugin.order)
    assert {phase_of(plugin) for plugin in PLUGINS} == set(Phase)
    assert len({plugin.label for plugin in PLUGINS}) == len(PLUGINS)
