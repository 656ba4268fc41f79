"""A command imports what it needs and no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resilver_server.cli.main import COMMANDS

HEAVY = {"torch", "av", "cv2", "scenedetect", "grpc", "opentimelineio", "numpy"}
_SCRIPT = """
import sys
from resilver_server.cli.main import app
try:
    app(sys.argv[1:])
except SystemExit as ended:
    print("\\n".join(["", str(ended.code or 0), *(name for name in sys.modules if "." not in name)]))
"""


def _run(*arguments: str) -> tuple[str, set[str]]:
    """What was printed, and the modules that were imported for it."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    printed, code, modules = done.stdout.partition("\n0\n")
    assert code, done.stdout + done.stderr
    return printed, set(modules.split())


def test_the_version_needs_no_library() -> None:
    printed, modules = _run("--version")
    assert printed.strip()
    assert not modules & HEAVY


@pytest.mark.parametrize("command", ["restore", "serve", "jobs", "models", "inspect"])
def test_no_command_imports_pixels_before_it_works(command: str) -> None:
    _, modules = _run(command, "--help")
    assert not modules & {"torch", "av", "cv2", "scenedetect"}


def test_every_command_is_listed_with_its_help() -> None:
    printed, _ = _run("--help")
    assert all(f" {name} " in printed for name in COMMANDS)
