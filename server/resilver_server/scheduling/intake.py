"""A planned request as the rows of a job, or as the plan that a client is shown."""

from __future__ import annotations

import time
from collections.abc import Sequence

from resilver_server.domain.digests import digest_of
from resilver_server.domain.jobs import ChunkState, JobState
from resilver_server.domain.serial import canonical, loads
from resilver_server.planning.chunks import chunk_spans
from resilver_server.planning.tasks import SolveResult
from resilver_server.storage.rows import ChunkRow, FitRow, JobRow, ShotRow

from .desk import Desk
from .identity import analysis_spans, fit_key, measurement_key, state_key
from .ledger import ANALYSE
from .outline import Outline, PlannedShot
from .reading import Refusals
from .records import ChunkOutline, JobPlan, ShotOutline, ShotPhase
from .rendering import missing
from .requests import JobRequest


def job_rows(
    job: str, request: JobRequest, outline: Outline, priority: int = 0
) -> tuple[JobRow, list[ShotRow], list[ChunkRow]]:
    """Everything that is stored when a job is queued."""
    row = JobRow(
        id=job,
        request_id=request.request_id,
        request_digest=digest_of(request),
        title=request.title,
        state=JobState.QUEUED,
        created=time.time(),
        started=None,
        ended=None,
        sequence=0,
        request=canonical(request),
        refusals=canonical(Refusals(outline.refusals)),
        failure=None,
        priority=priority,
        waiting=None,
        result=None,
    )
    shots = [_shot_row(job, number, shot) for number, shot in enumerate(outline.shots)]
    chunks = [chunk for number, shot in enumerate(outline.shots) for chunk in _analysis_rows(job, number, shot)]
    return row, shots, chunks


def fit_rows(outline: Outline, limit: int | None) -> list[FitRow]:
    """The tiles and batches that were chosen, so that the same shot is cut the same way next time, though another
    program may hold more or less of the card then: what is in the store stays of use."""
    plans = {fit_key(shot.plan, limit): shot.plan.numerics for shot in outline.shots}
    return [FitRow(key, numerics.tile, numerics.batch, time.time()) for key, numerics in plans.items()]


def _shot_row(job: str, number: int, shot: PlannedShot) -> ShotRow:
    return ShotRow(
        job=job,
        number=number,
        clip=canonical(shot.place),
        plan=canonical(shot.plan),
        stamp=shot.stamps.text,
        phase=ShotPhase.ANALYSING,
        output=shot.output,
        state_key=state_key(shot.plan, shot.stamps.text),
        result=None,
    )


def _analysis_rows(job: str, number: int, shot: PlannedShot) -> list[ChunkRow]:
    return [
        ChunkRow(
            job=job,
            shot=number,
            kind=ANALYSE,
            number=position,
            key=measurement_key(shot.plan, shot.stamps, span),
            plan=canonical(span),
            state=ChunkState.PENDING,
            attempts=0,
        )
        for position, span in enumerate(analysis_spans(shot.plan))
    ]


async def outline_plan(desk: Desk, outline: Outline) -> JobPlan:
    """With what is in the store already, where an earlier job has solved the same shot."""
    shots = [await _shot_outline(desk, number, shot) for number, shot in enumerate(outline.shots)]
    warnings = tuple(dict.fromkeys(f"{s.plan.shot.name}: {text}" for s in shots for text in s.plan.warnings))
    memory = max((s.plan.memory for s in shots), default=0)
    return JobPlan(tuple(shots), outline.refusals, warnings, memory, outline.free_bytes, outline.needed_bytes)


async def _shot_outline(desk: Desk, number: int, shot: PlannedShot) -> ShotOutline:
    solved = await desk.stored(state_key(shot.plan, shot.stamps.text))
    chunks: Sequence[ChunkOutline]
    if solved is None:
        chunks = [ChunkOutline(span, False) for span in chunk_spans(shot.plan)]
    else:
        found = loads(SolveResult, solved.detail).chunks
        chunks = [ChunkOutline(chunk.outputs, not await missing(desk, shot.plan, chunk.key)) for chunk in found]
    return ShotOutline(
        number,
        shot.place.clip.id,
        shot.plan,
        shot.output,
        tuple(chunks),
        keys_known=solved is not None,
        to_measure=0 if solved is not None else await _unmeasured(desk, shot),
        output_bytes=shot.output_bytes,
    )


async def _unmeasured(desk: Desk, shot: PlannedShot) -> int:
    keys = {span: measurement_key(shot.plan, shot.stamps, span) for span in analysis_spans(shot.plan)}
    return sum([len(span) for span, key in keys.items() if await desk.stored(key) is None])
