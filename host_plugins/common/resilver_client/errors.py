"""Every error that Resilver reports, one class per reason.

The server raises these classes, carries them as ``google.rpc.Status`` with ``ErrorInfo``, and the client
raises the same class again. Standard library only, so that any layer may use them.

An error says what happened, where (file, frame, clip, stage) and what to do::

    raise MediaNotFound("no such file", where="/film/reel1.mov", remedy="check the path or relink the clip")
"""

from __future__ import annotations

from typing import ClassVar


class ResilverError(Exception):
    """Base of all reported errors. ``str()`` reads "what, where, what to do"."""

    reason: ClassVar[str] = "INTERNAL"
    code: ClassVar[str] = "INTERNAL"
    """Name of the gRPC status code that carries it."""
    transient: ClassVar[bool] = False
    """Whether trying the same thing again may succeed."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return ", ".join(part for part in (self.what, self.where, self.remedy) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _rebuild(cls: type[ResilverError], what: str, where: str, remedy: str) -> ResilverError:
    return cls(what, where=where, remedy=remedy)


class InternalError(ResilverError):
    """A fault of Resilver itself."""


class InvalidRequest(ResilverError):
    reason, code = "INVALID_REQUEST", "INVALID_ARGUMENT"


class InvalidRecipe(ResilverError):
    reason, code = "INVALID_RECIPE", "INVALID_ARGUMENT"


class UnknownStage(ResilverError):
    reason, code = "UNKNOWN_STAGE", "INVALID_ARGUMENT"


class UnknownPreset(ResilverError):
    reason, code = "UNKNOWN_PRESET", "INVALID_ARGUMENT"


class UnknownProfile(ResilverError):
    reason, code = "UNKNOWN_PROFILE", "INVALID_ARGUMENT"


class InvalidRate(ResilverError):
    reason, code = "INVALID_RATE", "INVALID_ARGUMENT"


class InvalidMatte(ResilverError):
    reason, code = "INVALID_MATTE", "INVALID_ARGUMENT"


class InvalidKeyFrame(ResilverError):
    reason, code = "INVALID_KEY_FRAME", "INVALID_ARGUMENT"


class InvalidReference(ResilverError):
    reason, code = "INVALID_REFERENCE", "INVALID_ARGUMENT"


class MediaNotFound(ResilverError):
    reason, code = "MEDIA_NOT_FOUND", "NOT_FOUND"


class MediaUnreadable(ResilverError):
    """The file is no media, or of a kind that cannot be read."""

    reason, code = "MEDIA_UNREADABLE", "FAILED_PRECONDITION"


class MediaCorrupt(ResilverError):
    """A frame could not be decoded; ``where`` names file and frame."""

    reason, code = "MEDIA_CORRUPT", "DATA_LOSS"


class MediaChanged(ResilverError):
    """The media is not the one the plan was made for."""

    reason, code = "MEDIA_CHANGED", "FAILED_PRECONDITION"


class VariableFrameRate(ResilverError):
    reason, code = "VARIABLE_FRAME_RATE", "FAILED_PRECONDITION"


class InterlacedMedia(ResilverError):
    reason, code = "INTERLACED", "FAILED_PRECONDITION"


class SequenceGap(ResilverError):
    """Numbers are missing in an image sequence; ``what`` names them."""

    reason, code = "SEQUENCE_GAP", "FAILED_PRECONDITION"


class FrameCountMismatch(ResilverError):
    reason, code = "FRAME_COUNT_MISMATCH", "DATA_LOSS"


class GeometryMismatch(ResilverError):
    reason, code = "GEOMETRY_MISMATCH", "INVALID_ARGUMENT"


class OutputExists(ResilverError):
    reason, code = "OUTPUT_EXISTS", "ALREADY_EXISTS"


class OutputUnwritable(ResilverError):
    reason, code = "OUTPUT_UNWRITABLE", "FAILED_PRECONDITION"


class PathNotAllowed(ResilverError):
    """A path that is relative, or lies outside the folders a server may use."""

    reason, code = "PATH_NOT_ALLOWED", "PERMISSION_DENIED"


class DiskFull(ResilverError):
    reason, code, transient = "DISK_FULL", "RESOURCE_EXHAUSTED", True


class ModelUnknown(ResilverError):
    reason, code = "MODEL_UNKNOWN", "NOT_FOUND"


class ModelNotInstalled(ResilverError):
    reason, code = "MODEL_NOT_INSTALLED", "FAILED_PRECONDITION"


class ModelDigestMismatch(ResilverError):
    reason, code = "MODEL_DIGEST_MISMATCH", "DATA_LOSS"


class ModelUnreadable(ResilverError):
    reason, code = "MODEL_UNREADABLE", "FAILED_PRECONDITION"


class ModelSourceUnreachable(ResilverError):
    reason, code, transient = "MODEL_SOURCE_UNREACHABLE", "UNAVAILABLE", True


class LicenceNotAccepted(ResilverError):
    reason, code = "LICENCE_NOT_ACCEPTED", "FAILED_PRECONDITION"


class TimelineUnreadable(ResilverError):
    reason, code = "TIMELINE_UNREADABLE", "INVALID_ARGUMENT"


class ClipUnsupported(ResilverError):
    """A clip that cannot be mapped (ramp, title, unknown schema); ``where`` names it."""

    reason, code = "CLIP_UNSUPPORTED", "FAILED_PRECONDITION"


class ClipOffline(ResilverError):
    reason, code = "CLIP_OFFLINE", "FAILED_PRECONDITION"


class RangeOutsideMedia(ResilverError):
    reason, code = "RANGE_OUTSIDE_MEDIA", "OUT_OF_RANGE"


class SelectionEmpty(ResilverError):
    reason, code = "SELECTION_EMPTY", "INVALID_ARGUMENT"


class TargetOccupied(ResilverError):
    """The track on which a restored clip is to lie is taken there."""

    reason, code = "TARGET_OCCUPIED", "FAILED_PRECONDITION"


class HostFailed(ResilverError):
    """The editor did not do what it was asked, and says no more."""

    reason, code = "HOST_FAILED", "FAILED_PRECONDITION"


class LimitReached(ResilverError):
    """More or larger than ``limits`` allows; ``what`` names the limit."""

    reason, code = "LIMIT_REACHED", "RESOURCE_EXHAUSTED"


class ContentMissing(ResilverError):
    """A file that the server was asked for is not there: never uploaded, or removed since."""

    reason, code = "CONTENT_MISSING", "FAILED_PRECONDITION"


class ContentDamaged(ResilverError):
    """What came over the wire is not what was sent."""

    reason, code = "CONTENT_DAMAGED", "DATA_LOSS"


class ContentBusy(ResilverError):
    """Another upload of the same file is under way, or was a moment ago."""

    reason, code, transient = "CONTENT_BUSY", "ABORTED", True


class QuotaExceeded(ResilverError):
    """Uploads would take more room than the server gives them."""

    reason, code = "QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"


class JobNotFound(ResilverError):
    reason, code = "JOB_NOT_FOUND", "NOT_FOUND"


class JobStateConflict(ResilverError):
    """The job is not in a state in which this can be done."""

    reason, code = "JOB_STATE_CONFLICT", "FAILED_PRECONDITION"


class RequestIdReused(ResilverError):
    reason, code = "REQUEST_ID_REUSED", "ALREADY_EXISTS"


class Unauthenticated(ResilverError):
    reason, code = "UNAUTHENTICATED", "UNAUTHENTICATED"


class ServerUnreachable(ResilverError):
    reason, code, transient = "SERVER_UNREACHABLE", "UNAVAILABLE", True


class VersionMismatch(ResilverError):
    """Client and server are of different versions, so one may not know what the other speaks of."""

    reason, code = "VERSION_MISMATCH", "FAILED_PRECONDITION"


class ServerAlreadyRunning(ResilverError):
    reason, code = "SERVER_ALREADY_RUNNING", "FAILED_PRECONDITION"


class UnsafeAddress(ResilverError):
    """An address other than loopback without TLS and a token."""

    reason, code = "UNSAFE_ADDRESS", "FAILED_PRECONDITION"


class DatabaseUnusable(ResilverError):
    """The server's own database is damaged, closed to it, or was written by a newer program."""

    reason, code = "DATABASE_UNUSABLE", "FAILED_PRECONDITION"


class AddressUnavailable(ResilverError):
    """The address to listen on is taken or not this machine's."""

    reason, code = "ADDRESS_UNAVAILABLE", "FAILED_PRECONDITION"


class OutOfMemory(ResilverError):
    reason, code, transient = "OUT_OF_MEMORY", "RESOURCE_EXHAUSTED", True


class DeviceFailed(ResilverError):
    reason, code, transient = "DEVICE_FAILED", "UNAVAILABLE", True


class WorkerLost(ResilverError):
    reason, code, transient = "WORKER_LOST", "UNAVAILABLE", True


class Cancelled(ResilverError):
    reason, code = "CANCELLED", "CANCELLED"


ERRORS: tuple[type[ResilverError], ...] = (
    InternalError,
    InvalidRequest,
    InvalidRecipe,
    UnknownStage,
    UnknownPreset,
    UnknownProfile,
    InvalidRate,
    InvalidMatte,
    InvalidKeyFrame,
    InvalidReference,
    MediaNotFound,
    MediaUnreadable,
    MediaCorrupt,
    MediaChanged,
    VariableFrameRate,
    InterlacedMedia,
    SequenceGap,
    FrameCountMismatch,
    GeometryMismatch,
    OutputExists,
    OutputUnwritable,
    PathNotAllowed,
    DiskFull,
    ModelUnknown,
    ModelNotInstalled,
    ModelDigestMismatch,
    ModelUnreadable,
    ModelSourceUnreachable,
    LicenceNotAccepted,
    TimelineUnreadable,
    ClipUnsupported,
    ClipOffline,
    RangeOutsideMedia,
    SelectionEmpty,
    TargetOccupied,
    HostFailed,
    LimitReached,
    ContentMissing,
    ContentDamaged,
    ContentBusy,
    QuotaExceeded,
    JobNotFound,
    JobStateConflict,
    RequestIdReused,
    Unauthenticated,
    ServerUnreachable,
    VersionMismatch,
    ServerAlreadyRunning,
    UnsafeAddress,
    DatabaseUnusable,
    AddressUnavailable,
    OutOfMemory,
    DeviceFailed,
    WorkerLost,
    Cancelled,
)
"""The one list of reasons; a test checks that it is complete and that reasons are unique."""

BY_REASON: dict[str, type[ResilverError]] = {error.reason: error for error in ERRORS}
