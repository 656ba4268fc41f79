"""What the job manager tells about jobs. Plain data; the API turns it into messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from resilver_otio.types import Refusal
from resilver_server.domain.failures import Failure
from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.jobs import JobState
from resilver_server.domain.rates import Rate
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import ChangeMap


class ShotPhase(StrEnum):
    """How far one shot has come."""

    ANALYSING = "analysing"
    RENDERING = "rendering"
    JOINING = "joining"
    DONE = "done"


@dataclass(frozen=True)
class ShotRecord:
    """One shot of a job."""

    number: int
    clip_id: str
    name: str
    phase: ShotPhase
    output: str
    """Absolute path of the result with its suffix (for a preview the folder of its pictures)."""
    frames: int
    """Output frames, tail included."""
    chunks: int
    """0 until the analysis is solved."""
    chunks_done: int
    warnings: tuple[str, ...] = ()
    findings: Mapping[str, str] = field(default_factory=dict)
    """What the analysis found, for people."""
    digest: str = ""
    """Of the finished result."""
    pictures: tuple[str, ...] = ()
    """Of a preview."""
    media: str = ""
    """The result as a player names it: the file, or the printf pattern of a folder of frames; empty for a preview."""
    output_rate: Rate = Rate(0)
    output_format: FrameFormat = FrameFormat(0, 0)
    change_maps: tuple[ChangeMap, ...] = ()
    """Of a preview."""
    head: Fraction = Fraction(0)
    """Record seconds in the result before the clip's own range, for a transition."""
    rendered: tuple[Span, ...] = ()
    """Output frames that this job rendered so far; the other chunks that are done had been rendered before it."""
    chunks_stored: int = 0
    """Chunks that had been rendered before."""
    changes: str = ""
    """Movie of what the stages changed, once it is written; empty where none was asked for."""


@dataclass(frozen=True)
class Shortage:
    """Too little room on a disk. In bytes."""

    folder: str
    """An existing folder on that disk."""
    free: int
    """What was free when the job began to wait."""
    needed: int
    """What has to be free for it to go on; 0 where only trying tells, as with a quota."""


@dataclass(frozen=True)
class JobRecord:
    """A job as it stands in the database. Times are Unix seconds."""

    id: str
    request_id: str
    title: str
    state: JobState
    created: float
    started: float | None
    ended: float | None
    sequence: int
    """Of its latest event."""
    shots: tuple[ShotRecord, ...]
    refusals: tuple[Refusal, ...] = ()
    """Clips that were left out on request."""
    failure: Failure | None = None
    priority: int = 0
    position: int = 0
    """Among the jobs that wait for their turn, from 1; 0 where it does not."""
    waiting_for: Shortage | None = None


@dataclass(frozen=True)
class JobResult:
    """What a finished job hands over."""

    timeline: str
    """OTIO JSON with the restored clips in place; empty for a preview."""
    report: tuple[str, ...]
    """What could not be kept, and what earlier runs had rendered already, in plain sentences naming clips."""
    outputs: tuple[str, ...]
    """Absolute paths, one a shot."""
    pictures: tuple[str, ...] = ()
    """Of a preview."""


@dataclass(frozen=True)
class Page:
    """Jobs, newest first. ``next_token`` is empty on the last page."""

    jobs: tuple[JobRecord, ...]
    next_token: str


class ChunkPlace(StrEnum):
    """Where a chunk stands."""

    PENDING = "pending"
    RUNNING = "running"
    MADE = "made"
    """This job made it."""
    STORED = "stored"
    """It was in the store before."""


@dataclass(frozen=True)
class ChunkRecord:
    """Some frames of a shot, and where they are."""

    shot: int
    kind: str
    """"analyse" or "render"."""
    number: int
    frames: Span
    """Output frames of the shot, or media frames where it is measured."""
    place: ChunkPlace
    attempts: int
    worker: int = 0
    """Process id of the worker that makes it; 0 where none does."""
    done: int = 0
    """Frames of it that the worker has done."""
    stored_bytes: int = 0
    """Of its content in the store; 0 where it is not there, or not any more."""
    file: str = ""
    """What its frames were joined into; empty until then."""


@dataclass(frozen=True)
class ChunkPage:
    """Chunks in the order of shot, kind and number. ``next_token`` is empty on the last page."""

    chunks: tuple[ChunkRecord, ...]
    next_token: str


class EventKind(StrEnum):
    STATE = "state"
    """The job's state changed."""
    SHOT = "shot"
    """A shot reached another phase."""
    CHUNK = "chunk"
    """A render chunk is done (or was found in the store)."""
    RETRY = "retry"
    """A transient error; the work is tried again."""
    SHRUNK = "shrunk"
    """Memory did not suffice; smaller tiles or batches from here on."""
    PROGRESS = "progress"
    """Live only: not a row, its sequence is that of the latest row."""


@dataclass(frozen=True)
class ShotProgress:
    """Where a running shot stands, live."""

    shot: int
    name: str
    phase: ShotPhase
    stage: str
    """Stage at work as the worker names it; may be empty."""
    done: int
    total: int
    """Frames of this phase."""
    frames_per_second: float
    seconds_left: float | None
    """Of this phase; None while nothing is known."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to a job."""

    job: str
    sequence: int
    time: float
    """Unix seconds."""
    kind: EventKind
    state: JobState
    """Of the job after it."""
    shot: int | None = None
    chunk: int | None = None
    message: str = ""
    failure: Failure | None = None
    progress: tuple[ShotProgress, ...] = ()


@dataclass(frozen=True)
class ChunkOutline:
    outputs: Span
    stored: bool
    """Whether its segment is in the store already, so that it will not be rendered."""


@dataclass(frozen=True)
class ShotOutline:
    """A shot as it would be rendered."""

    number: int
    clip_id: str
    plan: ShotPlan
    output: str
    chunks: tuple[ChunkOutline, ...]
    keys_known: bool
    """False where only the analysis pass will tell which segments are in the store."""
    to_measure: int = 0
    """Media frames that the analysis pass has to measure; the measurements of the others are in the store."""
    output_bytes: int = 0
    """What the result will take on disk, estimated."""


@dataclass(frozen=True)
class JobPlan:
    """What a request would do, without doing it."""

    shots: tuple[ShotOutline, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    memory: int
    """Bytes that the hungriest shot needs at most; 0 without shots."""
    free_bytes: int = 0
    """In the folder of the results."""
    needed_bytes: int = 0
    """On that folder's disk: the results and, where the store lies on it too, the segments."""
