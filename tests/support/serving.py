"""Servers for tests: the real process, and the real services in a thread over a manager of the test's choice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from resilver_client.client import Client, connect
from resilver_client.home import address_file, token_file
from resilver_server.api.addresses import parse_listen
from resilver_server.api.server import listen
from resilver_server.scheduling.manager import JobManager

TOKEN = "a token for tests"
STARTING = 60.0
"""Seconds that a server may take to come up on a busy machine."""


@dataclass
class ServerProcess:
    """``resilver serve`` in a process of its own."""

    home: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        return str(json.loads(address_file(self.home).read_text())["address"])

    @property
    def token(self) -> str:
        return token_file(self.home).read_text().strip()

    def client(self) -> Client:
        return connect(home=self.home)

    def wait_until_listening(self) -> None:
        deadline = time.monotonic() + STARTING
        while not self._mine():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not come up: {self.log.read_text()}")
            time.sleep(0.05)

    def _mine(self) -> bool:
        try:
            return bool(json.loads(address_file(self.home).read_text())["pid"] == self.process.pid)
        except (OSError, ValueError):
            return False

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(30)


def environment(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RESILVER_")}
    return kept | {"RESILVER_HOME": str(home), "OMP_NUM_THREADS": "1"}


SERVE = ("-m", "resilver_server.cli.serve", "serve")


def start(home: Path, *arguments: str, program: Sequence[str] = SERVE) -> ServerProcess:
    """Start a server and wait until it listens. ``program`` is what Python runs."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "test.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            env=environment(home),
            stdout=output,
            stderr=output,
        )
    server = ServerProcess(home, process, log)
    try:
        server.wait_until_listening()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return server


@contextmanager
def server_process(home: Path, *arguments: str, program: Sequence[str] = SERVE) -> Iterator[ServerProcess]:
    server = start(home, *arguments, program=program)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


@contextmanager
def services_over(manager: JobManager, address: str = "127.0.0.1:0") -> Iterator[str]:
    """The real services and interceptors over ``manager``, in a thread; the address they listen on."""
    ready: Future[str] = Future()
    loop = asyncio.new_event_loop()
    down = asyncio.Event()

    async def run() -> None:
        try:
            async with listen(manager, parse_listen(address, None), TOKEN) as listening:
                ready.set_result(listening.address)
                await down.wait()
        except Exception as error:
            ready.set_exception(error)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        yield ready.result(STARTING)
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(STARTING)
        loop.close()
