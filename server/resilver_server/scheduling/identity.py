"""Names of intermediate content: what an analysis or a solve depends on, and whether the media is still the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from resilver_client.errors import MediaChanged, MediaNotFound
from resilver_server.domain.digests import digest_of
from resilver_server.domain.formats import MediaInfo, MediaKind
from resilver_server.domain.recipes import Scalar
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import Numerics, ShotPlan, StagePlan
from resilver_server.stages.catalogue import stage_spec
from resilver_server.storage.rows import FitRow

ANALYSIS_FRAMES = 240
"""Media frames that are measured in one task."""


def media_stamp(media: MediaInfo, source: Span) -> str:
    """What tells cheaply that the files of ``source`` are those of before: sizes and times of change.

    Raises MediaNotFound. Digests of the content are the analysis's to take; this only notices a change while a job
    is under way, and lets a job find its own measurements again.
    """
    return digest_of([_stamp(path) for path in _files(media, source)])


def check_stamp(plan: ShotPlan, stamp: str) -> None:
    """Raises MediaChanged, MediaNotFound."""
    try:
        now = media_stamp(plan.media, plan.source)
    except MediaNotFound as error:
        remedy = "put it back, then retry the job, or relink the clip and restore it anew"
        raise MediaNotFound("the file is not there any more", where=error.where, remedy=remedy) from error
    if now != stamp:
        raise MediaChanged(
            "the file is another one than when the job was planned",
            where=plan.media.path,
            remedy="restore the clip anew",
        )


def analysis_spans(plan: ShotPlan) -> Iterator[Span]:
    """The media frames of each measuring task, in order; none where nothing is to be measured."""
    return plan.source.split(ANALYSIS_FRAMES) if plan.analysed else iter(())


def measurement_key(plan: ShotPlan, stamp: str, span: Span) -> str:
    """Of the measurements of ``span``. Stages that do not analyse, and the delivery, play no part in them."""
    analysed = [stage for stage in plan.stages if stage_spec(stage.settings.stage).analysed]
    stages = [(stage.settings.stage, _measuring(stage), stage.version, stage.input) for stage in analysed]
    shot = (plan.shot.rate, plan.shot.fields, plan.shot.first_number)
    return digest_of(["measurement", stamp, plan.media, shot, stages, plan.source, span, plan.numerics.libraries])


def _measuring(stage: StagePlan) -> Mapping[str, Scalar]:
    """The parameters that measuring sees."""
    return {name: value for name, value in stage.settings.parameters.items() if name not in stage.solved}


def state_key(plan: ShotPlan, stamp: str) -> str:
    """Of the solved state and the chunks with their keys: all of the plan but names and texts."""
    shot = dataclasses.replace(plan.shot, name="", output="")
    return digest_of(["state", stamp, dataclasses.replace(plan, shot=shot, warnings=())])


def fit_key(plan: ShotPlan) -> str:
    """Of the largest tile and batch that are known to fit: the device and the formats that pass the stages."""
    stages = [(s.settings.stage, s.version, s.input, s.output, [m.digest for m in s.models]) for s in plan.stages]
    return digest_of([plan.numerics.device, plan.numerics.dtype, stages])


def shrunk(plan: ShotPlan) -> Numerics | None:
    """The next smaller batch, then tile; None where nothing smaller is worth trying."""
    numerics = plan.numerics
    if numerics.batch > 1:
        return dataclasses.replace(numerics, batch=numerics.batch // 2)
    edges = [max(stage.input.width, stage.input.height) for stage in plan.stages]
    edge = numerics.tile or max(edges, default=0)
    smaller = _next_tile(edge)
    return dataclasses.replace(numerics, tile=smaller) if smaller else None


def bounded(plan: ShotPlan, fit: FitRow | None) -> ShotPlan:
    """The plan with no larger tile and batch than were learned to fit."""
    if fit is None:
        return plan
    tiles = [tile for tile in (plan.numerics.tile, fit.tile) if tile]
    batch = min(plan.numerics.batch, fit.batch)
    return dataclasses.replace(
        plan, numerics=dataclasses.replace(plan.numerics, tile=min(tiles, default=0), batch=batch)
    )


_SMALLEST_TILE = 128
_TILE_STEP = 64


def _next_tile(edge: int) -> int:
    """About half, in steps; 0 where that would be below the smallest."""
    half = -(-edge // 2 // _TILE_STEP) * _TILE_STEP if edge > 1 else 0
    return half if _SMALLEST_TILE <= half < edge else 0


def _files(media: MediaInfo, source: Span) -> Iterator[Path]:
    if media.kind is not MediaKind.SEQUENCE:
        yield Path(media.path)
        return
    for index in source:
        yield Path(media.path % (media.first_number + index))


def _stamp(path: Path) -> list[str | int]:
    try:
        status = path.stat()
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"it cannot be seen ({error.strerror})"
        raise MediaNotFound(what, where=str(path), remedy="check the path or relink the clip") from error
    return [path.name, status.st_size, status.st_mtime_ns]
