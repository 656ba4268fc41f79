"""The worker process: takes one task at a time from a pipe and leaves when the pipe closes. While it works, it shows
every few seconds that it is alive.

Run as ``python -m resilver_server.execution.worker MODULE PULSE``; ``MODULE.run(task, progress, cancelled)`` does the
work, ``PULSE`` is seconds between two signs of life.
Heavy libraries are imported by that module alone, so they live in this process and never in the server's.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from resilver_client.errors import DeviceFailed, DiskFull, InternalError, OutOfMemory, ResilverError
from resilver_server.domain.failures import Failure
from resilver_server.planning.tasks import Progress, Result, Task

from .wire import Alive, Answer, Cancel, Failed, Message, Ready, Report, Run, decode, encode

REPORTS_A_SECOND = 4
_SIGNAL_OF_PARENT_S_DEATH = 1
"""``PR_SET_PDEATHSIG`` of Linux's prctl(2)."""
_MEMORY_FULL = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
)
"""How torch on a CPU, and libraries below its allocator on a device, say that memory is full; the context is whole."""
_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class RunTask(Protocol):
    def __call__(self, task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result: ...


class Pipe:
    """The server's end of stdin and stdout, taken away from everything else in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)  # a library that prints must not end up between the messages
        self.cancelled: dict[int, threading.Event] = {}
        self.tasks: queue.Queue[Run] = queue.Queue()
        self.busy = threading.Event()

    def send(self, message: Message) -> None:
        try:
            with self._lock:
                self._out.write(encode(message))
                self._out.flush()
        except OSError:
            os._exit(0)  # the server is gone

    def pulse(self, seconds: float) -> None:
        """Runs in a thread of its own. Nobody listens while there is no task."""
        while self.busy.wait():
            time.sleep(seconds)
            if self.busy.is_set():
                self.send(Alive())

    def listen(self) -> None:
        """Runs in a thread of its own until the pipe closes, and then ends the process, busy or not."""
        for line in self._in:
            message = decode(line)
            if isinstance(message, Run):
                self.cancelled[message.id] = threading.Event()
                self.tasks.put(message)
            elif isinstance(message, Cancel) and message.id in self.cancelled:
                self.cancelled[message.id].set()
        os._exit(0)


def main(module: str, pulse: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    _end_with_parent()
    pipe = Pipe()
    threading.Thread(target=pipe.listen, name="pipe", daemon=True).start()
    threading.Thread(target=pipe.pulse, args=(pulse,), name="pulse", daemon=True).start()
    try:
        run: RunTask = importlib.import_module(module).run
    except Exception as error:  # the process edge: the server must hear why
        traceback.print_exc()
        pipe.send(Failed(0, Failure.of(InternalError(f"the worker cannot start: {error}", where=module))))
        return
    pipe.send(Ready(os.getpid()))
    while True:
        _serve(pipe, run, pipe.tasks.get())


def _end_with_parent() -> None:
    """Have the system end this process when the server's ends, however: the end of the pipe is noticed by a thread, and
    none runs while a library holds the interpreter. Linux alone can; elsewhere such a worker ends after that call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_OF_PARENT_S_DEATH, signal.SIGKILL)


def _serve(pipe: Pipe, run: RunTask, request: Run) -> None:
    pipe.busy.set()
    try:
        report, cancelled = _reporter(pipe, request.id), pipe.cancelled[request.id].is_set
        message: Message = Answer(request.id, run(request.task, report, cancelled))
    except Exception as error:  # the process edge: every error travels as data
        message = Failed(request.id, Failure.of(typed(error)))
    pipe.busy.clear()
    del pipe.cancelled[request.id]
    pipe.send(message)


def _reporter(pipe: Pipe, task: int) -> Callable[[Progress], None]:
    last = [float("-inf")]

    def report(progress: Progress) -> None:
        now = time.monotonic()
        if now - last[0] >= 1 / REPORTS_A_SECOND:
            last[0] = now
            pipe.send(Report(task, progress))

    return report


def typed(error: Exception) -> ResilverError:
    """The typed error for what a library raised; what is unknown is a fault of ours, with its trace on stderr."""
    if isinstance(error, ResilverError):
        return error
    what = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return OutOfMemory(what)
    if isinstance(error, RuntimeError) and any(sign in what for sign in _MEMORY_FULL):
        return OutOfMemory(what)
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return DiskFull(what, where=str(error.filename or ""), remedy="free some space, then retry the job")
    if isinstance(error, RuntimeError) and ("CUDA" in what or "cuDNN" in what):
        return DeviceFailed(what)
    traceback.print_exception(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return InternalError(what, where=f"{Path(frame.filename).name}:{frame.lineno}", remedy="please report it")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
