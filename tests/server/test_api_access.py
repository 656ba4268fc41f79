"""Who may call what: tokens, health, reflection, addresses."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from resilver.v1 import jobs_pb2
from resilver_client.channel import healthy
from resilver_client.client import connect
from resilver_client.discovery import Endpoint, discover, is_local
from resilver_client.errors import (
    AddressUnavailable,
    InvalidRequest,
    LimitReached,
    ServerUnreachable,
    Unauthenticated,
    UnsafeAddress,
)
from resilver_client.status import from_call
from resilver_server.api.addresses import (
    ListenAddress,
    TlsFiles,
    clear_socket,
    leave_address,
    parse_listen,
    take_address_back,
)
from resilver_server.api.server import SERVICES
from resilver_server.api.tokens import ensure_token
from resilver_server.config import ServerSettings
from resilver_server.scheduling.manager import JobManager
from support.serving import TOKEN, services_over

METHODS = [
    (f"/{name}/{method.name}", method.server_streaming)
    for name in SERVICES
    for method in descriptor_pool.Default().FindServiceByName(name).methods
]
"""Every one of a server: a service that is added is asked too."""
TLS = TlsFiles(Path("chain.pem"), Path("key.pem"))


class Counting(JobManager):
    """Counts how often clients called."""

    def __init__(self) -> None:
        super().__init__(ServerSettings())
        self.touched = 0

    def touch(self) -> None:
        self.touched += 1


MANAGER = Counting()


@pytest.fixture(scope="module", params=["loopback", "unix"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    wanted = "127.0.0.1:0" if request.param == "loopback" else f"unix:{tmp_path_factory.mktemp('socket')}/s"
    with services_over(MANAGER, wanted) as bound:
        yield bound


def call(address: str, method: str, streaming: bool, metadata: tuple[tuple[str, str], ...]) -> bytes:
    with grpc.insecure_channel(address) as channel:
        if streaming:
            return bytes(next(channel.unary_stream(method)(b"", metadata=metadata, timeout=10)))
        return bytes(channel.unary_unary(method)(b"", metadata=metadata, timeout=10))


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", TOKEN),),
        (("authorization", f"Bearer {TOKEN}x"),),
        (("authorization", f"bearer {TOKEN}"),),
        (("authorization", f"Bearer {TOKEN[:-1]}"),),
    ],
    ids=["none", "empty", "bare", "longer", "case", "shorter"],
)
def test_nothing_is_answered_without_the_token(address: str, metadata: tuple[tuple[str, str], ...]) -> None:
    assert len(METHODS) >= 16
    before = MANAGER.touched
    for method, streaming in METHODS:
        with pytest.raises(grpc.RpcError) as caught:
            call(address, method, streaming, metadata)
        error = from_call(caught.value)
        assert type(error) is Unauthenticated, method
        shown = dict(metadata).get("authorization", "").startswith("Bearer ")
        assert ("does not accept the token" in error.what) is shown
        assert ("`token`" if shown else "authorization: Bearer TOKEN") in error.remedy
    assert MANAGER.touched == before, "a stranger must not keep the server"


def test_the_token_opens_the_door(address: str) -> None:
    before = MANAGER.touched
    with connect(address, TOKEN) as client:
        assert [preset.name for preset in client.presets()]
    assert MANAGER.touched == before + 2, "once when the call began, once when it ended"


def test_a_client_with_the_wrong_token_is_told(address: str) -> None:
    with connect(address, "guess") as client, pytest.raises(Unauthenticated):
        client.stages()


def test_health_needs_no_token_and_is_no_use(address: str) -> None:
    before = MANAGER.touched
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "resilver.v1.JobService", "resilver.v1.CatalogService"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError):
            stub.Check(health_pb2.HealthCheckRequest(service="resilver.v1.Other"), timeout=10)
    assert healthy(Endpoint(address, "any"))
    assert MANAGER.touched == before


def test_health_says_no_where_nobody_is() -> None:
    assert not healthy(Endpoint("127.0.0.1:1", "any"), timeout=0.3)


def reflected(address: str, metadata: tuple[tuple[str, str], ...]) -> set[str]:
    with grpc.insecure_channel(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = stub.ServerReflectionInfo(iter([question]), metadata=metadata, timeout=10)
        return {service.name for service in next(answers).list_services_response.service}


def test_reflection_lists_the_services_to_those_with_the_token(address: str) -> None:
    found = reflected(address, (("authorization", f"Bearer {TOKEN}"),))
    assert {"resilver.v1.JobService", "resilver.v1.CatalogService", "grpc.health.v1.Health"} <= found
    with pytest.raises(grpc.RpcError) as caught:
        reflected(address, ())
    assert type(from_call(caught.value)) is Unauthenticated


def test_a_socket_is_its_owner_s_alone(tmp_path: Path) -> None:
    with services_over(MANAGER, f"unix:{tmp_path}/s"):
        mode = (tmp_path / "s").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not (tmp_path / "s").exists()


def test_a_message_beyond_the_limit_is_refused(address: str) -> None:
    request = jobs_pb2.JobRequest(request_id="1", timeline="x" * (65 << 20))
    with connect(address, TOKEN) as client, pytest.raises(LimitReached):
        client.submit(request)


def test_tokens_are_long_private_and_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = ensure_token(home)
    assert len(token) >= 43
    assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert ensure_token(home) == token
    assert [path.name for path in home.iterdir()] == ["token"]


def test_a_token_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    token = ensure_token(tmp_path)
    (tmp_path / "token").chmod(0o644)
    assert ensure_token(tmp_path) != token
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_servers_that_start_at_once_share_one_token(tmp_path: Path) -> None:
    found: list[str] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        found.append(ensure_token(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("text", ["0.0.0.0:0", "[::]:50051", "192.168.1.4:50051", "example.org:1", "10.0.0.1:0"])
def test_an_address_beyond_this_machine_needs_tls(text: str) -> None:
    with pytest.raises(UnsafeAddress):
        parse_listen(text, None)
    assert parse_listen(text, TLS).tls


@pytest.mark.parametrize("text", ["127.0.0.1:0", "127.3.2.1:99", "[::1]:0", "localhost:50051", "unix:/tmp/x/s"])
def test_addresses_of_this_machine_need_none(text: str) -> None:
    assert parse_listen(text, None).loopback


@pytest.mark.parametrize("text", ["", "50051", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", ":1", "unix:here"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_listen(text, None)


def test_what_clients_are_told() -> None:
    assert parse_listen("[::1]:0", None).announced(7) == "[::1]:7"
    assert parse_listen("unix:/run/s", None).announced(1) == "unix:/run/s"
    assert parse_listen("10.0.0.1:9", TLS).announced(9) == "tls://10.0.0.1:9"
    assert ListenAddress("0.0.0.0", 9, unix=False, tls=True).announced(9).startswith("tls://")


def test_a_taken_port_is_named() -> None:
    with services_over(MANAGER) as taken, pytest.raises(AddressUnavailable, match=taken), services_over(MANAGER, taken):
        pass


def test_a_socket_that_somebody_serves_is_not_taken(tmp_path: Path) -> None:
    with services_over(MANAGER, f"unix:{tmp_path}/s"), pytest.raises(AddressUnavailable):
        clear_socket(tmp_path / "s")
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(AddressUnavailable):
        clear_socket(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_discovery_reads_what_a_server_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESILVER_ADDRESS", raising=False)
    monkeypatch.delenv("RESILVER_TOKEN", raising=False)
    with pytest.raises(ServerUnreachable):
        discover(home=tmp_path)
    leave_address(tmp_path, "127.0.0.1:5")
    with pytest.raises(Unauthenticated):
        discover(home=tmp_path)
    token = ensure_token(tmp_path)
    assert discover(home=tmp_path) == Endpoint("127.0.0.1:5", token)
    assert token not in repr(discover(home=tmp_path))
    take_address_back(tmp_path)
    with pytest.raises(ServerUnreachable):
        discover(home=tmp_path)


def test_the_environment_comes_before_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_address(tmp_path, "127.0.0.1:5")
    ensure_token(tmp_path)
    monkeypatch.setenv("RESILVER_ADDRESS", "tls://film.example:443")
    monkeypatch.setenv("RESILVER_TOKEN", "mine")
    found = discover(home=tmp_path)
    assert (found.address, found.target, found.encrypted, found.token) == (
        "tls://film.example:443",
        "film.example:443",
        True,
        "mine",
    )


def test_another_server_s_address_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"address": "127.0.0.1:5", "pid": 1}')
    take_address_back(tmp_path)
    assert (tmp_path / "server.json").exists()


@pytest.mark.parametrize("text", ["garbage", "{}", '"127.0.0.1:1"', "\0"])
def test_a_broken_address_file_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.delenv("RESILVER_ADDRESS", raising=False)
    (tmp_path / "server.json").write_text(text)
    with pytest.raises(ServerUnreachable):
        discover(token="x", home=tmp_path)


@pytest.mark.parametrize("address", ["192.168.0.3:50051", "film.example:443", "127.0.0.1.example.org:1"])
def test_a_client_never_sends_its_token_in_the_clear(address: str) -> None:
    assert not is_local(address)
    with pytest.raises(UnsafeAddress):
        discover(address, "token")
