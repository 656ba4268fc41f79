"""``JobService`` over the job manager: messages in, messages out, nothing decided here."""
# ruff: noqa: N802 (gRPC methods carry the names of the contract)

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from resilver.v1 import jobs_pb2 as messages
from resilver.v1.jobs_pb2_grpc import JobServiceServicer
from resilver_client import limits
from resilver_client.errors import InvalidRequest
from resilver_server.scheduling.manager import JobManager

from .interceptors import closing
from .reading import read_id, read_request, read_states
from .writing import write_chunks, write_event, write_job, write_page, write_plan, write_result

Context = grpc.aio.ServicerContext[Any, Any]
_PAGE = 50
_CHUNKS = 500


class JobServicer(JobServiceServicer):
    """Every method raises typed errors; an interceptor turns them into statuses."""

    def __init__(self, manager: JobManager) -> None:
        self._manager = manager

    async def SubmitJob(self, request: messages.SubmitJobRequest, context: Context) -> messages.SubmitJobResponse:
        wanted = read_request(request.job, request.validate_only)
        if request.validate_only:
            return messages.SubmitJobResponse(plan=write_plan(await self._manager.plan(wanted)))
        return messages.SubmitJobResponse(job=write_job(await self._manager.submit(wanted, request.priority)))

    async def GetJob(self, request: messages.GetJobRequest, context: Context) -> messages.Job:
        return write_job(await self._manager.get(read_id(request.job_id, "job_id")))

    async def GetJobResult(self, request: messages.GetJobResultRequest, context: Context) -> messages.JobResult:
        return write_result(await self._manager.result(read_id(request.job_id, "job_id")))

    async def ListJobs(self, request: messages.ListJobsRequest, context: Context) -> messages.ListJobsResponse:
        if request.page_size < 0:
            raise InvalidRequest("cannot be negative", where="page_size")
        size = min(request.page_size or _PAGE, limits.PAGE)
        return write_page(
            await self._manager.list(size, read_id(request.page_token, "page_token"), read_states(request.states))
        )

    async def WatchJob(self, request: messages.WatchJobRequest, context: Context) -> AsyncIterator[messages.JobEvent]:
        if request.after_sequence < 0:
            raise InvalidRequest("cannot be negative", where="after_sequence")
        await self._manager.get(read_id(request.job_id, "job_id"))
        await context.send_initial_metadata(())
        async with closing(self._manager.watch(read_id(request.job_id, "job_id"), request.after_sequence)) as events:
            async for event in events:
                yield write_event(event)

    async def CancelJob(self, request: messages.CancelJobRequest, context: Context) -> messages.Job:
        return write_job(await self._manager.cancel(read_id(request.job_id, "job_id")))

    async def PauseJob(self, request: messages.PauseJobRequest, context: Context) -> messages.Job:
        return write_job(await self._manager.pause(read_id(request.job_id, "job_id"), request.now))

    async def ResumeJob(self, request: messages.ResumeJobRequest, context: Context) -> messages.Job:
        return write_job(await self._manager.resume(read_id(request.job_id, "job_id")))

    async def RetryJob(self, request: messages.RetryJobRequest, context: Context) -> messages.Job:
        return write_job(await self._manager.retry(read_id(request.job_id, "job_id")))

    async def SetJobPriority(self, request: messages.SetJobPriorityRequest, context: Context) -> messages.Job:
        return write_job(await self._manager.set_priority(read_id(request.job_id, "job_id"), request.priority))

    async def ListChunks(self, request: messages.ListChunksRequest, context: Context) -> messages.ListChunksResponse:
        if request.page_size < 0:
            raise InvalidRequest("cannot be negative", where="page_size")
        job, token = read_id(request.job_id, "job_id"), read_id(request.page_token, "page_token")
        shot = request.shot if request.HasField("shot") else None
        return write_chunks(await self._manager.chunks(job, request.page_size or _CHUNKS, token, shot))

    async def DeleteJob(self, request: messages.DeleteJobRequest, context: Context) -> messages.DeleteJobResponse:
        await self._manager.delete(read_id(request.job_id, "job_id"))
        return messages.DeleteJobResponse()
