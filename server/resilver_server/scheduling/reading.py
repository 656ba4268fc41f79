"""Rows as the records that the manager hands out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from resilver_otio.types import Refusal
from resilver_server.domain.failures import Failure
from resilver_server.domain.jobs import JobState
from resilver_server.domain.serial import loads
from resilver_server.planning.plans import ShotPlan
from resilver_server.storage.rows import EventRow, JobHead

from .joining import ShotResult
from .ledger import Ledger, ShotFacts
from .outline import ClipPlace, media_path, result_path
from .records import Event, EventKind, JobRecord, Shortage, ShotPhase, ShotRecord


@dataclass(frozen=True)
class Refusals:
    """The column ``job.refusals``."""

    refusals: tuple[Refusal, ...] = ()


class Library:
    """Reads jobs with all that belongs to them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def record(self, row: JobHead) -> JobRecord:
        return (await self.records([row]))[0]

    async def records(self, rows: Sequence[JobHead]) -> tuple[JobRecord, ...]:
        queued = any(row.state == JobState.QUEUED for row in rows)
        positions = await self._ledger.positions() if queued else {}
        facts = await self._ledger.facts_of([row.id for row in rows])
        return tuple(job_record(row, of, positions.get(row.id, 0)) for row, of in zip(rows, facts, strict=True))


def job_record(row: JobHead, shots: Sequence[ShotFacts], position: int = 0) -> JobRecord:
    return JobRecord(
        id=row.id,
        request_id=row.request_id,
        title=row.title,
        state=JobState(row.state),
        created=row.created,
        started=row.started,
        ended=row.ended,
        sequence=row.sequence,
        shots=tuple(shot_record(shot) for shot in shots),
        refusals=loads(Refusals, row.refusals).refusals,
        failure=loads(Failure, row.failure) if row.failure else None,
        priority=row.priority,
        position=position,
        waiting_for=loads(Shortage, row.waiting) if row.waiting else None,
    )


def shot_record(facts: ShotFacts) -> ShotRecord:
    row = facts.row
    plan, origin = loads(ShotPlan, row.plan), loads(ClipPlace, row.clip)
    result = loads(ShotResult, row.result) if row.result else ShotResult("")
    return ShotRecord(
        number=row.number,
        clip_id=origin.clip.id,
        name=plan.shot.name,
        phase=ShotPhase(row.phase),
        output=row.output,
        frames=plan.total_frames,
        chunks=facts.chunks,
        chunks_done=facts.chunks_done,
        warnings=plan.warnings,
        findings=json.loads(row.findings),
        digest=result.joined.digest if result.joined is not None else "",
        pictures=result.pictures,
        media=media_path(row.output, origin) if row.output == result_path(plan.shot, origin) else "",
        output_rate=plan.output_rate,
        output_format=plan.output_format,
        change_maps=result.changes,
        head=origin.located.head,
        rendered=facts.rendered,
        chunks_stored=facts.chunks_stored,
        changes=result.joined.changes if result.joined is not None else "",
    )


def event(row: EventRow) -> Event:
    return Event(
        job=row.job,
        sequence=row.sequence,
        time=row.time,
        kind=EventKind(row.kind),
        state=JobState(row.state),
        shot=row.shot,
        chunk=row.chunk,
        message=row.message,
        failure=loads(Failure, row.failure) if row.failure else None,
    )
