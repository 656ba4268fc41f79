"""The command line in a folder of its own, for tests."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from .serving import environment
from .tiny import moving, write_clip

RATE = Fraction(24)


class Desk:
    """A folder with a small film of ``frames`` frames, and the command."""

    frames = 9

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.film = folder / "film.mkv"
        write_clip(self.film, moving(self.frames, 48, 32), RATE)

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "resilver_server.cli.main", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment(self.home), timeout=180)
