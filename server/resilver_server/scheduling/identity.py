"""Names of intermediate content: what an analysis or a solve depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from resilver_server.domain.digests import digest_of
from resilver_server.domain.formats import MediaKind
from resilver_server.domain.recipes import Delivery, Scalar
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import Numerics, ShotPlan, StagePlan
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.memory import smaller_tile
from resilver_server.storage.rows import FitRow

from .stamps import ANALYSIS_FRAMES, Stamps


def analysis_spans(plan: ShotPlan) -> Iterator[Span]:
    """The media frames of each measuring task, in order, on a grid that lies on the media; none where nothing is to be
    measured."""
    return plan.source.split(ANALYSIS_FRAMES) if plan.analysed else iter(())


def measured_span(plan: ShotPlan, span: Span) -> Span:
    """What measuring ``span`` looks at: a frame is measured against the one before."""
    return Span(max(plan.source.start, span.start - 1), span.stop)


def measurement_key(plan: ShotPlan, stamps: Stamps, span: Span) -> str:
    """Of the measurements of ``span``: its files and the one before. The rest of the film, stages that do not analyse,
    and the delivery, play no part in them."""
    analysed = [stage for stage in plan.stages if stage_spec(stage.settings.stage).analysed]
    stages = [(stage.settings.stage, _measuring(stage), stage.version, stage.input) for stage in analysed]
    shot = (plan.shot.rate, plan.shot.fields, plan.shot.first_number)
    seen = measured_span(plan, span)
    media = dataclasses.replace(plan.media, frame_count=0) if plan.media.kind is MediaKind.SEQUENCE else plan.media
    return digest_of(["measurement", 2, stamps.over(seen), media, shot, stages, seen, span, plan.numerics.libraries])


def _measuring(stage: StagePlan) -> Mapping[str, Scalar]:
    """The parameters that measuring sees."""
    return {name: value for name, value in stage.settings.parameters.items() if name not in stage.solved}


def state_key(plan: ShotPlan, stamp: str) -> str:
    """Of the solved state and the chunks with their keys: X: ``Stamps.text``."""
    shot = dataclasses.replace(plan.shot, name="", output="")
    delivery = Delivery(plan.delivery.profile, tail_frames=plan.delivery.tail_frames)
    deciding = dataclasses.replace(plan, shot=shot, delivery=delivery, memory=0, warnings=())
    return digest_of(["state", 2, stamp, deciding])


def fit_key(plan: ShotPlan, limit: int | None = None) -> str:
    """Of the tile and batch that are known to fit: the device, how much of it may be used, and the formats that pass
    the stages."""
    stages = [(s.settings.stage, s.version, s.input, s.output, [m.digest for m in s.models]) for s in plan.stages]
    return digest_of([plan.numerics.device, plan.numerics.dtype, limit or 0, stages])


def shrunk(plan: ShotPlan) -> Numerics | None:
    """The next smaller batch, then tile; None where nothing smaller is worth trying."""
    numerics = plan.numerics
    if numerics.batch > 1:
        return dataclasses.replace(numerics, batch=numerics.batch // 2)
    smaller = smaller_tile(plan.stages, numerics.tile)
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
