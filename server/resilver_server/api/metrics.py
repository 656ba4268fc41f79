"""Numbers about the server for Prometheus, on request: calls are counted here, ``exposition`` writes all of them down.

They are served in the clear and without a token, so on this machine's own addresses only; no label holds a path, a
name or an id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import grpc.aio

from resilver_client.discovery import is_local
from resilver_client.errors import AddressUnavailable, InvalidRequest, UnsafeAddress
from resilver_server.scheduling.counts import Histogram
from resilver_server.scheduling.manager import JobManager

log = logging.getLogger(__name__)
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


class Calls(grpc.aio.ServerInterceptor):
    """Counts the calls of every method that there is, by how they ended, and how long those took that answer once."""

    def __init__(self) -> None:
        self.ended: Counter[tuple[str, str]] = Counter()
        """By method, ``resilver.v1.JobService/GetJob``, and code, ``OK``."""
        self.seconds: dict[str, Histogram] = {}

    async def intercept_service(self, continuation: Continuation, details: grpc.HandlerCallDetails) -> Handler | None:
        handler = await continuation(details)
        return None if handler is None else self._around(handler, details.method.lstrip("/"))

    def _around(self, handler: Handler, name: str) -> Handler:
        coding = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            stream: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream
            make: Any = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            made: Handler = make(self._streaming(stream, name), *coding)
            return made
        single: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary
        make = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
        made = make(self._single(single, name), *coding)
        return made

    def _single(self, method: Any, name: str) -> Callable[[Any, Any], Awaitable[Any]]:
        async def answer(request: Any, context: Any) -> Any:
            began = time.monotonic()
            try:
                return await method(request, context)
            finally:
                self.seconds.setdefault(name, Histogram()).observe(time.monotonic() - began)
                self._count(name, context)

        return answer

    def _streaming(self, method: Any, name: str) -> Callable[[Any, Any], AsyncIterator[Any]]:
        async def answer(request: Any, context: Any) -> AsyncIterator[Any]:
            responses = method(request, context)
            try:
                async for response in responses:
                    yield response
            finally:
                await responses.aclose()
                self._count(name, context)

        return answer

    def _count(self, name: str, context: Any) -> None:
        code = context.code() or 0
        self.ended[name, _CODES.get(code, "UNKNOWN") if isinstance(code, int) else code.name] += 1


class Metrics:
    """What a server tells about itself where its settings ask for it."""

    def __init__(self, manager: JobManager) -> None:
        self.calls = Calls()
        self._manager = manager

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Answer HTTP at the address of the settings. Raises InvalidRequest for an address that is none or where the
        library is missing, UnsafeAddress for one beyond this machine, AddressUnavailable."""
        host, port = _address(self._manager.settings.metrics)
        try:
            from .exposition import serve_metrics
        except ImportError as error:
            raise InvalidRequest("metrics need prometheus_client", remedy="pip install 'resilver[metrics]'") from error
        try:
            stop, bound = serve_metrics(self._manager, self.calls, asyncio.get_running_loop(), host, port)
        except OSError as error:
            where = self._manager.settings.metrics
            raise AddressUnavailable("cannot serve metrics there", where=where, remedy="choose a free port") from error
        log.info("metrics on %s:%d", host, bound)
        try:
            yield
        finally:
            await asyncio.to_thread(stop)


def metrics_of(manager: JobManager) -> Metrics | None:
    """None where the settings ask for none."""
    return Metrics(manager) if manager.settings.metrics else None


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise InvalidRequest("not an address for metrics", where=text, remedy="write 127.0.0.1:9464")
    if not is_local(text):
        remedy = "listen on 127.0.0.1, and let whoever collects them come through a tunnel or a proxy"
        raise UnsafeAddress("other machines could read the metrics", where=text, remedy=remedy)
    return host.removeprefix("[").removesuffix("]"), int(port)
