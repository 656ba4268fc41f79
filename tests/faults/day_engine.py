"""An engine that makes no pictures: a day of small jobs asks everything of what is around it, and nothing of a card."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from resilver_server.domain.digests import digest_file, digest_of
from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.spans import Span
from resilver_server.planning.chunks import chunk_spans
from resilver_server.planning.plans import ChunkPlan, ShotPlan
from resilver_server.planning.tasks import (
    Device,
    DevicesResult,
    DevicesTask,
    JoinResult,
    JoinTask,
    PlanResult,
    PlanTask,
    ProbeResult,
    ProbeTask,
    Progress,
    RenderResult,
    RenderTask,
    Result,
    SolveResult,
    SolveTask,
    Task,
)
from support.plans import shot_plan

LENGTH = 1_000_000
"""Frames of the film."""
SEGMENT = 2000
"""Bytes of a segment."""


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    match task:
        case ProbeTask():
            return ProbeResult(_media(task.path))
        case DevicesTask():
            return DevicesResult((Device("cpu", "none", 1, 1, False),))
        case PlanTask():
            return PlanResult(_plan(task), ".mkv", False, SEGMENT)
        case SolveTask():
            return _solve(task)
        case RenderTask():
            Path(task.output).write_bytes(task.chunk.key.encode() * (SEGMENT // 64))
            progress(Progress(len(task.chunk.outputs), len(task.chunk.outputs)))
            return RenderResult(digest_file(task.output), len(task.chunk.outputs), ())
        case JoinTask():
            return _join(task)
    raise NotImplementedError(type(task).__name__)


def _media(path: str) -> MediaInfo:
    return dataclasses.replace(shot_plan(path).media, frame_count=LENGTH)


def _plan(task: PlanTask) -> ShotPlan:
    shot, frames = task.shot, int(task.shot.duration * task.shot.rate)
    first = int(shot.start * shot.rate)
    return dataclasses.replace(
        shot_plan(task.media.path),
        shot=shot,
        media=task.media,
        delivery=task.recipe.delivery,
        source=Span(first, first + frames),
        output_frames=frames,
    )


def _solve(task: SolveTask) -> SolveResult:
    Path(task.output).write_text(task.plan.shot.name)
    start = str(task.plan.shot.start)
    chunks = tuple(
        ChunkPlan(number, outputs, task.plan.source, digest_of([start, number]))
        for number, outputs in enumerate(chunk_spans(task.plan))
    )
    return SolveResult(digest_file(task.output), chunks, {"frames": str(len(task.plan.source))}, ("d",))


def _join(task: JoinTask) -> JoinResult:
    output = Path(task.output)
    output.write_bytes(b"".join(Path(segment).read_bytes() for segment in task.segments))
    output.with_suffix(".resilver.json").write_text(task.sidecar)
    frames = task.plan.total_frames
    return JoinResult(task.output, frames, Fraction(frames) / task.plan.output_rate, digest_file(output))
