"""A user's machine with Resilver installed for Resolve, whose menu entries are run as Resolve runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from davinci.resolve_double import Double
from resilver_bridge.install import folders, installing
from resilver_bridge.install.folders import System

HERE = Path(__file__).parent
FUSCRIPT = HERE / "fuscript.py"
STAND_IN = HERE / "stand_in_bridge.py"
VERSION = "1.2.3"
ENTRIES = {
    "restore": "Resilver - Restore Clips.py",
    "new-timeline": "Resilver - Restore to new 4K60 timeline.py",
    "jobs": "Resilver - Jobs.py",
}
NAME = "Zoë Müller 映画"
"""Of a user, whose folders are called so."""


def interpreter(version: str) -> str:
    """A CPython of this version; "" where there is none here."""
    places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(places[-1]) if places else shutil.which(f"python{version}") or ""


class Machine:
    """``home`` is made in ``folder``; ``command`` starts the bridge that is installed."""

    def __init__(self, folder: Path, command: Sequence[str] = (), version: str = VERSION) -> None:
        self.home = folder / NAME
        self.home.mkdir(parents=True)
        self.heard = folder / "heard.jsonl"
        self.system = System("linux", {}, self.home, folder / "root")
        self.own = folders.own(self.system)
        self.menu = folders.menu(self.system)
        self.double_file, self.result_file = folder / "double.json", folder / "result.json"
        self.changes = installing.install(self.system, command or ["false"], version)

    @classmethod
    def with_stand_in(cls, folder: Path, way: str) -> Machine:
        """One whose bridge behaves in one of the ways of ``stand_in_bridge``."""
        return cls(folder, [sys.executable, str(STAND_IN), way, str(folder / "heard.jsonl")])

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return {**kept, "HOME": str(self.home), "RESILVER_BROWSER": "none", "LC_ALL": "C.UTF-8", **more}

    def start(
        self, double: Double, verb: str = "restore", python: str = sys.executable, probe: str = "", **more: str
    ) -> Running:
        """Choose a menu entry. Nothing but the standard library can be imported by it. ``probe`` is a Python that the
        double asks about files that are imported; without one it knows those that it was told of."""
        self.double_file.write_text(double.to_json(), encoding="utf-8")
        entry = self.menu / ENTRIES[verb]
        line = [python, "-S", "-I", str(FUSCRIPT), str(self.double_file), str(entry), str(self.result_file)]
        line += [probe] if probe else []
        pipe = subprocess.PIPE
        return subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment(**more))

    def run(self, double: Double, verb: str = "restore", python: str = sys.executable, **more: str) -> Ran:
        """Choose a menu entry, and wait until it has ended."""
        process = self.start(double, verb, python, **more)
        out, err = process.communicate(timeout=120)
        return Ran(process.returncode, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))

    def said(self) -> list[dict[str, object]]:
        """What the stand-in has heard from the menu script."""
        lines = self.heard.read_text().splitlines() if self.heard.exists() else []
        return [json.loads(line) for line in lines]

    def after(self) -> Double:
        """Resolve, as the menu entry has left it."""
        return Double.from_json(self.result_file.read_text(encoding="utf-8"))


Running = subprocess.Popen[bytes]


class Ran:
    """A menu entry that has ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
