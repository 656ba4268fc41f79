"""A film goes to a server that shares no disk, the result comes back to the byte, whatever is cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resilver.v1 import content_pb2, jobs_pb2
from resilver_client.client import Client, connect
from support.far import Cutter, Line, remote_server, resilver
from support.jobs import film
from support.serving import ServerProcess, server_process

RECIPE = ("--stage", "upscale:model=none,scale=2", "--stage", "deflicker", "--change-maps")
FRAMES = 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Line]]:
    with remote_server(tmp_path_factory.mktemp("server"), "--transfer-mb", "5") as running:
        yield running


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("client") / "reel 1 — é.mkv", FRAMES, 352, 288)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, reel: Path) -> Path:
    """The folder with what a server of this machine makes of the film."""
    folder = tmp_path_factory.mktemp("here")
    command = ("restore", reel, "-o", folder / "out.mkv", *RECIPE)
    with server_process(folder / "home"), resilver(folder / "home", "", "", *command) as run:
        ended(run)
    return folder


@pytest.fixture(scope="module")
def restored(server: tuple[ServerProcess, Line], reel: Path, tmp_path_factory: pytest.TempPathFactory) -> Line:
    """The server, which has restored the film once."""
    folder, line = tmp_path_factory.mktemp("once"), server[1]
    with resilver(folder / "home", line.address, line.token, "restore", reel, "-o", folder / "out.mkv", *RECIPE) as run:
        ended(run)
    return line


def received(line: Line) -> int:
    with connect(line.address, line.token) as client:
        return int(client.call(lambda link: link.content.GetUsage, content_pb2.GetUsageRequest()).received)


def ended(run: subprocess.Popen[str], seconds: float = 120) -> str:
    said = run.communicate(timeout=seconds)[0]
    assert run.returncode == 0, said
    return said


def assert_same_results(there: Path, here: Path) -> None:
    for name in ("out.mkv", "out.changes.mkv"):
        assert (there / name).read_bytes() == (here / name).read_bytes(), name
    notes = [json.loads((folder / "out.resilver.json").read_text()) for folder in (there, here)]
    jobs = {note.pop("job") for note in notes}
    assert len(jobs) == 2
    assert notes[0] == notes[1]


def test_ten_cuts_change_no_byte_and_send_none_twice(
    server: tuple[ServerProcess, Line], reel: Path, here: Path, tmp_path: Path
) -> None:
    line, before = server[1], received(server[1])
    size = reel.stat().st_size
    up = [size * k // 8 for k in range(1, 8)]
    cutter = Cutter((line.host, line.port), up, down=[30_000, 2_000_000, 5_000_000])
    with resilver(
        tmp_path / "home", line.through(cutter.port), line.token, "restore", reel, "-o", tmp_path / "out.mkv", *RECIPE
    ) as run:
        said = ended(run)
    cutter.close()
    assert cutter.cuts - 1 >= 10, (cutter.cuts, cutter.passed, said)
    assert received(line) - before == size, "nothing was taken twice"
    assert cutter.passed["up"] < size + 10 * (1 << 20), "what a cut swallowed is at most what was on its way"
    assert_same_results(tmp_path, here)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "out.changes.mkv", "out.mkv", "out.resilver.json",
    ]  # fmt: skip


def test_the_same_command_again_sends_and_renders_nothing(
    restored: Line, reel: Path, here: Path, tmp_path: Path
) -> None:
    before = received(restored)
    with resilver(
        tmp_path / "home", restored.address, restored.token, "restore", reel, "-o", tmp_path / "out.mkv", *RECIPE
    ) as run:
        ended(run)
    assert received(restored) == before
    assert_same_results(tmp_path, here)


def test_a_client_killed_in_mid_upload_goes_on(server: tuple[ServerProcess, Line], tmp_path: Path) -> None:
    reel, line, before = film(tmp_path / "other.mkv", 25, 352, 256, seed=5), server[1], received(server[1])
    arguments = ("restore", reel, "-o", tmp_path / "out.mkv", "--stage", "upscale:model=none,scale=2", "--range", "0:6")
    with resilver(tmp_path / "home", line.address, line.token, *arguments) as run:
        while received(line) - before < 300_000:
            assert run.poll() is None
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGKILL)
    partly = received(line) - before
    assert 0 < partly < reel.stat().st_size
    with resilver(tmp_path / "home", line.address, line.token, *arguments) as run:
        ended(run)
    assert received(line) - before == reel.stat().st_size
    assert (tmp_path / "out.mkv").exists()


def test_a_server_killed_in_mid_upload_and_in_mid_job_goes_on(reel: Path, here: Path, tmp_path: Path) -> None:
    """It comes back under the same line; what it had taken is not sent again."""
    home, slow = tmp_path / "server", ("--transfer-mb", "0.8")
    with remote_server(home, *slow) as (server, line):
        command = ("restore", reel, "-o", tmp_path / "out.mkv", *RECIPE)
        with resilver(tmp_path / "home", line.address, line.token, *command) as run:
            until(run, lambda: partial(home) > 300_000)
            server.process.kill()
            server.process.wait()
            kept = partial(home)
            with remote_server(home, port=line.port) as (second, same):
                assert same == line
                until(run, lambda: any(True for _ in (home / "content" / "segment").rglob("*")))
                assert received(line) == reel.stat().st_size - kept
                second.process.kill()
                second.process.wait()
            with remote_server(home, port=line.port):
                ended(run)
    assert_same_results(tmp_path, here)


def partial(home: Path) -> int:
    return sum(file.stat().st_size for file in (home / "remote" / "partial").glob("*"))


def until(run: subprocess.Popen[str], true: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_result_that_is_there_is_kept_and_nothing_is_rendered(
    server: tuple[ServerProcess, Line], reel: Path, tmp_path: Path
) -> None:
    line = server[1]
    (tmp_path / "out.mkv").write_text("somebody's film")
    arguments = ("restore", reel, "-o", tmp_path / "out.mkv", "--stage", "upscale:model=none,scale=3")
    with resilver(tmp_path / "home", line.address, line.token, *arguments) as run:
        said = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "OUTPUT_EXISTS" in said
    assert (tmp_path / "out.mkv").read_text() == "somebody's film"
    with connect(line.address, line.token) as client:
        assert next(client.all_jobs()).state == jobs_pb2.JOB_STATE_CANCELLED


def test_the_server_keeps_nothing_of_the_client_s_paths(
    server: tuple[ServerProcess, Line], restored: Line, reel: Path
) -> None:
    """Its database knows the film by digest and name."""
    with connect(restored.address, restored.token) as client:
        assert isinstance(client, Client)
        assert any(job.state == jobs_pb2.JOB_STATE_SUCCEEDED for job in client.all_jobs())
    for file in server[0].home.rglob("*"):
        if file.is_file() and not file.is_symlink() and file.suffix in (".sqlite3", ".sqlite3-wal", ".log", ".json"):
            assert str(reel.parent).encode() not in file.read_bytes(), file
