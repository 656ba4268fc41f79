"""What a worker can be asked to do. Each task is plain data, so that it can travel to any process as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from resilver_server.domain.formats import FieldFilter, MediaInfo
from resilver_server.domain.rates import Rate
from resilver_server.domain.recipes import Recipe
from resilver_server.domain.shots import Shot
from resilver_server.domain.spans import Span

from .plans import ChunkPlan, ShotPlan


@dataclass(frozen=True)
class ProbeTask:
    path: str
    rate: Rate | None = None
    """Rate at which the frames are to be played, instead of the file's."""
    fields: FieldFilter = FieldFilter.NONE
    numbers: tuple[int, int | None] | None = None
    """Of a sequence's files: the number of its first one, and one behind its last; None is all that are there, and
    the last that is there. Others of the same name are not looked at."""


@dataclass(frozen=True)
class ProbeResult:
    media: MediaInfo


@dataclass(frozen=True)
class DevicesTask:
    pass


@dataclass(frozen=True)
class Device:
    id: str
    """"cpu", "cuda:0", "mps"."""
    name: str
    total_memory: int
    free_memory: int
    half_precision: bool
    """Whether float16 is faster here."""
    limit: int = 0
    """Bytes that its user lets rendering take; 0 sets no limit."""


@dataclass(frozen=True)
class DevicesResult:
    devices: tuple[Device, ...]
    """The one to prefer first."""
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanTask:
    """Plan a shot (``stages.plan.plan_shot``) where the libraries are: encoders and models are asked what they can."""

    shot: Shot
    media: MediaInfo
    recipe: Recipe
    device: Device
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanResult:
    plan: ShotPlan
    suffix: str
    """Of the result's file with its dot; for sequence profiles of each frame's file."""
    is_sequence: bool
    """Whether the result is a folder of frames. A picture out of a picture is a file."""
    output_bytes: int = 0
    """What the result will take on disk, estimated."""


@dataclass(frozen=True)
class AnalyseTask:
    """Measure the media frames of ``span`` (all within ``plan.source``) for every stage that analyses."""

    plan: ShotPlan
    span: Span
    output: str
    """Temporary path of a safetensors file of measurements, one row a frame."""


@dataclass(frozen=True)
class AnalyseResult:
    digest: str
    source_digests: tuple[str, ...]
    """One a frame for sequences and stills, one for the whole file for movies."""


@dataclass(frozen=True)
class SolveTask:
    """Join the measurements, solve every stage's state, and cut the shot into chunks with their keys."""

    plan: ShotPlan
    measurements: tuple[str, ...]
    """Paths in order of their spans; empty where the plan needs no analysis."""
    source_digests: tuple[str, ...]
    """As the analysis found them; empty if none was needed: the solve then takes them itself."""
    output: str
    """Temporary path of the state (safetensors)."""


@dataclass(frozen=True)
class SolveResult:
    digest: str
    chunks: tuple[ChunkPlan, ...]
    findings: Mapping[str, str] = field(default_factory=dict)
    """Facts for people: repeated frames, cuts, and the like."""
    source_digests: tuple[str, ...] = ()
    """Of ``plan.source``, as in AnalyseResult: the task's own, or those that the solve took itself."""


@dataclass(frozen=True)
class RenderTask:
    plan: ShotPlan
    state: str
    """Path of the solved state."""
    chunk: ChunkPlan
    output: str
    """Temporary path of the segment (a file, or a folder of frames for sequence profiles); empty where it is there."""
    changes: str = ""
    """Temporary path of the segment of change maps; empty where none is wanted."""


@dataclass(frozen=True)
class RenderResult:
    digest: str
    """sha256 over the segment's packets (or frame files); empty where none was wanted."""
    frames: int
    computed: tuple[int, ...]
    """Output frames that were computed between filmed ones, not restored from one."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time by stage, with "decode" and "encode"."""
    peak_memory: int = 0
    changes_digest: str = ""
    """The same as ``digest``, of the change maps."""


@dataclass(frozen=True)
class JoinTask:
    """Join the segments without encoding again, lay the audio, check counts and tags, and move into place."""

    plan: ShotPlan
    segments: tuple[str, ...]
    output: str
    """Final path, with suffix. Never replaces a file."""
    comment: str
    sidecar: str
    """Text of ``NAME.resilver.json``, written beside the result."""
    changes: tuple[str, ...] = ()
    """Segments of change maps, as many; empty where none are wanted."""
    changes_output: str = ""
    """Final path of the movie that they become."""


@dataclass(frozen=True)
class JoinResult:
    path: str
    frames: int
    duration: Fraction
    digest: str
    """sha256 of the file; for a sequence over the digests of its frames."""
    changes: str = ""
    """Path of the movie of change maps; empty where none was wanted."""


@dataclass(frozen=True)
class PreviewTask:
    """Render the output frames named and write each beside its source as PNG."""

    plan: ShotPlan
    state: str
    frames: tuple[int, ...]
    folder: str


@dataclass(frozen=True)
class ChangeMap:
    """A picture of what a stage changed in one frame: brighter where it changed more."""

    path: str
    stage: str
    output_frame: int


@dataclass(frozen=True)
class PreviewResult:
    pictures: tuple[str, ...]
    """Before/after pictures, one a frame."""
    changes: tuple[ChangeMap, ...] = ()
    """One for each frame and stage that replaces pixels."""


@dataclass(frozen=True)
class InstallTask:
    model: str
    accept_licence: bool = False


@dataclass(frozen=True)
class InstallResult:
    model: str
    digest: str


@dataclass(frozen=True)
class Progress:
    """What a worker reports while a task runs; at most four a second."""

    done: int
    total: int
    stage: str = ""
    frames_per_second: float = 0.0


Task = ProbeTask | DevicesTask | PlanTask | AnalyseTask | SolveTask | RenderTask | JoinTask | PreviewTask | InstallTask
Result = (
    ProbeResult
    | DevicesResult
    | PlanResult
    | AnalyseResult
    | SolveResult
    | RenderResult
    | JoinResult
    | PreviewResult
    | InstallResult
)
