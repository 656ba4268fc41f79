"""Stands in for `resilver bridge` where a bridge shall fail: ``python stand_in_bridge.py WAY HEARD.jsonl``.

What the menu script says is kept in HEARD.jsonl. The ways are the functions below.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WELCOME = {"welcome": {"protocol": 1, "version": "1.2.3"}}


class Ends:
    """This bridge's ends of the pipes."""

    def __init__(self, heard: Path) -> None:
        self.heard = heard

    def say(self, line: dict[str, Any]) -> None:
        self.raw(json.dumps(line).encode("ascii") + b"\n")

    def raw(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def hear(self) -> dict[str, Any]:
        """The next line; an empty one where none will come."""
        line = sys.stdin.buffer.readline()
        with self.heard.open("ab") as file:
            file.write(line or b'{"closed": true}\n')
        found: dict[str, Any] = json.loads(line) if line else {}
        return found

    def call(self, id: int, name: str, **arguments: Any) -> dict[str, Any]:
        self.say({"id": id, "call": name, "arguments": arguments})
        return self.hear()


def talks(ends: Ends) -> None:
    ends.hear()
    ends.say(WELCOME)
    ends.say({"say": "Grüße – 映画", "unknown": 1})
    ends.call(1, "edit", otio=None)
    ends.call(2, "dance")
    ends.say({"unheard of": True})
    ends.say({"bye": True})


def is_of_another_version(ends: Ends) -> None:
    ends.hear()
    ends.say({"welcome": {"protocol": 1, "version": "9.9.9"}})
    ends.say({"bye": True})


def ends_at_once(_: Ends) -> None:
    print("a line before", file=sys.stderr)
    sys.exit("ModuleNotFoundError: No module named 'grpc'")


def speaks_a_newer_protocol(ends: Ends) -> None:
    ends.hear()
    ends.say({"refused": {"what": "this bridge speaks 2", "where": "Resilver 9", "remedy": "install again"}})


def welcomes_in_a_newer_protocol(ends: Ends) -> None:
    ends.hear()
    ends.say({"welcome": {"protocol": 2, "version": "9.9.9"}})
    ends.hear()


def writes_garbage(ends: Ends) -> None:
    ends.hear()
    ends.raw(b"Fontconfig warning: \xff\n")
    ends.hear()


def writes_garbage_later(ends: Ends) -> None:
    ends.hear()
    ends.say(WELCOME)
    ends.raw(b'["a list"]\n')
    ends.hear()


def hangs(ends: Ends) -> None:
    ends.hear()
    ends.hear()


def stays_when_its_pipe_closes(ends: Ends) -> None:
    ends.hear()
    ends.say(WELCOME)
    ends.say({"bye": True})
    while True:
        time.sleep(1)


def waits(ends: Ends) -> None:
    ends.hear()
    ends.say(WELCOME)
    ends.hear()


def dies_before_a_call(ends: Ends) -> None:
    ends.hear()
    ends.say(WELCOME)
    print("Killed by nobody knows what", file=sys.stderr, flush=True)
    os._exit(7)


def dies_while_it_is_answered(ends: Ends) -> None:
    """It closes its ears first, so that the answer goes nowhere."""
    ends.hear()
    ends.say(WELCOME)
    os.close(0)
    request = Path(os.environ["STAND_IN_REQUEST"]).read_text()
    ends.say({"id": 1, "call": "place", "arguments": json.loads(request)})
    time.sleep(0.5)
    os._exit(7)


def dies_later(ends: Ends) -> None:
    """After it has heard the answer, and gone on."""
    ends.hear()
    ends.say(WELCOME)
    ends.call(1, "place", **json.loads(Path(os.environ["STAND_IN_REQUEST"]).read_text()))
    ends.say({"unheard of": True})
    os._exit(7)


def cannot_go_on(ends: Ends) -> None:
    ends.hear()
    ends.say(WELCOME)
    ends.say({"refused": {"what": "the page cannot be served", "where": "127.0.0.1", "remedy": "see the firewall"}})


def tells_its_environment(ends: Ends) -> None:
    names = ("PYTHONHOME", "PYTHONPATH", "RESILVER_HOME", "PYTHONIOENCODING")
    Path(f"{ends.heard}.environment").write_text(json.dumps({name: os.environ.get(name) for name in names}))
    talks(ends)


WAYS: dict[str, Callable[[Ends], None]] = {
    way.__name__: way
    for way in (
        talks,
        is_of_another_version,
        ends_at_once,
        speaks_a_newer_protocol,
        welcomes_in_a_newer_protocol,
        writes_garbage,
        writes_garbage_later,
        hangs,
        stays_when_its_pipe_closes,
        waits,
        dies_before_a_call,
        dies_while_it_is_answered,
        dies_later,
        cannot_go_on,
        tells_its_environment,
    )
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Ends(Path(sys.argv[2])))
