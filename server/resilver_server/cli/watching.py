"""A job's events, shown as they come: a line for each shot with its phase, frames a second and time left.

In a terminal the lines are bars; elsewhere (a log, a pipe) each shot says now and then where it stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from resilver.v1 import jobs_pb2

_PHASES = {
    jobs_pb2.SHOT_PHASE_ANALYSING: "analysing",
    jobs_pb2.SHOT_PHASE_RENDERING: "rendering",
    jobs_pb2.SHOT_PHASE_JOINING: "joining",
    jobs_pb2.SHOT_PHASE_DONE: "done",
}
_TOLD = (jobs_pb2.EVENT_KIND_RETRY, jobs_pb2.EVENT_KIND_SHRUNK)

ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


_EVERY = 10.0
"""Seconds between two plain lines of a shot that stays in its phase."""


def _worth_telling(event: jobs_pb2.JobEvent) -> bool:
    """Retries, smaller tiles, and what a job waits for."""
    waits = event.kind == jobs_pb2.EVENT_KIND_STATE and event.state == jobs_pb2.JOB_STATE_WAITING
    return bool(event.message) and (event.kind in _TOLD or waits)


class PlainDisplay:
    """Turns events into lines of text. Use as a context manager, feed it with ``show``."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._said: dict[int, tuple[jobs_pb2.ShotPhase.ValueType, float]] = {}

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def show(self, event: jobs_pb2.JobEvent) -> None:
        if _worth_telling(event):
            self._console.print(event.message, soft_wrap=True, markup=False)
        for shot in event.progress:
            phase, when = self._said.get(shot.shot, (None, 0.0))
            if shot.phase != phase or self._clock() - when >= _EVERY:
                self._said[shot.shot] = (shot.phase, self._clock())
                facts = (_label(shot), f"{shot.done}/{shot.total} frames", _speed(shot), _left(shot))
                self._console.print(", ".join(filter(None, facts)), soft_wrap=True, markup=False)


class JobDisplay:
    """Turns events into progress bars. Use as a context manager, feed it with ``show``."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[int, TaskID] = {}
        self._facts: dict[int, tuple[str, int]] = {}
        """Name and frames of the shots in progress."""

    def __enter__(self) -> JobDisplay:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def show(self, event: jobs_pb2.JobEvent) -> None:
        if _worth_telling(event):
            self._bars.console.print(event.message, style="yellow", markup=False)
        for shot in event.progress:
            self._show_shot(shot)
        if event.kind == jobs_pb2.EVENT_KIND_PROGRESS or event.state == jobs_pb2.JOB_STATE_SUCCEEDED:
            self._end(self._tasks.keys() - {shot.shot for shot in event.progress})

    def _end(self, shots: Iterable[int]) -> None:
        """Shots that are no longer spoken of are written."""
        for shot in shots:
            task = self._tasks.pop(shot)
            name, total = self._facts.pop(shot)
            self._bars.update(task, description=f"{name}: done", completed=total, total=total, left="")
            self._bars.stop_task(task)

    def _show_shot(self, shot: jobs_pb2.ShotProgress) -> None:
        if shot.shot not in self._tasks:
            self._tasks[shot.shot] = self._bars.add_task(_label(shot), total=None, speed="", left="")
        self._facts[shot.shot] = (shot.name, shot.total)
        self._bars.update(
            self._tasks[shot.shot],
            description=_label(shot),
            completed=shot.done,
            total=shot.total or None,
            speed=_speed(shot),
            left=_left(shot),
        )


def _label(shot: jobs_pb2.ShotProgress) -> str:
    return f"{shot.name}: {_PHASES.get(shot.phase, '')}" + (f" ({shot.stage})" if shot.stage else "")


def _speed(shot: jobs_pb2.ShotProgress) -> str:
    return f"{shot.frames_per_second:.2f} frames/s" if shot.frames_per_second else ""


def _left(shot: jobs_pb2.ShotProgress) -> str:
    return f"{duration(shot.seconds_left)} left" if shot.HasField("seconds_left") else ""


def follow(events: Iterable[jobs_pb2.JobEvent], console: Console) -> jobs_pb2.JobEvent | None:
    """Show events until the job has ended; the last one with a state that ends it."""
    with JobDisplay(console) if console.is_terminal else PlainDisplay(console) as display:
        last = None
        for event in events:  # the server ends them; a job that was retried has an end in its history
            display.show(event)
            if event.kind == jobs_pb2.EVENT_KIND_STATE:
                last = event if event.state in ENDED else None
    return last


class Transfer:
    """Tells how far uploads and downloads have come: now and then, and at the end."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._said: dict[str, float] = {}

    def show(self, verb: str, done: int, total: int) -> None:
        """``done`` of ``total`` bytes. What takes no time at all is not worth a line."""
        last = self._said.setdefault(verb, self._clock())
        if self._clock() - last < _EVERY / 5:
            return
        self._said[verb] = self._clock()
        share = 100 * done // total if total else 100
        self._console.print(f"{verb}: {done / 1e6:.1f} of {total / 1e6:.1f} MB ({share} %)", markup=False)


def duration(seconds: float) -> str:
    """``75`` as ``1:15``, ``3700`` as ``1:01:40``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
