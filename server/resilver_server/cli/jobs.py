"""``resilver jobs``: what the server has done, does and will do."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict, MessageToJson
from rich.markup import escape
from rich.table import Column, Table

from resilver.v1 import jobs_pb2
from resilver_client.client import connect

from .frames import whereabouts
from .reporting import ReportingGroup, console
from .watching import follow

app = typer.Typer(
    cls=ReportingGroup, no_args_is_help=True, add_completion=False, help="What the server has done, does and will do."
)
JobId = Annotated[str, typer.Argument(help="The job's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the message as JSON.")]


def state_name(state: jobs_pb2.JobState.ValueType) -> str:
    return jobs_pb2.JobState.Name(state).removeprefix("JOB_STATE_").lower()


@app.command("list")
def list_jobs(
    state: Annotated[list[str] | None, typer.Option(help="Only jobs in this state; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Jobs, newest first; those that wait for their turn with their number in the queue."""
    states = [_state(name) for name in state or []]
    with connect() as client:
        jobs = list(client.all_jobs(states))
    if as_json:
        print(MessageToJson(jobs_pb2.ListJobsResponse(jobs=jobs)))
        return
    table = Table(Column("job", no_wrap=True), "state", "created", "shots", "chunks", "title", box=None)
    for job in jobs:
        done, total = sum(s.chunks_done for s in job.shots), sum(s.chunks for s in job.shots)
        created = job.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
        table.add_row(job.id, _standing(job), created, str(len(job.shots)), f"{done}/{total}", escape(job.title))
    console.print(table)


def _state(name: str) -> jobs_pb2.JobState.ValueType:
    try:
        return jobs_pb2.JobState.Value(f"JOB_STATE_{name.upper()}")
    except ValueError as error:
        known = ", ".join(state_name(value) for value in jobs_pb2.JobState.values() if value)
        raise typer.BadParameter(f"{name!r} is no state; known are {known}", param_hint="--state") from error


@app.command()
def show(job_id: JobId, as_json: AsJson = False) -> None:
    """One job: where every frame of its shots is, and what its analysis found.

    With --json the message Job, and beside its fields the messages Chunk as `chunks`.
    """
    with connect() as client:
        job, chunks = client.get(job_id), list(client.chunks(job_id))
    if as_json:
        print(json.dumps(MessageToDict(job) | {"chunks": [MessageToDict(chunk) for chunk in chunks]}, indent=2))
        return
    console.print(f"[bold]{job.id}[/bold] {_standing(job)}  {escape(job.title)}")
    for shot in job.shots:
        _show_shot(shot, [chunk for chunk in chunks if chunk.shot == shot.number])
    if job.error.reason:
        parts = ", ".join(filter(None, (job.error.what, job.error.where, job.error.remedy)))
        console.print(f"{job.error.reason}: {parts}", style="red", markup=False)


def _show_shot(shot: jobs_pb2.Shot, chunks: list[jobs_pb2.Chunk]) -> None:
    phase = jobs_pb2.ShotPhase.Name(shot.phase).removeprefix("SHOT_PHASE_").lower()
    facts = f"{phase}, {shot.frames} frames, {shot.chunks_done}/{shot.chunks} chunks"
    console.print(f"  {shot.name}: {facts}, {shot.output}", markup=False, soft_wrap=True)
    for what, which in whereabouts(shot, chunks):
        console.print(f"    {what:14}{which}", markup=False, soft_wrap=True)
    for name, finding in sorted(shot.findings.items()):
        console.print(f"    {name}: {finding}", markup=False, soft_wrap=True)


def _standing(job: jobs_pb2.Job) -> str:
    """``queued, number 2, priority 5``."""
    number = f"number {job.queue_position}" if job.queue_position else ""
    priority = f"priority {job.priority}" if job.priority else ""
    return ", ".join(filter(None, (state_name(job.state), number, priority)))


@app.command()
def watch(job_id: JobId) -> None:
    """Follow a job until it has ended."""
    with connect() as client:
        last = follow(client.watch(job_id), console)
        console.print(state_name(last.state) if last else state_name(client.get(job_id).state))


@app.command()
def cancel(job_id: JobId) -> None:
    """Stop within one window; finished chunks are kept for a later retry."""
    with connect() as client:
        console.print(state_name(client.cancel(job_id).state))


@app.command()
def pause(job_id: JobId, now: Annotated[bool, typer.Option("--now", help="Stop running chunks.")] = False) -> None:
    """Take no new chunk until resumed."""
    with connect() as client:
        console.print(state_name(client.pause(job_id, now).state))


@app.command()
def resume(job_id: JobId) -> None:
    """Carry on a paused job."""
    with connect() as client:
        console.print(state_name(client.resume(job_id).state))


@app.command()
def retry(job_id: JobId) -> None:
    """Queue a failed or cancelled job again; finished chunks are used."""
    with connect() as client:
        console.print(state_name(client.retry(job_id).state))


@app.command(context_settings={"ignore_unknown_options": True})  # `-5` is a number
def priority(
    job_id: JobId, value: Annotated[int, typer.Argument(min=-100, max=100, help="Larger ones go first.")]
) -> None:
    """Let a job take its turn earlier or later; a running one gives way to a larger priority."""
    with connect() as client:
        job = client.set_priority(job_id, value)
        console.print(f"{state_name(job.state)}, priority {job.priority}")


@app.command()
def delete(job_id: JobId) -> None:
    """Forget a job and its chunks; results stay."""
    with connect() as client:
        client.delete(job_id)
