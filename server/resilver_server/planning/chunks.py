"""How a shot is cut into chunks, and the names of their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from resilver_server.domain.digests import digest_of
from resilver_server.domain.formats import MediaKind
from resilver_server.domain.rates import Rate
from resilver_server.domain.spans import Span

from .demand import Demand
from .plans import ShotPlan, StagePlan
from .timemap import time_map

_CHUNK_SECONDS = 2
_KEY_VERSION = 1
"""Raised when the engine itself would give other bytes for the same parts."""


@dataclass(frozen=True)
class StagePictures:
    """What an artist laid over the frames of a chunk at one stage, by content. Paths decide no pixel."""

    mattes: tuple[str, ...] = ()
    """Of each frame that the stage hands on."""
    kept: tuple[str, ...] = ()
    """What of each of these frames the stage leaves alone; empty where that is nothing."""
    defects: tuple[str, ...] = ()
    """Of each frame that the stage looks at."""


_NO_PICTURES = StagePictures()


def chunk_length(rate: Rate) -> int:
    """Output frames of a chunk: two seconds. It depends on the recipe alone, never on the machine."""
    return max(1, ceil(_CHUNK_SECONDS * rate))


def chunk_spans(plan: ShotPlan) -> Iterator[Span]:
    """The output frames of each chunk, in order, tail frames in the last.

    They are cut on a grid that lies on the media, not on the shot: a clip that is trimmed or slipped by a few frames
    keeps the chunks between its ends. A freeze shows one frame; its grid begins with the shot.
    """
    mapping = time_map(plan.shot, plan.output_rate)
    before = mapping.time(0) / mapping.speed * mapping.rate if mapping.speed else 0
    return plan.outputs.split(plan.chunk_frames, floor(before))


def chunk_key(
    plan: ShotPlan,
    demand: Demand,
    outputs: Span,
    *,
    sources: Sequence[str],
    states: Mapping[str, str],
    pictures: Mapping[int, StagePictures],
    encoder: str,
    numbers: Sequence[int] = (),
) -> str:
    """sha256 over all that decides a chunk's bytes: same key, same bytes.

    ``sources``: digests as in AnalyseResult, of ``plan.source``. ``states``: by stage name the digest of the solved
    rows of the demanded entries. ``pictures``: by position of the stage in the plan what an artist laid over the chunk.
    ``encoder``: everything about the encoding that the plan does not say. ``numbers``: of the frames, where a stage's
    pixels depend on them. Paths, names and absolute times are left out: they decide no pixel.
    """
    entries = demand.entries(outputs)
    place = {entry: index for index, entry in enumerate(entries)}
    clock = demand.sampler.clock
    sampled = demand.sampled(outputs)
    samples = [demand.sampler.sample(output) for output in sampled]
    return digest_of(
        {
            "key": _KEY_VERSION,
            "sources": source_names(plan, [clock.frames[entry] for entry in entries], sources),
            "walls": [place[wall] for wall in clock.walls if wall in place],
            "samples": [(place[s.before], place[s.after], s.position) for s in samples],
            "outputs": [output - sampled[0] for output in outputs],
            **({"numbers": list(numbers)} if numbers else {}),
            "stages": [_stage(stage, pictures.get(index, _NO_PICTURES)) for index, stage in enumerate(plan.stages)],
            "states": states,
            "media": (plan.media.format, plan.media.colour, plan.media.pixel_format, plan.shot.fields),
            "delivery": (plan.delivery.profile, plan.output_format, plan.output_rate, plan.output_colour, encoder),
            "numerics": replace(plan.numerics, device=plan.numerics.device.partition(":")[0]),
        }
    )


def source_names(plan: ShotPlan, frames: Sequence[int], digests: Sequence[str]) -> list[object]:
    """Names of media frames by content: of a sequence their own digests, else the file's digest and their numbers."""
    if plan.media.kind is MediaKind.SEQUENCE:
        return [digests[frame - plan.source.start] for frame in frames]
    return [digests[0], *frames]


def _stage(stage: StagePlan, pictures: StagePictures) -> dict[str, object]:
    """What a stage adds to the key; paths of pictures give way to the frames' content, solved parameters to the rows
    of the state. Where nothing is kept the key is the one without a keep matte."""
    parameters = stage.settings.parameters
    return {
        "name": stage.settings.stage,
        "parameters": {name: value for name, value in parameters.items() if name not in stage.solved},
        "strength": stage.settings.strength,
        "version": stage.version,
        "input": stage.input,
        "output": stage.output,
        "radius": stage.radius,
        "models": [model.digest for model in stage.models],
        "mattes": list(pictures.mattes),
        **({"kept": list(pictures.kept)} if any(pictures.kept) else {}),
        **({"defects": list(pictures.defects)} if pictures.defects else {}),
    }
