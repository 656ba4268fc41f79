"""Numbers for Prometheus: what a job, a failure and a call add up to, who may read them, and that nobody is named."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from pathlib import Path

import pytest

from resilver_client.client import connect
from resilver_client.errors import AddressUnavailable, InvalidRequest, JobNotFound, Unauthenticated, UnsafeAddress
from resilver_server.api.metrics import Metrics, _address
from resilver_server.api.writing import write_request
from resilver_server.config import ServerSettings
from resilver_server.scheduling.counts import BOUNDS, Histogram
from resilver_server.scheduling.manager import JobManager
from support.jobs import film, request, timeline
from support.serving import server_process
from support.shared import ROOT

pytest.importorskip("prometheus_client", reason="the extra `metrics` is not installed")
LINE = re.compile(r"(resilver_\w+)(?:\{(.*)\})? (\S+)")
LABELS = {"state", "kind", "reason", "method", "code", "version", "le"}


def _read(port: int) -> dict[tuple[str, str], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = (LINE.fullmatch(line) for line in lines if not line.startswith("#"))
    return {(match[1], match[2] or ""): float(match[3]) for match in found if match}


def test_histograms_count_what_lies_within_their_bounds() -> None:
    found = Histogram()
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] + 0.01, BOUNDS[-1] + 1):
        found.observe(seconds)
    assert (found.counts[0], found.counts[1], found.counts[-1], sum(found.counts)) == (2, 1, 1, 4)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("0.0.0.0:9464", UnsafeAddress), ("[::]:9464", UnsafeAddress), ("example.com:9464", UnsafeAddress),
        ("192.168.1.5:9464", UnsafeAddress), ("9464", InvalidRequest), ("127.0.0.1:http", InvalidRequest),
        ("127.0.0.1:99999", InvalidRequest), (":9464", InvalidRequest),
    ],
)  # fmt: skip
def test_metrics_stay_on_this_machine(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _address(text)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    async def twice() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = ServerSettings(home=tmp_path, metrics=f"127.0.0.1:{port}")
        async with server:
            with pytest.raises(AddressUnavailable):
                async with Metrics(JobManager(settings)).open():
                    pass

    asyncio.run(twice())


def test_what_was_done_adds_up_and_nobody_is_named(tmp_path: Path) -> None:
    movie = film(tmp_path / "wedding.mkv", 60)
    asked = write_request(request("a", timeline(movie, 60, ("kiss", 0, 60)), tmp_path / "out"))
    with server_process(tmp_path / "home", "--metrics", "127.0.0.1:0") as server:
        port = int(re.findall(r"metrics on 127\.0\.0\.1:(\d+)", server.log.read_text())[0])
        with server.client() as client:
            list(client.watch(client.submit(asked).id))
            with pytest.raises(JobNotFound):
                client.get("nobody")
        with connect(server.address, "a wrong token") as stranger, pytest.raises(Unauthenticated):
            stranger.list()
        found = _read(port)
    assert found["resilver_jobs", 'state="succeeded"'] == 1
    assert found["resilver_jobs", 'state="waiting"'] == 0
    assert found["resilver_chunks_done_total", 'kind="render"'] == 2
    assert found["resilver_chunk_seconds_count", 'kind="render"'] == 2
    assert found["resilver_frames_rendered_total", ""] == 60
    assert found["resilver_store_bytes", ""] > 0
    assert (found["resilver_workers_started_total", ""], found["resilver_workers_lost_total", ""]) == (1, 0)
    calls = {labels: count for (name, labels), count in found.items() if name == "resilver_calls_total"}
    assert calls['code="NOT_FOUND",method="resilver.v1.JobService/GetJob"'] == 1
    assert calls['code="UNAUTHENTICATED",method="resilver.v1.JobService/ListJobs"'] == 1
    assert calls['code="OK",method="resilver.v1.JobService/SubmitJob"'] == 1
    assert calls['code="OK",method="resilver.v1.JobService/WatchJob"'] == 1
    said = " ".join(labels for _, labels in found)
    assert set(re.findall(r'(\w+)="', said)) <= LABELS
    assert not re.search(r"/tmp|/home|wedding|kiss", said)


def test_every_number_is_explained(tmp_path: Path) -> None:
    from resilver_server.api.exposition import _Numbers
    from resilver_server.api.metrics import Calls

    async def names() -> set[str]:
        manager = JobManager(ServerSettings(home=tmp_path, store_bytes=10**12))
        await manager.start()
        try:
            numbers = _Numbers(manager, Calls(), asyncio.get_running_loop())
            families = await asyncio.to_thread(lambda: list(numbers.collect()))
        finally:
            await manager.stop()
        return {family.name + ("_total" if family.type == "counter" else "") for family in families}

    page = (ROOT / "docs" / "operating.md").read_text()
    assert set(re.findall(r"`(resilver_\w+)`", page)) == asyncio.run(names())
