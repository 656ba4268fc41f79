"""Whether the right server is there, told quickly and plainly: by a host that was given address and token by hand."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import resilver_client
import resilver_client.client
from resilver_client.client import Client, connect
from resilver_client.discovery import Endpoint
from resilver_client.errors import ResilverError, ServerUnreachable, Unauthenticated, UnsafeAddress, VersionMismatch
from resilver_client.launch import ensure_server
from resilver_server import __version__
from resilver_server.config import ServerSettings
from resilver_server.scheduling.manager import JobManager
from support.serving import TOKEN, services_over

QUICK = 3.0
"""Seconds."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with services_over(JobManager(ServerSettings(home=tmp_path_factory.mktemp("home")))) as found:
        yield found


def told(client: Client) -> ResilverError:
    """What a check finds wrong, in time."""
    begun = time.monotonic()
    with client, pytest.raises(ResilverError) as caught:
        client.check()
    assert time.monotonic() - begun < QUICK
    return caught.value


def test_client_and_server_are_of_one_version(address: str) -> None:
    assert resilver_client.__version__ == __version__
    with connect(address, TOKEN) as client:
        assert client.check() == __version__


def test_a_wrong_token(address: str) -> None:
    error = told(connect(address, "an old one"))
    assert type(error) is Unauthenticated
    assert error.what == "the server does not accept the token"
    assert error.where == address
    assert "token" in error.remedy


def test_nothing_listens_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    error = told(connect(address, TOKEN))
    assert type(error) is ServerUnreachable
    assert (error.what, error.where) == ("no server answers there", address)
    assert "resilver serve" in error.remedy


def test_something_else_listens_there_and_says_nothing() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        error = told(connect(address, TOKEN))
    assert type(error) is ServerUnreachable
    assert "did not answer in time" in error.what
    assert error.where == address


@pytest.mark.parametrize("other", ["0.0.9", "7.1.0"])
def test_a_server_of_another_version(address: str, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    monkeypatch.setattr(resilver_client.client, "__version__", other)
    error = told(connect(address, TOKEN))
    assert type(error) is VersionMismatch
    assert error.what == f"the server is Resilver {__version__}, this is made for {other}"
    assert error.remedy == "bring both to the same version"


def test_a_server_given_by_hand_is_asked_and_none_is_started(address: str, tmp_path: Path) -> None:
    with ensure_server(address=address, token=TOKEN, home=tmp_path) as client:
        assert client.endpoint() == Endpoint(address, TOKEN)
    with pytest.raises(Unauthenticated):
        ensure_server(address=address, token="an old one", home=tmp_path)
    with pytest.raises(ServerUnreachable):
        ensure_server(address="127.0.0.1:1", token=TOKEN, home=tmp_path)
    with pytest.raises(UnsafeAddress):
        ensure_server(address="192.0.2.1:7777", token=TOKEN, home=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    endpoint = dataclasses.replace(Endpoint("tls://127.0.0.1:1", TOKEN), certificates=str(tmp_path / "none.pem"))
    error = told(Client(lambda: endpoint))
    assert type(error) is ServerUnreachable
    assert error.where == str(tmp_path / "none.pem")
