"""The last step of a shot: segments become the result, with sound and timecode carried by time."""

from __future__ import annotations

from pathlib import Path

from resilver_client.errors import InvalidRequest
from resilver_server.media.audio import AudioPlan
from resilver_server.media.join import join
from resilver_server.media.profiles import CHANGES, CHANGES_COLOUR, profile
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import JoinResult, JoinTask
from resilver_server.planning.timecode import timecode_at


def join_segments(task: JoinTask) -> JoinResult:
    """Raises OutputExists, OutputUnwritable, DiskFull, FrameCountMismatch, and the errors of the sound's file."""
    plan = task.plan
    chosen = profile(plan.delivery.profile, plan.media)
    if not task.segments:
        raise InvalidRequest("there are no segments to join", where=task.output)
    joined = join(
        task.segments,
        task.output,
        chosen,
        plan.output_format,
        plan.output_rate,
        plan.output_colour,
        plan.total_frames,
        None if chosen.is_sequence else audio_plan(plan),
        start_timecode(plan),
        task.comment,
        task.sidecar,
    )
    changes = _join_changes(task) if task.changes else ""
    return JoinResult(joined.path, joined.frames, joined.duration, joined.digest, changes)


def _join_changes(task: JoinTask) -> str:
    """The movie of change maps: as many frames as the result, at its rate, without sound."""
    plan = task.plan
    return join(
        task.changes,
        task.changes_output,
        CHANGES,
        plan.output_format,
        plan.output_rate,
        CHANGES_COLOUR,
        plan.total_frames,
        None,
        start_timecode(plan),
        "what Resilver changed: black is untouched",
        None,
    ).path


def audio_plan(plan: ShotPlan) -> AudioPlan | None:
    """The passage of sound under the result. The source's own only where the picture runs at its own speed."""
    length = plan.total_frames / plan.output_rate
    offset = plan.shot.output_offset
    if plan.delivery.audio is not None:
        return AudioPlan(str(Path(plan.delivery.audio)), offset, length)
    own_speed = plan.shot.speed == 1 and plan.shot.rate == plan.media.rate
    if not plan.delivery.keep_audio or not plan.media.audio or not own_speed:
        return None
    return AudioPlan(plan.media.path, plan.shot.start + offset, length)


def start_timecode(plan: ShotPlan) -> str | None:
    """Timecode of the first output frame at the output's rate: the source's, carried by time."""
    if plan.media.start_timecode is None:
        return None
    seconds = plan.shot.start + plan.shot.speed * plan.shot.output_offset
    return timecode_at(plan.media.start_timecode, plan.shot.rate, seconds, plan.output_rate)
