"""``StoreService``: what the content store holds, and room made in it."""
# ruff: noqa: N802 (gRPC methods carry the names of the contract)

from __future__ import annotations

from typing import Any

import grpc.aio

from resilver.v1 import store_pb2 as messages
from resilver.v1.store_pb2_grpc import StoreServiceServicer
from resilver_client.errors import InvalidRequest
from resilver_server.scheduling.collecting import StoreRecord
from resilver_server.scheduling.manager import JobManager

Context = grpc.aio.ServicerContext[Any, Any]


class StoreServicer(StoreServiceServicer):
    """Every method raises typed errors; an interceptor turns them into statuses."""

    def __init__(self, manager: JobManager) -> None:
        self._manager = manager

    async def GetStore(self, request: messages.GetStoreRequest, context: Context) -> messages.Store:
        return _write_store(await self._manager.store())

    async def CollectGarbage(
        self, request: messages.CollectGarbageRequest, context: Context
    ) -> messages.CollectGarbageResponse:
        if request.keep_bytes < 0:
            raise InvalidRequest("less than nothing cannot be kept", where="keep_bytes")
        freed = await self._manager.collect(request.keep_bytes)
        left = _write_store(await self._manager.store())
        return messages.CollectGarbageResponse(items=freed.items, bytes=freed.bytes, store=left)


def _write_store(store: StoreRecord) -> messages.Store:
    kinds = [
        messages.StoreKind(kind=kind.kind, items=kind.items, bytes=kind.bytes, needed_bytes=kind.needed_bytes)
        for kind in store.kinds
    ]
    return messages.Store(kinds=kinds, quota_bytes=store.quota)
