"""First half of a shot: measure it in chunks, solve, and write down the render chunks with their keys."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

from resilver_client.errors import MediaChanged
from resilver_server.domain.formats import MediaKind
from resilver_server.domain.jobs import ChunkState
from resilver_server.domain.serial import canonical, loads
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import AnalyseResult, AnalyseTask, SolveResult, SolveTask
from resilver_server.storage.content import ContentKind, content_row
from resilver_server.storage.rows import ChunkRow, ShotRow

from .desk import JobRun
from .identity import measured_span
from .ledger import ANALYSE
from .patience import patiently, spread
from .records import ShotPhase
from .unchanged import ensure_unchanged, watched


async def analyse(run: JobRun, shot: ShotRow) -> None:
    """Afterwards the shot's state is in the store and its render chunks are rows. Work done before is not repeated.

    Raises MediaChanged where the media is not the one that was planned with.
    """
    plan = loads(ShotPlan, shot.plan)
    await ensure_unchanged(run, shot, plan)
    if shot.phase != ShotPhase.ANALYSING and await run.desk.stored(shot.state_key) is not None:
        return
    await _measure(run, shot, plan)
    await patiently(run, shot.number, partial(solve, run, shot, plan))
    run.tracker.leave(shot.number)


async def _measure(run: JobRun, shot: ShotRow, plan: ShotPlan) -> None:
    chunks = await run.ledger.chunks(run.job, shot.number, ANALYSE)
    todo = [chunk for chunk in chunks if await _missing(run, chunk)]
    frames = sum(len(loads(Span, chunk.plan)) for chunk in chunks)
    left = sum(len(loads(Span, chunk.plan)) for chunk in todo)
    run.tracker.enter(shot.number, plan.shot.name, ShotPhase.ANALYSING, frames, frames - left)
    await spread(run, [partial(patiently, run, shot.number, partial(_one, run, shot, plan, chunk)) for chunk in todo])


async def _missing(run: JobRun, chunk: ChunkRow) -> bool:
    return chunk.state != ChunkState.DONE or await run.desk.stored(chunk.key) is None


async def _one(run: JobRun, shot: ShotRow, plan: ShotPlan, chunk: ChunkRow) -> None:
    span = loads(Span, chunk.plan)
    async with run.desk.keys.hold(chunk.key):
        if await run.desk.stored(chunk.key) is not None:
            await run.ledger.finish_chunk(chunk)
            run.tracker.close(shot.number, chunk.number, len(span))
            return
        await run.ensure_room(Path(shot.output))
        frames = 0
        try:
            async with watched(run, shot, plan, measured_span(plan, span)):
                attempt = await run.ledger.begin_chunk(chunk)
                made, _, size = await run.desk.make(
                    ContentKind.MEASUREMENT,
                    chunk.key,
                    f"{run.job}.{attempt}",
                    lambda path: AnalyseTask(plan, span, path),
                    AnalyseResult,
                    run.tracker.reporter(shot.number, chunk.number),
                    run.priority,
                )
            row = content_row(chunk.key, ContentKind.MEASUREMENT, made.digest, size, canonical(made))
            await run.ledger.finish_chunk(chunk, row)
            run.control.made = True
            frames = len(span)
        finally:
            run.tracker.close(shot.number, chunk.number, frames)


async def solve(run: JobRun, shot: ShotRow, plan: ShotPlan) -> None:
    """The state into the store, the chunks into rows."""
    async with run.desk.keys.hold(shot.state_key):
        found = await run.desk.stored(shot.state_key)
        if found is not None:
            await run.ledger.set_solved(shot, None, loads(SolveResult, found.detail))
            return
        await run.ensure_room(Path(shot.output))
        paths, sources = await _measurements(run, shot, plan)
        attempt = f"{run.job}.{shot.number}.{secrets.token_hex(4)}"
        async with watched(run, shot, plan):
            made, _, size = await run.desk.make(
                ContentKind.STATE,
                shot.state_key,
                attempt,
                lambda path: SolveTask(plan, paths, sources, path),
                SolveResult,
                priority=run.priority,
            )
        row = content_row(shot.state_key, ContentKind.STATE, made.digest, size, canonical(made))
        await run.ledger.set_solved(shot, row, made)


async def _measurements(run: JobRun, shot: ShotRow, plan: ShotPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths in order, and the digests of the source that the measuring found."""
    paths: list[str] = []
    sources: list[str] = []
    for chunk in await run.ledger.chunks(run.job, shot.number, ANALYSE):
        row = await run.ledger.content(chunk.key)
        assert row is not None, "every chunk was measured before"
        paths.append(str(run.desk.content.path(ContentKind.MEASUREMENT, chunk.key)))
        found = loads(AnalyseResult, row.detail).source_digests
        if plan.media.kind is MediaKind.SEQUENCE or not sources:
            sources.extend(found)
        elif tuple(sources) != found:
            raise MediaChanged("the file changed while it was measured", where=plan.media.path)
    return tuple(paths), tuple(sources)
