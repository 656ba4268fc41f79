"""`resilver bridge` as a process: behind an installed menu entry, and alone at its pipes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from davinci.installed import Machine, interpreter
from davinci.scene import Scene
from resilver_bridge import main
from resilver_bridge.page import serving
from resilver_client.errors import AddressUnavailable
from resilver_server import __version__
from support.serving import server_process

pytestmark = pytest.mark.xdist_group("davinci-bridge")
COMMAND = [sys.executable, "-m", "resilver_server.cli.main", "bridge"]
NOBODY = "127.0.0.1:9"
"""An address at which no server answers, so that none is started either."""
RESOLVE = {"version": [21, 0, 4, 7, ""], "name": "DaVinci Resolve Studio", "studio": True}
HELLO = {"protocol": 1, "verb": "jobs", "script": "1", "python": "3.6.15", "platform": "linux", "resolve": RESOLVE}
PATIENCE = 30.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a server that runs."""
    folder = tmp_path_factory.mktemp("Zoë's resilver")
    with server_process(folder):
        yield folder


class Page:
    """Somebody who opens the page."""

    def __init__(self, address: str) -> None:
        self.root = address.partition("?")[0].rstrip("/")
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open
        self.html = self._open(address, timeout=PATIENCE).read().decode()

    def state(self, after: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.load(self._open(f"{self.root}/state?after={after}", timeout=PATIENCE))
        return found

    def until(self, section: str, right: Callable[[Any], bool]) -> Any:
        """What the page shows in a section as soon as it is right."""
        deadline, after = time.monotonic() + PATIENCE, 0
        while time.monotonic() < deadline:
            found = self.state(after)
            after = found["version"]
            if section in found["sections"] and right(found["sections"][section]):
                return found["sections"][section]
        raise AssertionError(f"{section} has not become right: {self.state()}")

    def is_there(self) -> bool:
        try:
            self.state()
        except OSError:
            return False
        return True

    def do(self, action: str) -> None:
        headers = {"content-type": "application/json", "origin": self.root}
        self._open(urllib.request.Request(f"{self.root}/do/{action}", b"{}", headers), timeout=PATIENCE)


@pytest.mark.parametrize("version", ["3.6", "3.13", "3.14"])
def test_a_menu_entry_brings_the_page(tmp_path: Path, home: Path, version: str) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"no CPython {version} here")
    machine = Machine(tmp_path, COMMAND, __version__)
    running = machine.start(Scene().double, python=python, RESILVER_HOME=str(home))
    try:
        assert running.stdout is not None
        said = running.stdout.readline().decode()
        page = Page(re.fullmatch(r"Resilver's page can be opened in a browser: (http\S+)\n", said)[1])  # type: ignore[index]
        assert "<title>" in page.html
        assert page.until("edit", lambda shown: True)["project"] == "Heimat"
        page.until("server", lambda shown: shown["state"] == "ready")
        page.do("leave")
        out, err = running.communicate(timeout=PATIENCE)
        assert (running.returncode, out, err) == (0, b"", b"")
    finally:
        running.kill()
    log = (machine.own / "bridge.log").read_text()
    assert "left from the page" in log
    assert "for DaVinci Resolve Studio 21.0.4" in log


def test_a_resolve_that_ends_takes_the_bridge_along(tmp_path: Path, home: Path) -> None:
    machine = Machine(tmp_path, COMMAND, __version__)
    running = machine.start(Scene().double, RESILVER_HOME=str(home))
    assert running.stdout is not None
    page = Page(running.stdout.readline().decode().split(": ")[1].strip())
    page.until("server", lambda shown: shown["state"] == "ready")
    running.kill()
    running.communicate()
    log = machine.own / "bridge.log"
    _wait_for(lambda: "the menu script has gone" in log.read_text())
    _wait_for(lambda: not page.is_there())


def test_the_doctor_finds_all_well(tmp_path: Path, home: Path) -> None:
    machine = Machine(tmp_path, COMMAND, __version__)
    (machine.home / ".local/share/DaVinciResolve/logs").mkdir()
    environment = machine.environment(RESILVER_HOME=str(home))
    line = [*COMMAND[:-1], "davinci", "doctor"]
    well = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
    assert well.returncode == 0, well.stdout + well.stderr
    assert f"bridge: {sys.executable}, Resilver {__version__}" in well.stdout
    assert f"server: Resilver {__version__} answers" in well.stdout
    (machine.own / "resilver_davinci" / "pipe.py").unlink()
    ill = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
    assert ill.returncode == 1
    assert "pipe.py is missing since it was installed -> resilver davinci install" in ill.stdout


class Alone:
    """A bridge process, and the script's end of its pipes."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RESILVER_", "BROWSER"))}
        kept |= {"RESILVER_HOME": str(folder), "RESILVER_ADDRESS": NOBODY, "RESILVER_TOKEN": "x"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, env=kept | environment)

    def say(self, line: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        """Close its pipe: its status, all further lines, and what it has logged."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


def test_another_protocol_is_refused(tmp_path: Path) -> None:
    bridge = Alone(tmp_path, RESILVER_BROWSER="none")
    bridge.say({"hello": HELLO | {"protocol": 2}})
    refused = bridge.hear()["refused"]
    assert "speak protocol 2" in refused["what"]
    assert "resilver davinci install" in refused["remedy"]
    status, further, log = bridge.end()
    assert (status, further) == (1, [])
    assert "VERSION_MISMATCH" in log


@pytest.mark.parametrize("line", [b"", b"\n", b"hello\n", b'{"hello": 7}\n', b"\xff\xfe\n"])
def test_what_is_no_hello_ends_it_without_a_word(tmp_path: Path, line: bytes) -> None:
    bridge = Alone(tmp_path, RESILVER_BROWSER="none")
    out, err = bridge.process.communicate(line, timeout=PATIENCE)
    assert bridge.process.returncode == 1
    assert all(set(json.loads(each)) == {"refused"} for each in out.splitlines())
    assert b"error: HOST_FAILED" in err
    assert b"Traceback" not in err


def test_nothing_but_the_protocol_reaches_the_script(tmp_path: Path) -> None:
    """Not what a browser prints that was started from here, nor does it hear anything or keep the pipe open."""
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\necho opened $1\necho hears $(readlink /proc/$$/fd/0)\nexec sleep 20\n")
    browser.chmod(0o755)
    bridge = Alone(tmp_path, BROWSER=f"{browser} %s &")
    bridge.say({"hello": HELLO})
    assert bridge.hear() == {"welcome": {"protocol": 1, "version": __version__}}
    heard = [bridge.hear(), bridge.hear()]
    assert {next(iter(line)) for line in heard} == {"say", "id"}
    address = next(line["say"] for line in heard if "say" in line).split(": ")[1]
    started = time.monotonic()
    status, further, log = _ended_by_closing(bridge)
    assert (status, [line for line in further if "bye" not in line]) == (0, [])
    assert time.monotonic() - started < 15
    assert f"opened {address}" in log
    assert "hears /dev/null" in log


def test_it_is_not_for_people(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    ran = subprocess.run(COMMAND, stdin=theirs, capture_output=True, text=True, timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: INVALID_REQUEST: the bridge talks to DaVinci Resolve")


def test_it_says_its_version() -> None:
    assert subprocess.check_output([*COMMAND, "--check"], text=True, timeout=PATIENCE) == f"{__version__}\n"


# In this process


class Here:
    """``main.run`` in a thread, and the script's end of its pipes. A call is answered as where no timeline is open."""

    def __init__(self, folder: Path, alone: float = main.ALONE) -> None:
        to_bridge, to_script = os.pipe(), os.pipe()
        self._say, self._hear = os.fdopen(to_bridge[1], "wb"), os.fdopen(to_script[0], "rb")
        ends = os.fdopen(to_bridge[0], "rb"), os.fdopen(to_script[1], "wb")
        self.status: list[int] = []
        self.lines: list[dict[str, Any]] = []
        threading.Thread(target=self._run, args=(*ends, folder, alone), daemon=True).start()

    def serve(self) -> None:
        """Be the script until the bridge says that it ends."""
        self._write({"hello": HELLO})
        for line in self._hear:
            found = json.loads(line)
            self.lines.append(found)
            if "call" in found:
                error = {"reason": "SELECTION_EMPTY", "what": "no timeline is open", "where": "", "remedy": "open one"}
                self._write({"id": found["id"], "error": error})
            if "bye" in found or "refused" in found:
                break
        _wait_for(lambda: bool(self.status))

    def _write(self, line: object) -> None:
        self._say.write(json.dumps(line).encode() + b"\n")
        self._say.flush()

    def _run(self, reader: BinaryIO, writer: BinaryIO, folder: Path, alone: float) -> None:
        self.status.append(main.run(reader, writer, folder, alone))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RESILVER_BROWSER", "none"), ("RESILVER_ADDRESS", NOBODY), ("RESILVER_TOKEN", "x")):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("quiet")
def test_a_bridge_without_a_page_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = Here(tmp_path, alone=1.0)
    here.serve()
    assert (here.status, here.lines[-1]) == ([0], {"bye": True})
    assert "no page for 1 seconds, and nothing runs" in capsys.readouterr().err


@pytest.mark.usefixtures("quiet")
def test_a_page_that_cannot_be_served_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise AddressUnavailable("the page cannot be served: in use", where="127.0.0.1", remedy="look at the firewall")

    monkeypatch.setattr(serving, "_listening", none)
    here = Here(tmp_path)
    here.serve()
    assert here.status == [1]
    refused = {"what": "the page cannot be served: in use", "where": "127.0.0.1", "remedy": "look at the firewall"}
    assert here.lines[1:] == [{"refused": refused}]


def _ended_by_closing(bridge: Alone) -> tuple[int, list[dict[str, Any]], str]:
    """Its log is read only as far as it is written: a browser that stays has it open."""
    assert bridge.process.stdin is not None
    assert bridge.process.stdout is not None
    assert bridge.process.stderr is not None
    bridge.process.stdin.close()
    further = [json.loads(line) for line in bridge.process.stdout]
    status = bridge.process.wait(PATIENCE)
    os.set_blocking(bridge.process.stderr.fileno(), False)
    return status, further, (bridge.process.stderr.read() or b"").decode()


def _wait_for(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)
