"""Real Blenders for tests: each scenario has a process of its own, with the built zip installed as users install it.

A scenario is ``tests/blender/inside/NAME.py`` with ``main(extension: str, arguments: dict) -> dict``. It runs inside
Blender; arguments and result are JSON. ``extension`` is the package name that Blender gave the extension.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .shared import ROOT

VERSIONS = ("4.2", "4.5", "5.0", "5.2")
"""Blenders that the extension is tested in. ``blender`` skips the test where one is not set up here."""
INSIDE = ROOT / "tests" / "blender" / "inside"
BUILT = ROOT / "build" / "tests" / "blender"
"""Zips and installed extensions, by the digest of the sources they were made from."""
FIRST_BUILD = 500.0
"""Seconds that may pass until the wheels are downloaded."""
INSTALLING = 120.0
"""Seconds that Blender may take to install the zip on a busy machine."""
KEPT = 3600.0
"""Seconds for which zips of older sources stay: another run may be using them."""
TRACES = 5.0
"""Seconds before the time limit at which every thread of Blender says where it is."""


def python(version: str) -> Path:
    """The interpreter that can ``import bpy`` of this Blender; skips the test where there is none."""
    folder = ROOT / ".venv" / f"blender-{version}"
    if version not in os.environ.get("RESILVER_BLENDERS", version).split():
        pytest.skip(f"make test was asked for Blender {os.environ['RESILVER_BLENDERS'] or 'none'}, not for {version}")
    if not (folder / ".ready").exists():
        pytest.skip(f"no Blender {version} here; .ci/setup-blender {version} brings it")
    return folder / "bin" / "python"


def blender(
    version: str,
    scenario: str,
    timeout: float = 120,
    *,
    environment: Mapping[str, str] | None = None,
    blend: Path | None = None,
    resources: Path | None = None,
    enable: bool = True,
    **arguments: Any,
) -> dict[str, Any]:
    """Run a scenario in a real Blender with the extension installed and enabled, and return what it returns.

    Args:
        timeout: seconds after which Blender is killed and the test fails.
        environment: ``RESILVER_*`` and other variables that the scenario shall see; none of this process' own
            ``RESILVER_*`` are passed on.
        blend: a file that is opened before the scenario starts, as a user opens it by hand.
        resources: the user's Blender folder, for scenarios that follow one another; a fresh one by default. What
            a scenario does to it stays in it.
        enable: enable the installed extension before the scenario starts.
    """
    program = python(version)
    with _folder(resources) as home:
        if not (home / "extensions").exists():
            shutil.copytree(installed(version) / "extensions", home / "extensions", copy_function=_link)
        order = {"enable": enable, "blend": blend, "arguments": arguments}
        return run(program, scenario, home, timeout, environment or {}, order)


def run(
    program: Path, scenario: str, home: Path, timeout: float, environment: Mapping[str, str], order: dict[str, Any]
) -> dict[str, Any]:
    """Run a scenario with ``home`` as the user's Blender folder. ``order`` is what ``inside/run.py`` reads."""
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        order = {"scenario": scenario, "result": result, "seconds": timeout - TRACES, **order}
        paper = Path(scratch) / "order.json"
        paper.write_text(json.dumps(order, default=str))
        command = [program, "-X", "faulthandler", INSIDE / "run.py", paper]
        what = f"{scenario} in {program.parent.parent.name}"
        _finish(command, _environment(home, environment), timeout, what)
        if not result.exists():
            pytest.fail(f"{what} ended without a result", pytrace=False)
        found: dict[str, Any] = json.loads(result.read_text())
        return found


def installed(version: str) -> Path:
    """A user's Blender folder into which Blender has installed the zip. Shared by all tests: only to be copied."""
    archive = extension_zip()
    folder = archive.parent / f"blender-{version}"
    with _alone(archive.parent / f"{version}.lock"):
        if not folder.exists():
            partial = archive.parent / f"{version}-partial"
            shutil.rmtree(partial, ignore_errors=True)
            order = {"enable": False, "arguments": {"archive": archive}}
            run(python(version), "install", partial, INSTALLING, {}, order)
            partial.rename(folder)
    return folder


def extension_zip() -> Path:
    """The extension's zip for this machine, built from the present sources; built once for all workers."""
    builder = load_builder()
    folder = BUILT / builder.digest()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / "zip.lock"):
        if not list(folder.glob("*.zip")):
            _forget_old(folder)
            command = [sys.executable, builder.__file__, "--platform", _platform(), "--output", folder]
            _finish(command, dict(os.environ), FIRST_BUILD, "building the extension")
    (archive,) = folder.glob("*.zip")
    return archive


def _forget_old(present: Path) -> None:
    """Remove what was built from sources that no run of the last hour has asked for, and what killed runs have left."""
    marks = [(lock.parent, lock) for lock in BUILT.glob("*/zip.lock")] + [(run, run) for run in BUILT.glob("run-*")]
    for folder, mark in marks:
        if folder != present and time.time() - mark.stat().st_mtime > KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def load_builder() -> ModuleType:
    """``host_plugins/blender/build.py`` as a module."""
    spec = importlib.util.spec_from_file_location("build_extension", ROOT / "host_plugins" / "blender" / "build.py")
    assert spec
    assert spec.loader
    builder = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = builder
    spec.loader.exec_module(builder)
    return builder


def _platform() -> str:
    """This machine in Blender's words; Blender as a module comes for these."""
    return {"linux": "linux-x64", "darwin": "macos-arm64", "win32": "windows-x64"}[sys.platform]


def _environment(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RESILVER_", "PYTHON", "BLENDER_"))}
    return kept | {"BLENDER_USER_RESOURCES": str(home), "PYTHONNOUSERSITE": "1", "OMP_NUM_THREADS": "1"} | dict(given)


def _finish(command: list[Any], environment: dict[str, str], timeout: float, what: str) -> None:
    """Run a command to its end, and show what it said where that is not a good one."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=timeout)
        ended = f"exit status {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        ended = f"not over after {timeout:.0f} s"
    if process.returncode:
        pytest.fail(f"{what}: {ended}\n{said}", pytrace=False)


def _link(source: str, target: str) -> None:
    """Link a file instead of copying it where both lie on one file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The user's Blender folder: the given one, or one for this run that lies where files can be linked."""
    if given:
        yield given
        return
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT, prefix="run-", ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Only one process at a time; the lock ends with its process."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
