"""Publications that are cancelled, lost, blocked or closed half-way, and what takes them up again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyblish.plugin

from publish.contract import TWO, Laid
from publish.memory_host import MemoryHost
from publish.orders import order, recipe
from publish.plugins import check_progress, on_progress, recorder, states
from resilver.v1 import jobs_pb2
from resilver_client import errors
from resilver_client.client import Client
from resilver_client.discovery import discover
from resilver_publish.processing import Phase
from resilver_publish.publication import PLUGINS, Publication
from resilver_publish.types import Layout, Occupied, Outcome, Remembered, Repair
from support.serving import ServerProcess, server_process


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
