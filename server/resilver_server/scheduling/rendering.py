"""Second half of a shot: its chunks, each found in the store or rendered; smaller tiles where memory is short."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from resilver_client.errors import FrameCountMismatch, OutOfMemory
from resilver_server.domain.jobs import ChunkState
from resilver_server.domain.serial import canonical, loads
from resilver_server.planning.plans import ChunkPlan, ShotPlan
from resilver_server.planning.tasks import RenderResult, RenderTask
from resilver_server.storage.content import ContentKind, changes_key, content_row
from resilver_server.storage.rows import ChunkRow, ShotRow

from .analysis import solve
from .desk import Desk, JobRun
from .identity import fit_key, shrunk, state_key
from .ledger import RENDER
from .patience import patiently, spread
from .records import ShotPhase
from .unchanged import looked_at, watched


async def render(run: JobRun, number: int) -> None:
    """Afterwards every chunk of the shot is done and its segment in the store.

    Raises OutOfMemory where not even the smallest tile fits.
    """
    while True:
        shot = await run.ledger.shot(run.job, number)
        plan = loads(ShotPlan, shot.plan)
        try:
            await _render_chunks(run, shot, plan)
            run.tracker.leave(number)
            return
        except OutOfMemory as error:
            await _shrink(run, shot, plan, error)


async def _render_chunks(run: JobRun, shot: ShotRow, plan: ShotPlan) -> None:
    chunks = await run.ledger.chunks(run.job, shot.number, RENDER)
    todo = [chunk for chunk in chunks if chunk.state != ChunkState.DONE or await missing(run.desk, plan, chunk.key)]
    left = sum(len(loads(ChunkPlan, chunk.plan).outputs) for chunk in todo)
    run.tracker.enter(shot.number, plan.shot.name, ShotPhase.RENDERING, plan.total_frames, plan.total_frames - left)
    smaller = shrunk(plan) is not None  # else memory may be short for a moment: somebody else's, who gives it back
    units = [partial(patiently, run, shot.number, partial(_one, run, shot, plan, chunk), smaller) for chunk in todo]
    await spread(run, units)


async def missing(desk: Desk, plan: ShotPlan, key: str) -> dict[ContentKind, str]:
    """Keys of what is to be rendered of a chunk: its segment, and its change maps where they are wanted. It counts
    only as far as it is there: content that somebody deleted is made again."""
    wanted = {ContentKind.SEGMENT: key}
    if plan.delivery.change_maps:
        wanted[ContentKind.CHANGES] = changes_key(key)
    return {kind: name for kind, name in wanted.items() if await desk.stored(name) is None}


async def _one(run: JobRun, shot: ShotRow, plan: ShotPlan, row: ChunkRow) -> None:
    chunk = loads(ChunkPlan, row.plan)
    async with run.desk.keys.hold(row.key):
        names = await missing(run.desk, plan, row.key)
        if not names:
            await run.ledger.finish_chunk(row)
            run.tracker.close(shot.number, row.number, len(chunk.outputs))
            return
        frames = 0
        try:
            await _render_one(run, shot, plan, row, chunk, names)
            frames = len(chunk.outputs)
        finally:
            run.tracker.close(shot.number, row.number, frames)


async def _render_one(
    run: JobRun,
    shot: ShotRow,
    plan: ShotPlan,
    row: ChunkRow,
    chunk: ChunkPlan,
    names: Mapping[ContentKind, str],
) -> None:
    await run.ensure_room(Path(shot.output))
    state = str(run.desk.content.path(ContentKind.STATE, shot.state_key))
    async with watched(run, shot, plan, looked_at(plan, chunk)):
        attempt = await run.ledger.begin_chunk(row)
        made, sizes = await run.desk.make_all(
            names,
            f"{run.job}.{attempt}",
            lambda to: RenderTask(plan, state, chunk, to.get(ContentKind.SEGMENT, ""), to.get(ContentKind.CHANGES, "")),
            RenderResult,
            run.tracker.reporter(shot.number, row.number),
            run.priority,
        )
    if made.frames != len(chunk.outputs):
        where = f"{plan.shot.name}, output frames {chunk.outputs.start} to {chunk.outputs.stop}"
        raise FrameCountMismatch(f"{made.frames} frames were rendered for {len(chunk.outputs)}", where=where)
    kept = canonical(relative(made, chunk))
    digests = {ContentKind.SEGMENT: made.digest, ContentKind.CHANGES: made.changes_digest}
    rows = [content_row(key, kind, digests[kind], sizes[kind], kept) for kind, key in names.items()]
    await run.ledger.finish_chunk(row, *rows)
    run.rendered(row.number, len(chunk.outputs), sizes.values())


def relative(result: RenderResult, chunk: ChunkPlan) -> RenderResult:
    """Frame numbers counted from the chunk's first: another shot may use the same segment elsewhere."""
    return dataclasses.replace(result, computed=tuple(frame - chunk.outputs.start for frame in result.computed))


async def _shrink(run: JobRun, shot: ShotRow, plan: ShotPlan, error: OutOfMemory) -> None:
    """Write smaller tiles or batches into the plan, and new keys for what is unfinished."""
    numerics = shrunk(plan)
    if numerics is None:
        remedy = error.remedy or "choose a smaller size, or close other programs that use the device"
        raise OutOfMemory(error.what, where=error.where or plan.shot.name, remedy=remedy) from error
    smaller = dataclasses.replace(plan, numerics=numerics)
    await run.ledger.set_plan(shot, smaller, state_key(smaller, shot.stamp), fit_key(plan, run.desk.memory_limit))
    changed = await run.ledger.shot(run.job, shot.number)
    await patiently(run, shot.number, partial(solve, run, changed, smaller))
