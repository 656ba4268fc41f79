"""A job while it runs: its events become one number that grows, the time that is left, and a sentence."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from resilver.v1 import jobs_pb2, types_pb2

from .types import ClipProgress, HostClip, Progress

ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)
_STANDING = (jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_PAUSED, jobs_pb2.JOB_STATE_WAITING)
UNTOWARD = (jobs_pb2.EVENT_KIND_RETRY, jobs_pb2.EVENT_KIND_SHRUNK)
"""What the server got over by itself, and is worth a sentence."""

_ANALYSING, _JOINING = 0.1, 0.05
"""Shares of a clip's work. Measuring looks at small frames, joining encodes nothing: rendering is the rest."""
_WINDOW = 120.0
"""Seconds of the past from which the pace is taken."""
_SURE = 2.0
"""Seconds of work before anything is said of the time that is left."""
_PHASES = {
    jobs_pb2.SHOT_PHASE_ANALYSING: "analysing",
    jobs_pb2.SHOT_PHASE_RENDERING: "rendering",
    jobs_pb2.SHOT_PHASE_JOINING: "joining",
    jobs_pb2.SHOT_PHASE_DONE: "done",
}


def state_name(state: jobs_pb2.JobState.ValueType) -> str:
    """``JOB_STATE_RENDERING`` as "rendering"."""
    return jobs_pb2.JobState.Name(state).removeprefix("JOB_STATE_").lower()


@dataclass
class _Shot:
    clip: str
    name: str
    frames: int
    analysed: bool
    phase: jobs_pb2.ShotPhase.ValueType
    stage: str = ""
    done: int = 0
    total: int = 0
    left: float | None = None

    def enter(self, phase: jobs_pb2.ShotPhase.ValueType) -> None:
        if phase != self.phase:
            self.phase, self.stage, self.done, self.total, self.left = phase, "", 0, 0, None

    def fraction(self) -> float:
        """0..1 of all that is done to the shot."""
        measuring = _ANALYSING if self.analysed else 0.0
        part = self.done / self.total if self.total else 0.0
        match self.phase:
            case jobs_pb2.SHOT_PHASE_DONE:
                return 1.0
            case jobs_pb2.SHOT_PHASE_JOINING:
                return 1.0 - _JOINING * (1.0 - part)
            case jobs_pb2.SHOT_PHASE_RENDERING:
                return measuring + (1.0 - measuring - _JOINING) * part
        return measuring * part

    def progress(self) -> ClipProgress:
        phase = _PHASES.get(self.phase, "analysing")
        return ClipProgress(self.clip, self.name, phase, self.stage, self.done, self.total, self.left)


class Pace:
    """How fast a fraction grows, and so when it will be 1."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def seconds_left(self, now: float, fraction: float) -> float | None:
        """None while nothing can be said."""
        self._seen.append((now, fraction))
        while self._seen[0][0] < now - _WINDOW:
            self._seen.popleft()
        began, first = self._seen[0]
        if now - began < _SURE or fraction <= first:
            return None
        return (1.0 - fraction) * (now - began) / (fraction - first)

    def forget(self) -> None:
        """A paused job says nothing about the pace of the one that goes on."""
        self._seen.clear()


class Meter:
    """Feed it with a job and then with its events; ``progress`` says where the job stands."""

    def __init__(
        self,
        job: jobs_pb2.Job,
        clips: Mapping[str, HostClip],
        unmeasured: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clips`` by their place in the timeline; ``unmeasured``: places of clips without an analysis pass."""
        self._job, self._state, self._clock = job.id, job.state, clock
        self._shots = {shot.number: _shot(shot, clips, shot.clip_id not in unmeasured) for shot in job.shots}
        self._told = ""
        self._waits_for = _lack(job.error) if job.state == jobs_pb2.JOB_STATE_WAITING else ""
        self._reached = 0.0
        self._pace = Pace()

    def take(self, event: jobs_pb2.JobEvent) -> None:
        """One more event."""
        self._state = event.state
        self._told = event.message if event.kind in UNTOWARD else ""
        if event.state == jobs_pb2.JOB_STATE_WAITING and event.error.what:
            self._waits_for = _lack(event.error)
        if event.kind == jobs_pb2.EVENT_KIND_PROGRESS:
            self._take_progress(event)
        elif event.kind == jobs_pb2.EVENT_KIND_SHOT and event.shot in self._shots:
            shot = self._shots[event.shot]  # it reached its next phase
            shot.enter(jobs_pb2.ShotPhase.ValueType(min(shot.phase + 1, jobs_pb2.SHOT_PHASE_DONE)))

    def _take_progress(self, event: jobs_pb2.JobEvent) -> None:
        for each in event.progress:
            shot = self._shots.get(each.shot)
            if shot is None:
                continue
            shot.enter(each.phase)
            shot.stage, shot.done, shot.total = each.stage, each.done, each.total
            shot.left = each.seconds_left if each.HasField("seconds_left") else None

    def progress(self) -> Progress:
        shots = list(self._shots.values())
        frames = sum(max(1, shot.frames) for shot in shots)
        fraction = sum(max(1, shot.frames) * shot.fraction() for shot in shots) / frames if frames else 0.0
        self._reached = 1.0 if self._state == jobs_pb2.JOB_STATE_SUCCEEDED else max(self._reached, fraction)
        left = None
        if self._state in (*_STANDING, *ENDED):
            self._pace.forget()
        else:
            left = self._pace.seconds_left(self._clock(), self._reached)
        clips = tuple(shot.progress() for shot in shots)
        return Progress(self._job, state_name(self._state), self._reached, left, self._sentence(), clips)

    def _sentence(self) -> str:
        match self._state:
            case jobs_pb2.JOB_STATE_QUEUED:
                return "waiting for its turn"
            case jobs_pb2.JOB_STATE_PAUSED:
                return "paused"
            case jobs_pb2.JOB_STATE_WAITING:
                return ": ".join(filter(None, ("waiting for disk space", self._waits_for)))
            case state if state in ENDED:
                return state_name(state)
        if self._told:
            return self._told
        shots = list(self._shots.values())
        running = [shot for shot in shots if shot.total and shot.phase != jobs_pb2.SHOT_PHASE_DONE]
        if not running:
            return state_name(self._state)
        return _said(running[0], shots.index(running[0]) + 1, len(shots))


def _shot(shot: jobs_pb2.Shot, clips: Mapping[str, HostClip], analysed: bool) -> _Shot:
    clip = clips.get(shot.clip_id)
    return _Shot(clip.id if clip else "", clip.name if clip else shot.name, shot.frames, analysed, shot.phase)


def _lack(error: types_pb2.Error) -> str:
    """What a job waits for, and on which disk."""
    return ", ".join(filter(None, (error.what, error.where)))


def _said(shot: _Shot, number: int, count: int) -> str:
    """``rendering reel 1, frame 120 of 500, upscale (clip 2 of 3)``."""
    stage = f", {shot.stage}" if shot.stage else ""
    of = f" (clip {number} of {count})" if count > 1 else ""
    return f"{_PHASES.get(shot.phase, '')} {shot.name}, frame {shot.done} of {shot.total}{stage}{of}"


class Throttle:
    """Lets through at most one call in ``interval`` seconds."""

    def __init__(self, interval: float = 0.1, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval, self._clock = interval, clock
        self._next = 0.0

    def __call__(self) -> bool:
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True
