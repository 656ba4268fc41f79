"""The bridge's end of the pipes: greetings, calls, errors as classes, and a script that goes away."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pytest

from resilver_bridge.protocol import Script
from resilver_client.errors import (
    ClipUnsupported,
    HostFailed,
    InternalError,
    SelectionEmpty,
    TargetOccupied,
    VersionMismatch,
)

HELLO = {
    "protocol": 1,
    "verb": "restore",
    "script": "0.4.0",
    "python": "3.6.15",
    "platform": "linux",
    "resolve": {"version": [21, 0, 4, 7, ""], "name": "DaVinci Resolve Studio", "studio": True},
}


class Other:
    """The script's end, driven by hand."""

    def __init__(self) -> None:
        to_bridge, to_script = os.pipe(), os.pipe()
        self.reader: BinaryIO = os.fdopen(to_script[0], "rb")
        self.writer: BinaryIO = os.fdopen(to_bridge[1], "wb")
        self.script = Script(os.fdopen(to_bridge[0], "rb"), os.fdopen(to_script[1], "wb"))

    def send(self, line: object) -> None:
        self.write(json.dumps(line).encode() + b"\n")

    def write(self, data: bytes) -> None:
        self.writer.write(data)
        self.writer.flush()

    def heard(self) -> dict[str, Any]:
        line = self.reader.readline()
        assert line.isascii()
        found: dict[str, Any] = json.loads(line)
        return found

    def answering(self, answer: Callable[[dict[str, Any]], object]) -> None:
        """Answer one call in a thread."""
        threading.Thread(target=lambda: self.send(answer(self.heard())), daemon=True).start()

    def close(self) -> None:
        self.writer.close()


@pytest.fixture
def other() -> Iterator[Other]:
    end = Other()
    yield end
    end.writer.close()
    end.reader.close()


def test_who_is_there_is_read_and_welcomed(other: Other) -> None:
    other.send({"hello": HELLO})
    hello = other.script.greet("0.4.0")
    assert (hello.verb, hello.product, hello.version, hello.studio) == (
        "restore", "DaVinci Resolve Studio", (21, 0, 4), True,
    )  # fmt: skip
    assert (hello.python, hello.platform) == ("3.6.15", "linux")
    assert other.heard() == {"welcome": {"protocol": 1, "version": "0.4.0"}}
    assert other.script.hello == hello


def test_another_protocol_is_refused_on_both_sides(other: Other) -> None:
    other.send({"hello": {**HELLO, "protocol": 2}})
    with pytest.raises(VersionMismatch, match="protocol 2"):
        other.script.greet("0.4.0")
    refused = other.heard()["refused"]
    assert sorted(refused) == ["remedy", "what", "where"]
    assert "resilver davinci install" in refused["remedy"]


@pytest.mark.parametrize("line", [{"bye": True}, {"hello": 3}, {"hello": {**HELLO, "resolve": {"version": ["x"]}}}])
def test_what_is_no_hello_is_told(other: Other, line: object) -> None:
    other.send(line)
    with pytest.raises(HostFailed, match="who it is"):
        other.script.greet("0.4.0")


def test_a_call_comes_back_with_its_result(other: Other) -> None:
    other.answering(lambda call: {"id": call["id"], "result": {"asked": call["call"], "with": call["arguments"]}})
    assert other.script.call("edit", otio="/tmp/é.otio", name="x") == {
        "asked": "edit", "with": {"otio": "/tmp/é.otio", "name": "x"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("TARGET_OCCUPIED", TargetOccupied),
        ("CLIP_UNSUPPORTED", ClipUnsupported),
        ("SELECTION_EMPTY", SelectionEmpty),
        ("HOST_FAILED", HostFailed),
        ("NO_SUCH_REASON", InternalError),
    ],
)
def test_an_error_is_the_class_of_its_reason(other: Other, reason: str, kind: type[Exception]) -> None:
    said = {"reason": reason, "what": "what", "where": "reel 1", "remedy": "remedy"}
    other.answering(lambda call: {"id": call["id"], "error": said})
    with pytest.raises(kind, match="what, reel 1, remedy") as caught:
        other.script.call("place")
    assert type(caught.value) is kind


def test_calls_of_many_threads_are_made_one_after_another(other: Other) -> None:
    open_calls: list[int] = []
    most: list[int] = []

    def serve() -> None:
        for _ in range(12):
            call = other.heard()
            open_calls.append(call["id"])
            most.append(len(open_calls))
            time.sleep(0.005)
            open_calls.remove(call["id"])
            other.send({"id": call["id"], "result": {"n": call["arguments"]["n"]}})

    results: list[tuple[int, int]] = []
    server = threading.Thread(target=serve, daemon=True)
    server.start()
    callers = [
        threading.Thread(target=lambda n=n: results.append((n, other.script.call("edit", n=n)["n"])))  # type: ignore[misc]
        for n in range(12)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(5)
    assert sorted(results) == [(n, n) for n in range(12)]
    assert max(most) == 1


def test_a_script_that_goes_is_noticed_at_once(other: Other) -> None:
    assert not other.script.gone.is_set()
    other.close()
    assert other.script.gone.wait(2)
    with pytest.raises(HostFailed, match="Resilver - Jobs"):
        other.script.call("edit")


def test_a_script_that_goes_during_a_call_ends_the_call(other: Other) -> None:
    threading.Thread(target=lambda: (other.heard(), other.close()), daemon=True).start()
    with pytest.raises(HostFailed, match="ended"):
        other.script.call("edit")
    other.script.say("nobody hears this")
    other.script.bye()


@pytest.mark.parametrize("line", [b"Traceback (most recent call last):\n", b"[1]\n", b"\xff\n"])
def test_a_line_that_is_none_ends_the_conversation(other: Other, line: bytes) -> None:
    other.write(line)
    assert other.script.gone.wait(2)
    with pytest.raises(HostFailed, match="none of the protocol"):
        other.script.call("edit")


def test_an_answer_to_another_call_ends_the_conversation(other: Other) -> None:
    other.answering(lambda call: {"id": call["id"] + 1, "result": {}})
    with pytest.raises(HostFailed, match="answered call 2 instead of 1"):
        other.script.call("edit")
    assert other.script.gone.is_set()


def test_how_long_a_call_waits_is_known(other: Other) -> None:
    assert other.script.waiting() == 0
    caller = threading.Thread(target=lambda: other.script.call("edit"), daemon=True)
    caller.start()
    call = other.heard()
    time.sleep(0.05)
    assert other.script.waiting() >= 0.05
    other.send({"id": call["id"], "result": {}})
    caller.join(2)
    assert other.script.waiting() == 0


def test_sentences_and_the_end(other: Other) -> None:
    other.script.say("naïve “reel”")
    other.script.bye()
    assert other.heard() == {"say": "naïve “reel”"}
    assert other.heard() == {"bye": True}
