"""Messages into the domain's types. What a message leaves out takes the domain's default; what it says wrongly is
InvalidRequest naming the field, and what it says too much of is LimitReached."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized
from fractions import Fraction

from resilver.v1 import jobs_pb2, types_pb2
from resilver_client import limits
from resilver_client.errors import InvalidRequest, LimitReached
from resilver_client.values import fraction, plain
from resilver_otio.types import Layout, Selection
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import Delivery, Recipe, Scalar, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.scheduling.requests import JobRequest

_PICTURES = ("matte", "keep_matte", "defect_map", "key_frames")


def read_request(message: jobs_pb2.JobRequest, validate_only: bool = False) -> JobRequest:
    """The request in a message. Raises InvalidRequest, LimitReached."""
    if len(message.request_id) > limits.REQUEST_ID or not (message.request_id or validate_only):
        raise InvalidRequest(
            f"a request id has 1 to {limits.REQUEST_ID} characters", where="job.request_id", remedy="send a fresh UUID"
        )
    bounded(message.title, limits.TITLE, "characters", "job.title")
    bounded(message.name, limits.NAME, "characters", "job.name")
    bounded(message.output_folder, limits.PATH, "characters", "job.output_folder")
    return JobRequest(
        request_id=message.request_id,
        title=message.title,
        timeline=message.timeline,
        recipe=read_recipe(message.recipe),
        output_folder=message.output_folder,
        name=message.name,
        selection=read_selection(message.selection),
        layout=read_layout(message.layout),
        at_delivery_rate=message.at_delivery_rate,
        skip_refused=message.skip_refused,
        preview_frames=counted(message.preview_frames, limits.PREVIEW_FRAMES, "job.preview_frames"),
    )


def bounded(items: Sized, limit: int, unit: str, where: str) -> None:
    """Raises LimitReached, naming ``where``, for more than ``limit`` of them."""
    if len(items) > limit:
        raise LimitReached(f"{len(items)} {unit}, at most {limit} are allowed", where=where, remedy="send less at once")


def counted(number: int, limit: int, where: str) -> int:
    """``number`` itself. Raises InvalidRequest where it is negative, LimitReached beyond ``limit``."""
    if number < 0:
        raise InvalidRequest("cannot be negative", where=where)
    if number > limit:
        raise LimitReached(f"{number} is more than {limit}", where=where, remedy="ask for less")
    return number


def read_id(text: str, where: str) -> str:
    """The id of a job or a page, itself. Raises LimitReached where no id is so long."""
    bounded(text, limits.REQUEST_ID, "characters", where)
    return text


def read_recipe(message: types_pb2.Recipe) -> Recipe:
    """Raises InvalidRequest for a parameter without a value or a negative count, LimitReached."""
    bounded(message.stages, limits.STAGES, "stages", "recipe.stages")
    return Recipe(tuple(_read_stage(stage) for stage in message.stages), _read_delivery(message.delivery))


def _read_stage(message: types_pb2.StageSettings) -> StageSettings:
    bounded(message.stage, limits.NAME, "characters", "recipe.stages.stage")
    where = f"stage {message.stage}"
    bounded(message.parameters, limits.PARAMETERS, "parameters", where)
    bounded(message.keep_frames, limits.KEPT_SPANS, "spans", f"{where}, keep_frames")
    for name in _PICTURES:
        bounded(getattr(message, name), limits.PATH, "characters", f"{where}, {name}")
    return StageSettings(
        stage=message.stage,
        parameters={name: _read_value(name, value, where) for name, value in message.parameters.items()},
        strength=_finite(message.strength, f"{where}, strength") if message.HasField("strength") else 1.0,
        matte=message.matte if message.HasField("matte") else None,
        keep_matte=message.keep_matte if message.HasField("keep_matte") else None,
        keep_frames=tuple(_read_span(span, f"{where}, keep_frames") for span in message.keep_frames),
        defect_map=message.defect_map if message.HasField("defect_map") else None,
        key_frames=message.key_frames if message.HasField("key_frames") else None,
    )


def _read_value(name: str, message: types_pb2.Scalar, where: str) -> Scalar:
    """A parameter. No stage takes a number that is none, and no digest can be made of it."""
    bounded(name, limits.NAME, "characters", f"{where}, name of a parameter")
    value = plain(message, f"{where}, {name}")
    if isinstance(value, str):
        bounded(value, limits.TEXT, "characters", f"{where}, {name}")
    return _finite(value, f"{where}, {name}") if isinstance(value, float) else value


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InvalidRequest(f"{value} is no number", where=where)
    return value


def _read_span(message: types_pb2.Span, where: str) -> Span:
    if not 0 <= message.start < message.stop:
        raise InvalidRequest(f"frames {message.start} to {message.stop} are none", where=where)
    return Span(message.start, message.stop)


def _read_delivery(message: types_pb2.Delivery) -> Delivery:
    default = Delivery()
    bounded(message.profile, limits.NAME, "characters", "recipe.delivery.profile")
    bounded(message.audio, limits.PATH, "characters", "recipe.delivery.audio")
    return Delivery(
        profile=message.profile or default.profile,
        audio=message.audio if message.HasField("audio") else None,
        keep_audio=message.keep_audio if message.HasField("keep_audio") else default.keep_audio,
        tail_frames=counted(message.tail_frames, limits.TAIL_FRAMES, "recipe.delivery.tail_frames"),
        change_maps=message.change_maps,
    )


def read_selection(message: jobs_pb2.Selection) -> Selection:
    """Raises InvalidRequest for a range that is none, LimitReached."""
    for field in ("names", "indices", "tracks", "markers", "colours"):
        bounded(getattr(message, field), limits.SELECTED, "entries", f"selection.{field}")
    return Selection(
        names=tuple(message.names),
        indices=tuple(message.indices),
        tracks=tuple(message.tracks),
        markers=tuple(message.markers),
        colours=tuple(message.colours),
        range=_read_range(message.range) if message.HasField("range") else None,
    )


def _read_range(message: types_pb2.TimeRange) -> tuple[Fraction, Fraction]:
    start = fraction(message.start, "selection.range.start")
    stop = fraction(message.stop, "selection.range.stop")
    if stop <= start:
        raise InvalidRequest("the range ends before it starts", where="selection.range")
    return start, stop


def read_layout(value: jobs_pb2.Layout.ValueType) -> Layout:
    """Unspecified is the default. Raises InvalidRequest for a number that is no layout."""
    if value == jobs_pb2.LAYOUT_UNSPECIFIED:
        return Layout.OVERLAY
    return Layout(_word(jobs_pb2.Layout, value, "LAYOUT_", "layout"))


def read_states(values: Sequence[jobs_pb2.JobState.ValueType]) -> tuple[JobState, ...]:
    """Raises InvalidRequest for a number that is no state, LimitReached."""
    bounded(values, limits.STATES, "states", "states")
    return tuple(JobState(_word(jobs_pb2.JobState, value, "JOB_STATE_", "states")) for value in values)


def _word(kind: object, value: int, prefix: str, where: str) -> str:
    """The domain's word for an enum value: ``JOB_STATE_QUEUED`` is "queued"."""
    names: dict[int, str] = {number: name for name, number in kind.items()}  # type: ignore[attr-defined]
    if value == 0 or value not in names:
        raise InvalidRequest(f"{value} is none that this server knows", where=where)
    return names[value].removeprefix(prefix).lower()
