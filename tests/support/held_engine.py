"""The real engine, which stands still before every chunk but a shot's first while the file that ``HELD_BY`` names is
there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from resilver_server.engine import tasks
from resilver_server.planning.tasks import Progress, RenderTask, Result, Task


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    if isinstance(task, RenderTask) and task.chunk.index > 0:
        while Path(os.environ["HELD_BY"]).exists() and not cancelled():
            time.sleep(0.05)
    return tasks.run(task, progress, cancelled)
