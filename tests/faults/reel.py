"""One tiny film, a job on it, and what comes of it where nothing goes wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.settings import program
from faults.work import HEIGHT, RATE, WIDTH
from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_server.api.writing import write_request
from resilver_server.domain.digests import digest_file
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.scheduling.requests import JobRequest
from support.edits import Cut, edit, movie
from support.jobs import film, manager, on_loop, rows
from support.serving import ServerProcess, server_process

FRAMES = 60
REPLAYED = "faults.replaying_engine"
"""Workers of servers that are attacked in ways which no engine notices; they start in a moment."""
_LONGEST = 60.0


@dataclass(frozen=True)
class Reel:
    movie: Path
    original: str
    """Digest of the movie."""
    result: str
    """Digest of what the job makes of it."""

    def request(self, out: Path, id: str = "a", name: str = "shot") -> JobRequest:
        return request(self.movie, out, id, name)

    def assert_right(self, out: Path) -> None:
        """The result is there whole, alone with its sidecar, and the original as it was."""
        assert digest_file(out / "shot.mkv") == self.result
        assert sorted(path.name for path in out.iterdir()) == ["shot.mkv", "shot.resilver.json"]
        assert digest_file(self.movie) == self.original


def request(film: Path, out: Path, id: str = "a", name: str = "shot") -> JobRequest:
    """Five chunks, measured before they are rendered."""
    stages = (StageSettings("deflicker", {"window": 0.5}), StageSettings("upscale", {"model": "none", "scale": 2.0}))
    shown = edit(RATE, [Cut(movie(film), (0, FRAMES), name)])
    return JobRequest(id, id, shown, Recipe(stages, Delivery("ffv1")), str(out))


def make(folder: Path) -> Reel:
    reel = film(folder / "reel.mkv", FRAMES, WIDTH, HEIGHT, seed=5, rate=RATE)

    program()
    os.environ["FAULTS_RECORD"] = str(folder / "record")

    async def go() -> None:
        async with manager(folder / "home", worker_module=REPLAYED) as running:
            job = await running.submit(request(reel, folder / "out"))
            await rows(running, job.id)

    on_loop(go)
    return Reel(reel, digest_file(reel), digest_file(folder / "out/shot.mkv"))


@contextmanager
def walled_server(home: Path, *walls: str, **settings: object) -> Iterator[ServerProcess]:
    """A server of the faults' own (``settings.program``), behind walls of ``walled``."""
    home.mkdir(parents=True, exist_ok=True)
    with server_process(home, program=program(*walls, **settings)) as server:
        yield server


def submit(client: Client, request: JobRequest) -> str:
    return client.submit(write_request(request)).id


def wait_for(client: Client, job: str, *states: str, seconds: float = _LONGEST) -> jobs_pb2.Job:
    """The job in one of the states, ``"FAILED"``."""
    wanted = {jobs_pb2.JobState.Value(f"JOB_STATE_{state}") for state in states}
    deadline = time.monotonic() + seconds
    while (found := client.get(job)).state not in wanted:
        assert time.monotonic() < deadline, f"it is {jobs_pb2.JobState.Name(found.state)}: {found.error.what}"
        assert "FAILED" in states or found.state != jobs_pb2.JOB_STATE_FAILED, found.error
        time.sleep(0.05)
    return found


def wait_for_chunk(client: Client, job: str) -> None:
    """Until a chunk is rendered."""
    for event in client.watch(job):
        if event.kind == jobs_pb2.EVENT_KIND_CHUNK:
            return
    raise AssertionError("it ended without a chunk")


def told(error: object) -> str:
    """A failure as people read it."""
    return ", ".join(filter(None, (getattr(error, name, "") for name in ("reason", "what", "where", "remedy"))))
