"""In which order things reach the disk, as the system's own calls tell: bytes before their name, the name's folder
before the row that counts on it. Needs ``strace`` (``apt install strace``, ``dnf install strace``)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.day import CLIP, TESTS
from faults.day_engine import LENGTH
from resilver_server.domain.serial import canonical
from support.jobs import request, timeline

CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,mkdir,mkdirat"
_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) = 0$")
_DESCRIPTOR = re.compile(r"^\d+<(.+?)>$")
_PATHS = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Call:
    """One that succeeded. Syncs have one path, moves and links two, mkdir one."""

    name: str
    paths: tuple[str, ...]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """Of a server with a new home that does one job, up to the job's end."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    folder = tmp_path_factory.mktemp("traced")
    film, asked, trace = folder / "film.mkv", folder / "request.json", folder / "trace"
    film.write_bytes(b"1895")
    edit = timeline(film, LENGTH, ("shot", 0, CLIP))
    asked.write_text(canonical(request("a", edit, folder / "new" / "out")))
    server = [sys.executable, "-m", "faults.traced_server", str(folder / "deep" / "home"), str(asked)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))}
    command = ["strace", "-f", "-y", "-s", "4096", "-o", str(trace), "-e", f"trace={CALLS}", *server]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    assert (folder / "new/out/shot.mkv").exists()
    return read(trace.read_text())


def read(trace: str) -> list[Call]:
    """Calls in the order in which they ended; those that another thread interrupted are put together again."""
    found, begun = [], {}
    for line in trace.splitlines():
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>").rstrip()
            continue
        if " resumed>" in line:
            line = begun.pop(thread, "") + line.split(" resumed>", 1)[1]
        match = _CALL.match(re.sub(r"\) += 0$", ") = 0", line))
        if match:
            descriptor = _DESCRIPTOR.match(match[2])
            paths = (descriptor[1],) if descriptor else tuple(_PATHS.findall(match[2]))
            found.append(Call(match[1], paths))
    return found


def synced(call: Call, path: str) -> bool:
    return call.name in ("fsync", "fdatasync") and call.paths == (path,)


def committed(call: Call) -> bool:
    return call.name in ("fsync", "fdatasync") and call.paths[0].endswith("jobs.sqlite3-wal")


def named(calls: list[Call], inside: str) -> list[tuple[int, str, str]]:
    """Position, old and new name of all that was moved or linked to a path with ``inside`` in it."""
    moves = [(n, call) for n, call in enumerate(calls) if call.name.startswith(("rename", "link"))]
    return [(n, call.paths[0], call.paths[1]) for n, call in moves if inside in call.paths[1]]


def next_commit(calls: list[Call], after: int) -> int:
    return next(n for n in range(after, len(calls)) if committed(calls[n]))


@pytest.mark.parametrize("inside", ["/content/segment/", "/content/state/", "/new/out/"])
def test_bytes_then_name_then_folder_then_row(calls: list[Call], inside: str) -> None:
    moves = named(calls, inside)
    assert moves
    for position, old, new in moves:
        earlier, later = calls[:position], calls[position : next_commit(calls, position)]
        assert any(synced(call, old) for call in earlier), f"the bytes of {new} come after its name"
        folder = str(Path(new).parent)
        assert any(synced(call, folder) for call in later), f"the row of {new} comes before its name is on the disk"


def test_a_new_folder_is_on_the_disk_before_what_counts_on_it(calls: list[Call]) -> None:
    """Of the home, of the store's, and of the results'."""
    wanted = ("/deep", "/deep/home", "/new", "/new/out")
    made = [(n, call.paths[0]) for n, call in enumerate(calls) if call.name.startswith("mkdir")]
    kept = [(n, path) for n, path in made if path.endswith(wanted) or re.search(r"/content/\w+(/\w\w)?$", path)]
    assert len(kept) > len(wanted)
    for position, path in kept:
        if not path.endswith("/content/tmp"):
            later = calls[position : next_commit(calls, position)]
            assert any(synced(call, str(Path(path).parent)) for call in later), path


def test_every_commit_waits_for_the_disk(calls: list[Call]) -> None:
    """As many as there are steps that a job must not forget: queued, states, solved, chunks, phases."""
    assert sum(map(committed, calls)) >= 10
