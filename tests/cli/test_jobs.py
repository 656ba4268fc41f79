"""``resilver jobs``: the queue, and where every frame is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from resilver.v1 import jobs_pb2, types_pb2
from resilver_server.cli.frames import whereabouts
from support.command import Desk
from support.jobs import film

ANALYSE, RENDER = jobs_pb2.CHUNK_KIND_ANALYSE, jobs_pb2.CHUNK_KIND_RENDER


def _chunk(
    number: int, state: jobs_pb2.ChunkState.ValueType, kind: jobs_pb2.ChunkKind.ValueType = RENDER, file: str = ""
) -> jobs_pb2.Chunk:
    frames = types_pb2.Span(start=48 * number, stop=48 * number + 48)
    running = state == jobs_pb2.CHUNK_STATE_RUNNING
    return jobs_pb2.Chunk(
        kind=kind, number=number, frames=frames, state=state, file=file, worker=4711 * running, attempts=2, done=12
    )


def test_every_frame_is_somewhere() -> None:
    shot = jobs_pb2.Shot(number=0, phase=jobs_pb2.SHOT_PHASE_RENDERING)
    stored, made = jobs_pb2.CHUNK_STATE_STORED, jobs_pb2.CHUNK_STATE_MADE
    running, pending = jobs_pb2.CHUNK_STATE_RUNNING, jobs_pb2.CHUNK_STATE_PENDING
    chunks = [_chunk(0, made, ANALYSE), _chunk(1, stored, ANALYSE)]
    chunks += [_chunk(number, state) for number, state in enumerate((stored, made, made, running, pending, pending))]
    assert list(whereabouts(shot, chunks)) == [
        ("measured", "media frames 0-95 of 0-95"),
        ("stored before", "0-47"),
        ("rendered", "48-143"),
        ("running", "144-191: worker 4711, attempt 2, 12 of 48 done"),
        ("waiting", "192-287"),
    ]
    shot.phase = jobs_pb2.SHOT_PHASE_DONE
    joined = [_chunk(0, stored, file="/out/shot.mov"), _chunk(1, made, file="/out/shot.mov")]
    assert list(whereabouts(shot, joined))[-1] == ("joined", "0-95 into /out/shot.mov")
    assert list(whereabouts(shot, [_chunk(0, pending, ANALYSE)])) == [
        ("measured", "media frames none of 0-47"), ("joined", "into ")
    ]  # fmt: skip


def test_a_job_is_shown_and_its_priority_changed(desk: Desk, tmp_path: Path) -> None:
    movie, out = film(tmp_path / "film.mkv", 30), tmp_path / "out.mkv"
    done = desk.run("restore", str(movie), "-o", str(out), "--stage", "upscale:model=none,scale=2", "--priority", "7")
    assert done.returncode == 0, done.stderr
    listed = json.loads(desk.run("jobs", "list", "--json").stdout)["jobs"]
    job = next(each["id"] for each in listed if each["title"] == "film.mkv")
    assert re.search(rf"{job} +succeeded, .*\n +priority 7", desk.run("jobs", "list").stdout)
    shown = desk.run("jobs", "show", job).stdout
    assert f"{job} succeeded, priority 7" in shown
    assert re.search(rf"rendered +0-29\n +joined +0-29 into {re.escape(str(out))}", shown), shown
    record = json.loads(desk.run("jobs", "show", job, "--json").stdout)
    assert record["state"] == "JOB_STATE_SUCCEEDED"
    assert record["chunks"][-1]["state"] == "CHUNK_STATE_MADE"
    refused = desk.run("jobs", "priority", job, "-5")
    assert refused.returncode == 1
    assert "JOB_STATE_CONFLICT" in refused.stderr
    assert desk.run("jobs", "priority", job, "101").returncode == 2
