"""What an executor is. Local processes are the first one; nothing here knows about processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from resilver_server.planning.tasks import Progress, Result, Task

ProgressCallback = Callable[[Progress], None]
"""Called on the event loop, at most four times a second a task."""

R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Working:
    """A task, and the id of the process that does it."""

    process: int
    task: Task


class Executor(Protocol):
    """Runs tasks somewhere else.

    Errors of a task come out as the class that was raised there. Cancelling the awaiting asyncio task stops the work
    within one window; the cancellation is only seen through once nobody writes to the task's output any more.
    """

    async def run(self, task: Task, progress: ProgressCallback | None = None, priority: int = 0) -> Result:
        """The task's result. Lower ``priority`` goes first among those that wait; equal ones in order.

        Raises WorkerLost where whoever ran it vanished, InternalError for a fault in the task's code, and all
        that the task raises.
        """
        ...

    async def release(self) -> None:
        """Let go of what is held while nothing is to be done: processes, and with them the memory of devices."""
        ...

    def working(self) -> tuple[Working, ...]:
        """What is being done at this moment."""
        ...

    async def stop(self) -> None:
        """Leave no process behind. Running tasks raise WorkerLost."""
        ...


async def run_as(
    executor: Executor, kind: type[R], task: Task, progress: ProgressCallback | None = None, priority: int = 0
) -> R:
    """``executor.run`` with the kind of result that belongs to the task. Raises TypeError for another."""
    result = await executor.run(task, progress, priority)
    if not isinstance(result, kind):
        raise TypeError(f"{type(task).__name__} gave {type(result).__name__}")
    return result
