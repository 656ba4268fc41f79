"""The real server in a process of its own: how it comes up, what it answers, how it leaves."""

from __future__ import annotations

import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from resilver_client.channel import healthy
from resilver_client.client import connect
from resilver_client.discovery import discover
from resilver_client.errors import InvalidRequest, JobNotFound, ServerUnreachable, Unauthenticated
from resilver_client.home import address_file
from support.serving import ServerProcess, environment, server_process


@pytest.fixture(scope="module", params=["loopback", "unix"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp(request.param)
    arguments = () if request.param == "loopback" else ("--listen", f"unix:{home}/socket")
    with server_process(home, *arguments) as running:
        yield running


def test_it_answers(server: ServerProcess) -> None:
    with server.client() as client:
        assert list(client.all_jobs()) == []
        assert {"upscale", "interpolate"} <= {stage.name for stage in client.stages()}
        with pytest.raises(JobNotFound, match="nowhere"):
            client.get("nowhere")
        with pytest.raises(JobNotFound):
            next(client.watch("nowhere"))
        with pytest.raises(InvalidRequest):
            client.list(page_token="no token")
        with pytest.raises(InvalidRequest):
            client.list(page_size=-1)


def test_the_process_that_answers_holds_no_heavy_library(server: ServerProcess) -> None:
    maps = Path(f"/proc/{server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    with server.client() as client:
        client.models()
    loaded = maps.read_text()
    assert "cygrpc" in loaded
    assert [name for name in ("libtorch", "/cv2/", "libavcodec") if name in loaded] == []


def test_its_address_is_its_owner_s_to_find(server: ServerProcess) -> None:
    assert healthy(discover(home=server.home))
    assert stat.S_IMODE((server.home / "token").stat().st_mode) == 0o600


def refused(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A server that is not expected to come up."""
    command = [sys.executable, "-m", "resilver_server.cli.serve", "serve", *arguments]
    return subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=120)


def test_a_second_server_is_turned_away(server: ServerProcess) -> None:
    run = refused(server.home)
    assert run.returncode == 1
    assert "error: SERVER_ALREADY_RUNNING:" in run.stderr
    assert str(server.process.pid) in run.stderr
    with server.client() as client:
        client.presets()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with server_process(tmp_path, "--listen", f"unix:{tmp_path}/socket") as server, server.client() as client:
        client.presets()
        server.process.send_signal(number)
        assert server.process.wait(20) == 0
        assert not address_file(tmp_path).exists()
        assert not (tmp_path / "socket").exists()
        with pytest.raises(ServerUnreachable):
            client.presets()


def test_a_client_finds_a_server_that_was_killed_and_started_again(tmp_path: Path) -> None:
    with server_process(tmp_path, "--listen", f"unix:{tmp_path}/socket") as first, first.client() as client:
        client.presets()
        first.process.kill()
        first.process.wait()
        assert (tmp_path / "socket").exists(), "a killed server cleans nothing up"
        with pytest.raises(ServerUnreachable):
            client.presets()
        with server_process(tmp_path) as second:
            assert client.presets()
            assert client.endpoint().address == second.address


def test_a_client_takes_up_a_server_on_the_same_port_at_once(tmp_path: Path) -> None:
    with server_process(tmp_path) as first, first.client() as client:
        client.presets()
        address = first.address
        first.process.kill()
        first.process.wait()
        for _ in range(3):
            with pytest.raises(ServerUnreachable):
                client.presets()
        with server_process(tmp_path, "--listen", address):
            assert client.presets()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--listen", "0.0.0.0:0"), "UNSAFE_ADDRESS"),
        (("--listen", "nonsense"), "INVALID_REQUEST"),
        (("--tls-key", "/nowhere/key.pem"), "INVALID_REQUEST"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    run = refused(tmp_path, *arguments)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith(f"error: {reason}: ")
    assert "Traceback" not in run.stderr
    assert not address_file(tmp_path).exists()


def test_a_taken_port_is_refused_and_the_database_let_go(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "resilver_server.cli.serve",
                "serve",
                "--listen",
                f"127.0.0.1:{other.getsockname()[1]}",
            ],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert run.returncode == 1
    assert "error: ADDRESS_UNAVAILABLE:" in run.stderr
    with server_process(tmp_path) as server, server.client() as client:
        client.presets()


def test_it_leaves_when_nobody_needs_it_but_not_before(tmp_path: Path) -> None:
    with server_process(tmp_path, "--idle-minutes", "0.1") as server:
        with server.client() as client:
            for _ in range(4):
                time.sleep(2)
                client.presets()
                assert server.process.poll() is None
        began = time.monotonic()
        while server.process.poll() is None and time.monotonic() - began < 30:
            ask_for_health(server)
            time.sleep(0.3)
        assert server.process.returncode == 0
        assert time.monotonic() - began > 5
    assert not address_file(tmp_path).exists()


def ask_for_health(server: ServerProcess) -> None:
    """As something does that watches over a server, and must not keep it."""
    with suppress(ServerUnreachable):
        healthy(discover(home=server.home), timeout=0.2)


def test_a_call_that_lasts_keeps_it(tmp_path: Path) -> None:
    with server_process(tmp_path, "--idle-minutes", "0.03") as server:
        more = threading.Event()

        def questions() -> Iterator[reflection_pb2.ServerReflectionRequest]:
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            more.wait(60)

        with grpc.insecure_channel(server.address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            answers = stub.ServerReflectionInfo(questions(), metadata=(("authorization", f"Bearer {server.token}"),))
            next(answers)
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(5)
            more.set()
            assert server.process.wait(30) == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A chain and a key that say they are this machine."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = f"subjectAltName=DNS:localhost,DNS:{socket.getfqdn()},IP:127.0.0.1"
    files = ["-addext", names, "-keyout", str(folder / "key.pem"), "-out", str(folder / "chain.pem")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return folder / "chain.pem", folder / "key.pem"


def test_beyond_this_machine_it_speaks_tls_and_is_silent_about_itself(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = certificate
    arguments = ("--listen", "0.0.0.0:0", "--tls-certificate", str(chain), "--tls-key", str(key))
    with server_process(tmp_path, *arguments) as server:
        assert server.address.startswith("tls://")
        port = server.address.rpartition(":")[2]
        monkeypatch.setenv("RESILVER_CERTIFICATES", str(chain))
        with connect(f"tls://localhost:{port}", server.token) as client:
            assert client.presets()
        with connect(f"tls://127.0.0.1:{port}", "guess") as client, pytest.raises(Unauthenticated):
            client.presets()
        with connect(f"127.0.0.1:{port}", server.token) as client, pytest.raises(ServerUnreachable):
            client.presets()
        credentials = grpc.ssl_channel_credentials(chain.read_bytes())
        with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            question = reflection_pb2.ServerReflectionRequest(list_services="")
            shown = (("authorization", f"Bearer {server.token}"),)
            with pytest.raises(grpc.RpcError) as caught:
                next(stub.ServerReflectionInfo(iter([question]), metadata=shown, timeout=10))
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        monkeypatch.delenv("RESILVER_CERTIFICATES")
        with connect(f"tls://localhost:{port}", server.token) as client, pytest.raises(ServerUnreachable):
            client.presets()
