"""A server when one is needed, and only one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resilver_client.discovery import discover
from resilver_client.errors import ServerUnreachable
from resilver_client.home import address_file
from resilver_client.launch import default_command, ensure_server
from support.serving import environment, server_process

_IDLE = 0.05
"""Minutes."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("RESILVER_ADDRESS", "RESILVER_TOKEN", "RESILVER_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    _end(tmp_path)


def _pid(home: Path) -> int | None:
    try:
        return int(json.loads(address_file(home).read_text())["pid"])
    except FileNotFoundError:
        return None


def _end(home: Path) -> None:
    pid = _pid(home)
    if pid is not None:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        _wait_for_leave(home)


def _wait_for_leave(home: Path) -> None:
    deadline = time.monotonic() + 30
    while address_file(home).exists():
        assert time.monotonic() < deadline, "the server stays"
        time.sleep(0.05)


def test_one_is_started_and_leaves_when_it_is_idle(home: Path) -> None:
    with ensure_server(home=home, idle_minutes=_IDLE) as client:
        assert client.presets()
        first = _pid(home)
        assert first is not None
        assert first != os.getpid()
        with ensure_server(home=home, idle_minutes=_IDLE) as again:
            assert again.presets()
            assert _pid(home) == first
    assert os.getsid(first) != os.getsid(0), "it must outlive the terminal it was started from"
    _wait_for_leave(home)
    assert "leaving" in (home / "server.log").read_text()
    with ensure_server(home=home, idle_minutes=_IDLE) as client:
        assert client.presets()
        assert _pid(home) != first


def test_callers_that_race_get_the_same_server(home: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from resilver_client.launch import ensure_server\n"
        "with ensure_server(home=Path(sys.argv[1]), idle_minutes=0.2) as client:\n"
        "    print(client.endpoint().address, len(client.presets()))"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(home)], env=environment(home), stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = {run.communicate(timeout=120)[0] for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert len(said) == 1
    assert discover(home=home).address in said.pop()


def test_what_a_killed_server_left_does_not_deceive(home: Path) -> None:
    with server_process(home) as server:
        server.process.kill()
        server.process.wait()
    assert address_file(home).exists()
    with ensure_server(home=home, idle_minutes=_IDLE) as client:
        assert client.presets()


def test_a_server_that_is_just_leaving_is_outwaited(home: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from resilver_server.storage.lock import DatabaseLock\n"
        "lock = DatabaseLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); time.sleep(4)"
    )
    path = home / "jobs.sqlite3.lock"
    leaving = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert leaving.stdout is not None
    assert leaving.stdout.readline() == "held\n"
    with leaving, ensure_server(home=home, idle_minutes=_IDLE, timeout=90) as client:
        assert client.presets()
    assert "SERVER_ALREADY_RUNNING" in (home / "server.log").read_text()


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('no such film stock')")
    with pytest.raises(ServerUnreachable, match="no such film stock") as caught:
        ensure_server(home=home, command=broken, timeout=20)
    assert caught.value.where == str(home / "server.log")


def test_a_server_that_never_answers_is_given_up(home: Path) -> None:
    silent = (sys.executable, "-c", "import time; time.sleep(3)")
    with pytest.raises(ServerUnreachable, match="in time"):
        ensure_server(home=home, command=silent, timeout=1)


def test_no_command_is_no_server(home: Path) -> None:
    with pytest.raises(ServerUnreachable, match="cannot start"):
        ensure_server(home=home, command=("/nowhere/resilver",))


def test_a_server_named_by_the_environment_is_not_ours_to_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("RESILVER_TOKEN", "t")
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:1"):
        ensure_server(home=home)
    assert not (home / "server.log").exists()


def test_what_starts_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESILVER_COMMAND", raising=False)
    assert default_command() == (sys.executable, "-m", "resilver_server.cli.serve")
    monkeypatch.setenv("RESILVER_COMMAND", "/opt/resilver/bin/resilver")
    assert default_command() == ("/opt/resilver/bin/resilver",)
