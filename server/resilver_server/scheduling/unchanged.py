"""Media that changes under a job is noticed before and after each piece of work, and stops the shot by name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from resilver_client.errors import (
    Cancelled,
    FrameCountMismatch,
    GeometryMismatch,
    MediaCorrupt,
    MediaNotFound,
    MediaUnreadable,
)
from resilver_server.domain.formats import MediaKind
from resilver_server.domain.jobs import ChunkState
from resilver_server.domain.serial import loads
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ChunkPlan, ShotPlan
from resilver_server.planning.tasks import AnalyseResult, SolveResult
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.spec import StageInput
from resilver_server.storage.rows import ShotRow

from .desk import JobRun
from .ledger import ANALYSE
from .stamps import Stamps, confirm, same, stamps_now

_OF_MEDIA = (FrameCountMismatch, GeometryMismatch, MediaCorrupt, MediaNotFound, MediaUnreadable)
"""What a file that changes while it is read may look like."""


@asynccontextmanager
async def watched(run: JobRun, shot: ShotRow, plan: ShotPlan, span: Span | None = None) -> AsyncIterator[None]:
    """Around work on the media behind ``span``: what came of it counts only if the media was the same all along.

    Raises what ``ensure_unchanged`` raises, also in place of an error that a change explains.
    """
    await ensure_unchanged(run, shot, plan, span)
    try:
        yield
    except _OF_MEDIA:
        await ensure_unchanged(run, shot, plan, span)
        raise
    await ensure_unchanged(run, shot, plan, span)


def looked_at(plan: ShotPlan, chunk: ChunkPlan) -> Span:
    """Media frames that rendering a chunk reads; key frames of the film itself may lie anywhere."""
    far = any(StageInput.KEY_FRAMES in stage_spec(stage.settings.stage).inputs for stage in plan.stages)
    return plan.source if far else chunk.demand


async def ensure_unchanged(run: JobRun, shot: ShotRow, plan: ShotPlan, span: Span | None = None) -> None:
    """Returns where the media behind ``span`` (all that may be looked at) is what the job was planned with.

    A look at sizes and dates is enough for as long as they stay. Where they do not, the files are read: what was only
    touched, copied back or mounted anew goes on, and its new stamp is kept. Raises MediaChanged, MediaNotFound.
    """
    seen = plan.source if span is None else span
    if await asyncio.to_thread(same, plan, await _stamp(run, shot), seen):
        return
    async with run.desk.keys.hold(f"stamp of {shot.job} {shot.number}"):
        kept = await _stamp(run, shot)
        now = await asyncio.to_thread(stamps_now, plan)
        if now.text != kept:  # else another chunk has read them meanwhile
            await _confirm(plan, kept, now, await _known(run, shot, plan))
            await run.ledger.set_stamp(shot, now.text)


async def _stamp(run: JobRun, shot: ShotRow) -> str:
    """As it is kept now, not as it was when somebody read the shot's row."""
    return (await run.ledger.shot(shot.job, shot.number)).stamp


async def _known(run: JobRun, shot: ShotRow, plan: ShotPlan) -> dict[int, str]:
    """Digests of the source by media frame, as far as this job has read it."""
    content = await run.ledger.content(shot.state_key)
    if content is not None:
        return dict(zip(plan.source, loads(SolveResult, content.detail).source_digests, strict=False))
    known: dict[int, str] = {}
    for chunk in await run.ledger.chunks(shot.job, shot.number, ANALYSE):
        measured = await run.ledger.content(chunk.key) if chunk.state == ChunkState.DONE else None
        if measured is not None:
            several = plan.media.kind is MediaKind.SEQUENCE
            frames = loads(Span, chunk.plan) if several else plan.source
            known |= zip(frames, loads(AnalyseResult, measured.detail).source_digests, strict=False)
    return known


async def _confirm(plan: ShotPlan, kept: str, now: Stamps, known: Mapping[int, str]) -> None:
    """Reading a reel takes minutes: the thread ends soon after its job was cancelled."""
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise Cancelled("it was cancelled")

    try:
        await asyncio.to_thread(confirm, plan, kept, now, known, check)
    finally:
        stopped.set()
