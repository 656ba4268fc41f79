"""The server's side of one worker process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from resilver_client.errors import DeviceFailed, InvalidRequest, OutOfMemory, ResilverError, WorkerLost
from resilver_server.planning.tasks import Result, Task

from .executor import ProgressCallback
from .memory import oom_kills
from .wire import LARGEST_LINE, Answer, Cancel, Failed, Message, Ready, Report, Run, decode, encode

_LINES_KEPT = 12
_SIGKILL = 9
_PULSES = 6
"""Signs of life that a worker gives in the time of one silence."""
_ENDING_SECONDS = 5.0
"""Between the end of a worker's pipe, or its being killed, and its own."""


@dataclass(frozen=True)
class WorkerSettings:
    module: str
    environment: Mapping[str, str]
    grace: float = 60.0
    """Seconds that a cancelled task may take to its next window before its process is killed."""
    silence: float = 60.0
    """Seconds without a sign of life, twice in a row, after which a worker at work is given up: it was halted, or a
    library holds the interpreter for good."""


class WorkerProcess:
    """One process, spawned when it is first needed and again after it was lost. Runs one task at a time."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: deque[str] = deque(maxlen=_LINES_KEPT)
        self._drain: asyncio.Task[None] | None = None
        self._last_id = 0
        self._ready = False
        self._oom_kills = 0
        self.started, self.lost = 0, 0
        """How many processes were started in its place, and how many of them ended by themselves."""
        self.task: Task | None = None
        """What it does now."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self, task: Task, progress: ProgressCallback | None) -> Result:
        """Raises the task's error, WorkerLost, or InternalError where the worker cannot start."""
        self._last_id += 1
        request = self._last_id
        self.task = task
        try:
            if self._process is None:
                await self._spawn()
            await self._send(Run(request, task))
            return await self._answer(request, progress)
        except asyncio.CancelledError:
            await self._stop_task(request)
            raise
        except DeviceFailed:
            await self.kill()
            raise
        finally:
            self.task = None

    async def kill(self) -> None:
        """End the process, if there is one, and wait until it is gone. One that the system cannot end, since it waits
        for a disk that has vanished, is not waited for: what it may write bears the number of its own attempt."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDING_SECONDS):
                await process.wait()
                if self._drain is not None:
                    await self._drain

    async def _spawn(self) -> None:
        """A fresh interpreter: nothing of the server's memory, threads or files goes along."""
        self.started += 1
        self._stderr.clear()
        self._oom_kills = oom_kills()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "resilver_server.execution.worker",
            self._settings.module,
            str(self._settings.silence / _PULSES),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LARGEST_LINE,
            env=dict(self._settings.environment),
        )
        self._drain = asyncio.create_task(self._read_stderr(self._process))
        while not isinstance(message := await self._receive(), Ready):
            if isinstance(message, Failed):
                await self.kill()
                raise message.failure.error()
        self._ready = True

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self._stderr.append(line.decode(errors="replace").rstrip())

    async def _answer(self, request: int, progress: ProgressCallback | None) -> Result:
        while True:
            message = await self._receive()
            if isinstance(message, Report) and message.id == request and progress is not None:
                progress(message.progress)
            elif isinstance(message, Answer) and message.id == request:
                return message.result
            elif isinstance(message, Failed) and message.id == request:
                raise message.failure.error()

    async def _stop_task(self, request: int) -> None:
        """Ask the worker to stop and wait until it has; kill it where it does not listen."""
        if not self._ready:
            await self.kill()
            return
        try:
            await self._send(Cancel(request))
            async with asyncio.timeout(self._settings.grace):
                await self._answer(request, None)
        except (TimeoutError, asyncio.CancelledError):
            await self.kill()
        except DeviceFailed:
            await self.kill()
        except ResilverError:
            pass  # Cancelled, as a rule; whatever else it was, nobody asks any more

    async def _send(self, message: Message) -> None:
        if self._process is None or self._process.stdin is None:
            raise await self._lost()
        try:
            self._process.stdin.write(encode(message))
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise await self._lost() from error

    async def _receive(self) -> Message:
        if self._process is None or self._process.stdout is None:
            raise await self._lost()
        try:
            line = await self._line(self._process.stdout)
            if not line.endswith(b"\n"):
                raise await self._lost()
            return decode(line)
        except (InvalidRequest, ValueError) as error:  # ValueError: a line without an end
            await self.kill()
            raise WorkerLost("a worker process said what nobody understands", remedy="see the server's log") from error

    async def _line(self, stdout: asyncio.StreamReader) -> bytes:
        """Raises WorkerLost where a worker at work gives no sign of life. One that starts is waited for: libraries come
        from slow disks."""
        if not self._ready:
            return await stdout.readline()
        for _ in range(2):  # one silence may have been the server's own, halted and continued
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.silence):
                    return await stdout.readline()
        await self.kill()
        raise WorkerLost(
            f"a worker process gave no sign of life for {2 * self._settings.silence:g} s, and was replaced",
            remedy="see the server's log",
        )

    async def _lost(self) -> WorkerLost | OutOfMemory:
        """What is left of a worker that ended by itself. It is waited for: a signal sent to a process that has just
        ended would take its exit status away from asyncio."""
        process = self._process
        if process is not None:
            self.lost += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _ENDING_SECONDS)
        await self.kill()
        code = process.returncode if process else None
        if code == -_SIGKILL and oom_kills() > self._oom_kills:
            remedy = "close other programs, or ask for a smaller size"
            return OutOfMemory("the system ended a worker because memory ran out", remedy=remedy)
        lines = " | ".join(line for line in self._stderr if line)
        return WorkerLost(f"a worker process ended ({_ending(code)})", where=lines, remedy="see the server's log")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit status {code}"
