"""Calls: strangers get nothing, admitted clients get a share, and nobody takes all there is."""

from __future__ import annotations

import asyncio
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from resilver.v1 import catalogue_pb2, jobs_pb2
from resilver_client import limits
from resilver_client.client import connect
from resilver_client.errors import LimitReached, ServerUnreachable, Unauthenticated, UnsafeAddress
from resilver_client.limits import LARGEST_MESSAGE
from resilver_client.status import from_call
from resilver_server.api import server as api_server
from resilver_server.api.addresses import ListenAddress, TlsFiles
from resilver_server.api.certificates import ensure_certificate, fingerprint
from resilver_server.api.interceptors import Calls
from resilver_server.config import ServerSettings
from resilver_server.planning.tasks import DevicesResult
from resilver_server.scheduling.manager import JobManager
from support.serving import TOKEN, services_over

METADATA = (("authorization", f"Bearer {TOKEN}"),)
INFO = "/resilver.v1.CatalogService/GetServerInfo"
SUBMIT = "/resilver.v1.JobService/SubmitJob"


class Slow(JobManager):
    """Answers about its devices when it is told to."""

    def __init__(self) -> None:
        super().__init__(ServerSettings())
        self.go = threading.Event()
        self.asked = threading.Semaphore(0)

    async def devices(self) -> DevicesResult:
        self.asked.release()
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        return DevicesResult(())


@contextmanager
def few_calls(monkeypatch: pytest.MonkeyPatch, most: int) -> Iterator[tuple[str, Slow]]:
    monkeypatch.setattr(api_server, "Calls", partial(Calls, most=most))
    manager = Slow()
    with services_over(manager) as address:
        try:
            yield address, manager
        finally:
            manager.go.set()


def ask(
    address: str, method: str = INFO, message: bytes = b"", metadata: tuple[tuple[str, str], ...] = METADATA
) -> bytes:
    options = [("grpc.max_send_message_length", 1 << 30), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options=options) as channel:
        return bytes(channel.unary_unary(method)(message, metadata=metadata, timeout=30))


def test_a_client_has_so_many_calls_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with few_calls(monkeypatch, 3) as (address, manager), ThreadPoolExecutor(3) as pool:
        running = [pool.submit(ask, address) for _ in range(3)]
        for _ in running:
            assert manager.asked.acquire(timeout=10)
        with pytest.raises(grpc.RpcError) as caught:
            ask(address)
        assert type(from_call(caught.value)) is LimitReached
        assert "3" in from_call(caught.value).what
        with connect(address, TOKEN) as client, pytest.raises(LimitReached):
            client.presets()
        manager.go.set()
        for call in running:
            call.result(10)
        with connect(address, TOKEN) as client:
            assert client.presets()


def job_of(size: int) -> jobs_pb2.JobRequest:
    """A request that takes exactly so many bytes in its call, and is refused for its title once it has been read."""
    job = jobs_pb2.JobRequest(request_id="1", timeline="x" * (size - 10_000), title="t" * (limits.TITLE + 1))
    job.timeline += "x" * (size - jobs_pb2.SubmitJobRequest(job=job).ByteSize())
    assert jobs_pb2.SubmitJobRequest(job=job).ByteSize() == size
    return job


def test_the_largest_message_passes_and_one_byte_more_does_not() -> None:
    with services_over(Slow()) as address, connect(address, TOKEN) as client:
        for size, refusal in ((LARGEST_MESSAGE, "501 characters"), (LARGEST_MESSAGE + 1, "too large")):
            with pytest.raises(LimitReached, match=refusal):
                client.submit(job_of(size))


def test_what_strangers_send_is_not_read() -> None:
    with services_over(Slow()) as address:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(4):
            with pytest.raises(grpc.RpcError) as caught:
                ask(address, SUBMIT, b"\xff" * (60 << 20), ())
            assert type(from_call(caught.value)) is Unauthenticated
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10, (
            "KiB, the client's own copies too"
        )


def test_packed_messages_are_refused() -> None:
    """64 MiB packed would be gigabytes."""
    with services_over(Slow()) as address, grpc.insecure_channel(address, compression=grpc.Compression.Gzip) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(SUBMIT)(bytes(1 << 20), metadata=METADATA, timeout=10)
        assert caught.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)  # type: ignore[attr-defined]


def test_metadata_has_its_limit() -> None:
    with services_over(Slow()) as address, pytest.raises(grpc.RpcError) as caught:
        ask(address, INFO, b"", (("authorization", "Bearer " + "x" * (1 << 20)),))
    assert caught.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "message", [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a" * 50, bytes(100), b"\x0b" * 5000]
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with services_over(Slow()) as address:
        with pytest.raises(grpc.RpcError):
            ask(address, SUBMIT, message)
        with connect(address, TOKEN) as client:
            assert client.presets(), "and the server goes on"


def test_health_says_one_word_and_no_more() -> None:
    with services_over(Slow()) as address, grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer, call = stub.Check.with_call(health_pb2.HealthCheckRequest(service=""), timeout=10)
        assert answer.SerializeToString() == b"\x08\x01"
        assert [key for key, _ in (*call.initial_metadata(), *call.trailing_metadata())] == []
        for service in ("nothing", "resilver.v1.Secret", "../etc/passwd", "x" * 10_000):
            with pytest.raises(grpc.RpcError) as caught:
                stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]
            assert caught.value.details() == ""  # type: ignore[attr-defined]
        with pytest.raises(grpc.RpcError) as caught:  # a call that lasts takes a place
            next(stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=10))
        assert type(from_call(caught.value)) is Unauthenticated


def test_methods_that_are_none_say_nothing() -> None:
    with services_over(Slow()) as address:
        for method in (
            "/resilver.v1.JobService/Eval",
            "/x",
            "/resilver.v1.JobService/../Health/Check",
            "/grpc.health.v1.Health/",
        ):
            with pytest.raises(grpc.RpcError) as caught:
                ask(address, method, b"", ())
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    pytest.importorskip("cryptography")
    return ensure_certificate(tmp_path_factory.mktemp("home"))


@contextmanager
def serving_beyond(tls: TlsFiles) -> Iterator[int]:
    """A server on every address of the machine, as one for other machines is; its port."""
    ready: list[int] = []
    loop, up = asyncio.new_event_loop(), threading.Event()
    down = asyncio.Event()

    async def run() -> None:
        wanted = ListenAddress("0.0.0.0", 0, unix=False, tls=True)
        async with api_server.listen(Slow(), wanted, TOKEN, tls) as listening:
            ready.append(int(listening.address.rpartition(":")[2]))
            up.set()
            await down.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert up.wait(30)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(30)


def secure(port: int, tls: TlsFiles) -> grpc.Channel:
    roots = grpc.ssl_channel_credentials(tls.certificate.read_bytes())
    return grpc.secure_channel(f"127.0.0.1:{port}", roots, [("grpc.ssl_target_name_override", "resilver.invalid")])


def test_reflection_is_off_beyond_this_machine(tls: TlsFiles) -> None:
    with serving_beyond(tls) as port, secure(port, tls) as channel:
        catalogue = channel.unary_unary("/resilver.v1.CatalogService/ListPresets")
        assert catalogue_pb2.ListPresetsResponse.FromString(catalogue(b"", metadata=METADATA, timeout=10)).presets
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        for version in ("v1alpha", "v1"):
            ask = channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            )
            with pytest.raises(grpc.RpcError) as caught:
                next(ask(iter([question]), metadata=METADATA, timeout=10))
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]
    assert reflection_pb2_grpc.ServerReflectionStub


def test_a_plain_client_gets_nothing_from_a_tls_server(tls: TlsFiles) -> None:
    with serving_beyond(tls) as port:
        with pytest.raises(grpc.RpcError) as caught:
            ask(f"127.0.0.1:{port}")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
        with connect(f"127.0.0.1:{port}", TOKEN) as client, pytest.raises(ServerUnreachable):
            client.check()


def test_a_tls_client_does_not_fall_back_to_plain(tls: TlsFiles) -> None:
    heard: list[str] = []

    class Hearing(Slow):
        def touch(self) -> None:
            heard.append("a call")

    with services_over(Hearing()) as address:
        for written in (f"tls://{address}#sha256={fingerprint(tls)}", f"tls://{address}"):
            with pytest.raises((ServerUnreachable, UnsafeAddress)), connect(written, TOKEN) as client:
                client.check()
    assert not heard


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["SSLv3", "TLSv1", "TLSv1_1"])
def test_old_protocols_are_not_spoken(tls: TlsFiles, version: str) -> None:
    import socket
    import ssl

    with serving_beyond(tls) as port:
        for newest, succeeds in ((version, False), ("TLSv1_3", True)):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            try:
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion[version]
                context.maximum_version = ssl.TLSVersion[newest]
            except (ssl.SSLError, ValueError):
                pytest.skip("this OpenSSL cannot even speak it")
            with socket.create_connection(("127.0.0.1", port), 10) as plain:
                if succeeds:
                    with context.wrap_socket(plain) as spoken:
                        assert spoken.version() in ("TLSv1.2", "TLSv1.3")
                else:
                    with pytest.raises((ssl.SSLError, ConnectionError)):
                        context.wrap_socket(plain)


def test_limits_are_what_the_server_is_told(tmp_path: Path) -> None:
    options = dict(api_server._OPTIONS)
    assert options["grpc.max_receive_message_length"] == limits.LARGEST_MESSAGE
    assert options["grpc.max_concurrent_streams"] == limits.STREAMS
    assert ServerSettings(home=tmp_path).unfinished_jobs == limits.UNFINISHED_JOBS
