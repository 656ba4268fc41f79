"""Every error class travels over a real connection and comes out as itself."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client import errors
from resilver_client.client import Client, connect
from resilver_client.status import decode, encode
from resilver_server.config import ServerSettings
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import JobRecord
from support.serving import TOKEN, services_over


class Failing(JobManager):
    """Its jobs are error reasons: asking for one raises it."""

    def __init__(self) -> None:
        super().__init__(ServerSettings())
        self.touched = 0

    def touch(self) -> None:
        self.touched += 1

    async def get(self, job: str) -> JobRecord:
        if job == "fault":
            raise ZeroDivisionError("the secret is 42")
        raise errors.BY_REASON[job]("what: zoë ✂", where="/film/reel 1.mov, frame 3", remedy="do this")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with services_over(Failing()) as address, connect(address, TOKEN) as client:
        yield client


@pytest.mark.parametrize("kind", errors.ERRORS, ids=lambda kind: kind.__name__)
def test_a_reason_comes_out_as_the_same_class(client: Client, kind: type[errors.ResilverError]) -> None:
    with pytest.raises(errors.ResilverError) as caught:
        client.get(kind.reason)
    assert type(caught.value) is kind
    assert (caught.value.what, caught.value.where, caught.value.remedy) == (
        "what: zoë ✂",
        "/film/reel 1.mov, frame 3",
        "do this",
    )
    assert isinstance(caught.value.__cause__, grpc.Call)
    assert caught.value.__cause__.code() is grpc.StatusCode[kind.code]


@pytest.mark.parametrize("kind", [errors.JobNotFound, errors.InternalError])
def test_a_stream_raises_the_same_class(client: Client, kind: type[errors.ResilverError]) -> None:
    with pytest.raises(kind, match="zoë"):
        next(client.watch(kind.reason))


def test_a_fault_tells_nothing_but_where_to_look(client: Client) -> None:
    with pytest.raises(errors.InternalError) as caught:
        client.get("fault")
    assert "42" not in str(caught.value)
    assert "ZeroDivision" not in str(caught.value)
    assert caught.value.where.startswith("log entry ")


def test_every_class_is_listed_once() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ResilverError) and value is not errors.ResilverError
    }
    assert defined == set(errors.ERRORS)
    assert len(errors.BY_REASON) == len(errors.ERRORS)
    assert all(kind.code in grpc.StatusCode.__members__ for kind in errors.ERRORS)


@given(what=st.text(max_size=9000), where=st.text(max_size=4000), remedy=st.text(max_size=4000))
def test_long_texts_stay_under_what_metadata_may_hold(what: str, where: str, remedy: str) -> None:
    sent = errors.SequenceGap(what, where=where, remedy=remedy)
    data = encode(sent)
    assert len(data) < 5000
    received = decode(data)
    assert type(received) is errors.SequenceGap
    if len(what.encode()) <= 2000:
        assert received.what == what
    else:
        assert received.what.endswith("…")
        assert what.startswith(received.what[:-1])


def test_a_file_name_that_is_no_text_can_be_named() -> None:
    name = b"/film/reel\xe9.mov".decode(errors="surrogateescape")
    received = decode(encode(errors.MediaNotFound("no such file", where=name)))
    assert received is not None
    assert received.where == "/film/reel?.mov"


def test_a_long_error_crosses_a_real_connection() -> None:
    class Long(Failing):
        async def get(self, job: str) -> JobRecord:
            raise errors.SequenceGap("é" * 100_000, where="w" * 100_000, remedy="r" * 100_000)

    with services_over(Long()) as address, connect(address, TOKEN) as client, pytest.raises(errors.SequenceGap):
        client.get("any")


def test_a_reason_of_a_newer_server_is_not_lost() -> None:
    class FromTheFuture(errors.ResilverError):
        reason, code = "FROM_THE_FUTURE", "INTERNAL"

    received = decode(encode(FromTheFuture("new", where="there")))
    assert type(received) is errors.InternalError
    assert received.what == "FROM_THE_FUTURE: new"
    assert received.where == "there"


def test_foreign_details_are_left_alone() -> None:
    assert decode(b"\xff\xff\xff") is None
    assert decode(b"") is None


def test_nobody_there_is_server_unreachable() -> None:
    with connect("127.0.0.1:1", TOKEN) as client, pytest.raises(errors.ServerUnreachable) as caught:
        client.get("x")
    assert caught.value.where == "127.0.0.1:1"
