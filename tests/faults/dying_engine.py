"""The real engine in a worker that can be made to die at any step: before and after a task, at each frame, and before
each change of the file system."""

from __future__ import annotations

from collections.abc import Callable

from faults.dying import Death, armed_file
from resilver_client import home
from resilver_server.engine import tasks
from resilver_server.planning.tasks import Progress, Result, Task

_DEATH = Death(armed_file(home.home(), "worker"))
_DEATH.before_every_change()


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    def asked() -> bool:
        _DEATH.step()
        return cancelled()

    _DEATH.step()
    result = tasks.run(task, progress, asked)
    _DEATH.step()
    return result
