"""A server for clients elsewhere: whatever is asked of it, it shows no path and opens none that a client names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from resilver.v1 import content_pb2, jobs_pb2
from resilver_client.client import Client, connect
from resilver_client.content import Courier, local_bytes
from resilver_client.errors import ResilverError, Unauthenticated
from resilver_client.references import Entry, write_manifest
from resilver_client.status import from_call
from resilver_client.values import settings
from resilver_otio.sources import one_clip_timeline
from support.far import Line, remote_server
from support.jobs import film
from support.serving import ServerProcess


@dataclass(frozen=True)
class Far:
    server: ServerProcess
    line: Line
    client: Client
    secret: Path
    """A film on the server's disk that nobody sent."""


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    pytest.importorskip("cryptography")
    folder = tmp_path_factory.mktemp("far")
    secret = film(folder / "secret.mkv", 3)
    with remote_server(folder / "home") as (server, line), connect(line.address, line.token) as client:
        yield Far(server, line, client, secret)


def sent(client: Client, data: bytes) -> str:
    Courier(client, 5).upload([local_bytes(data)])
    return hashlib.sha256(data).hexdigest()


def asking(media: str, output: str = "", id: str = "1") -> jobs_pb2.JobRequest:
    request = jobs_pb2.JobRequest(request_id=id, output_folder=output, timeline=one_clip_timeline(media, "a"))
    request.recipe.stages.append(settings("upscale", {"model": "none", "scale": 2.0}))
    request.recipe.delivery.profile = "ffv1"
    return request


def refused(far: Far, attempt: Callable[[], object]) -> ResilverError:
    """The error of an attempt, which names nothing of the server's disk."""
    with pytest.raises(ResilverError) as caught:
        attempt()
    said = f"{caught.value.what} {caught.value.where} {caught.value.remedy}"
    assert str(far.server.home) not in said
    assert "Traceback" not in said
    return caught.value


def references(far: Far, digest: str) -> list[str]:
    """Every way to name a file that was not sent, or one that was as what it is not."""
    secret, home, there = str(far.secret), str(far.server.home), f"resilver:content/{digest}"
    return [
        secret, f"file://{secret}", f"{home}/token", f"{home}/remote/content/{digest}/a.mkv",
        f"/proc/self/root{secret}",
        f"{there}/../../../../secret.mkv", f"{there}/..", f"{there}/", f"file://{there}/%2e%2e%2f%2e%2e%2ftoken",
        f"file://{there}/..%2Ftoken", f"{there}/a\\..\\b.mkv", f"{there}/{'n' * 300}",
        f"resilver:content/../{digest}/a.mkv", f"resilver:content/{digest[:-1]}/a.mkv",
        f"resilver:content/{'0' * 64}/a.mkv", f"resilver:content/{digest.upper()}/a.mkv", "resilver:server/token",
        f"resilver:result/x/../../{digest}", f"resilver:folder/{digest}/a.png", "resilver:", "resilver:content",
        f"resilver:secret/{digest}/a",
    ]  # fmt: skip


def test_no_file_is_opened_that_was_not_sent(far: Far) -> None:
    whole = f"resilver:content/{sent(far.client, far.secret.read_bytes())}/a.mkv"
    (shot,) = far.client.plan(asking(whole)).shots
    assert shot.media.path == whole, "what was sent is found"
    digest = sent(far.client, far.secret.read_bytes()[:-100])
    for reference in references(far, digest):
        refused(far, lambda reference=reference: far.client.plan(asking(reference)))
        request = asking(whole)
        for field in ("matte", "keep_matte", "defect_map", "key_frames"):
            request.recipe.stages[0].ClearField("matte")
            setattr(request.recipe.stages[0], field, reference)
            refused(far, lambda request=request: far.client.plan(request))
            request.recipe.stages[0].ClearField(field)  # type: ignore[arg-type]


@pytest.mark.parametrize("output", ["/tmp/out", "..", "../../x", "", "resilver:server", "~", "resilver:content/x"])
def test_results_go_nowhere_that_a_client_names(far: Far, output: str, tmp_path: Path) -> None:
    request = asking(f"resilver:content/{sent(far.client, far.secret.read_bytes())}/a.mkv", output)
    with suppress(ResilverError):
        plan = far.client.plan(request)
        assert str(far.server.home) not in str(plan)
        assert all(shot.output.startswith("resilver:") for shot in plan.shots)
    before = set(tmp_path.iterdir())
    with suppress(ResilverError):
        far.client.submit(request)
    assert set(tmp_path.iterdir()) == before


def test_a_manifest_names_plain_files_alone(far: Far) -> None:
    digest = sent(far.client, b"a picture")
    for name in ("../a.png", "a/b.png", "/etc/passwd", "..", ".", "", "a\\b.png", "a\0.png", "n" * 300, "\u202e.png"):
        manifest = json.loads(write_manifest([Entry("a.png", digest, 9)]))
        manifest["files"][0][0] = name
        folder = sent(far.client, json.dumps(manifest).encode())
        refused(far, lambda folder=folder: far.client.plan(asking(f"resilver:folder/{folder}")))
    for broken in (b"{}", b"[", b"\xff", b"[" * 100_000, b'{"resilver": "folder.1", "files": [[1, 2, 3]]}'):
        folder = sent(far.client, broken)
        refused(far, lambda folder=folder: far.client.plan(asking(f"resilver:folder/{folder}")))


def test_playlists_that_were_sent_are_not_followed(far: Far) -> None:
    for text in (f"#EXTM3U\n#EXTINF:1,\n{far.secret}\n", f"ffconcat version 1.0\nfile '{far.secret}'\n"):
        digest = sent(far.client, text.encode())
        for name in ("a.mov", "a.m3u8", "a.ffconcat"):
            error = refused(
                far, lambda name=name, digest=digest: far.client.plan(asking(f"resilver:content/{digest}/{name}"))
            )
            assert error.reason == "MEDIA_UNREADABLE"


def test_strangers_move_nothing(far: Far) -> None:
    with connect(far.line.address, "guess") as stranger:
        for attempt in (
            lambda: Courier(stranger, 0).upload([local_bytes(b"x")]),
            stranger.check,
            lambda: stranger.list(),
        ):
            with pytest.raises(Unauthenticated):
                attempt()


def test_no_result_is_read_but_a_job_s_own(far: Far) -> None:
    link = far.client._connected()
    for name in ("../../jobs.sqlite3", "/etc/passwd", "..", "a/../../token", "", "\0", "token", "." * 200):
        for job in ("none", "../x", ""):
            request = content_pb2.DownloadRequest(job_id=job, name=name)
            download = link.channel.unary_stream(
                "/resilver.v1.ContentService/Download",
                request_serializer=content_pb2.DownloadRequest.SerializeToString,
            )
            with pytest.raises(grpc.RpcError) as caught:
                list(download(request, metadata=link.metadata, timeout=20))
            assert str(far.server.home) not in str(from_call(caught.value))
