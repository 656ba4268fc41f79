"""The peers' side: each clip in a process of their own environment, which .ci/setup-peers makes."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .clips import Planes
from .ours import Made

Settings = Mapping[str, float | str]
_ROOT = Path(__file__).resolve().parents[1]
_PYTHON = _ROOT / ".venv" / "peers" / "bin" / "python"


def installed() -> bool:
    return _PYTHON.exists()


def versions() -> dict[str, str]:
    """What the peers run on, by name."""
    found = json.loads(_run("versions"))
    return {str(name): str(number) for name, number in found.items()}


def made(peer: str, planes: Planes, settings: Settings) -> Made:
    """What a peer of ``benchmarks/peers/run.py`` makes of a clip. Raises RuntimeError with what it complained of."""
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "given.npy", Path(folder) / "made.npy"
        np.save(given, planes)
        told = json.loads(_run(peer, json.dumps(dict(settings)), str(given), str(result)))
        return Made(np.load(result), float(told["seconds"]))


def _run(*arguments: str) -> str:
    command = [str(_PYTHON), "-W", "ignore", "-m", "benchmarks.peers.run", *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout
