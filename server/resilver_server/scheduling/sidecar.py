"""``NAME.resilver.json``: where a result comes from, frame by frame, for whoever finds it in fifty years."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import resilver_server
from resilver_server.domain.digests import digest_of
from resilver_server.domain.recipes import Recipe
from resilver_server.domain.serial import dumps
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ChunkPlan, ModelUse, Numerics, ShotPlan, StagePlan
from resilver_server.planning.tasks import SolveResult

from .outline import changes_path


@dataclass(frozen=True)
class Source:
    path: str
    frames: Span
    """Media frames that may have been looked at, counted from the first that can be shown."""
    digests: tuple[str, ...]
    """sha256 of the file, or one a frame of a sequence."""


@dataclass(frozen=True)
class StageNote:
    stage: str
    version: int
    parameters: object
    strength: float
    models: tuple[ModelUse, ...]
    matte_digest: str
    """Of the matte that the recipe names; empty without one."""
    keep_digest: str = ""
    """Of the keep matte."""
    keep_frames: tuple[Span, ...] = ()
    """Media frames that the stage left alone."""
    defect_digest: str = ""
    """Of the scanner's map."""


@dataclass(frozen=True)
class ChunkNote:
    outputs: Span
    key: str
    digest: str
    stored: bool = False
    """Whether an earlier run had rendered it."""


@dataclass(frozen=True)
class Sidecar:
    """All of it. ``filmed`` frames are restored from one frame of the film, ``computed`` ones between two."""

    schema: str
    software: str
    job: str
    shot: str
    clip: str
    source: Source
    start: Fraction
    """Media seconds of the first moment."""
    duration: Fraction
    speed: Fraction
    rate: Fraction
    frames: int
    width: int
    height: int
    filmed: tuple[Span, ...]
    computed: tuple[Span, ...]
    recipe: Recipe
    recipe_digest: str
    stages: tuple[StageNote, ...]
    numerics: Numerics
    findings: object
    chunks: tuple[ChunkNote, ...]
    warnings: tuple[str, ...] = field(default=())
    changes: str = ""
    """Name of the movie beside the result that shows what was changed; empty without one."""


@dataclass(frozen=True)
class Finished:
    """A chunk with what its segment's row says."""

    chunk: ChunkPlan
    digest: str
    computed: tuple[int, ...]
    """Output frames of the shot."""
    stored: bool = False
    """Whether an earlier run had rendered it."""
    size: int = 0
    """Bytes of the segment."""


def sidecar(
    job: str, clip: str, plan: ShotPlan, recipe: Recipe, solved: SolveResult, chunks: Sequence[Finished]
) -> str:
    """The text of the file."""
    computed = {frame for chunk in chunks for frame in chunk.computed}
    filmed = (frame for frame in plan.outputs if frame not in computed)
    note = Sidecar(
        schema="resilver.1",
        software=f"resilver {resilver_server.__version__}",
        job=job,
        shot=plan.shot.name,
        clip=clip,
        source=Source(plan.media.path, plan.source, solved.source_digests),
        start=plan.shot.start,
        duration=plan.shot.duration,
        speed=plan.shot.speed,
        rate=plan.output_rate,
        frames=plan.total_frames,
        width=plan.output_format.width,
        height=plan.output_format.height,
        filmed=spans_of(filmed),
        computed=spans_of(computed),
        recipe=recipe,
        recipe_digest=digest_of(recipe),
        stages=tuple(_stage_note(stage) for stage in plan.stages),
        numerics=plan.numerics,
        findings=solved.findings,
        chunks=tuple(ChunkNote(each.chunk.outputs, each.chunk.key, each.digest, each.stored) for each in chunks),
        warnings=plan.warnings,
        changes=changes_path(plan).name if plan.delivery.change_maps else "",
    )
    return dumps(note) + "\n"


def _stage_note(stage: StagePlan) -> StageNote:
    settings = stage.settings
    return StageNote(
        stage=settings.stage,
        version=stage.version,
        parameters=settings.parameters,
        strength=settings.strength,
        models=stage.models,
        matte_digest=stage.matte_digest,
        keep_digest=stage.keep_digest,
        keep_frames=settings.keep_frames,
        defect_digest=stage.defect_digest,
    )


def spans_of(frames: Iterable[int]) -> tuple[Span, ...]:
    """The frames as half-open spans, in order."""
    found: list[Span] = []
    for frame in sorted(frames):
        if found and found[-1].stop == frame:
            found[-1] = Span(found[-1].start, frame + 1)
        else:
            found.append(Span(frame, frame + 1))
    return tuple(found)
