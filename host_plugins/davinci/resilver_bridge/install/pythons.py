"""The Pythons that a Resolve up to 21.0 finds for its menu; it brings none of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .folders import System

WHERE = {
    "linux": "is on the path as python3",
    "darwin": "is at /usr/local/bin/python3 or in PYTHON3HOME, where alone Resolve looks",
    "win32": "is registered",
}
REMEDY = {
    "linux": "install python3 with your package manager",
    "darwin": "install Python from python.org, or launchctl setenv PYTHON3HOME to the folder of another one",
    "win32": "install Python from python.org",
}
_ASK = "import struct, sys; print('%d.%d.%d' % sys.version_info[:3], struct.calcsize('P') * 8)"
_ANSWERING = 20.0
"""Seconds."""


@dataclass(frozen=True)
class Interpreter:
    """One that is there."""

    path: Path
    version: tuple[int, ...] = ()
    """Empty where it does not say."""
    bits: int = 0

    @property
    def good(self) -> bool:
        """Whether the menu entries run in it."""
        return self.version >= (3, 6) and self.bits == 64

    @property
    def said(self) -> str:
        """For people."""
        if not self.version:
            return "not one that runs"
        return f"Python {'.'.join(map(str, self.version))}, {self.bits} bit"


def of_menu(system: System, registered: Callable[[], Sequence[Path]]) -> list[Interpreter]:
    """Those that Resolve finds, the one that it takes first."""
    if system.windows:
        found = [ask(path) for path in registered()]
        return sorted(found, key=lambda each: each.version, reverse=True)
    return [ask(path) for path in _candidates(system) if path.exists()][:1]


def ask(path: Path) -> Interpreter:
    """What an interpreter says of itself."""
    try:
        done = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=_ANSWERING, check=True)
        version, bits = done.stdout.split()
        return Interpreter(path, tuple(map(int, version.split("."))), int(bits))
    except (OSError, ValueError, subprocess.SubprocessError):
        return Interpreter(path)


def registered() -> list[Path]:
    """Those in Windows' registry; none elsewhere."""
    found: list[Path] = []
    if sys.platform == "win32":
        import winreg

        for root in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
            try:
                with winreg.OpenKey(root, r"SOFTWARE\Python\PythonCore") as core:
                    names = [winreg.EnumKey(core, index) for index in range(winreg.QueryInfoKey(core)[0])]
                    found += [Path(winreg.QueryValue(core, rf"{name}\InstallPath"), "python.exe") for name in names]
            except OSError:
                continue  # nothing is registered there
    return found


def _candidates(system: System) -> list[Path]:
    if system.mac:
        chosen = system.environment.get("PYTHON3HOME")
        usual = system.root / "usr" / "local" / "bin" / "python3"
        return [Path(chosen, "bin", "python3"), usual] if chosen else [usual]
    ours = Path(sys.prefix, "bin")  # an environment that is active here is not active for Resolve
    folders = [part for part in system.environment.get("PATH", "").split(os.pathsep) if part and Path(part) != ours]
    found = shutil.which("python3", path=os.pathsep.join(folders) or os.devnull)
    return [Path(found)] if found else []
