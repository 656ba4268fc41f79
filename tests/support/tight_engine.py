"""The real engine on a machine whose memory is too small: renders whole frames of the first chunk, tiles after it."""

from __future__ import annotations

from collections.abc import Callable

from resilver_client.errors import OutOfMemory
from resilver_server.engine import tasks
from resilver_server.planning.tasks import Progress, RenderTask, Result, Task

LARGEST_TILE = 192


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    if isinstance(task, RenderTask) and task.chunk.index > 0 and not 0 < task.plan.numerics.tile <= LARGEST_TILE:
        raise OutOfMemory("the device has no more memory", where=task.plan.shot.name)
    return tasks.run(task, progress, cancelled)
