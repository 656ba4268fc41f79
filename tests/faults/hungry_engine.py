"""The real engine, which takes two gigabytes of memory in its first render once the file ``HUNGRY`` is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from resilver_server.engine import tasks
from resilver_server.planning.tasks import Progress, RenderTask, Result, Task


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    hungry = Path(os.environ["HUNGRY"])
    if isinstance(task, RenderTask) and hungry.exists():
        hungry.unlink()
        bytearray(os.urandom(1 << 20) * 2048)
    return tasks.run(task, progress, cancelled)
