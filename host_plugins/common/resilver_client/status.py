"""Errors on the wire: ``google.rpc.Status`` with one ``ErrorInfo``, in the trailing metadata that gRPC reserves for it.

The mapping is the one of https://grpc.io/docs/guides/error/ (richer error model), done here by hand so that a client
needs grpcio, protobuf and googleapis-common-protos only.
"""

from __future__ import annotations

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from .errors import (
    BY_REASON,
    Cancelled,
    InternalError,
    LimitReached,
    ResilverError,
    ServerUnreachable,
    Unauthenticated,
    VersionMismatch,
)

DOMAIN = "resilver"
VERSION = "resilver-version"
"""Key of the trailing metadata with which a server answers which version it is."""
DETAILS = "grpc-status-details-bin"
"""Key of the trailing metadata that holds the serialised status."""

_LONGEST = {"what": 2000, "where": 1000, "remedy": 800}
"""Bytes of UTF-8: gRPC drops calls whose metadata goes beyond 8 KiB."""

_START = "check the address, or start it with `resilver serve`"
_BY_CODE: dict[grpc.StatusCode, tuple[type[ResilverError], str, str]] = {
    grpc.StatusCode.UNAVAILABLE: (ServerUnreachable, "the server cannot be reached", _START),
    grpc.StatusCode.DEADLINE_EXCEEDED: (ServerUnreachable, "the server did not answer in time", "try again"),
    grpc.StatusCode.UNAUTHENTICATED: (Unauthenticated, "the server does not accept the token", "show its own"),
    grpc.StatusCode.CANCELLED: (Cancelled, "the call was cancelled", ""),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (LimitReached, "the call was too large, or one too many", "send less at once"),
    grpc.StatusCode.UNIMPLEMENTED: (
        VersionMismatch,
        "the server does not know this call",
        "bring client and server to the same version",
    ),
}
"""For calls that failed before a Resilver server could name a reason."""

_BROKEN = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
_SIGNS = ("Stream removed", "RST_STREAM", "Socket closed", "onnection reset", "GOAWAY", "roken pipe")
"""What gRPC sometimes says, with one of these codes, of a connection that broke in the middle of a call."""


def encode(error: ResilverError) -> bytes:
    """The serialised status of ``error``. Texts too long for metadata end in an ellipsis."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    info.metadata["where"] = shorten(error.where, _LONGEST["where"])
    info.metadata["remedy"] = shorten(error.remedy, _LONGEST["remedy"])
    code = grpc.StatusCode[error.code].value[0]
    status = status_pb2.Status(code=code, message=shorten(error.what, _LONGEST["what"]))
    status.details.add().Pack(info)
    return bytes(status.SerializeToString())


def decode(details: bytes) -> ResilverError | None:
    """The error that ``encode`` wrote; InternalError for a reason that is unknown here, None for foreign bytes."""
    status = status_pb2.Status()
    try:
        status.ParseFromString(details)
    except DecodeError:
        return None
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info) and info.domain == DOMAIN:
            return _rebuild(info, status.message)
    return None


def _rebuild(info: error_details_pb2.ErrorInfo, what: str) -> ResilverError:
    known = BY_REASON.get(info.reason)
    if known is None:
        known, what = InternalError, f"{info.reason}: {what}"
    return known(what, where=info.metadata.get("where", ""), remedy=info.metadata.get("remedy", ""))


def from_call(failure: grpc.RpcError, where: str = "") -> ResilverError:
    """What a failed call means: the server's own error, or one that names what became of the call.

    ``where`` is the server's address, used when the server said nothing itself.
    """
    if not isinstance(failure, grpc.Call):
        return InternalError(str(failure), where=where)
    if error := decode(dict(failure.trailing_metadata() or ()).get(DETAILS, b"")):
        return error if error.where or not isinstance(error, Unauthenticated) else _at(error, where)
    code, text = failure.code(), failure.details() or ""
    if code in _BROKEN and any(sign in text for sign in _SIGNS):
        code = grpc.StatusCode.UNAVAILABLE
    kind, what, remedy = _BY_CODE.get(code, (InternalError, code.name.lower().replace("_", " "), ""))
    if code is grpc.StatusCode.UNAVAILABLE and "refused" in text:
        what, text = "no server answers there", ""
    return kind(f"{what} ({text})" if text else what, where=where, remedy=remedy)


def _at(error: ResilverError, where: str) -> ResilverError:
    return type(error)(error.what, where=where, remedy=error.remedy)


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` bytes of UTF-8, ending in an ellipsis where something is missing. What is no
    character (the odd bytes of an old file name) becomes a question mark."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return data.decode()
    return data[: limit - 3].decode(errors="ignore") + "…"
