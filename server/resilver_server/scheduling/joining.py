"""The end of a shot: segments joined beside their place, then moved into it; or a preview's pictures."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from resilver_client.disk import sync_folder
from resilver_client.errors import DiskFull, FrameCountMismatch, OutputExists, OutputUnwritable
from resilver_server.domain.serial import canonical, loads
from resilver_server.execution.executor import run_as
from resilver_server.planning.plans import ChunkPlan, ShotPlan
from resilver_server.planning.tasks import (
    ChangeMap,
    JoinResult,
    JoinTask,
    PreviewResult,
    PreviewTask,
    RenderResult,
    SolveResult,
)
from resilver_server.storage.content import ContentKind, changes_key
from resilver_server.storage.files import remove, sync_tree
from resilver_server.storage.rows import ShotRow

from .desk import JobRun, at_folder, disk_error
from .ledger import RENDER
from .outline import ClipPlace, changes_path, media_path, sidecar_path
from .publish import new_staging, publish
from .records import ShotPhase
from .sidecar import Finished, sidecar
from .unchanged import watched

R = TypeVar("R", JoinResult, PreviewResult)
_UNIT = -1
"""Progress of the shot's own task, beside those of its chunks."""


@dataclass(frozen=True)
class ShotResult:
    """What ``shot.result`` keeps: first where it was staged, then what it is."""

    staging: str
    joined: JoinResult | None = None
    pictures: tuple[str, ...] = ()
    changes: tuple[ChangeMap, ...] = ()


async def join(run: JobRun, number: int) -> None:
    """Afterwards the result lies under its name, with its sidecar, and the shot is done.

    A server killed anywhere in here finds, when it starts again, either the staged result or the result.
    """
    shot = await run.ledger.shot(run.job, number)
    if shot.phase != ShotPhase.JOINING or shot.result is None:
        shot = await _stage_join(run, shot)
    while not await _published(run, shot):
        shot = await _stage_join(run, shot)
    run.tracker.leave(number)


async def preview(run: JobRun, number: int) -> None:
    """The same for a preview: a folder of pictures."""
    shot = await run.ledger.shot(run.job, number)
    if shot.phase != ShotPhase.JOINING or shot.result is None:
        shot = await _stage_preview(run, shot)
    while not await _published(run, shot):
        shot = await _stage_preview(run, shot)
    run.tracker.leave(number)


async def _stage_preview(run: JobRun, shot: ShotRow) -> ShotRow:
    plan = loads(ShotPlan, shot.plan)
    frames = preview_frames(plan.output_frames, run.request.preview_frames)
    run.tracker.enter(shot.number, plan.shot.name, ShotPhase.RENDERING, len(frames))
    output = Path(shot.output)
    await run.ensure_room(output)
    staging = await _staging(run, output, shot.number)
    folder = staging / output.name
    await asyncio.to_thread(folder.mkdir)
    state = str(run.desk.content.path(ContentKind.STATE, shot.state_key))
    task = PreviewTask(plan, state, frames, str(folder))
    made = await _run_staged(run, shot, plan, staging, PreviewResult, task)

    def placed(path: str) -> str:
        return str(output / Path(path).relative_to(folder))

    pictures = tuple(placed(picture) for picture in made.pictures)
    changes = tuple(dataclasses.replace(change, path=placed(change.path)) for change in made.changes)
    result = ShotResult(str(staging), pictures=pictures, changes=changes)
    await run.ledger.set_phase(shot, ShotPhase.JOINING, canonical(result))
    return await run.ledger.shot(run.job, shot.number)


def preview_frames(total: int, wanted: int) -> tuple[int, ...]:
    """``wanted`` output frames, each in the middle of an equal part of the shot."""
    count = min(total, wanted)
    return tuple((2 * index + 1) * total // (2 * count) for index in range(count))


async def _stage_join(run: JobRun, shot: ShotRow) -> ShotRow:
    """Join the segments in a hidden folder beside the result, and write down that it is there."""
    plan, place = loads(ShotPlan, shot.plan), loads(ClipPlace, shot.clip)
    output = Path(shot.output)
    if await asyncio.to_thread(output.exists):
        raise OutputExists("the file is there already", where=shot.output, remedy="move it away, then retry the job")
    run.tracker.enter(shot.number, plan.shot.name, ShotPhase.JOINING, plan.total_frames)
    parts = await _segments(run, shot)
    await run.ensure_room(output, sum(finished.size for _, finished in parts))
    solved = await _solved(run, shot)
    text = sidecar(run.job, place.clip.id, plan, run.request.recipe, solved, [finished for _, finished in parts])
    staging = await _staging(run, output, shot.number)
    segments = tuple(path for path, _ in parts)
    keys = [finished.chunk.key for _, finished in parts] if plan.delivery.change_maps else []
    comment = f"restored by Resilver, see {sidecar_path(plan).name}"
    changes = tuple(str(run.desk.content.path(ContentKind.CHANGES, changes_key(key))) for key in keys)
    beside = str(staging / changes_path(plan).name) if changes else ""
    task = JoinTask(plan, segments, media_path(str(staging / output.name), place), comment, text, changes, beside)
    made = await _run_staged(run, shot, plan, staging, JoinResult, task)
    if made.frames != plan.total_frames:
        raise FrameCountMismatch(f"{made.frames} frames instead of {plan.total_frames}", where=shot.output)
    changed = str(changes_path(plan)) if made.changes else ""
    joined = dataclasses.replace(made, path=media_path(shot.output, place), changes=changed)
    await run.ledger.set_phase(shot, ShotPhase.JOINING, canonical(ShotResult(str(staging), joined)))
    return await run.ledger.shot(run.job, shot.number)


async def _staging(run: JobRun, output: Path, shot: int) -> Path:
    try:
        return await asyncio.to_thread(new_staging, output, run.job, shot, run.desk.roots)
    except OSError as error:
        raise disk_error(error, output.parent) from error


async def _run_staged(
    run: JobRun, shot: ShotRow, plan: ShotPlan, staging: Path, kind: type[R], task: JoinTask | PreviewTask
) -> R:
    """What the task wrote is on the disk before a row counts on it. The media is read here too: by a preview, and for
    the sound of a result."""
    report = run.tracker.reporter(shot.number, _UNIT)
    try:
        async with watched(run, shot, plan):
            made = await run_as(run.desk.executor, kind, task, report, run.priority)
        await asyncio.to_thread(sync_tree, staging)
        await asyncio.to_thread(sync_folder, staging.parent)
        return made
    except BaseException as error:
        await asyncio.to_thread(remove, staging)
        if isinstance(error, OSError):
            raise disk_error(error, staging.parent) from error
        if isinstance(error, DiskFull | OutputUnwritable):
            raise at_folder(error, staging.parent) from error
        raise


async def _published(run: JobRun, shot: ShotRow) -> bool:
    """False where the staged result has vanished, so that it has to be made again."""
    assert shot.result is not None
    result, plan, output = loads(ShotResult, shot.result), loads(ShotPlan, shot.plan), Path(shot.output)
    try:
        there = await asyncio.to_thread(publish, Path(result.staging), output, sidecar_path(plan).name, run.desk.roots)
    except OSError as error:
        raise disk_error(error, output) from error
    if there:
        await run.ledger.set_phase(shot, ShotPhase.DONE)
    return there


async def _segments(run: JobRun, shot: ShotRow) -> list[tuple[str, Finished]]:
    found = []
    rendered = await run.ledger.rendered(shot)
    for row in await run.ledger.chunks(run.job, shot.number, RENDER):
        content = await run.ledger.content(row.key)
        assert content is not None, "every chunk is done"
        chunk = loads(ChunkPlan, row.plan)
        computed = tuple(chunk.outputs.start + frame for frame in loads(RenderResult, content.detail).computed)
        path = str(run.desk.content.path(ContentKind.SEGMENT, row.key))
        stored = chunk.outputs not in rendered
        found.append((path, Finished(chunk, content.digest, computed, stored, content.bytes)))
    return found


async def _solved(run: JobRun, shot: ShotRow) -> SolveResult:
    content = await run.ledger.content(shot.state_key)
    assert content is not None, "the shot was solved before"
    return loads(SolveResult, content.detail)
