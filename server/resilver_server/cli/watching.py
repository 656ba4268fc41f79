"""A job's events, shown as they come: a line for each shot with its phase, frames a second and time left."""

from __future__ import annotations

from collections.abc import Iterable

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


class JobDisplay:
    """Turns events into progress bars. Use as a context manager, feed it with ``show``."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> JobDisplay:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def show(self, event: jobs_pb2.JobEvent) -> None:
        if event.kind in _TOLD and event.message:
            self._bars.console.print(f"[yellow]{event.message}[/yellow]")
        for shot in event.progress:
            self._show_shot(shot)

    def _show_shot(self, shot: jobs_pb2.ShotProgress) -> None:
        phase = _PHASES.get(shot.phase, "")
        label = f"{shot.name}: {phase}" + (f" ({shot.stage})" if shot.stage and shot.stage != phase else "")
        if shot.shot not in self._tasks:
            self._tasks[shot.shot] = self._bars.add_task(label, total=None, speed="", left="")
        self._bars.update(
            self._tasks[shot.shot],
            description=label,
            completed=shot.done,
            total=shot.total or None,
            speed=f"{shot.frames_per_second:.2f} frames/s" if shot.frames_per_second else "",
            left=f"{duration(shot.seconds_left)} left" if shot.HasField("seconds_left") else "",
        )


def follow(events: Iterable[jobs_pb2.JobEvent], console: Console) -> jobs_pb2.JobEvent | None:
    """Show events until the job has ended; the last one with a state that ends it."""
    with JobDisplay(console) as display:
        for event in events:
            display.show(event)
            if event.kind == jobs_pb2.EVENT_KIND_STATE and event.state in ENDED:
                return event
    return None


def duration(seconds: float) -> str:
    """``75`` as ``1:15``, ``3700`` as ``1:01:40``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
