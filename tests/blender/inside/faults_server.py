"""A server that goes away, and one whose disk is full."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import bpy
from faults_kit import Faults, fresh


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    acts = (killed, full)
    act = next(act for act in acts if act.__name__ == arguments["act"])
    return act(fresh(extension, arguments, act.__name__), arguments)


def killed(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The server is killed half-way, and somebody starts it again; then the same is restored without a mishap."""
    job = kit.submitted()
    kit.until(lambda: job.progress is not None and job.progress.state == "rendering")
    os.kill(arguments["pid"], signal.SIGKILL)
    found = kit.ended(job)
    first = _files(kit)
    kit.given["output_folder"] = str(kit.folder / "calm")
    return found | {"calm": kit.restore(), "end": kit.strips(), "same": first == _files(kit)}


def full(kit: Faults, arguments: dict[str, Any]) -> dict[str, Any]:
    """The server's disk is full until somebody makes room."""
    job = kit.submitted()
    kit.until(lambda: job.progress is not None and job.progress.state == "waiting")
    seen = {"waits": job.progress.message, "left": [str(path) for path in Path(kit.given["output_folder"]).glob("*")]}
    seen["meanwhile"] = kit.strips()
    Path(arguments["room"]).touch()
    return seen | kit.ended(job)


def _files(kit: Faults) -> list[str]:
    """Digests of the restored files, in the order of their strips' names."""
    paths = [bpy.path.abspath(kit.named(f"{name} [restored]").filepath) for name in ("one", "two")]
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]
