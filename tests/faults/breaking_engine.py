"""The real engine on a device whose context breaks once, in the first render of the shot that ``BREAKS`` names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from resilver_server.engine import tasks
from resilver_server.planning.tasks import Progress, RenderTask, Result, Task


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    broken = Path(os.environ["BROKEN"])
    if isinstance(task, RenderTask) and task.plan.shot.name == os.environ["BREAKS"] and not broken.exists():
        broken.write_text(str(os.getpid()))
        raise RuntimeError("CUDA error: device-side assert triggered")
    return tasks.run(task, progress, cancelled)
