"""A server elsewhere for tests: its process, the line that it prints, and a line between both that can be cut."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .serving import STARTING, ServerProcess, environment, server_process

_LINE = re.compile(r"RESILVER_ADDRESS='(tls://([^'#]+):(\d+)#sha256=\w+)' RESILVER_TOKEN='([\w-]+)' resilver restore")


@dataclass(frozen=True)
class Line:
    """What ``resilver serve --remote`` printed."""

    address: str
    host: str
    port: int
    token: str

    def through(self, port: int) -> str:
        """The address with another port of this machine."""
        return f"tls://127.0.0.1:{port}#{self.address.partition('#')[2]}"


def printed_line(log: Path) -> Line:
    """Waits for it."""
    deadline = time.monotonic() + STARTING
    while (match := _LINE.search(log.read_text())) is None:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return Line(match[1], match[2], int(match[3]), match[4])


@contextmanager
def remote_server(home: Path, *arguments: str, port: int = 0) -> Iterator[tuple[ServerProcess, Line]]:
    with server_process(home, "--remote", "--listen", f"127.0.0.1:{port}", *arguments) as server:
        yield server, printed_line(server.log)


def resilver(home: Path, address: str, token: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """The command, on the client's side."""
    shown = environment(home) | {"RESILVER_ADDRESS": address, "RESILVER_TOKEN": token}
    command = [sys.executable, "-m", "resilver_server.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=shown)


@dataclass
class Cutter:
    """A TCP proxy, as slow as a line is, that drops all its connections whenever a number of bytes has passed.

    ``up`` and ``down`` are the numbers, increasing, towards the server and back.
    """

    target: tuple[str, int]
    up: Sequence[int] = ()
    down: Sequence[int] = ()
    rate: float = 4e6
    """Bytes a second, either way."""
    cuts: int = 0
    passed: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})

    def __post_init__(self) -> None:
        self._left = {"up": list(self.up), "down": list(self.down)}
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """All connections end with a reset, without a word."""
        with self._lock:
            self.cuts += 1
            dropped, self._open = self._open, []
        for end in dropped:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self.target)
                with self._lock:
                    self._open += [near, far]
                for source, sink, way in ((near, far, "up"), (far, near, "down")):
                    threading.Thread(target=self._carry, args=(source, sink, way), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(16384):
                sink.sendall(data)
                time.sleep(len(data) / self.rate)
                if self._due(way, len(data)):
                    self.cut()
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _due(self, way: str, count: int) -> bool:
        with self._lock:
            self.passed[way] += count
            due = [mark for mark in self._left[way] if mark <= self.passed[way]]
            self._left[way] = self._left[way][len(due) :]
            return bool(due)
