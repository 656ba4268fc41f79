"""The server's process: binds the address, answers calls until it is told to leave or nobody needs it any more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from resilver.v1 import catalogue_pb2, content_pb2, jobs_pb2, store_pb2
from resilver.v1.catalogue_pb2_grpc import add_CatalogServiceServicer_to_server
from resilver.v1.content_pb2_grpc import add_ContentServiceServicer_to_server
from resilver.v1.jobs_pb2_grpc import add_JobServiceServicer_to_server
from resilver.v1.store_pb2_grpc import add_StoreServiceServicer_to_server
from resilver_client.errors import AddressUnavailable
from resilver_client.limits import CALLS_IN_ALL, LARGEST_MESSAGE, STREAMS
from resilver_server.config import ServerSettings
from resilver_server.scheduling.manager import JobManager

from .addresses import ListenAddress, TlsFiles, clear_socket, leave_address, parse_listen, take_address_back
from .border import Border
from .catalogue import CatalogServicer
from .content import ContentServicer
from .interceptors import Calls, Guard
from .jobs import JobServicer
from .metrics import Metrics, metrics_of
from .remote import Remote, remote_of
from .store import StoreServicer
from .tokens import ensure_token

log = logging.getLogger(__name__)

SERVICES = (
    jobs_pb2.DESCRIPTOR.services_by_name["JobService"].full_name,
    catalogue_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
    content_pb2.DESCRIPTOR.services_by_name["ContentService"].full_name,
    store_pb2.DESCRIPTOR.services_by_name["StoreService"].full_name,
)
GRACE = 1.0
"""Seconds that running calls get when the server leaves."""
_LOOK = 0.1
"""Seconds between looks whether the last call has ended, once nothing else keeps the server."""
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.max_concurrent_streams", STREAMS),
    ("grpc.compression_enabled_algorithms_bitset", 1),  # none: a few compressed bytes could stand for gigabytes
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),  # clients elsewhere ask every ten seconds
)


@dataclass(frozen=True)
class Listening:
    """A server that answers."""

    server: grpc.aio.Server
    address: str
    """What clients are told."""
    calls: Calls


async def serve(
    settings: ServerSettings, tls: TlsFiles | None = None, told: Callable[[str], None] | None = None, pin: str = ""
) -> None:
    """Serve until SIGTERM, SIGINT, or the idle time has passed. ``told`` gets the address, with ``pin`` behind it, once
    calls are answered.

    Raises InvalidRequest or UnsafeAddress for the address, ServerAlreadyRunning where the database has a server,
    AddressUnavailable where the address cannot be bound.
    """
    wanted = parse_listen(settings.listen, tls)
    token = ensure_token(settings.home)
    leave = _leave_on_signals()
    async with AsyncExitStack() as stack:
        manager = JobManager(settings)
        await manager.start()
        stack.push_async_callback(manager.stop)
        listening = await stack.enter_async_context(listen(manager, wanted, token, tls))
        manager.announce(listening.address)
        leave_address(settings.home, f"{listening.address}{pin}")
        stack.callback(take_address_back, settings.home)
        log.info("listening on %s", "a socket" if wanted.unix else listening.address)
        if told:
            told(f"{listening.address}{pin}")
        await _until_done(leave, manager, listening.calls)
        log.info("leaving")


@asynccontextmanager
async def listen(
    manager: JobManager, wanted: ListenAddress, token: str, tls: TlsFiles | None = None
) -> AsyncIterator[Listening]:
    """A server over ``manager`` that answers inside the block. Raises AddressUnavailable."""
    calls = Calls(manager.touch)
    remote = remote_of(manager)
    metrics = metrics_of(manager)
    guards = [Guard(token, calls), *([Border(remote)] if remote else [])]
    around = [*([metrics.calls] if metrics else []), *guards]
    server = grpc.aio.server(interceptors=around, options=_OPTIONS, maximum_concurrent_rpcs=CALLS_IN_ALL)
    states = _add_services(server, manager, remote)
    if wanted.loopback:
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    address = wanted.announced(_bind(server, wanted, tls))
    async with _opened(remote), _opened(metrics):
        await server.start()
        for service in SERVICES:
            await states.set(service, health_pb2.HealthCheckResponse.SERVING)
        try:
            yield Listening(server, address, calls)
        finally:
            await states.enter_graceful_shutdown()
            await server.stop(GRACE)
            if wanted.unix:
                Path(wanted.host).unlink(missing_ok=True)


def _opened(part: Remote | Metrics | None) -> AbstractAsyncContextManager[None]:
    """What serves only where the settings ask for it."""
    return part.open() if part else contextlib.nullcontext()


def _add_services(server: grpc.aio.Server, manager: JobManager, remote: Remote | None) -> health.aio.HealthServicer:
    """All of them; the stock one that says which are serving."""
    add_JobServiceServicer_to_server(JobServicer(manager), server)
    add_CatalogServiceServicer_to_server(CatalogServicer(manager), server)
    add_ContentServiceServicer_to_server(ContentServicer(manager, remote), server)
    add_StoreServiceServicer_to_server(StoreServicer(manager), server)
    states = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(states, server)
    return states


def _bind(server: grpc.aio.Server, wanted: ListenAddress, tls: TlsFiles | None) -> int:
    """The port that was bound. A socket is made so that only its owner can open it."""
    if wanted.unix:
        clear_socket(Path(wanted.host))
        Path(wanted.host).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = os.umask(0o177) if wanted.unix else None
    try:
        return (
            server.add_secure_port(wanted.target, _credentials(tls)) if tls else server.add_insecure_port(wanted.target)
        )
    except RuntimeError as error:
        raise AddressUnavailable(
            "cannot listen there", where=wanted.target, remedy="choose another address, or port 0 for a free one"
        ) from error
    finally:
        if before is not None:
            os.umask(before)


def _credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials([(tls.key.read_bytes(), tls.certificate.read_bytes())])


def _leave_on_signals() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(leave.set))
        else:
            loop.add_signal_handler(number, leave.set)
    return leave


async def _until_done(leave: asyncio.Event, manager: JobManager, calls: Calls) -> None:
    """Return when ``leave`` is set or the server has been idle long enough."""
    waits = {asyncio.ensure_future(leave.wait()), asyncio.ensure_future(_until_unused(manager, calls))}
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await wait
    for wait in done:
        wait.result()


async def _until_unused(manager: JobManager, calls: Calls) -> None:
    """The manager sees jobs and the beginning and end of calls; a call that lasts (a watch) counts as use as well."""
    while True:
        await manager.until_idle()
        if not calls.running:
            return
        manager.touch()
        await asyncio.sleep(_LOOK)
