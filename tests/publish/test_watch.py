"""Events of a job as one number that never falls, a time that is left, and a sentence."""

from __future__ import annotations

from resilver.v1 import jobs_pb2, types_pb2
from resilver_publish.types import HostClip
from resilver_publish.watch import Meter, Throttle, state_name

ANALYSING, RENDERING, JOINING, DONE = (
    jobs_pb2.SHOT_PHASE_ANALYSING,
    jobs_pb2.SHOT_PHASE_RENDERING,
    jobs_pb2.SHOT_PHASE_JOINING,
    jobs_pb2.SHOT_PHASE_DONE,
)
CLIPS = {"0/0": HostClip("a", "reel 1", 1, 0, 100), "0/1": HostClip("b", "reel 2", 1, 100, 400)}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def job(state: str = "QUEUED") -> jobs_pb2.Job:
    """A clip of 100 frames and one of 300."""
    shots = [
        jobs_pb2.Shot(number=number, clip_id=place, name="as sent", phase=ANALYSING, frames=frames)
        for number, (place, frames) in enumerate((("0/0", 100), ("0/1", 300)))
    ]
    return jobs_pb2.Job(id="j", state=jobs_pb2.JobState.Value(f"JOB_STATE_{state}"), shots=shots)


def running(*shots: jobs_pb2.ShotProgress, state: str = "RENDERING") -> jobs_pb2.JobEvent:
    number = jobs_pb2.JobState.Value(f"JOB_STATE_{state}")
    return jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_PROGRESS, state=number, progress=shots)


def at(shot: int, phase: jobs_pb2.ShotPhase.ValueType, done: int, total: int) -> jobs_pb2.ShotProgress:
    return jobs_pb2.ShotProgress(shot=shot, phase=phase, done=done, total=total, stage="upscale")


def reached(shot: int) -> jobs_pb2.JobEvent:
    return jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_SHOT, state=jobs_pb2.JOB_STATE_RENDERING, shot=shot)


def ended(state: str) -> jobs_pb2.JobEvent:
    return jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_STATE, state=jobs_pb2.JobState.Value(f"JOB_STATE_{state}"))


def test_clips_count_by_their_frames() -> None:
    meter = Meter(job(), CLIPS, unmeasured=CLIPS)
    assert meter.progress().fraction == 0
    for _ in range(3):
        meter.take(reached(0))
    assert meter.progress().fraction == 0.25
    meter.take(reached(1))
    meter.take(running(at(1, RENDERING, 150, 300)))
    assert abs(meter.progress().fraction - (0.25 + 0.75 * 0.95 / 2)) < 1e-9
    meter.take(ended("SUCCEEDED"))
    assert meter.progress().fraction == 1


def test_measuring_is_a_small_part() -> None:
    meter = Meter(job(), CLIPS)
    meter.take(running(at(0, ANALYSING, 100, 100), at(1, ANALYSING, 300, 300), state="ANALYSING"))
    assert abs(meter.progress().fraction - 0.1) < 1e-9


def test_it_never_falls() -> None:
    meter = Meter(job(), CLIPS)
    told = []
    for event in (
        running(at(0, RENDERING, 80, 100)),
        running(at(0, ANALYSING, 10, 100), state="ANALYSING"),
        running(at(0, RENDERING, 40, 100)),
        running(at(0, JOINING, 40, 100)),
        running(at(1, RENDERING, 10, 300)),
        ended("FAILED"),
    ):
        meter.take(event)
        told.append(meter.progress().fraction)
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] < 1


def test_time_left_comes_from_the_pace() -> None:
    clock = Clock()
    meter = Meter(job(), CLIPS, CLIPS, clock)
    for done in range(0, 31):
        clock.now = float(done)
        meter.take(running(at(1, RENDERING, 10 * done, 300)))
        progress = meter.progress()
        if done < 2:
            assert progress.seconds_left is None
    assert progress.seconds_left is not None
    whole = 30 / (0.75 * 0.95)
    assert abs(progress.seconds_left - (whole - 30)) < 0.01


def test_a_pause_says_nothing_of_the_pace() -> None:
    clock = Clock()
    meter = Meter(job(), CLIPS, CLIPS, clock)
    meter.take(running(at(1, RENDERING, 0, 300)))
    meter.progress()
    clock.now = 10.0
    meter.take(running(at(1, RENDERING, 100, 300)))
    assert meter.progress().seconds_left is not None
    meter.take(ended("PAUSED"))
    assert (meter.progress().seconds_left, meter.progress().message) == (None, "paused")
    lack = types_pb2.Error(what="0.3 GB free, 1.2 GB needed", where="/film")
    meter.take(jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_STATE, state=jobs_pb2.JOB_STATE_WAITING, error=lack))
    assert (meter.progress().seconds_left, meter.progress().message) == (
        None, "waiting for disk space: 0.3 GB free, 1.2 GB needed, /film"
    )  # fmt: skip
    clock.now = 5000.0
    meter.take(running(at(1, RENDERING, 101, 300)))
    assert meter.progress().seconds_left is None
    clock.now = 5010.0
    meter.take(running(at(1, RENDERING, 201, 300)))
    left = meter.progress().seconds_left
    assert left is not None
    assert left < 30


def test_it_says_what_is_going_on_in_the_host_s_own_names() -> None:
    meter = Meter(job(), CLIPS)
    assert meter.progress().message == "waiting for its turn"
    meter.take(running(at(1, RENDERING, 150, 300)))
    progress = meter.progress()
    assert progress.message == "rendering reel 2, frame 150 of 300, upscale (clip 2 of 2)"
    assert (progress.job, progress.state) == ("j", "rendering")
    first, second = progress.clips
    assert (first.clip, first.name, first.phase) == ("a", "reel 1", "analysing")
    assert (second.clip, second.phase, second.done, second.total) == ("b", "rendering", 150, 300)
    again = jobs_pb2.JobEvent(
        kind=jobs_pb2.EVENT_KIND_RETRY, state=jobs_pb2.JOB_STATE_RENDERING, shot=1, message="a worker was lost"
    )
    meter.take(again)
    assert meter.progress().message == "a worker was lost"


def test_every_state_has_the_name_that_hosts_know() -> None:
    names = {state_name(value) for value in jobs_pb2.JobState.values() if value}
    assert names == {
        "queued", "analysing", "rendering", "joining", "paused", "succeeded", "failed", "cancelled", "waiting"
    }  # fmt: skip


def test_some_calls_a_second_go_through() -> None:
    clock = Clock()
    may = Throttle(0.1, clock)
    passed = 0
    for step in range(1000):
        clock.now = step / 1000
        passed += may()
    assert passed == 10
