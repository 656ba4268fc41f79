"""Client and server in two network namespaces that share one cable and no folder; the cable is pulled ten times."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.far import Line, printed_line
from support.jobs import film
from support.serving import environment, server_process

SERVER, CLIENT = "10.213.77.1", "10.213.77.2"
RECIPE = ("--stage", "upscale:model=none,scale=2", "--range", "0:6")
RATE = 24
"""Megabits a second of the cable, either way."""
PULLED = 0.6
"""Seconds that the cable is out."""


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)


@dataclass(frozen=True)
class Cable:
    """Two namespaces, ``server`` and ``client``, and one end of a cable in each, which has its namespace's name."""

    server: str
    client: str

    def passed(self, way: str) -> int:
        """Bytes that the client sent (``tx``) or got (``rx``)."""
        command = ["ip", "-n", self.client, "-s", "-j", "link", "show", self.client]
        shown = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=20).stdout)
        return int(shown[0]["stats64"][way]["bytes"])

    def pull(self) -> None:
        """Out, and in again. The client's connections are dead; the server is not told."""
        run("ip", "-n", self.client, "link", "set", self.client, "down")
        run("ip", "netns", "exec", self.client, "ss", "-K", "-t", "dst", SERVER)
        time.sleep(PULLED)
        run("ip", "-n", self.client, "link", "set", self.client, "up")

    def start(
        self, side: str, home: Path, hidden: Path, log: Path, *arguments: str | Path, **extra: str
    ) -> subprocess.Popen[bytes]:
        """A command of ours on one side; the folder ``hidden`` is empty there."""
        script = f'mount -t tmpfs none "{hidden}" && exec "$0" -m resilver_server.cli.main "$@"'
        command = ["ip", "netns", "exec", side, "unshare", "-m", "--propagation", "private", "sh", "-c", script]
        with log.open("wb") as output:
            return subprocess.Popen(
                [*command, sys.executable, *map(str, arguments)],
                stdout=output,
                stderr=output,
                env=environment(home) | extra,
                cwd="/",
            )


@contextmanager
def cable() -> Iterator[Cable]:
    name = secrets.token_hex(3)
    made = Cable(f"rs{name}", f"rc{name}")
    try:
        for side in (made.server, made.client):
            run("ip", "netns", "add", side)
        run("ip", "link", "add", made.server, "type", "veth", "peer", "name", made.client)
        for side, address in ((made.server, SERVER), (made.client, CLIENT)):
            run("ip", "link", "set", side, "netns", side)
            run("ip", "-n", side, "addr", "add", f"{address}/24", "dev", side)
            run("ip", "-n", side, "link", "set", "lo", "up")
            run("ip", "-n", side, "link", "set", side, "up")
            slow = f"dev {side} root tbf rate {RATE}mbit burst 64kb latency 200ms".split()
            run("ip", "netns", "exec", side, "tc", "qdisc", "add", *slow)
        yield made
    finally:
        for side in (made.server, made.client):
            with suppress(subprocess.SubprocessError):
                run("ip", "netns", "del", side)


def _refusal() -> str:
    """Why this machine lets us have no namespaces; empty where it does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "namespaces need Linux and root"
    missing = [tool for tool in ("ip", "ss", "tc", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    try:
        with cable() as made:
            run("ip", "netns", "exec", made.client, "ss", "-K", "-t", "dst", SERVER)
            run("unshare", "-m", "--propagation", "private", "true")
    except (subprocess.SubprocessError, OSError) as error:
        return f"no namespaces here: {error}"
    return ""


def until(true: Callable[[], bool], running: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> bool:
    """False where the process ended before."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, log.read_text()
        if running.poll() is not None:
            return False
        time.sleep(0.02)
    return True


def pulled_ten_times(made: Cable, running: subprocess.Popen[bytes], size: int, log: Path) -> int:
    """Six times while the film goes over, once before the result is there, three times while it comes."""
    pulls, got = 0, made.passed("rx")
    marks = [("tx", size * k // 7) for k in range(1, 7)] + [("tx", size)]
    marks += [("rx", got + size // 4 * k) for k in (1, 2, 3)]
    for way, mark in marks:
        if not until(lambda way=way, mark=mark: made.passed(way) >= mark, running, log):  # type: ignore[misc]
            break
        made.pull()
        pulls += 1
    return pulls


def test_a_film_goes_over_and_comes_back_whoever_pulls_the_cable(tmp_path: Path) -> None:
    refusal = _refusal()
    if refusal:
        pytest.skip(refusal)
    here, there = tmp_path / "client", tmp_path / "server"
    for folder in (here, there):
        folder.mkdir()
    reel = film(here / "reel.mkv", 24, 480, 320)
    with cable() as made:
        log, said = tmp_path / "server.log", tmp_path / "client.log"
        arguments = ("serve", "--remote", "--public", f"{SERVER}:7433", "--verbose")
        serving = made.start(made.server, there, here, log, *arguments)
        try:
            line = printed_line(log)
            before = made.passed("tx")
            restoring = made.start(made.client, here / "home", there, said, *restore(reel, here), **shown(line))
            pulls = pulled_ten_times(made, restoring, reel.stat().st_size + before, said)
            assert restoring.wait(120) == 0, said.read_text()
            sent = made.passed("tx") - before
            usage = made.start(made.client, here / "home", there, said, "jobs", "list", **shown(line))
            assert usage.wait(60) == 0
        finally:
            serving.terminate()
            serving.wait(30)
    assert pulls == 10
    told = re.findall(r"upload ended: (\d) files stored, (\d+) bytes", log.read_text())
    assert int(told[-1][1]) == reel.stat().st_size, "no byte was taken twice"
    assert len({received for _, received in told}) >= 4, "it came in pieces"
    print(f"{reel.stat().st_size} bytes; the cable carried {sent}; pieces ended at {told}")
    assert sent < reel.stat().st_size + 11 * (1 << 20), "a pull loses what was on its way, no more"
    with server_process(tmp_path / "home"):
        command = [sys.executable, "-m", "resilver_server.cli.main", *map(str, restore(reel, tmp_path))]
        subprocess.run(command, env=environment(tmp_path / "home"), check=True, capture_output=True, timeout=120)
    assert (here / "out.mkv").read_bytes() == (tmp_path / "out.mkv").read_bytes()


def restore(reel: Path, folder: Path) -> tuple[str | Path, ...]:
    return ("restore", reel, "-o", folder / "out.mkv", *RECIPE)


def shown(line: Line) -> dict[str, str]:
    return {"RESILVER_ADDRESS": line.address, "RESILVER_TOKEN": line.token}
