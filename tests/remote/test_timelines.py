"""Timelines on a server that shares no disk: sequences, URLs, pictures of clips; and no path of the server anywhere."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest

from resilver.v1 import content_pb2, jobs_pb2
from resilver_client.client import Client, connect
from resilver_client.content import Courier, local_file
from resilver_client.discovery import discover
from resilver_client.errors import (
    ContentMissing,
    DiskFull,
    MediaUnreadable,
    OutputExists,
    OutputUnwritable,
    PathNotAllowed,
    ResilverError,
)
from resilver_client.values import settings
from resilver_otio.sources import one_clip_timeline
from resilver_publish.far import Far
from resilver_server.api.addresses import parse_listen
from resilver_server.api.server import listen
from resilver_server.config import ServerSettings
from resilver_server.scheduling.manager import JobManager
from support.jobs import film
from support.serving import STARTING, TOKEN

ABSOLUTE = re.compile(r"(?<![\w:/.])/(?:\w[^\s\"']*/)+")
"""A path from the root on."""
RATE = 24


class Recording(Client):
    """Keeps what came from the server, errors too."""

    def __init__(self, address: str) -> None:
        super().__init__(lambda: discover(address, TOKEN))
        self.came: list[str] = []

    def call(self, *arguments: Any, **more: Any) -> Any:
        try:
            answer = super().call(*arguments, **more)
        except ResilverError as error:
            self.came.append(f"{error.reason} {error}")
            raise
        self.came.append(str(answer))
        return answer

    def stream(self, *arguments: Any, **more: Any) -> Iterator[Any]:
        for answer in super().stream(*arguments, **more):
            self.came.append(_text(answer.data) if hasattr(answer, "data") else str(answer))
            yield answer


def _text(data: bytes) -> str:
    """Of a sidecar; pictures and sound are no text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


@contextmanager
def served(home: Path, remote: bool) -> Iterator[str]:
    """The address of a real manager's services on loopback, in a thread."""
    ready: Future[str] = Future()
    loop, down = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        manager = JobManager(ServerSettings(home=home, remote=remote, reserve_bytes=0))
        try:
            await manager.start()
            async with listen(manager, parse_listen("127.0.0.1:0", None), TOKEN) as listening:
                ready.set_result(listening.address)
                await down.wait()
        except BaseException as error:
            ready.set_exception(error)
        finally:
            await manager.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        yield ready.result(STARTING)
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(STARTING)
        loop.close()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("server") / "its own home"
    with served(home, remote=True) as address:
        yield address, home


def frames(folder: Path, count: int) -> Path:
    """Numbered pictures of noise."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(3)
    for number in range(count):
        picture = av.VideoFrame.from_ndarray(noise.integers(0, 255, (32, 48, 3), dtype=np.uint8), format="rgb24")
        context = av.CodecContext.create("png", "w")
        context.width, context.height, context.pix_fmt, context.time_base = 48, 32, "rgb24", Fraction(1, 24)
        (folder / f"scan.{number:04d}.png").write_bytes(
            b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])
        )
    return folder


def edit(folder: Path) -> jobs_pb2.JobRequest:
    """A clip of a movie by URL, one of a long sequence with a matte of its own, and one that is not selected."""
    movie = film(folder / "reel & 100 %.mkv", 12, 48, 32)
    scan = frames(folder / "scan", 120)
    matte = frames(folder / "mattes", 3) / "scan.0001.png"
    timeline, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind="Video")
    timeline.tracks.append(track)
    movies = otio.schema.ExternalReference(movie.as_uri(), span(0, 12))
    track.append(otio.schema.Clip("movie", media_reference=movies, source_range=span(2, 8)))
    pictures = otio.schema.ImageSequenceReference(
        target_url_base=f"{scan}/", name_prefix="scan.", name_suffix=".png", start_frame=0, frame_step=1, rate=RATE,
        frame_zero_padding=4, available_range=span(0, 120),
    )  # fmt: skip
    own = {"resilver": {"mattes": {"upscale": str(matte)}}}
    track.append(otio.schema.Clip("scan", media_reference=pictures, source_range=span(50, 6), metadata=own))
    track.append(otio.schema.Clip("other", media_reference=otio.schema.ExternalReference("/elsewhere/not mine.mov")))
    job = jobs_pb2.JobRequest(title="edit", timeline=timeline.to_json_string(), output_folder=str(folder / "out"))
    job.selection.names.extend(["movie", "scan"])
    job.recipe.stages.append(settings("upscale", {"model": "none", "scale": 2.0}))
    job.recipe.delivery.profile = "ffv1"
    return job


def span(start: int, count: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, RATE), otio.opentime.RationalTime(count, RATE))


def done(client: Client | Far, job: jobs_pb2.JobRequest) -> tuple[jobs_pb2.Job, jobs_pb2.JobResult]:
    queued = client.submit(job)
    list(client.watch(queued.id))
    ended = client.get(queued.id)
    assert ended.state == jobs_pb2.JOB_STATE_SUCCEEDED, ended
    return ended, client.result(queued.id)


def test_an_edit_comes_back_as_from_a_server_here(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    address, home = elsewhere
    job = edit(tmp_path)
    with Recording(address) as client:
        plan = Far(client).plan(job)
        ended, result = done(Far(client), job)
        with pytest.raises(ContentMissing):
            Courier(client).fetch(ended.id, _named("../../blobs"), tmp_path / "stolen")
        client.list()
        assert client.server_info().remote
        told = list(client.came)
    assert [shot.media.path for shot in plan.shots] == [
        str(tmp_path / "reel & 100 %.mkv"), str(tmp_path / "scan" / "scan.%04d.png")
    ]  # fmt: skip
    assert [shot.output for shot in ended.shots] == [str(tmp_path / "out" / f"{n}.mkv") for n in ("movie", "scan")]
    there = json.loads(_without_job(result.timeline, ended.id))
    outputs = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.mkv")}

    (tmp_path / "out").rename(tmp_path / "first")
    job.request_id = "here"
    with served(tmp_path / "home here", remote=False) as near, connect(near, TOKEN) as client:
        own, expected = done(client, job)
    assert there == json.loads(_without_job(expected.timeline, own.id))
    assert outputs == {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.mkv")}
    assert "/elsewhere/not mine.mov" in result.timeline

    assert len(told) > 10
    assert not [message[:300] for message in told if str(home) in message]
    assert {found for message in told for found in ABSOLUTE.findall(message)} <= {"/elsewhere/"}


def _named(name: str) -> Any:
    return content_pb2.ResultFile(name=name, content=content_pb2.Content(digest="0" * 64, bytes=5))


def _without_job(text: str, job: str) -> str:
    return text.replace(job, "JOB")


def test_only_the_frames_that_are_needed_travel(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    """The clip shows 6 of 120 frames; a stage without analysis looks at one more on either side."""
    address, home = elsewhere
    job = edit(tmp_path)
    with connect(address, TOKEN) as client:
        done(Far(client), job)
    sent = {path.read_bytes() for path in (home / "remote" / "blobs").rglob("*") if path.is_file()}
    scans = [number for number in range(120) if (tmp_path / "scan" / f"scan.{number:04d}.png").read_bytes() in sent]
    assert scans[0] == 0
    assert scans[-1] < 60
    assert set(range(50, 56)) <= set(scans)
    assert len(scans) <= 10


@pytest.mark.parametrize("field", ["output_folder", "media", "matte", "audio", "keyed", "own"])
def test_a_path_is_refused(elsewhere: tuple[str, Path], tmp_path: Path, field: str) -> None:
    """Not even one that the server could open, nor one of its own uploads."""
    address, home = elsewhere
    movie = film(tmp_path / "reel.mkv", 3, 48, 32)
    timeline, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind="Video")
    timeline.tracks.append(track)
    shown = home / "remote" / "blobs" if field == "own" else movie
    track.append(otio.schema.Clip("clip", media_reference=otio.schema.ExternalReference(str(shown), span(0, 3))))
    job = jobs_pb2.JobRequest(request_id=field, timeline=timeline.to_json_string())
    job.recipe.stages.append(settings("upscale", {"model": "none", "scale": 2.0}))
    if field == "output_folder":
        job.output_folder = str(tmp_path)
    elif field == "audio":
        job.recipe.delivery.audio = str(movie)
    elif field == "matte":
        job.recipe.stages[0].matte = "/etc/hostname"
    elif field == "keyed":
        job.recipe.stages[0].key_frames = "resilver:content/" + "0" * 64 + "/../../x"
    with connect(address, TOKEN) as client, pytest.raises(PathNotAllowed) as caught:
        client.submit(job)
    assert str(home) not in str(caught.value)


def test_what_was_not_uploaded_is_named(elsewhere: tuple[str, Path]) -> None:
    timeline, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind="Video")
    timeline.tracks.append(track)
    reference = otio.schema.ExternalReference(f"resilver:content/{'ab' * 32}/reel.mov", span(0, 3))
    track.append(otio.schema.Clip("clip", media_reference=reference))
    job = jobs_pb2.JobRequest(request_id="none", timeline=timeline.to_json_string())
    with connect(elsewhere[0], TOKEN) as client, pytest.raises(ContentMissing, match="ab" * 32):
        client.submit(job)


def simple(movie: Path, folder: Path, **more: object) -> jobs_pb2.JobRequest:
    """Restore one movie whole."""
    job = jobs_pb2.JobRequest(timeline=one_clip_timeline(str(movie), "reel"), output_folder=str(folder), **more)
    job.recipe.stages.append(settings("upscale", {"model": "none", "scale": 2.0}))
    job.recipe.delivery.profile = "ffv1"
    return job


def test_previews_lie_beside_one_another(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    movie = film(tmp_path / "reel.mkv", 6, 48, 32)
    job = simple(movie, tmp_path, name="reel", preview_frames=2)
    with connect(elsewhere[0], TOKEN) as client:
        first = done(Far(client), job)[1]
        again = done(Far(client), job)[1]
    for result, folder in ((first, "reel-preview"), (again, "reel-preview-2")):
        assert len(result.pictures) == 2
        assert all(Path(picture).is_file() for picture in result.pictures)
        assert {Path(picture).parent for picture in result.pictures} == {tmp_path / folder}


def test_what_is_wrong_with_a_file_names_the_client_s(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    movie = film(tmp_path / "reel.mkv", 12, 96, 64)
    data = bytearray(movie.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 60] = bytes(60)
    movie.write_bytes(data)
    empty = tmp_path / "no film.mov"
    empty.write_text("nothing that could be shown")
    with Recording(elsewhere[0]) as client:
        far = Far(client)
        job = far.submit(simple(movie, tmp_path, name="damaged"))
        events = list(far.watch(job.id))
        ended = far.get(job.id)
        with pytest.raises(MediaUnreadable) as caught:
            far.plan(simple(empty, tmp_path, name="empty"))
        assert not [message for message in client.came if str(elsewhere[1]) in message]
    assert ended.error.reason == "MEDIA_CORRUPT"
    assert str(movie) in ended.error.where
    assert str(movie) in events[-1].error.where
    assert caught.value.where == str(empty)


def test_a_folder_of_frames_becomes_a_folder_of_frames(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    """Sent again with one frame repainted, that frame and a manifest travel, no other."""
    scan, address = frames(tmp_path / "scan 50 %", 12), elsewhere[0]
    job = simple(scan, tmp_path / "out", name="reel")
    job.recipe.delivery.profile = "png"
    with connect(address, TOKEN) as client:
        ended, result = done(Far(client), job)
        before = client.call(lambda link: link.content.GetUsage, content_pb2.GetUsageRequest()).received
        repainted = scan / "scan.0007.png"
        repainted.write_bytes((frames(tmp_path / "other", 1) / "scan.0000.png").read_bytes())
        job.output_folder = str(tmp_path / "again")
        done(Far(client), job)
        after = client.call(lambda link: link.content.GetUsage, content_pb2.GetUsageRequest()).received
    made = sorted(path.name for path in (tmp_path / "out" / "reel").iterdir())
    assert made == [f"reel.{number:08d}.png" for number in range(12)]
    assert ended.shots[0].media == str(tmp_path / "out" / "reel" / "reel.%08d.png")
    assert str(tmp_path / "out" / "reel") in result.timeline
    changed = [
        name
        for name in made
        if (tmp_path / "out/reel" / name).read_bytes() != (tmp_path / "again/reel" / name).read_bytes()
    ]
    assert changed == ["reel.00000007.png"]
    assert 0 < after - before < 5000, "a manifest; the frame's content was there already"


def test_what_is_wrong_here_is_found_before_anything_is_sent(
    elsewhere: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = film(tmp_path / "reel.mkv", 5, 48, 32)
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "reel.mkv").write_text("somebody's")
    with connect(elsewhere[0], TOKEN) as client:
        far = Far(client)
        with pytest.raises(OutputUnwritable):
            far.submit(simple(movie, tmp_path / "file" / "out"))
        assert Courier(client).missing([local_file(movie)])
        with pytest.raises(OutputExists):
            far.plan(simple(movie, tmp_path / "taken", name="reel"))
        job = far.submit(simple(movie, tmp_path / "out", name="reel"))
        list(far.watch(job.id))
        full = shutil.disk_usage(tmp_path)._replace(free=10)
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "disk_usage", lambda path: full)
            with pytest.raises(DiskFull, match="to come, 10 are free"):
                far.result(job.id)
        assert far.result(job.id).outputs == [str(tmp_path / "out" / "reel.mkv")]


def test_a_picture_as_key_frames_and_a_folder_of_mattes_go_along(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    """By every way in which a recipe names pictures: one file, a folder, a pattern."""
    movie, mattes = film(tmp_path / "reel.mkv", 4, 48, 32), frames(tmp_path / "mattes", 4)
    job = simple(movie, tmp_path / "out", name="reel")
    job.recipe.stages[0].matte = str(mattes)
    with connect(elsewhere[0], TOKEN) as client:
        done(Far(client), job)
        job.recipe.stages[0].matte, job.output_folder = str(mattes / "scan.%04d.png"), str(tmp_path / "out 2")
        done(Far(client), job)
    with served(tmp_path / "home here", remote=False) as near, connect(near, TOKEN) as client:
        job.output_folder, job.request_id = str(tmp_path / "here"), "here"
        done(client, job)
    made = {(tmp_path / folder / "reel.mkv").read_bytes() for folder in ("out", "out 2", "here")}
    assert len(made) == 1


def test_forgotten_jobs_leave_no_results(elsewhere: tuple[str, Path], tmp_path: Path) -> None:
    address, home = elsewhere
    with connect(address, TOKEN) as client:
        for job in list(client.all_jobs()):
            client.delete(job.id)
        with pytest.raises(ResilverError):
            client.result("any")
    assert not list((home / "remote" / "results").iterdir())
