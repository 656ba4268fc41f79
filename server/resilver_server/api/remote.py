"""A server whose clients share no disk with it: what they name by digest becomes files, and what is not needed goes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from resilver.v1 import jobs_pb2
from resilver_client.errors import PathNotAllowed
from resilver_client.references import CONTENT, FILE, FOLDER, in_json, parse, result_key
from resilver_server.config import ServerSettings
from resilver_server.scheduling.manager import JobManager
from resilver_server.stages.spec import FIELDS
from resilver_server.storage.files import remove
from resilver_server.storage.uploads import Incoming, Quota, Uploads
from resilver_server.storage.views import contents, materialise

from .results import Digests, Results
from .veil import Veil

log = logging.getLogger(__name__)

SWEEP = 3600.0
"""Seconds between two looks at what nobody needs any more."""
_NAMED = re.compile(rf"/remote/({CONTENT}|{FOLDER})/([0-9a-f]{{64}})")
"""An upload's path in a stored request, however the rest of it is spelled there."""
_PLAN = "plan"
"""Key of results that are only planned."""
_SEND = "use `resilver restore --server`, which sends it: this server shares no disk with its clients"


class Remote:
    """Uploads, results and the words in which both are spoken of."""

    def __init__(self, manager: JobManager) -> None:
        settings: ServerSettings = manager.settings
        self._manager = manager
        self._root = settings.remote_path
        self._results = self._root / "results"
        self._digests: Digests = {}
        self.uploads = Uploads(
            self._root, Quota(settings.upload_bytes, settings.upload_file_bytes, settings.upload_days)
        )
        self.veil = Veil(settings)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Ready inside the block; what nobody needs goes now and then."""
        await asyncio.to_thread(self.uploads.prepare)
        await asyncio.to_thread(self._results.mkdir, exist_ok=True, mode=0o700)
        sweeping = asyncio.create_task(self._sweep_often(), name="uploads")
        try:
            yield
        finally:
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping

    async def begin(self, digest: str, size: int, offset: int) -> Incoming:
        """An upload, once there is room for it. Raises what ``Uploads.begin`` does."""
        if not self.uploads.fits(size - offset):
            await asyncio.to_thread(self.uploads.make_room, size - offset, await self.needed())
        return await asyncio.to_thread(self.uploads.begin, digest, size, offset)

    def results(self, request_id: str) -> Results:
        return Results(self._results / result_key(request_id), self.veil.text, self._digests)

    async def needed(self) -> set[str]:
        """Digests of what unfinished jobs name."""
        texts = [request.text for request in await self._manager.requests() if request.text]
        named = {found for text in texts for found in _NAMED.findall(text)}
        return await asyncio.to_thread(contents, self.uploads, named)

    async def sweep(self) -> None:
        """Remove uploads that are no longer used, and results whose job is forgotten or ended long ago."""
        requests = await self._manager.requests()
        kept = {result_key(request.id) for request in requests}
        fresh = {result_key(request.id) for request in requests if request.text}
        try:
            await asyncio.to_thread(self.uploads.sweep, await self.needed(), time.time())
            await asyncio.to_thread(self._sweep_results, kept, fresh)
        except OSError as error:
            log.warning("uploads could not be looked through: %s", error.strerror)

    async def localise(self, job: jobs_pb2.JobRequest) -> jobs_pb2.JobRequest:
        """The request with paths of this server in place of what was uploaded.

        Raises PathNotAllowed for a path, ContentMissing for what is not there.
        """
        if job.output_folder:
            raise PathNotAllowed("the path of a folder elsewhere", where=job.output_folder, remedy=_SEND)
        if str(self._root) in job.timeline:
            raise PathNotAllowed("a path of the server's own", where="timeline", remedy=_SEND)
        return await asyncio.to_thread(self._localised, job)

    def _localised(self, job: jobs_pb2.JobRequest) -> jobs_pb2.JobRequest:
        local = jobs_pb2.JobRequest()
        local.CopyFrom(job)
        local.timeline = in_json(job.timeline, self._place)
        local.output_folder = str(self._results / (result_key(job.request_id) if job.request_id else _PLAN))
        for stage in local.recipe.stages:
            for field in FIELDS.values():
                if named := getattr(stage, field):
                    setattr(stage, field, self._only(named))
        if local.recipe.delivery.audio:
            local.recipe.delivery.audio = self._only(local.recipe.delivery.audio)
        return local

    def _place(self, text: str) -> str:
        """The path, or ``file:`` URL, that a reference stands for; any other text as it is."""
        reference = parse(text)
        if reference is None:
            return text
        path = str(materialise(self.uploads, reference))
        return (FILE + quote(path) if reference.url else path) + ("/" if reference.slash else "")

    def _only(self, text: str) -> str:
        placed = self._place(text)
        if text and placed == text:
            raise PathNotAllowed("the path of a file elsewhere", where=text, remedy=_SEND)
        return placed

    async def _sweep_often(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP)

    def _sweep_results(self, kept: set[str], fresh: set[str]) -> None:
        latest = time.time() - self.uploads.quota.days * 86400
        for folder in self._results.iterdir():
            old = folder.name not in fresh and folder.stat().st_mtime < latest
            if folder.name not in kept or old:
                remove(folder)


def remote_of(manager: JobManager) -> Remote | None:
    """None where clients share the server's disk."""
    return Remote(manager) if manager.settings.remote else None
