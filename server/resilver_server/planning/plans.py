"""A shot's plan: everything that is decided before its first frame is rendered. Plain data, stored with the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.rates import Rate
from resilver_server.domain.recipes import Delivery, StageSettings
from resilver_server.domain.shots import Shot
from resilver_server.domain.spans import Span


@dataclass(frozen=True)
class Numerics:
    """What decides the bits of a result besides the recipe. Part of every chunk's key."""

    device: str = "cpu"
    """"cpu", "cuda:0" or "mps"."""
    dtype: str = "float32"
    tile: int = 0
    """Edge of a square tile in input pixels of the stage; 0 is the whole frame."""
    batch: int = 1
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelUse:
    """A model that a stage loads, fixed by digest."""

    id: str
    digest: str
    """sha256 of its safetensors file in the store."""
    licence: str


@dataclass(frozen=True)
class StagePlan:
    """One stage with everything resolved (defaults filled in, formats and models fixed)."""

    settings: StageSettings
    version: int
    input: FrameFormat
    output: FrameFormat
    radius: int
    """Frames either side that rendering one frame looks at."""
    models: tuple[ModelUse, ...] = ()
    matte_digest: str = ""
    keep_digest: str = ""
    """Of the keep matte."""
    defect_digest: str = ""
    """Of the defect map."""
    keys_digest: str = ""
    """Of the key frames, with their numbers."""
    solved: tuple[str, ...] = ()
    """Names of its parameters that act through the solved state alone."""


@dataclass(frozen=True)
class ShotPlan:
    """All of a shot but what the analysis pass will find."""

    shot: Shot
    media: MediaInfo
    stages: tuple[StagePlan, ...]
    delivery: Delivery
    numerics: Numerics
    source: Span
    """Media frames that may be looked at: the range and its handles."""
    analysed: bool
    """Whether any stage needs the analysis pass."""
    output_format: FrameFormat
    output_rate: Rate
    output_frames: int
    """Without tail frames."""
    output_colour: ColourTags
    chunk_frames: int
    memory: int
    """Bytes that rendering needs at most, by the stages' models."""
    warnings: tuple[str, ...] = ()

    @property
    def total_frames(self) -> int:
        """Output frames that are written, tail frames included."""
        return self.output_frames + self.delivery.tail_frames

    @property
    def outputs(self) -> Span:
        return Span(0, self.total_frames)

    @property
    def duration(self) -> Fraction:
        """Seconds of the result, without tail frames."""
        return self.output_frames / self.output_rate


@dataclass(frozen=True)
class ChunkPlan:
    """Output frames that are rendered together, the media frames that takes, and the name of the result."""

    index: int
    outputs: Span
    demand: Span
    """Media frames that are decoded for it."""
    key: str
    """sha256 over all that decides its bytes: same key, same bytes."""
