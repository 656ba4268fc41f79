"""The real engine on a disk that is full: what it writes for the kind of task in ``FULL_AT`` goes to /dev/full, until
the file that ``FULL_UNTIL`` may name is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from resilver_server.engine import tasks
from resilver_server.planning.tasks import JoinTask, Progress, RenderTask, Result, Task


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    if Path(os.environ.get("FULL_UNTIL", "nowhere")).exists():
        return tasks.run(task, progress, cancelled)
    if os.environ["FULL_AT"] == "render" and isinstance(task, RenderTask):
        Path(task.output).symlink_to("/dev/full")
    if os.environ["FULL_AT"] == "join" and isinstance(task, JoinTask):
        final = Path(task.output)
        final.with_name(f".{final.name}.{os.getpid()}.partial{final.suffix}").symlink_to("/dev/full")
    return tasks.run(task, progress, cancelled)
