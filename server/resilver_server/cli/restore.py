"""``resilver restore``: a movie, a folder of frames, a picture or a timeline goes through the server and comes back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson
from rich.console import Console
from rich.markup import escape

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import BY_REASON, InternalError, OutputExists, ServerUnreachable
from resilver_client.launch import ensure_server
from resilver_otio.for_resolve import ensure_importable
from resilver_otio.read import TIMELINE_SUFFIXES, read_timeline
from resilver_otio.sources import one_clip_timeline, with_fields
from resilver_otio.types import Layout, Selection
from resilver_otio.write import ensure_writable
from resilver_publish.far import Far
from resilver_server.api.writing import write_request
from resilver_server.domain.formats import FieldFilter
from resilver_server.domain.rates import Rate
from resilver_server.domain.recipes import Delivery, Recipe
from resilver_server.scheduling.requests import JobRequest
from resilver_server.stages.presets import preset as find_preset

from . import arguments
from .paths import real_path
from .planning import print_plan
from .reporting import console
from .results import save_result
from .watching import Transfer, follow


@dataclass(frozen=True)
class Source:
    """One thing to restore: a timeline in OTIO JSON, and where its result goes."""

    path: Path
    timeline: str
    selection: Selection
    folder: Path
    name: str
    profile: str
    result: Path | None
    """Where the result timeline is written; None for movies, folders and pictures."""


def restore(
    sources: Annotated[list[Path], typer.Argument(help="Movies, folders of frames, pictures or timelines.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Result file; a folder for several sources.")],
    preset: Annotated[
        str | None, typer.Option(help="silent-film, talkie, restoration, home-movie, animation or photo.")
    ] = None,
    stage: Annotated[list[str] | None, typer.Option(help="NAME[:key=value,...]; may be given again.")] = None,
    to: Annotated[str | None, typer.Option(help="Target size and rate: 3840x2160@60, 3840x2160 or @60.")] = None,
    rate: Annotated[str | None, typer.Option(help="Rate at which a movie's or folder's frames are played.")] = None,
    span: Annotated[str | None, typer.Option("--range", help="24:48 in frames, or 00:00:01:00-00:00:02:00.")] = None,
    select: Annotated[list[str] | None, typer.Option(help="name=, track=, marker=, colour= or index=.")] = None,
    layout: Annotated[Layout, typer.Option(help="How clips come back on the timeline.")] = Layout.OVERLAY,
    new_timeline: Annotated[bool, typer.Option("--at-delivery-rate", help="Timeline at the result's rate.")] = False,
    profile: Annotated[str | None, typer.Option(help="Codec of the result; without it --output's suffix says.")] = None,
    fields: Annotated[FieldFilter, typer.Option(help="Make interlaced material progressive.")] = FieldFilter.NONE,
    audio: Annotated[Path | None, typer.Option(help="Sound track to lay under the result.")] = None,
    tail: Annotated[int, typer.Option(min=0, help="Further output frames after the last of each clip.")] = 0,
    change_maps: Annotated[bool, typer.Option("--change-maps", help="A movie of what was changed beside it.")] = False,
    skip_refused: Annotated[bool, typer.Option(help="Go on where clips cannot be mapped.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be done, and stop.")] = False,
    preview: Annotated[int, typer.Option(min=0, help="Only N frames, as before/after pictures.")] = 0,
    priority: Annotated[int, typer.Option(min=-100, max=100, help="Jobs with a larger one take their turn first.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="With --plan: print JSON.")] = False,
    server: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="As `resilver serve --remote` prints it; else RESILVER_ADDRESS."),
    ] = None,
) -> None:
    """Restore film. Runs the stages of --preset and --stage on each source, and writes the result to --output."""
    recipe = _recipe(
        preset,
        stage or [],
        to,
        Delivery(audio=str(audio.absolute()) if audio else None, tail_frames=tail, change_maps=change_maps),
    )
    played = arguments.rate_argument(rate, "--rate") if rate else None
    if len(sources) > 1 and output.suffix:
        raise typer.BadParameter("with several sources the output is a folder", param_hint="--output")
    options = _SourceOptions(output, played, span, tuple(select or ()), fields, profile, len(sources) > 1, preview > 0)
    prepared = [_source(path, options) for path in sources]
    base = JobRequest(
        request_id="", title="", timeline="", recipe=recipe, output_folder="", layout=layout,
        at_delivery_rate=new_timeline, skip_refused=skip_refused, preview_frames=preview,
    )  # fmt: skip
    with ensure_server(address=server) as client:
        told = Transfer(Console(stderr=True) if as_json else console).show
        desk = Far(client, told) if is_remote(client) else client
        for source in prepared:
            message = write_request(_request(base, source))
            if plan:
                _show_plan(desk.plan(message), as_json)
            else:
                run_job(desk, message, source.result, priority)


def _recipe(preset: str | None, stages: list[str], to: str | None, delivery: Delivery) -> Recipe:
    if not (preset or stages or to):
        raise typer.BadParameter("say what to do: --preset silent-film, --stage NAME or --to 3840x2160@60")
    recipe = Recipe(find_preset(preset).stages) if preset else Recipe()
    for text in stages:
        recipe = arguments.with_stage(recipe, arguments.parse_stage(text))
    if to:
        recipe = arguments.with_target(recipe, arguments.parse_target(to))
    return replace(recipe, delivery=delivery)


@dataclass(frozen=True)
class _SourceOptions:
    output: Path
    rate: Rate | None
    span: str | None
    select: tuple[str, ...]
    fields: FieldFilter
    profile: str | None
    several: bool
    preview: bool


def _source(path: Path, options: _SourceOptions) -> Source:
    path = real_path(path)
    if path.suffix.lower() in TIMELINE_SUFFIXES:
        return _timeline_source(path, options)
    return _media_source(path, options)


def _timeline_source(path: Path, options: _SourceOptions) -> Source:
    if options.rate:
        raise typer.BadParameter("on a timeline the timeline decides", param_hint="--rate")
    timeline = read_timeline(path)
    for note in timeline.notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}")
    result = options.output.absolute()
    if options.several or not result.suffix:
        result = result / f"{path.stem} restored.otio"
    ensure_writable(result)
    ensure_importable(timeline.json, result)
    if result.exists():
        raise OutputExists("the result timeline exists", where=str(result), remedy="choose another --output")
    selection = arguments.parse_selection(list(options.select), options.span, timeline.rate, timeline.start)
    folder = result.with_suffix("").with_name(f"{result.stem} clips")
    text = with_fields(timeline.json, str(options.fields)) if options.fields != FieldFilter.NONE else timeline.json
    return Source(path, text, selection, folder, "", options.profile or Delivery().profile, result)


def _media_source(path: Path, options: _SourceOptions) -> Source:
    if options.select:
        raise typer.BadParameter("only the clips of a timeline can be selected", param_hint="--select")
    if options.span and ":" not in options.span:
        raise typer.BadParameter(f"{options.span!r} is no range; write 24:48", param_hint="--range")
    frames = arguments.parse_frames(options.span) if options.span else None
    output = options.output.absolute()
    in_folder = options.several or options.preview or not output.suffix
    folder, name = (output, path.stem) if in_folder else (output.parent, output.stem)
    profile = arguments.profile_for(options.profile, None if in_folder else output, path)
    timeline = one_clip_timeline(
        str(path), path.stem, play_rate=options.rate, fields=str(options.fields), frames=frames
    )
    return Source(path, timeline, Selection(), folder, name, profile, None)


def _request(base: JobRequest, source: Source) -> JobRequest:
    recipe = replace(base.recipe, delivery=replace(base.recipe.delivery, profile=source.profile))
    return replace(
        base, request_id=uuid.uuid4().hex, title=source.path.name, timeline=source.timeline,
        output_folder=str(source.folder), name=source.name, selection=source.selection, recipe=recipe,
    )  # fmt: skip


def _show_plan(plan: jobs_pb2.Plan, as_json: bool) -> None:
    if as_json:
        print(MessageToJson(plan))
    else:
        print_plan(plan, console)


def is_remote(client: Client) -> bool:
    """Whether the server shares no disk with us; one on this machine, without TLS, does."""
    return client.endpoint().encrypted and client.server_info().remote


def run_job(client: Client | Far, message: jobs_pb2.JobRequest, result: Path | None, priority: int = 0) -> None:
    """Submit a job, show it until it has ended, and save what it hands over (``result``: the timeline's file).

    Raises the error that ended the job. An interrupt cancels it; finished chunks are kept.
    """
    job = client.submit(message, priority)
    for refusal in job.refusals:
        said = escape(f"{refusal.clip}: {refusal.reason}: {refusal.message}")
        console.print(f"[yellow]left out[/yellow] {said}")
    try:
        follow(client.watch(job.id), console)
    except KeyboardInterrupt:
        client.cancel(job.id)
        console.print(f"cancelled; finished chunks are kept: resilver jobs retry {job.id}")
        raise
    except ServerUnreachable as lost:
        remedy = f"the job is kept: start it with `resilver serve`, then resilver jobs watch {job.id}"
        if isinstance(client, Far):
            remedy = "the server goes on with the job: the same command again goes on too"
        raise ServerUnreachable(lost.what, where=lost.where, remedy=remedy) from lost
    job = client.get(job.id)
    if job.state != jobs_pb2.JOB_STATE_SUCCEEDED:
        error = BY_REASON.get(job.error.reason, InternalError)
        what = job.error.what or "the job was cancelled"
        raise error(what, where=job.error.where, remedy=job.error.remedy or f"resilver jobs show {job.id}")
    save_result(client.result(job.id), result, console, [shot.changes for shot in job.shots if shot.changes])
