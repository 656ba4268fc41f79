"""Work for worker processes in tests of the executor: real work on real files, small enough to wait for.

``InstallTask.model`` says what to do: ``sum PATH``, ``count N PATH`` (a line every 50 ms, stopping when asked),
``raise REASON``, ``memory``, ``bug``, ``kill``, ``print``, ``deaf SECONDS``, ``hold SECONDS`` (the interpreter, too).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from resilver_client.errors import BY_REASON, Cancelled
from resilver_server.domain.digests import digest_file
from resilver_server.planning.tasks import InstallResult, InstallTask, Progress, Result, Task


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    assert isinstance(task, InstallTask)
    verb, *arguments = task.model.split(" ")
    if verb == "sum":
        return InstallResult(str(os.getpid()), digest_file(arguments[0]))
    if verb == "count":
        return _count(int(arguments[0]), Path(arguments[1]), progress, cancelled)
    if verb == "raise":
        raise BY_REASON[arguments[0]]("it went wrong", where="reel 1, frame 7", remedy="try again")
    if verb == "deaf":
        time.sleep(float(arguments[0]))
    if verb == "hold":
        ctypes.PyDLL(None).sleep(int(arguments[0]))  # a PyDLL keeps the interpreter's lock
    return _odd(verb)


def _odd(verb: str) -> Result:
    if verb == "memory":
        bytearray(1 << 62)
    if verb == "bug":
        raise LookupError("no such thing")
    if verb == "kill":
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "print":
        print("a library that prints", flush=True)
        os.write(1, b"and one that does so below Python\n")
    return InstallResult(str(os.getpid()), "")


def _count(
    total: int, path: Path, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> InstallResult:
    with path.open("a") as file:
        for number in range(total):
            if cancelled():
                raise Cancelled("stopped", where=str(path))
            file.write(f"{number}\n")
            file.flush()
            progress(Progress(number, total, "count"))
            time.sleep(0.05)
    return InstallResult(str(os.getpid()), digest_file(path))
