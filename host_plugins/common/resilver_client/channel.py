"""A connection to one server: channel, stubs and the metadata that goes with every call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import grpc

from resilver.v1.catalogue_pb2_grpc import CatalogServiceStub
from resilver.v1.content_pb2_grpc import ContentServiceStub
from resilver.v1.jobs_pb2_grpc import JobServiceStub
from resilver.v1.store_pb2_grpc import StoreServiceStub

from .discovery import Endpoint
from .errors import ServerUnreachable
from .limits import LARGEST_MESSAGE
from .pinning import NAME, pinned_certificate

_ALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.min_reconnect_backoff_ms", 5_000),
)
"""For other machines: a connection that was cut without a word is found out, and given up, in twenty seconds."""

_SERVING = b"\x08\x01"
"""``grpc.health.v1.HealthCheckResponse`` with field 1 (status) = 1 (SERVING)."""


@dataclass(frozen=True)
class Link:
    """An open connection."""

    endpoint: Endpoint
    channel: grpc.Channel
    jobs: JobServiceStub
    catalogue: CatalogServiceStub
    content: ContentServiceStub
    store: StoreServiceStub

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.endpoint.token}"),)


def dial(endpoint: Endpoint) -> Link:
    """A connection to ``endpoint``; nothing is sent yet. ``RESILVER_CERTIFICATES`` names a PEM file of trusted roots
    for TLS servers whose certificate no public authority has signed, where the endpoint names none itself."""
    channel = _channel(endpoint)
    stubs = (JobServiceStub(channel), CatalogServiceStub(channel), ContentServiceStub(channel))
    return Link(endpoint, channel, *stubs, StoreServiceStub(channel))


def healthy(endpoint: Endpoint, timeout: float = 2.0) -> bool:
    """Whether the server answers the stock health check with SERVING within ``timeout`` seconds."""
    try:
        with _channel(endpoint) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check", request_serializer=_as_is, response_deserializer=_as_is
            )
            return check(b"", timeout=timeout) == _SERVING
    except (grpc.RpcError, ServerUnreachable):
        return False


def _channel(endpoint: Endpoint) -> grpc.Channel:
    options: tuple[tuple[str, str | int], ...] = (
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    )
    if not endpoint.encrypted:
        return grpc.insecure_channel(endpoint.target, options=options)
    options = (*options, *_ALIVE)
    if endpoint.pin:
        only = grpc.ssl_channel_credentials(pinned_certificate(endpoint.target, endpoint.pin))
        return grpc.secure_channel(endpoint.target, only, options=(*options, ("grpc.ssl_target_name_override", NAME)))
    roots = endpoint.certificates or os.environ.get("RESILVER_CERTIFICATES")
    return grpc.secure_channel(endpoint.target, grpc.ssl_channel_credentials(_trusted(roots)), options=options)


def _trusted(roots: str | None) -> bytes | None:
    if not roots:
        return None
    try:
        return Path(roots).read_bytes()
    except OSError as error:
        raise ServerUnreachable(
            f"the file of trusted certificates cannot be read ({error.strerror})",
            where=roots,
            remedy="correct its path",
        ) from error


def _as_is(data: bytes) -> bytes:
    return data
