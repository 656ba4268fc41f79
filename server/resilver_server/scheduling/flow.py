"""How a job goes, from its first measurement to its result. Every step may be begun again from its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction
from functools import partial

from resilver_client.errors import MediaChanged, ResilverError
from resilver_otio.place import place
from resilver_otio.types import Placed, Restored
from resilver_server.domain.digests import digest_of
from resilver_server.domain.failures import Failure
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import canonical, loads
from resilver_server.domain.spans import format_frames
from resilver_server.logs import about
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.timecode import timecode_at
from resilver_server.storage.rows import ShotRow

from .analysis import analyse
from .desk import JobRun
from .joining import ShotResult, join, preview
from .ledger import UNDER_WAY, ShotFacts
from .outline import OF_THE_CLIP, ClipPlace
from .patience import patiently
from .records import EventKind, JobResult, ShotPhase
from .rendering import render
from .timecode import timecode_seconds

OF_THE_SHOT = (*OF_THE_CLIP, MediaChanged)


async def run_job(run: JobRun) -> None:
    """To SUCCEEDED. Raises Pausing where the job is being paused, and the typed error it fails with.

    What is wrong with one shot alone stops that shot: the others are finished before the job fails, naming it.
    """
    shots = [shot for shot in await run.ledger.shots(run.job) if shot.phase != ShotPhase.DONE]
    if any(shot.phase == ShotPhase.ANALYSING for shot in shots):
        await run.enter(JobState.ANALYSING)
    lost: dict[int, ResilverError] = {}
    for shot in shots:
        run.control.check()
        await _unless_lost(run, lost, shot, partial(analyse, run, shot))
    await run.enter(JobState.RENDERING)
    left = [shot for shot in shots if shot.number not in lost]
    for position, shot in enumerate(left):
        last = position == len(left) - 1
        await _unless_lost(run, lost, shot, partial(_finish_shot, run, shot.number, last))
    if lost:
        raise _loss(list(lost.values()))
    await _finish_job(run)


async def _unless_lost(
    run: JobRun, lost: dict[int, ResilverError], shot: ShotRow, work: Callable[[], Awaitable[None]]
) -> None:
    """Do a part of the shot's work, or keep the error that is of its media alone."""
    try:
        with about(shot=shot.number):
            await work()
    except OF_THE_SHOT as error:
        lost[shot.number] = error
        run.tracker.leave(shot.number)
        name = loads(ShotPlan, shot.plan).shot.name
        await run.ledger.tell(run.job, EventKind.SHOT, shot.number, f"{name} stops", Failure.of(error))


def _loss(errors: Sequence[ResilverError]) -> ResilverError:
    """The first, saying how many there are."""
    first = errors[0]
    if len(errors) == 1:
        return first
    others = "; ".join(f"{error.what}, {error.where}" for error in errors[1:])
    count = "1 more shot" if len(errors) == 2 else f"{len(errors) - 1} more shots"
    what = f"{first.what} (and {count} stopped: {others})"
    return type(first)(what, where=first.where, remedy=first.remedy)


async def _finish_shot(run: JobRun, number: int, last: bool) -> None:
    """A shot is joined as soon as its chunks are done, so that an artist has the first while the others render."""
    run.control.check()
    if run.request.preview_frames:
        await patiently(run, number, partial(preview, run, number))
        return
    await render(run, number)
    if last:
        await run.enter(JobState.JOINING)
    await patiently(run, number, partial(join, run, number))


async def _finish_job(run: JobRun) -> None:
    shots = await run.ledger.shots(run.job)
    results = [loads(ShotResult, shot.result or "") for shot in shots]
    outputs = tuple(shot.output for shot in shots)
    pictures = tuple(picture for result in results for picture in result.pictures)
    placed = Placed("", ()) if run.request.preview_frames else await asyncio.to_thread(_placed, run, shots, results)
    reused = () if run.request.preview_frames else told(await run.ledger.facts(run.job))
    result = JobResult(placed.timeline, (*placed.report, *reused), outputs, pictures)
    allowed = (*UNDER_WAY, JobState.PAUSED)  # nothing is left that a pause could stop
    await run.ledger.move(run.job, JobState.SUCCEEDED, allowed, result=canonical(result))


def told(shots: Sequence[ShotFacts]) -> tuple[str, ...]:
    """Which chunks were rendered, in a sentence for each shot of which earlier runs had rendered some."""
    return tuple(_reused(shot) for shot in shots if shot.chunks_stored)


def _reused(shot: ShotFacts) -> str:
    name = loads(ShotPlan, shot.row.plan).shot.name
    new = f"output frames {format_frames(shot.rendered)} are new" if shot.rendered else "nothing had to be rendered"
    return f"{name}: {shot.chunks_stored} of {shot.chunks} chunks were rendered before; {new}"


def _placed(run: JobRun, shots: list[ShotRow], results: list[ShotResult]) -> Placed:
    request = run.request
    restored = [_restored(run, shot, result) for shot, result in zip(shots, results, strict=True)]
    return place(request.timeline, restored, request.layout, request.at_delivery_rate)


def _restored(run: JobRun, shot: ShotRow, result: ShotResult) -> Restored:
    plan, origin = loads(ShotPlan, shot.plan), loads(ClipPlace, shot.clip)
    assert result.joined is not None, "the shot is done"
    return Restored(
        clip_id=origin.clip.id,
        path=result.joined.path,
        rate=plan.output_rate,
        frames=result.joined.frames,
        width=plan.output_format.width,
        height=plan.output_format.height,
        job=run.job,
        recipe=digest_of(run.request.recipe),
        is_sequence=origin.is_sequence,
        head=origin.located.head,
        start_time=None if origin.is_sequence else _start_time(plan),
        source_rate=origin.located.rate,
        source_frames=plan.media.frame_count,
    )


def _start_time(plan: ShotPlan) -> Fraction | None:
    """What the result's start timecode stands for: the source's, carried by time as the joining does it."""
    if plan.media.start_timecode is None:
        return None
    seconds = plan.shot.start + plan.shot.speed * plan.shot.output_offset
    text = timecode_at(plan.media.start_timecode, plan.shot.rate, seconds, plan.output_rate)
    return timecode_seconds(text, plan.output_rate)
