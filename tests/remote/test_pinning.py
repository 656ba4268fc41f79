"""Knowing a server by its fingerprint: no other certificate, no plain text, no way around."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resilver_client.channel import healthy
from resilver_client.client import connect
from resilver_client.discovery import discover
from resilver_client.errors import InvalidRequest, ServerUnreachable, UnsafeAddress
from resilver_client.pinning import split_pin
from resilver_server.api.certificates import ensure_certificate, fingerprint
from support.far import Line, remote_server
from support.serving import ServerProcess, environment, server_process

PIN = "ab" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Line]]:
    with remote_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def test_the_printed_line_suffices(server: tuple[ServerProcess, Line]) -> None:
    line = server[1]
    assert healthy(discover(line.address, line.token))
    with connect(line.address, line.token) as client:
        assert client.check()
        assert client.server_info().remote
        assert client.server_info().home == ""


def test_who_works_on_the_server_s_machine_finds_it_too(server: tuple[ServerProcess, Line]) -> None:
    assert server[0].address == server[1].address
    with server[0].client() as client:
        assert client.check()


def test_a_socket_reaches_nobody_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "resilver_server.cli.serve", "serve", "--remote", "--listen", f"unix:{tmp_path}/s"]
    run = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "INVALID_REQUEST" in run.stderr


def test_another_certificate_is_refused_and_never_sees_the_token(server: tuple[ServerProcess, Line]) -> None:
    line = server[1]
    wrong = f"tls://127.0.0.1:{line.port}#sha256={PIN}"
    with connect(wrong, line.token) as client, pytest.raises(UnsafeAddress, match="another server answers"):
        client.check()
    assert not healthy(discover(f"tls://127.0.0.1:{line.port}", line.token)), "no authority signed it"


def test_plain_text_where_a_certificate_is_expected(tmp_path: Path) -> None:
    """As from somebody who strips the encryption away."""
    for address in (f"127.0.0.1:1#sha256={PIN}", f"unix:/tmp/x#sha256={PIN}", f"example.org:1#sha256={PIN}"):
        with pytest.raises(UnsafeAddress):
            discover(address, "token")
    with (
        server_process(tmp_path / "home") as plain,
        connect(f"tls://{plain.address}#sha256={PIN}", plain.token) as client,
        pytest.raises(ServerUnreachable),
    ):
        client.check()


@pytest.mark.parametrize("pin", ["sha256=", "sha256=xyz", f"sha1={PIN}", PIN, f"sha256={PIN}0", ""])
def test_pins_that_are_none(pin: str) -> None:
    with pytest.raises(InvalidRequest):
        split_pin(f"tls://host:1#{pin}")


def test_pins_as_other_programs_write_them() -> None:
    written = ":".join(["AB"] * 32)
    assert split_pin(f"tls://host:1#sha256={written}") == ("tls://host:1", PIN)
    assert split_pin("tls://host:1") == ("tls://host:1", "")


def test_the_certificate_stays_the_same_and_its_key_is_secret(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path)
    first = fingerprint(files)
    assert fingerprint(ensure_certificate(tmp_path)) == first
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600


def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tls://127.0.0.1:{unused.getsockname()[1]}#sha256={PIN}"
    with connect(address, "token") as client, pytest.raises(ServerUnreachable):
        client.check()


def test_beyond_this_machine_without_tls_it_does_not_listen(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "resilver_server.cli.serve", "serve", "--listen", "0.0.0.0:0"]
    run = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "UNSAFE_ADDRESS" in run.stderr


def test_without_cryptography_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(InvalidRequest, match=r"resilver\[remote\]"):
        ensure_certificate(tmp_path)
