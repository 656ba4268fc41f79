"""The domain's types into messages. The command line uses the same functions to write its requests."""

from __future__ import annotations

from resilver.v1 import jobs_pb2, types_pb2
from resilver_client.values import rational, settings, timestamp
from resilver_otio.types import Layout, Refusal, Selection
from resilver_server.domain.failures import Failure
from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import ModelUse, StagePlan
from resilver_server.planning.tasks import ChangeMap
from resilver_server.scheduling.records import (
    ChunkPage,
    ChunkRecord,
    Event,
    JobPlan,
    JobRecord,
    JobResult,
    Page,
    Shortage,
    ShotOutline,
    ShotPhase,
    ShotProgress,
    ShotRecord,
)
from resilver_server.scheduling.requests import JobRequest


def write_span(value: Span) -> types_pb2.Span:
    return types_pb2.Span(start=value.start, stop=value.stop)


def write_format(value: FrameFormat) -> types_pb2.FrameFormat:
    return types_pb2.FrameFormat(width=value.width, height=value.height, pixel_aspect=rational(value.pixel_aspect))


def write_request(request: JobRequest) -> jobs_pb2.JobRequest:
    return jobs_pb2.JobRequest(
        request_id=request.request_id,
        title=request.title,
        timeline=request.timeline,
        recipe=write_recipe(request.recipe),
        output_folder=request.output_folder,
        name=request.name,
        selection=_write_selection(request.selection),
        layout=write_layout(request.layout),
        at_delivery_rate=request.at_delivery_rate,
        skip_refused=request.skip_refused,
        preview_frames=request.preview_frames,
    )


def write_recipe(recipe: Recipe) -> types_pb2.Recipe:
    return types_pb2.Recipe(
        stages=[write_settings(stage) for stage in recipe.stages], delivery=_write_delivery(recipe.delivery)
    )


def write_settings(value: StageSettings) -> types_pb2.StageSettings:
    return settings(
        value.stage,
        value.parameters,
        value.strength,
        value.matte,
        keep_matte=value.keep_matte,
        keep_frames=[(span.start, span.stop) for span in value.keep_frames],
        defect_map=value.defect_map,
        key_frames=value.key_frames,
    )


def _write_delivery(delivery: Delivery) -> types_pb2.Delivery:
    return types_pb2.Delivery(
        profile=delivery.profile,
        audio=delivery.audio,
        keep_audio=delivery.keep_audio,
        tail_frames=delivery.tail_frames,
        change_maps=delivery.change_maps,
    )


def _write_selection(selection: Selection) -> jobs_pb2.Selection:
    message = jobs_pb2.Selection(
        names=selection.names,
        indices=selection.indices,
        tracks=selection.tracks,
        markers=selection.markers,
        colours=selection.colours,
    )
    if selection.range is not None:
        start, stop = selection.range
        message.range.CopyFrom(types_pb2.TimeRange(start=rational(start), stop=rational(stop)))
    return message


def write_layout(layout: Layout) -> jobs_pb2.Layout.ValueType:
    return jobs_pb2.Layout.Value(f"LAYOUT_{layout.name}")


def write_state(state: JobState) -> jobs_pb2.JobState.ValueType:
    return jobs_pb2.JobState.Value(f"JOB_STATE_{state.name}")


def _write_phase(phase: ShotPhase) -> jobs_pb2.ShotPhase.ValueType:
    return jobs_pb2.ShotPhase.Value(f"SHOT_PHASE_{phase.name}")


def _write_failure(failure: Failure | None) -> types_pb2.Error | None:
    if failure is None:
        return None
    return types_pb2.Error(reason=failure.reason, what=failure.what, where=failure.where, remedy=failure.remedy)


def _write_refusal(refusal: Refusal) -> jobs_pb2.Refusal:
    return jobs_pb2.Refusal(clip=refusal.clip, reason=refusal.reason, message=refusal.message, clip_id=refusal.clip_id)


def write_job(record: JobRecord) -> jobs_pb2.Job:
    return jobs_pb2.Job(
        id=record.id,
        request_id=record.request_id,
        title=record.title,
        state=write_state(record.state),
        create_time=timestamp(record.created),
        start_time=None if record.started is None else timestamp(record.started),
        end_time=None if record.ended is None else timestamp(record.ended),
        sequence=record.sequence,
        shots=[_write_shot(shot) for shot in record.shots],
        refusals=[_write_refusal(refusal) for refusal in record.refusals],
        error=_write_failure(record.failure),
        priority=record.priority,
        queue_position=record.position,
        waiting_for=_write_shortage(record.waiting_for),
    )


def _write_shortage(shortage: Shortage | None) -> jobs_pb2.Shortage | None:
    if shortage is None:
        return None
    return jobs_pb2.Shortage(folder=shortage.folder, free_bytes=shortage.free, needed_bytes=shortage.needed)


def _write_shot(shot: ShotRecord) -> jobs_pb2.Shot:
    return jobs_pb2.Shot(
        number=shot.number,
        clip_id=shot.clip_id,
        name=shot.name,
        phase=_write_phase(shot.phase),
        output=shot.output,
        frames=shot.frames,
        chunks=shot.chunks,
        chunks_done=shot.chunks_done,
        warnings=shot.warnings,
        findings=shot.findings,
        digest=shot.digest,
        pictures=shot.pictures,
        media=shot.media,
        output_rate=rational(shot.output_rate),
        head=rational(shot.head),
        output_format=write_format(shot.output_format),
        change_maps=[_write_change(change) for change in shot.change_maps],
        rendered=[write_span(span) for span in shot.rendered],
        chunks_stored=shot.chunks_stored,
        changes=shot.changes,
    )


def _write_change(change: ChangeMap) -> jobs_pb2.ChangeMap:
    return jobs_pb2.ChangeMap(path=change.path, stage=change.stage, output_frame=change.output_frame)


def write_page(page: Page) -> jobs_pb2.ListJobsResponse:
    return jobs_pb2.ListJobsResponse(jobs=[write_job(job) for job in page.jobs], next_page_token=page.next_token)


def write_result(result: JobResult) -> jobs_pb2.JobResult:
    return jobs_pb2.JobResult(
        timeline=result.timeline, report=result.report, outputs=result.outputs, pictures=result.pictures
    )


def write_event(event: Event) -> jobs_pb2.JobEvent:
    return jobs_pb2.JobEvent(
        job_id=event.job,
        sequence=event.sequence,
        time=timestamp(event.time),
        kind=jobs_pb2.EventKind.Value(f"EVENT_KIND_{event.kind.name}"),
        state=write_state(event.state),
        shot=event.shot,
        chunk=event.chunk,
        message=event.message,
        error=_write_failure(event.failure),
        progress=[_write_progress(progress) for progress in event.progress],
    )


def _write_progress(progress: ShotProgress) -> jobs_pb2.ShotProgress:
    return jobs_pb2.ShotProgress(
        shot=progress.shot,
        name=progress.name,
        phase=_write_phase(progress.phase),
        stage=progress.stage,
        done=progress.done,
        total=progress.total,
        frames_per_second=progress.frames_per_second,
        seconds_left=progress.seconds_left,
    )


def write_chunks(page: ChunkPage) -> jobs_pb2.ListChunksResponse:
    chunks = [_write_chunk(chunk) for chunk in page.chunks]
    return jobs_pb2.ListChunksResponse(chunks=chunks, next_page_token=page.next_token)


def _write_chunk(chunk: ChunkRecord) -> jobs_pb2.Chunk:
    return jobs_pb2.Chunk(
        shot=chunk.shot,
        kind=jobs_pb2.ChunkKind.Value(f"CHUNK_KIND_{chunk.kind.upper()}"),
        number=chunk.number,
        frames=write_span(chunk.frames),
        state=jobs_pb2.ChunkState.Value(f"CHUNK_STATE_{chunk.place.name}"),
        attempts=chunk.attempts,
        worker=chunk.worker,
        done=chunk.done,
        stored_bytes=chunk.stored_bytes,
        file=chunk.file,
    )


def write_plan(plan: JobPlan) -> jobs_pb2.Plan:
    return jobs_pb2.Plan(
        shots=[_write_outline(shot) for shot in plan.shots],
        refusals=[_write_refusal(refusal) for refusal in plan.refusals],
        warnings=plan.warnings,
        memory=plan.memory,
        free_bytes=plan.free_bytes,
        needed_bytes=plan.needed_bytes,
    )


def _write_outline(outline: ShotOutline) -> jobs_pb2.ShotPlan:
    plan = outline.plan
    chunks = [jobs_pb2.ChunkOutline(outputs=write_span(chunk.outputs), stored=chunk.stored) for chunk in outline.chunks]
    return jobs_pb2.ShotPlan(
        name=plan.shot.name,
        clip_id=outline.clip_id,
        media=_write_media(plan.media),
        play_rate=rational(plan.shot.rate),
        start=rational(plan.shot.start),
        duration=rational(plan.shot.duration),
        speed=rational(plan.shot.speed),
        source=write_span(plan.source),
        stages=[_write_stage_plan(stage) for stage in plan.stages],
        analysed=plan.analysed,
        output_format=write_format(plan.output_format),
        output_rate=rational(plan.output_rate),
        output_frames=plan.total_frames,
        profile=plan.delivery.profile,
        output=outline.output,
        chunk_frames=plan.chunk_frames,
        chunks=chunks,
        keys_known=outline.keys_known,
        frames_to_measure=outline.to_measure,
        memory=plan.memory,
        device=plan.numerics.device,
        dtype=plan.numerics.dtype,
        warnings=plan.warnings,
        output_bytes=outline.output_bytes,
    )


def _write_stage_plan(stage: StagePlan) -> jobs_pb2.StagePlan:
    return jobs_pb2.StagePlan(
        settings=write_settings(stage.settings),
        version=stage.version,
        input=write_format(stage.input),
        output=write_format(stage.output),
        radius=stage.radius,
        models=[_write_model(model) for model in stage.models],
    )


def _write_model(model: ModelUse) -> jobs_pb2.ModelUse:
    return jobs_pb2.ModelUse(id=model.id, digest=model.digest, licence=model.licence)


def _write_media(media: MediaInfo) -> jobs_pb2.Media:
    return jobs_pb2.Media(
        path=media.path,
        kind=media.kind.value,
        format=write_format(media.format),
        rate=rational(media.rate),
        frame_count=media.frame_count,
        codec=media.codec,
        pixel_format=media.pixel_format,
        bit_depth=media.bit_depth,
        colour=_write_colour(media.colour),
        has_audio=bool(media.audio),
    )


def _write_colour(tags: ColourTags) -> types_pb2.ColourTags:
    return types_pb2.ColourTags(
        primaries=tags.primaries, transfer=tags.transfer, matrix=tags.matrix, full_range=tags.full_range
    )
