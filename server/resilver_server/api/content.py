"""``ContentService``: media of clients without a shared disk come in, results go out, by digest and resumable."""
# ruff: noqa: N802 (gRPC methods carry the names of the contract)

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from resilver.v1 import content_pb2 as messages
from resilver.v1.content_pb2_grpc import ContentServiceServicer
from resilver_client.errors import InvalidRequest, JobStateConflict
from resilver_client.references import is_digest
from resilver_server.domain.jobs import JobState
from resilver_server.scheduling.manager import JobManager
from resilver_server.storage.uploads import Incoming, Uploads

from .remote import Remote
from .results import Results

log = logging.getLogger(__name__)
Context = grpc.aio.ServicerContext[Any, Any]
MOST = 1000
"""Entries of one message."""
PIECE = 256 << 10
"""Bytes of a result in one message."""
_LARGEST_PIECE = 1 << 20


class Pace:
    """Lets so many bytes a second pass, all calls together."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._free = 0.0

    async def passed(self, count: int) -> None:
        """Wait as long as ``count`` bytes take."""
        if self._rate:
            self._free = max(self._free, time.monotonic()) + count / self._rate
            await asyncio.sleep(self._free - time.monotonic())


class ContentServicer(ContentServiceServicer):
    """Every method raises typed errors; an interceptor turns them into statuses. ``remote`` is None where the server
    shares its clients' disk: then there is nothing to move."""

    def __init__(self, manager: JobManager, remote: Remote | None) -> None:
        self._manager = manager
        self._remote = remote
        self._pace = Pace(manager.settings.content_rate)

    async def FindMissing(self, request: messages.FindMissingRequest, context: Context) -> messages.FindMissingResponse:
        uploads = self._uploads()
        _ensure_few(len(request.contents))
        asked = {content.digest: None for content in request.contents}
        for digest in asked:
            _ensure_digest(digest)

        def missing() -> list[messages.Missing]:
            absent = (digest for digest in asked if not uploads.holds(digest))
            return [messages.Missing(digest=digest, received=uploads.partial(digest)) for digest in absent]

        return messages.FindMissingResponse(missing=await asyncio.to_thread(missing))

    async def Upload(
        self, request_iterator: AsyncIterator[messages.UploadRequest], context: Context
    ) -> messages.UploadResponse:
        stream = _Stream(self._remote_one(), self._pace)
        try:
            async for message in request_iterator:
                await stream.take(message)
            stream.ensure_complete()
        finally:
            await stream.close()
            log.info("upload ended: %d files stored, %d bytes since the start", stream.stored, self._uploads().received)
        return messages.UploadResponse(stored=stream.stored, received=stream.received)

    async def ListResults(
        self, request: messages.ListResultsRequest, context: Context
    ) -> AsyncIterator[messages.ListResultsResponse]:
        results = await self._results(request.job_id)
        names = await asyncio.to_thread(results.names)
        for start in range(0, len(names), MOST):
            files = await asyncio.to_thread(results.files, names[start : start + MOST])
            yield messages.ListResultsResponse(files=files)

    async def Download(
        self, request: messages.DownloadRequest, context: Context
    ) -> AsyncIterator[messages.DownloadResponse]:
        results = await self._results(request.job_id)
        source = await asyncio.to_thread(results.open, request.name, request.offset)
        with source:
            while data := await asyncio.to_thread(source.read, PIECE):
                await self._pace.passed(len(data))
                yield messages.DownloadResponse(data=data)

    async def DeleteContent(
        self, request: messages.DeleteContentRequest, context: Context
    ) -> messages.DeleteContentResponse:
        remote = self._remote_one()
        _ensure_few(len(request.digests))
        for digest in request.digests:
            _ensure_digest(digest)
        needed = await remote.needed()
        kept = [digest for digest in request.digests if digest in needed]
        gone = set(request.digests) - set(kept)
        freed = [await asyncio.to_thread(remote.uploads.drop, digest) for digest in gone]
        return messages.DeleteContentResponse(freed=sum(freed), kept=kept)

    async def GetUsage(self, request: messages.GetUsageRequest, context: Context) -> messages.Usage:
        uploads = self._uploads()
        quota = uploads.quota
        return messages.Usage(used=uploads.used, limit=quota.total, file_limit=quota.file, received=uploads.received)

    def _remote_one(self) -> Remote:
        if self._remote is None:
            raise InvalidRequest(
                "this server shares its clients' disk", remedy="name files by their paths, or start it with --remote"
            )
        return self._remote

    def _uploads(self) -> Uploads:
        return self._remote_one().uploads

    async def _results(self, job: str) -> Results:
        remote = self._remote_one()
        record = await self._manager.get(job)
        if record.state is not JobState.SUCCEEDED:
            raise JobStateConflict(f"the job is {record.state}, it has no results", where=job)
        return remote.results(record.request_id)


class _Stream:
    """One call of Upload: files one after the other."""

    def __init__(self, remote: Remote, pace: Pace) -> None:
        self._remote, self._pace = remote, pace
        self._incoming: Incoming | None = None
        self.stored = self.received = 0

    async def take(self, message: messages.UploadRequest) -> None:
        if message.WhichOneof("kind") == "start":
            self.ensure_complete()
            self._incoming = await self._remote.begin(
                message.start.content.digest, message.start.content.bytes, message.start.offset
            )
        else:
            await self._write(message.data)
        if self._incoming is not None and self._incoming.complete:
            incoming, self._incoming = self._incoming, None
            await asyncio.to_thread(incoming.finish)
            self.stored += 1

    async def _write(self, data: bytes) -> None:
        if self._incoming is None or len(data) > _LARGEST_PIECE:
            what = "bytes without a file" if self._incoming is None else "a piece of more than 1 MiB"
            raise InvalidRequest(what, where="upload", remedy="send `start`, then the file's bytes in pieces")
        await asyncio.to_thread(self._incoming.write, data)
        self.received += len(data)
        await self._pace.passed(len(data))

    def ensure_complete(self) -> None:
        if self._incoming is not None:
            raise InvalidRequest("the file before is not complete", where=self._incoming.digest)

    async def close(self) -> None:
        if self._incoming is not None:
            await asyncio.to_thread(self._incoming.close)


def _ensure_few(count: int) -> None:
    if count > MOST:
        raise InvalidRequest(f"{count} files in one message", remedy=f"ask for at most {MOST}")


def _ensure_digest(digest: str) -> None:
    if not is_digest(digest):
        raise InvalidRequest("not a sha256 in lower-case hex", where=repr(digest)[:80])
