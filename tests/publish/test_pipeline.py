"""Publications from end to end, over real servers: what is placed, what stops them, and how they are taken up again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyblish.plugin
import pytest

from publish.contract import TWO, Laid
from publish.memory_host import MemoryHost, MemorySession
from publish.orders import order, recipe
from resilver.v1 import jobs_pb2
from resilver_client import errors
from resilver_client.client import Client
from resilver_client.discovery import discover
from resilver_publish.processing import Phase, phase_of
from resilver_publish.publication import PLUGINS, Publication, recipe_digest, studio_plugins
from resilver_publish.state import clip_of, state_of
from resilver_publish.types import Layout, Occupied, Outcome, Progress, Remembered, Repair, RestoredClip
from support.jobs import decoded
from support.serving import ServerProcess, server_process

Broken = type[pyblish.plugin.Plugin]


def states(client: Client) -> list[jobs_pb2.JobState.ValueType]:
    return [job.state for job in client.all_jobs()]


def recorder(seen: list[str]) -> list[Broken]:
    """A plug-in for each phase, which says that it was reached, and comes last in it."""

    def made(name: str, place: float) -> Broken:
        class Recorder(pyblish.plugin.ContextPlugin):
            label = name
            order = place

            def process(self, context: pyblish.plugin.Context) -> None:
                seen.append(name)

        return Recorder

    return [made(phase.name, phase + 0.49) for phase in Phase]


def failing(order: float, error: Exception) -> Broken:
    class Failing(pyblish.plugin.ContextPlugin):
        label = "A studio's own"

        def process(self, context: pyblish.plugin.Context) -> None:
            raise error

    Failing.order = order
    return Failing


def check_progress(told: list[Progress]) -> None:
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0
    assert fractions[-1] == 1.0
    assert told[-1].state == "succeeded"
    assert all(progress.message for progress in told)


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
    asked = order(tmp_path, recipe=recipe(profile="png", model="none", scale=2.0))
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
    for _ in range(2):
        assert Publication(session, client, asked).run().problems == ()
    paths = [Path(each.path) for each in host.lying()[1:]]
    assert len(set(paths)) == 2
    assert all(path.is_file() for path in paths)
    assert paths[0].parent == tmp_path
    assert paths[1].parent.parent == tmp_path


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


STUDIO = """
from pyblish.api import ContextPlugin, InstancePlugin, ValidatorOrder, IntegratorOrder
from resilver_publish.state import clip_of, state_of

class NamesHaveReels(InstancePlugin):
    label = "Names have reels"
    order = ValidatorOrder + 0.05
    families = ["shot"]

    def process(self, instance):
        assert "reel" in clip_of(instance).clip.name, "call the clip by its reel"

class OnlyElsewhere(ContextPlugin):
    hosts = ["resolve"]
    order = ValidatorOrder

    def process(self, context):
        raise RuntimeError("not in this host")

class Asleep(ContextPlugin):
    active = False
    order = ValidatorOrder

    def process(self, context):
        raise RuntimeError("not active")

class Note(ContextPlugin):
    order = IntegratorOrder + 0.1

    def process(self, context):
        state = state_of(context)
        state.report.append(f"{len(state.placements)} clips were noted")
"""


def test_a_studio_s_plug_ins_join_by_their_order(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    (tmp_path / "studio.py").write_text(STUDIO)
    (tmp_path / "_helper.py").write_text("raise RuntimeError('not a plug-in')")
    plugins = (*PLUGINS, *studio_plugins(tmp_path))
    assert {plugin.__name__ for plugin in plugins[len(PLUGINS) :]} == {
        "NamesHaveReels", "OnlyElsewhere", "Asleep", "Note"
    }  # fmt: skip
    session = host.lay([*TWO, Laid("scan 7", start=60)])
    (problem,) = Publication(session, client, order(tmp_path), plugins).run().problems
    assert problem.plugin == "Names have reels"
    assert problem.error.what == "call the clip by its reel"
    assert problem.clip == session.selection()[2].id
    assert problem.repairs == (Repair.LEAVE_OUT,)
    outcome = Publication(session, client, order(tmp_path, leave_out=frozenset({problem.clip})), plugins).run()
    assert outcome.problems == ()
    assert "2 clips were noted" in outcome.report
    assert "scan 7 was left out" in outcome.report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("def process(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("from pyblish.api import ContextPlugin\nclass P(ContextPlugin):\n    families = 'shot'\n", "the plug-in P"),
        ("from pyblish.api import ContextPlugin\nclass P(ContextPlugin):\n    requires = 'pyblish>=99'\n", "plug-in P"),
    ],
)
def test_a_broken_file_of_a_studio_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "fine.py").write_text(STUDIO)
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(errors.InvalidRequest, match=said) as caught:
        studio_plugins(str(tmp_path))
    assert caught.value.where == str(file)


def test_a_studio_s_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match="elsewhere"):
        studio_plugins(tmp_path / "elsewhere")


def on_progress(session: MemorySession, act: Callable[[], object], state: str = "") -> None:
    """Do something once, when progress (of that state) is told."""
    done = threading.Event()

    def hear(progress: Progress) -> None:
        if progress.state.startswith(state) and not done.is_set():
            done.set()
            act()

    session.while_working = hear


def test_cancelled_before_there_is_a_job(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    jobs, seen = states(client), []  # type: ignore[var-annotated]
    made: list[Publication] = []

    class Cancel(pyblish.plugin.ContextPlugin):
        order = Phase.VALIDATE + 0.2

        def process(self, context: pyblish.plugin.Context) -> None:
            made[0].cancel()

    made.append(Publication(host.lay(TWO), client, order(tmp_path), (*PLUGINS, *recorder(seen), Cancel)))
    outcome = made[0].run()
    assert outcome == Outcome(cancelled=True)
    assert seen == ["COLLECT"]
    assert states(client) == jobs


def test_cancelled_while_it_is_submitted(host: MemoryHost, server: ServerProcess, tmp_path: Path) -> None:
    """Nobody knows the job's id yet, so that nothing can be cancelled in that moment."""
    made: list[Publication] = []

    class Cancelling(Client):
        def submit(self, job: jobs_pb2.JobRequest) -> jobs_pb2.Job:
            made[0].cancel()
            for thread in threading.enumerate():
                if thread.name == "resilver cancel":
                    thread.join(10)
            return super().submit(job)

    with Cancelling(lambda: discover(home=server.home)) as client:
        asked = order(tmp_path, recipe=recipe(model="none", scale=8.0))
        made.append(Publication(host.lay([Laid("reel", length=100)]), client, asked))
        outcome = made[0].run()
        assert outcome.cancelled
        assert outcome.problems == outcome.placements == ()
        assert client.get(outcome.job).state == jobs_pb2.JOB_STATE_CANCELLED


def test_cancelled_while_the_edit_remembers_it(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay([Laid("reel", length=100)])
    publication = Publication(session, client, order(tmp_path, recipe=recipe(model="none", scale=8.0)))
    session.remember = lambda remembered: publication.cancel()  # type: ignore[method-assign]
    outcome = publication.run()
    assert outcome.cancelled
    assert outcome.problems == outcome.placements == ()
    assert client.get(outcome.job).state == jobs_pb2.JOB_STATE_CANCELLED


def test_what_was_tried_again_is_told(host: MemoryHost, server: ServerProcess, tmp_path: Path) -> None:
    class Bumpy(Client):
        def watch(self, job_id: str, after_sequence: int = 0, *, patience: float = 30.0) -> Iterator[jobs_pb2.JobEvent]:
            yield jobs_pb2.JobEvent(
                kind=jobs_pb2.EVENT_KIND_RETRY, state=jobs_pb2.JOB_STATE_RENDERING, shot=0, message="a worker was lost"
            )
            yield from super().watch(job_id, after_sequence, patience=patience)

    session = host.lay(TWO[:1])
    with Bumpy(lambda: discover(home=server.home)) as client:
        assert Publication(session, client, order(tmp_path)).run().problems == ()
    assert session.reports == ["a worker was lost"]


def test_cancelled_while_it_renders(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay([Laid("reel", length=100)])
    before = list(host.lying())
    publication = Publication(session, client, order(tmp_path, recipe=recipe(model="none", scale=8.0)))
    on_progress(session, publication.cancel, "rendering")
    outcome = publication.run()
    assert outcome.cancelled
    assert outcome.problems == outcome.placements == ()
    assert client.get(outcome.job).state == jobs_pb2.JOB_STATE_CANCELLED
    assert list(host.lying()) == before


def test_taken_up_after_the_edit_was_closed(
    host: MemoryHost, server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    """The window is closed while the job renders: session, publication and connection are gone, the job is not."""
    session = host.lay(TWO)
    leaving = server.client()
    on_progress(session, leaving.close)
    outcome = Publication(session, leaving, order(tmp_path, layout=Layout.REPLACE)).run()
    (problem,) = outcome.problems
    assert isinstance(problem.error, errors.Cancelled)
    assert not outcome.cancelled
    assert outcome.job in problem.error.remedy
    again = host.reopen()
    (remembered,) = host.remembered()
    taken_up = Publication(again, client).resume(remembered)
    assert taken_up.problems == ()
    assert taken_up.job == outcome.job
    assert [each.name for each in host.lying() if not each.muted] == ["reel 1 [restored]", "reel 2 [restored]"]
    check_progress(again.told)


def test_a_track_that_was_taken_meanwhile_costs_no_second_rendering(
    host: MemoryHost, client: Client, tmp_path: Path
) -> None:
    session = host.lay(TWO)
    title = host.edit.clips()
    on_progress(session, lambda: host.edit.put(2, 12, next(title)[2].deepcopy()))
    outcome = Publication(session, client, order(tmp_path)).run()
    (problem,) = outcome.problems
    assert (problem.plugin, type(problem.error)) == ("Restored clips", errors.TargetOccupied)
    assert problem.repairs == (Repair.USE_TRACK_ABOVE, Repair.MAKE_ROOM)
    (remembered,) = host.remembered()
    jobs = len(states(client))
    taken_up = Publication(session, client).resume(replace(remembered, occupied=Occupied.ABOVE))
    assert taken_up.problems == ()
    assert [placed.where for placed in taken_up.placements] == ["track 3", "track 2"]
    assert len(states(client)) == jobs


def test_a_job_that_fails_says_why_and_goes_on_after_a_retry(host: MemoryHost, client: Client, tmp_path: Path) -> None:
    session = host.lay(TWO[:1])
    blocked = tmp_path / "reel 1.mkv"
    on_progress(session, lambda: blocked.write_text("somebody else's"))
    outcome = Publication(session, client, order(tmp_path)).run()
    (problem,) = outcome.problems
    assert (problem.plugin, type(problem.error)) == ("Render", errors.OutputExists)
    assert str(blocked) in str(problem.error)
    blocked.unlink()
    client.retry(outcome.job)
    (remembered,) = host.remembered()
    assert Publication(session, client).resume(remembered).problems == ()


def test_a_job_that_nobody_knows(host: MemoryHost, client: Client) -> None:
    session = host.lay(TWO)
    clips = tuple(session.selection())
    lost = Remembered("no such job", clips, session.timeline(clips).places)
    (problem,) = Publication(session, client).resume(lost).problems
    assert isinstance(problem.error, errors.JobNotFound)


def test_without_an_order_nothing_is_run(host: MemoryHost, client: Client) -> None:
    with pytest.raises(errors.InvalidRequest, match="order"):
        Publication(host.lay(TWO), client).run()


def test_a_server_killed_while_it_renders(host: MemoryHost, tmp_path: Path) -> None:
    home = tmp_path / "home"
    session = host.lay([Laid("reel", length=100)])
    asked = order(tmp_path, recipe=recipe(model="none", scale=8.0))
    with server_process(home) as first, first.client() as client:

        def kill() -> None:
            first.process.kill()
            first.process.wait()

        on_progress(session, kill, "rendering")
        outcome = Publication(session, client, asked, patience=0.5).run()
        (problem,) = outcome.problems
        assert isinstance(problem.error, errors.ServerUnreachable)
        assert "the job is kept" in problem.error.remedy
        assert outcome.job in problem.error.remedy
        assert not outcome.cancelled
        with server_process(home):
            (remembered,) = host.remembered()
            assert Publication(session, client).resume(remembered).problems == ()
    assert [each.name for each in host.lying()] == ["reel", "reel [restored]"]


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
