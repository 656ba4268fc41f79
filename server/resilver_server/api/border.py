"""Around every call of a server without a shared disk: what comes in is made local, what goes out shows no path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from resilver.v1 import jobs_pb2
from resilver_client.errors import ResilverError

from .interceptors import Context, Continuation, Handler, closing
from .remote import Remote


class Border(grpc.aio.ServerInterceptor):
    """Stands behind the guard: only calls that were admitted come here."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def intercept_service(self, continuation: Continuation, details: grpc.HandlerCallDetails) -> Handler | None:
        handler = await continuation(details)
        if handler is None:
            return None
        parts = (handler.request_deserializer, handler.response_serializer)
        if handler.response_streaming and not handler.request_streaming:
            return grpc.unary_stream_rpc_method_handler(self._many(handler.unary_stream), *parts)
        if handler.response_streaming:
            return handler  # the stock services that stream both ways know nothing of files
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._one(handler.stream_unary), *parts)
        return grpc.unary_unary_rpc_method_handler(self._one(handler.unary_unary), *parts)

    def _one(self, method: Any) -> Callable[[Any, Context], Awaitable[Any]]:
        async def answer(request: Any, context: Context) -> Any:
            try:
                response = await method(await self._inwards(request), context)
            except ResilverError as error:
                raise self._remote.veil.error(error) from error
            if isinstance(request, jobs_pb2.DeleteJobRequest):
                await self._remote.sweep()
            self._remote.veil.message(response)
            return response

        return answer

    def _many(self, method: Any) -> Callable[[Any, Context], AsyncIterator[Any]]:
        async def answer(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                async with closing(method(request, context)) as responses:
                    async for response in responses:
                        self._remote.veil.message(response)
                        yield response
            except ResilverError as error:
                raise self._remote.veil.error(error) from error

        return answer

    async def _inwards(self, request: Any) -> Any:
        if not isinstance(request, jobs_pb2.SubmitJobRequest):
            return request
        job = await self._remote.localise(request.job)
        return jobs_pb2.SubmitJobRequest(job=job, validate_only=request.validate_only)
