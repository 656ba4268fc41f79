"""Uploads: resumable, each byte once, within quotas, and never believed before their digest is right."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from resilver.v1 import content_pb2 as messages
from resilver_client.client import Client, connect
from resilver_client.content import Courier, LocalFile, local_bytes, local_file, put
from resilver_client.errors import (
    ContentBusy,
    ContentDamaged,
    ContentMissing,
    InvalidRequest,
    JobNotFound,
    MediaChanged,
    OutputExists,
    QuotaExceeded,
    Unauthenticated,
)
from resilver_client.references import Entry, Reference, in_json, is_name, parse, read_manifest, write_manifest
from resilver_server.api.content import Pace
from resilver_server.storage.uploads import Quota, Uploads
from resilver_server.storage.views import contents, materialise
from support.far import Line, remote_server
from support.serving import ServerProcess

DATA = bytes(range(256)) * 40
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    made = Uploads(tmp_path / "remote", Quota(total=50_000, file=30_000, days=7))
    made.prepare()
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Line]]:
    with remote_server(tmp_path_factory.mktemp("server"), "--upload-gb", "0.01") as running:
        yield running


@pytest.fixture
def client(server: tuple[ServerProcess, Line]) -> Iterator[Client]:
    with connect(server[1].address, server[1].token) as made:
        yield made


def keep(uploads: Uploads, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    incoming = uploads.begin(digest, len(data), uploads.partial(digest))
    incoming.write(data[incoming.there :])
    incoming.finish()
    return digest


def test_an_upload_goes_on_where_it_was_cut_also_after_a_restart(uploads: Uploads) -> None:
    incoming = uploads.begin(DIGEST, len(DATA), 0)
    incoming.write(DATA[:3000])
    incoming.close()
    assert not uploads.holds(DIGEST)
    again = Uploads(uploads.root, uploads.quota)
    again.prepare()
    assert again.partial(DIGEST) == again.used == 3000
    keep(again, DATA)
    assert again.path(DIGEST).read_bytes() == DATA
    assert (again.received, again.used) == (len(DATA) - 3000, len(DATA))
    assert again.partial(DIGEST) == 0


def test_bytes_of_another_digest_are_forgotten(uploads: Uploads) -> None:
    incoming = uploads.begin(DIGEST, len(DATA), 0)
    incoming.write(DATA[:-1] + b"x")
    with pytest.raises(ContentDamaged):
        incoming.finish()
    assert not uploads.holds(DIGEST)
    assert (uploads.partial(DIGEST), uploads.used) == (0, 0)
    keep(uploads, DATA)


def test_one_upload_at_a_time_and_a_silent_one_is_taken_over(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    first = uploads.begin(DIGEST, len(DATA), 0)
    first.write(DATA[:100])
    with pytest.raises(ContentBusy):
        uploads.begin(DIGEST, len(DATA), 100)
    monkeypatch.setattr("resilver_server.storage.uploads._SILENT", 0.0)
    with pytest.raises(ContentBusy, match="more of it"):
        uploads.begin(DIGEST, len(DATA), 50)
    second = uploads.begin(DIGEST, len(DATA), 100)
    with pytest.raises(ContentBusy):
        first.write(DATA[100:200])
    first.close()
    second.write(DATA[100:])
    second.finish()
    assert uploads.path(DIGEST).read_bytes() == DATA


def test_more_than_was_announced_is_refused(uploads: Uploads) -> None:
    with pytest.raises(InvalidRequest):
        uploads.begin(DIGEST, 10, 0).write(b"x" * 11)


def test_quotas_count_what_is_promised(uploads: Uploads) -> None:
    with pytest.raises(QuotaExceeded, match="30000"):
        uploads.begin("a" * 64, 30_001, 0)
    held = [uploads.begin(letter * 64, 24_000, 0) for letter in "ab"]
    with pytest.raises(QuotaExceeded):
        uploads.begin("c" * 64, 24_000, 0)
    held[0].close()
    uploads.begin("c" * 64, 24_000, 0)


def test_room_is_made_by_what_nobody_needs_and_was_used_longest_ago(uploads: Uploads) -> None:
    old, older, needed = (keep(uploads, letter * 15_000) for letter in (b"a", b"b", b"c"))
    for digest, hours in ((old, 2), (older, 3), (needed, 4)):
        os.utime(uploads.root / "used" / digest, (time.time() - hours * 3600,) * 2)
    materialise(uploads, Reference("content", older, "b.mov", False))
    os.utime(uploads.root / "used" / older, (time.time() - 3 * 3600,) * 2)
    assert not uploads.fits(15_000)
    uploads.make_room(15_000, {needed})
    assert [uploads.holds(digest) for digest in (old, older, needed)] == [True, False, True]
    assert not (uploads.root / "content" / older).exists()
    uploads.make_room(50_000, {needed})
    assert [uploads.holds(digest) for digest in (old, needed)] == [True, True], "used a moment ago, or needed"


def test_what_was_not_used_for_days_goes(uploads: Uploads) -> None:
    kept, gone = keep(uploads, b"kept"), keep(uploads, b"gone")
    left = uploads.begin(DIGEST, len(DATA), 0)
    left.write(b"x")
    left.close()
    uploads.sweep({kept}, time.time() + 6 * 86400)
    assert uploads.holds(gone)
    uploads.sweep({kept}, time.time() + 8 * 86400)
    assert [uploads.holds(digest) for digest in (kept, gone)] == [True, False]
    assert uploads.used == len(b"kept")


def _times(path: Path) -> tuple[int, int]:
    """Of the content and of the file; when it was read last is nobody's matter."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ctime_ns


def test_a_folder_has_its_files_and_names_of_those_that_are_not_needed(uploads: Uploads) -> None:
    frame, other = keep(uploads, b"frame" * 20), keep(uploads, b"other" * 20)
    digest = keep(
        uploads, write_manifest([Entry("a.1.png", frame, 100), Entry("a.2.png", "", 0), Entry("a.3.png", other, 100)])
    )
    before = _times(uploads.path(frame))
    folder = materialise(uploads, Reference("folder", digest, "", False))
    assert (folder / "a.1.png").read_bytes() == b"frame" * 20
    assert (folder / "a.2.png").read_bytes() == (b"frame" * 20)[:50]
    assert materialise(uploads, Reference("folder", digest, "a.%d.png", False)) == folder / "a.%d.png"
    assert _times(uploads.path(frame)) == before, "whoever compares times sees no change"
    assert contents(uploads, [("folder", digest)]) == {digest, frame, other}
    uploads.drop(other)
    with pytest.raises(ContentMissing, match=r"a\.3\.png"):
        materialise(uploads, Reference("folder", digest, "", False))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\\b", "x\0y", "new\nline", "n" * 256])
def test_names_that_lead_elsewhere_are_none(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(InvalidRequest):
        read_manifest(write_manifest([Entry(name, "a" * 64, 1)]))


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"resilver": "folder.1", "files": [["a", "b"]]}', b"[" * 100_000,
     b'{"resilver": "folder.1", "files": [["a", "", 0], ["a", "", 0]]}',
     b'{"resilver": "folder.1", "files": [["a", "xyz", 0]]}', b'{"resilver": "folder.1", "files": [["a", "", true]]}'],
)  # fmt: skip
def test_manifests_that_are_none(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_manifest(data)


@given(st.text(), st.text())
def test_only_whole_strings_of_a_json_text_are_references(before: str, name: str) -> None:
    reference = f"resilver:content/{DIGEST}/{name}"
    text = json.dumps({"a": before, reference: f"see {reference}", "b": [reference]})
    seen: list[str] = []

    def change(found: str) -> str:
        seen.append(found)
        return f"<{found}>"

    assert json.loads(in_json(text, change)) == {
        "a": f"<{before}>" if before.startswith("resilver:") else before,
        f"<{reference}>": f"see {reference}",
        "b": [f"<{reference}>"],
    }
    assert reference in seen


def test_what_a_reference_says() -> None:
    assert parse(f"resilver:content/{DIGEST}/reel 1.mov") == Reference("content", DIGEST, "reel 1.mov", False)
    assert parse(f"file://resilver:content/{DIGEST}/reel%201.mov") == Reference("content", DIGEST, "reel 1.mov", True)
    assert parse(f"resilver:folder/{DIGEST}/") == Reference("folder", DIGEST, "", False, slash=True)
    assert parse("resilver:content/../x") is None
    for bad in (f"resilver:content/{DIGEST}", f"file://resilver:content/{DIGEST}/..%2fx"):
        with pytest.raises(InvalidRequest):
            parse(bad)


def test_what_is_there_is_not_sent_and_a_file_that_changes_is_noticed(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(os.urandom(700_000))
    file, courier = local_file(path), Courier(client, 5)
    told: list[tuple[int, int]] = []
    courier.upload([file, file, local_bytes(b""), local_bytes(b"twice")], lambda *at: told.append(at))
    assert told[-1] == (700_005, 700_005)
    before = received(client)
    courier.upload([file, local_bytes(b"twice")])
    assert received(client) == before
    path.write_bytes(os.urandom(600_000))
    with pytest.raises(MediaChanged, match="shorter"):
        courier.upload([LocalFile("e" * 64, 700_000, path)])


def test_two_clients_send_the_same_file_once(server: tuple[ServerProcess, Line], client: Client) -> None:
    file = local_bytes(os.urandom(3_000_000))
    before = received(client)

    def send() -> None:
        with connect(server[1].address, server[1].token) as other:
            Courier(other, 20).upload([file])

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not Courier(client).missing([file])
    assert received(client) - before == file.size


def received(client: Client) -> int:
    return int(client.call(lambda link: link.content.GetUsage, messages.GetUsageRequest()).received)


def test_beyond_the_quota(client: Client) -> None:
    with pytest.raises(QuotaExceeded):
        Courier(client, 5).upload([LocalFile("d" * 64, 11_000_000, Path("/dev/zero"))])


def test_bytes_pass_no_faster_than_is_allowed() -> None:
    async def pass_some(pace: Pace) -> float:
        began = time.monotonic()
        await asyncio.gather(*(pace.passed(100_000) for _ in range(4)))
        return time.monotonic() - began

    assert asyncio.run(pass_some(Pace(1e6))) >= 0.39
    assert asyncio.run(pass_some(Pace(None))) < 0.2


def start(digest: str = "f" * 64, size: int = 10, offset: int = 0) -> messages.UploadRequest:
    content = messages.Content(digest=digest, bytes=size)
    return messages.UploadRequest(start=messages.UploadStart(content=content, offset=offset))


@pytest.mark.parametrize(
    "stream",
    [
        [messages.UploadRequest(data=b"x")],
        [messages.UploadRequest()],
        [start(), start()],
        [start(), messages.UploadRequest(data=b"x" * 11)],
        [start(size=3 << 20), messages.UploadRequest(data=b"x" * (1 << 20) + b"x")],
        [start(digest="../../token")],
        [start(digest="F" * 64)],
        [start(size=-1)],
        [start(offset=-1)],
        [start()],
    ],
)
def test_streams_that_make_no_sense(client: Client, stream: list[messages.UploadRequest]) -> None:
    with pytest.raises(InvalidRequest):
        client.pour(lambda link: link.content.Upload, iter(stream))


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("FindMissing", messages.FindMissingRequest(contents=[messages.Content()])),
        ("FindMissing", messages.FindMissingRequest(contents=[messages.Content()] * 1001)),
        ("DeleteContent", messages.DeleteContentRequest(digests=["../token"])),
        ("ListResults", messages.ListResultsRequest(job_id="none")),
        ("Download", messages.DownloadRequest(job_id="none", name="../../token")),
    ],
)
def test_questions_that_make_no_sense(client: Client, method: str, request_: Message) -> None:
    call = client.stream if method in ("ListResults", "Download") else client.call
    with pytest.raises((InvalidRequest, JobNotFound)):
        list(call(lambda link: getattr(link.content, method), request_))  # type: ignore[call-overload]


def test_strangers_move_nothing(server: tuple[ServerProcess, Line]) -> None:
    with connect(server[1].address, "not the token, but long enough") as stranger:
        with pytest.raises(Unauthenticated):
            Courier(stranger, 0).upload([local_bytes(b"mine")])
        with pytest.raises(Unauthenticated):
            stranger.pour(lambda link: link.content.Upload, iter([start()]))


def test_what_was_uploaded_can_be_taken_away(client: Client) -> None:
    file = local_bytes(b"no longer wanted")
    Courier(client).upload([file])
    answer = client.call(lambda k: k.content.DeleteContent, messages.DeleteContentRequest(digests=[file.digest]))
    assert (answer.freed, list(answer.kept)) == (file.size, [])
    assert Courier(client).missing([file]) == {file.digest: 0}


def test_a_name_that_is_taken_stays_with_who_has_it(tmp_path: Path) -> None:
    draft, target = tmp_path / "draft", tmp_path / "target"
    draft.write_text("new")
    target.write_text("old")
    with pytest.raises(OutputExists):
        put(draft, target)
    assert target.read_text() == "old"
    draft.write_text("old")
    put(draft, target)
    assert not draft.exists()
