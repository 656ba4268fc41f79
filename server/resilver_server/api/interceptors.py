"""What happens around every call: the token is checked, errors become statuses, and calls are counted."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

import grpc
import grpc.aio

from resilver_client.errors import InternalError, LimitReached, ResilverError, Unauthenticated
from resilver_client.limits import CALLS
from resilver_client.status import DETAILS, VERSION, encode, shorten
from resilver_server import __version__

log = logging.getLogger(__name__)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
Context = grpc.aio.ServicerContext[Any, Any]
_HEALTH = "/grpc.health.v1.Health/Check"
_MESSAGE = 200
"""Bytes of the plain status message, for clients that do not read details."""


Item = TypeVar("Item")


@asynccontextmanager
async def closing(items: AsyncIterator[Item]) -> AsyncIterator[AsyncIterator[Item]]:
    """``items``, closed at the end of the block however it ends: a watcher that left shall not be kept by a generator
    that waits to be collected."""
    try:
        yield items
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


class Calls:
    """Counts the calls that are running, and tells ``touch`` whenever one begins or ends. Health checks are no calls:
    whatever watches over a server must not keep it."""

    def __init__(self, touch: Callable[[], None], most: int = CALLS) -> None:
        self._touch = touch
        self._most = most
        self.running = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises LimitReached where the client, which is whoever has the token, has as many calls as it may."""
        if self.running >= self._most:
            remedy = "end a watch, or wait until a call has ended"
            raise LimitReached(f"{self.running} calls are running, at most {self._most} are allowed", remedy=remedy)
        self.running += 1
        self._touch()
        try:
            yield
        finally:
            self.running -= 1
            self._touch()


class Guard(grpc.aio.ServerInterceptor):
    """Admits calls that show the token. The stock health check needs none: it says nothing but "serving". Watching
    health does: a call that lasts takes a place, and strangers could take all of them."""

    def __init__(self, token: str, calls: Calls) -> None:
        self._expected = f"Bearer {token}".encode()
        self._calls = calls

    async def intercept_service(self, continuation: Continuation, details: grpc.HandlerCallDetails) -> Handler | None:
        handler = await continuation(details)
        if handler is None or details.method == _HEALTH:
            return handler
        shown = dict(details.invocation_metadata or ()).get("authorization", "")
        if not hmac.compare_digest(_bytes(shown), self._expected):
            return _refusing(_refused(_bytes(shown)))
        return _around(handler, self._calls)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _refusing(refusal: Unauthenticated) -> Handler:
    """Answers any call with ``refusal``, without reading what a stranger sends with it."""

    async def answer(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        await refuse(context, refusal)
        yield b""

    return grpc.stream_stream_rpc_method_handler(answer)


def _around(handler: Handler, calls: Calls) -> Handler:
    """The same handler with its calls counted and its errors understood."""
    if handler.response_streaming:
        stream = handler.stream_stream if handler.request_streaming else handler.unary_stream
        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        return make(_streaming(stream, calls), handler.request_deserializer, handler.response_serializer)
    single = handler.stream_unary if handler.request_streaming else handler.unary_unary
    make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
    return make(_single(single, calls), handler.request_deserializer, handler.response_serializer)


def _single(method: Any, calls: Calls) -> Callable[[Any, Context], Awaitable[Any]]:
    async def answer(request: Any, context: Context) -> Any:
        try:
            with calls.one():
                context.set_trailing_metadata(((VERSION, __version__),))
                return await method(request, context)
        except Exception as error:
            await _report(context, error)

    return answer


def _streaming(method: Any, calls: Calls) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def answer(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            with calls.one():
                async with closing(method(request, context)) as responses:
                    async for response in responses:
                        yield response
        except Exception as error:
            await _report(context, error)

    return answer


def _refused(shown: bytes) -> Unauthenticated:
    if not shown.startswith(b"Bearer "):
        return Unauthenticated("no token was shown", remedy="send the metadata `authorization: Bearer TOKEN`")
    return Unauthenticated(
        "the server does not accept the token",
        remedy="give it the one in the file `token` of its home folder; where that was changed, restart the server",
    )


async def _report(context: Context, error: Exception) -> None:
    """Abort with what ``error`` says. This is the process's edge: what was not expected is logged whole, and leaves
    as InternalError with nothing but the entry's id."""
    if isinstance(error, grpc.aio.AbortError | grpc.RpcError):
        raise error
    if not isinstance(error, ResilverError):
        entry = secrets.token_hex(4)
        log.error("fault %s", entry, exc_info=error)
        error = InternalError("a fault of the server", where=f"log entry {entry}", remedy="see the server's log")
    await refuse(context, error)


async def refuse(context: Context, error: ResilverError) -> None:
    """End the call with ``error``. Does not return."""
    code = grpc.StatusCode[error.code]
    await context.abort(code, shorten(error.what, _MESSAGE), ((DETAILS, encode(error)),))
