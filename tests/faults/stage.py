"""One home under attack: its server, the client that waits for its jobs, its workers, and what stands in its rows."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faults.client import HOPELESS
from faults.settings import program
from support.serving import ServerProcess, environment, start

TESTS = Path(__file__).resolve().parents[1]
LEAVING = 10.0
"""Seconds that a process may take to be gone after what it belongs to has died."""


@dataclass
class Stage:
    """Processes know the stage that they belong to by ``RESILVER_HOME`` in their environment."""

    home: Path
    requests: list[Path]
    workers: int = 1
    engine: str = "dying_engine"
    server: ServerProcess | None = None
    client: subprocess.Popen[bytes] | None = None
    starts: int = 0
    client_starts: int = 0
    said: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.said = self.home / "client.log"

    def raise_up(self) -> None:
        """Server and client run, unless the client has seen every job succeed. Raises AssertionError where one failed
        for good."""
        assert self.client is None or self.client.poll() != HOPELESS, self.said.read_text()
        if self.server is None or self.server.process.poll() is not None:
            self.reap()
            self.starts += 1
            self.server = start(self.home, program=program(workers=self.workers, worker_module=f"faults.{self.engine}"))
        if self.client is None or self.client.poll() not in (None, 0):
            self.client_starts += 1
            command = [sys.executable, str(TESTS / "faults/client.py"), *map(str, self.requests)]
            with self.said.open("ab") as said:
                self.client = subprocess.Popen(command, env=surroundings(self.home), stdout=said, stderr=said)

    @property
    def over(self) -> bool:
        """Every job has succeeded."""
        return self.client is not None and self.client.poll() == 0

    def kill(self, *who: str) -> None:
        """SIGKILL to all of "server", "worker", "client" that are named, in one moment: they are halted first."""
        pids = [pid for each in who for pid in self._pids(each)]
        for number in (signal.SIGSTOP, signal.SIGKILL) if len(pids) > 1 else (signal.SIGKILL,):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        deadline = time.monotonic() + LEAVING
        while any(map(alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.001)
        self.reap()

    def reap(self) -> None:
        """Wait for what was killed, and see that no worker has outlived its server."""
        if self.client is not None and "client" in self._dying():
            self.client.wait(LEAVING)
        if self.server is not None and "server" in self._dying():
            self.server.process.wait(LEAVING)
            self.assert_no_worker()

    def await_server(self) -> None:
        """Its end, which it has begun itself."""
        assert self.server is not None
        self.server.process.wait(LEAVING)

    def assert_no_worker(self) -> None:
        deadline = time.monotonic() + LEAVING
        while left := workers_of(self.home):
            assert time.monotonic() < deadline, f"workers {left} have outlived their server"
            time.sleep(0.02)

    def _dying(self) -> set[str]:
        """Who has been killed, or has ended."""
        found = {"server": self.server and self.server.process, "client": self.client}
        return {name for name, process in found.items() if process and not alive(process.pid)}

    def _pids(self, who: str) -> list[int]:
        if who == "worker":
            return workers_of(self.home)
        process = self.client if who == "client" else self.server and self.server.process
        return [process.pid] if process is not None and process.poll() is None else []

    def stop(self) -> None:
        """In order. Afterwards nothing runs."""
        if self.server is not None and self.server.process.poll() is None:
            status = self.server.stop()
            assert status == 0, f"status {status}: {self.server.log.read_text()}"
        if self.client is not None and self.client.poll() is None:
            self.client.kill()
            self.client.wait()
        self.assert_no_worker()


def surroundings(home: Path) -> dict[str, str]:
    """The environment of what belongs to ``home``; these tests can be imported in it."""
    program()
    return environment(home)


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def processes_of(home: Path) -> dict[int, str]:
    """Process ids and command lines of all that carry ``home`` in their environment, wherever they come from."""
    mark = f"RESILVER_HOME={home}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0") and alive(int(entry.name)):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def workers_of(home: Path) -> list[int]:
    return [pid for pid, command in processes_of(home).items() if "resilver_server.execution.worker" in command]


@contextlib.contextmanager
def rows_of(home: Path) -> Iterator[sqlite3.Connection]:
    """What stands in the database, read from a copy: opening it would mend what a killed server left."""
    with tempfile.TemporaryDirectory() as folder:
        for path in home.glob("jobs.sqlite3*"):
            shutil.copy(path, folder)
        connection = sqlite3.connect(Path(folder) / "jobs.sqlite3")
        try:
            yield connection
        finally:
            connection.close()


def state_of(home: Path) -> str:
    """Where the set of jobs stands: the state of the job that has come furthest of those that have not ended."""
    if not (home / "jobs.sqlite3").exists():
        return "starting"
    order = ("joining", "rendering", "analysing", "queued", "failed")
    with rows_of(home) as rows, contextlib.suppress(sqlite3.DatabaseError):
        states = [state for (state,) in rows.execute("SELECT state FROM job")]
        return next((state for state in order if state in states), "submitting")
    return "starting"


def events_of(home: Path, state: str = "") -> int:
    """How many events all jobs have had, of one state where it is given. The connection is closed again: an open one
    would keep a killed server's index of its log alive."""
    with contextlib.suppress(sqlite3.DatabaseError):
        connection = sqlite3.connect(f"file:{home / 'jobs.sqlite3'}?mode=ro", uri=True, timeout=0.1)
        try:
            query = "SELECT count(*) FROM event WHERE ? IN ('', state)"
            return int(connection.execute(query, (state,)).fetchone()[0])
        finally:
            connection.close()
    return 0
