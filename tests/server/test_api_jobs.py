"""Jobs through the real server: planned, submitted, watched, paged, stopped, and carried on after it was killed."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from resilver.v1 import catalogue_pb2, content_pb2, jobs_pb2, store_pb2
from resilver_client.client import Client
from resilver_client.errors import (
    InvalidRecipe,
    JobNotFound,
    JobStateConflict,
    LicenceNotAccepted,
    MediaNotFound,
    ModelUnknown,
    OutputExists,
    RequestIdReused,
    ResilverError,
    TimelineUnreadable,
    UnknownProfile,
    UnknownStage,
)
from resilver_client.values import fraction
from resilver_otio.sources import one_clip_timeline
from resilver_server import __version__
from resilver_server.api.writing import write_request
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.models.cards import all_cards
from resilver_server.scheduling.requests import JobRequest
from support.clips import numbered, planes_of, write_movie
from support.serving import ServerProcess, server_process
from support.shared import ROOT

FRAMES = 20
ENDED = (jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_movie(tmp_path_factory.mktemp("media"), FRAMES)


def make_movie(folder: Path, frames: int) -> Path:
    pictures = [planes_of(numbered(k, 64, 48), "yuv420p") for k in range(frames)]
    return write_movie(folder / "reel.mkv", pictures, "ffv1", "yuv420p", rate=Fraction(24000, 1001))


def wanted(movie: Path, folder: Path, width: int = 96) -> JobRequest:
    stages = (StageSettings("upscale", {"model": "none", "width": width}),)
    return JobRequest(
        request_id=uuid.uuid4().hex,
        title="a reel",
        timeline=one_clip_timeline(str(movie), "reel"),
        recipe=Recipe(stages, Delivery("ffv1")),
        output_folder=str(folder),
    )


def finished(client: Client, job_id: str) -> jobs_pb2.Job:
    for _ in client.watch(job_id):
        pass
    return client.get(job_id)


def test_the_server_says_what_it_is(client: Client, server: ServerProcess) -> None:
    info = client.server_info()
    assert (info.version, info.pid, Path(info.home)) == (__version__, server.process.pid, server.home)
    assert info.devices[0].total_memory > 0
    assert {"torch", "av", "numpy"} <= set(info.libraries)


def test_a_plan_is_exact_and_stores_nothing(client: Client, movie: Path, tmp_path: Path) -> None:
    before = [job.id for job in client.all_jobs()]
    plan = client.plan(write_request(replace(wanted(movie, tmp_path), request_id="")))
    (shot,) = plan.shots
    assert fraction(shot.output_rate, "") == Fraction(24000, 1001)
    assert fraction(shot.duration, "") == FRAMES * Fraction(1001, 24000)
    assert (shot.output_frames, shot.media.frame_count) == (FRAMES, FRAMES)
    assert (shot.output_format.width, shot.output_format.height) == (96, 72)
    assert [stage.settings.stage for stage in shot.stages] == ["upscale"]
    assert shot.output == str(tmp_path / "reel.mkv")
    assert [job.id for job in client.all_jobs()] == before
    assert list(tmp_path.iterdir()) == []


def test_a_job_goes_from_submission_to_result(client: Client, movie: Path, tmp_path: Path) -> None:
    request = wanted(movie, tmp_path)
    job = client.submit(write_request(request))
    assert client.submit(write_request(request)).id == job.id, "the same request is the same job"
    with pytest.raises(RequestIdReused):
        client.submit(write_request(replace(request, title="another")))

    events = list(client.watch(job.id))
    rows = [event.sequence for event in events if event.kind != jobs_pb2.EVENT_KIND_PROGRESS]
    assert rows == list(range(1, len(rows) + 1))
    later = [event.sequence for event in client.watch(job.id, after_sequence=3)]
    assert later == rows[3:]

    done = client.get(job.id)
    assert done.state == jobs_pb2.JOB_STATE_SUCCEEDED
    assert done.create_time.ToMicroseconds() <= done.start_time.ToMicroseconds() <= done.end_time.ToMicroseconds()
    assert (done.shots[0].frames, done.shots[0].phase) == (FRAMES, jobs_pb2.SHOT_PHASE_DONE)
    result = client.result(job.id)
    assert list(result.outputs) == [str(tmp_path / "reel.mkv")]
    timeline = otio.adapters.read_from_string(result.timeline, "otio_json")
    assert len(timeline.find_clips()) == 2, "the original below, the restored clip above"

    with pytest.raises(OutputExists, match="reel"):
        client.submit(write_request(wanted(movie, tmp_path)))
    for refused in (client.retry, client.cancel, client.pause, client.resume):
        with pytest.raises(JobStateConflict):
            refused(job.id)
    client.delete(job.id)
    with pytest.raises(JobNotFound):
        client.get(job.id)
    assert (tmp_path / "reel.mkv").exists(), "results stay"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda request: replace(request, timeline="{}"), TimelineUnreadable),
        (lambda request: replace(request, timeline=one_clip_timeline("/nowhere/reel.mov", "x")), MediaNotFound),
        (lambda request: replace(request, recipe=Recipe((StageSettings("polish"),))), UnknownStage),
        (lambda request: replace(request, recipe=Recipe((StageSettings("upscale", {"size": 1}),))), InvalidRecipe),
        (lambda request: replace(request, recipe=Recipe((), Delivery("betacam"))), UnknownProfile),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_stored(
    client: Client,
    movie: Path,
    tmp_path: Path,
    change: Callable[[JobRequest], JobRequest],
    kind: type[ResilverError],
) -> None:
    before = len(list(client.all_jobs()))
    request = change(wanted(movie, tmp_path))
    for ask in (client.plan, client.submit):
        with pytest.raises(ResilverError) as caught:
            ask(write_request(request))
        assert type(caught.value) is kind, caught.value
    assert len(list(client.all_jobs())) == before


def test_jobs_are_paged_newest_first(client: Client, movie: Path, tmp_path: Path) -> None:
    made = []
    for number in range(5):
        job = client.submit(write_request(wanted(movie, tmp_path / str(number))))
        client.cancel(job.id)
        made.append(job.id)
    pages, token = [], ""
    while True:
        page = client.list(page_size=2, page_token=token)
        assert len(page.jobs) <= 2
        pages.append([job.id for job in page.jobs])
        token = page.next_page_token
        if not token:
            break
    listed = list(itertools.chain(*pages))
    assert listed[:5] == made[::-1]
    assert len(listed) == len(set(listed))
    assert listed == [job.id for job in client.all_jobs()]
    cancelled = {job.id for job in client.all_jobs(states=[jobs_pb2.JOB_STATE_CANCELLED])}
    assert set(made) <= cancelled
    assert not {job.id for job in client.all_jobs(states=[jobs_pb2.JOB_STATE_QUEUED])} & set(made)
    assert client.retry(made[0]).state not in ENDED
    assert finished(client, made[0]).state == jobs_pb2.JOB_STATE_SUCCEEDED


def test_a_paused_job_waits_and_goes_on(client: Client, movie: Path, tmp_path: Path) -> None:
    job = client.submit(write_request(wanted(movie, tmp_path, width=640)))
    assert client.pause(job.id, now=True).state == jobs_pb2.JOB_STATE_PAUSED
    with pytest.raises(JobStateConflict):
        client.result(job.id)
    watcher = client.watch(job.id)
    assert next(watcher).sequence == 1
    assert client.resume(job.id).state != jobs_pb2.JOB_STATE_PAUSED
    last = list(watcher)[-1]
    assert (last.kind, last.state) == (jobs_pb2.EVENT_KIND_STATE, jobs_pb2.JOB_STATE_SUCCEEDED)


def test_models_are_installed_by_name_and_licence(client: Client) -> None:
    with pytest.raises(ModelUnknown, match="nothing"):
        list(client.install_model("nothing"))
    restricted = [card.id for card in all_cards() if not card.permissive]
    for model in restricted[:1]:
        with pytest.raises(LicenceNotAccepted, match=model):
            list(client.install_model(model))


def test_a_watcher_sees_a_killed_server_s_job_to_its_end(tmp_path: Path) -> None:
    movie = make_movie(tmp_path, 150)
    home = tmp_path / "home"
    with server_process(home) as first, first.client() as client:
        job = client.submit(write_request(wanted(movie, tmp_path / "out", width=320)))
        watcher = client.watch(job.id, patience=120)
        seen = []
        for event in watcher:
            seen.append(event)
            if event.kind == jobs_pb2.EVENT_KIND_CHUNK:
                break
        first.process.kill()
        first.process.wait()
        with server_process(home):
            seen += list(watcher)
        rows = [event.sequence for event in seen if event.kind != jobs_pb2.EVENT_KIND_PROGRESS]
        assert rows == list(range(1, len(rows) + 1))
        assert seen[-1].state == jobs_pb2.JOB_STATE_SUCCEEDED
        chunks = [event.chunk for event in seen if event.kind == jobs_pb2.EVENT_KIND_CHUNK]
        assert sorted(chunks) == list(range(len(chunks)))
        assert len(chunks) > 2
    assert (tmp_path / "out" / "reel.mkv").exists()


def test_the_page_s_example_runs(
    server: ServerProcess,
    movie: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    example = text.partition("```python\n")[2].partition("```")[0]
    assert "/film/reel1.mov" in example
    monkeypatch.setenv("RESILVER_HOME", str(server.home))
    written = example.replace("/film/reel1.mov", str(movie)).replace("/film/restored", str(tmp_path))
    exec(compile(written, "docs/api.md", "exec"), {})
    said = capsys.readouterr().out
    assert "EVENT_KIND_CHUNK" in said
    assert str(tmp_path / "Reel 1.mkv") in said.splitlines()[-1]


def test_the_page_names_every_method() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    modules = (jobs_pb2, catalogue_pb2, content_pb2, store_pb2)
    services = [service for module in modules for service in module.DESCRIPTOR.services_by_name.values()]
    methods = [method.name for service in services for method in service.methods]
    assert re.findall(r"^\| `([A-Z]\w+)` \|", text, re.M) == methods
