"""The real bridge on the real script side over the double of Resolve, in one process: two pipes and a thread."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from davinci.probe_media import Facts, probe_file, probe_sequence
from davinci.resolve_double import Double, Profile
from resilver_bridge.host import Listener
from resilver_bridge.protocol import Script
from resilver_bridge.resolve import Resolve
from resilver_client.client import Client
from resilver_client.discovery import Endpoint
from resilver_client.errors import ServerUnreachable
from resilver_davinci.answers import Refused, answer


class Closed(BaseException):
    """Resolve is closed, and its menu scripts with it: nothing in them hears of that."""


class Link:
    """A double with a bridge on it. ``restart`` is closing Resolve's menu script and choosing its menu entry again."""

    def __init__(self, double: Double, home: Path) -> None:
        self.double, self.home = double, home
        self.said: list[str] = []
        self.before_call: Callable[[str], None] = lambda name: None
        """Told the name of each call of the bridge before the script answers it; what it raises ends the script."""
        self.resolve = self.restart()

    def restart(self) -> Resolve:
        to_bridge, to_script = os.pipe(), os.pipe()
        reader, writer = os.fdopen(to_script[0], "rb"), os.fdopen(to_bridge[1], "wb")
        threading.Thread(target=self._serve, args=(reader, writer), daemon=True).start()
        script = Script(os.fdopen(to_bridge[0], "rb"), os.fdopen(to_script[1], "wb"))
        script.greet("test")
        self.resolve = Resolve(script, self.home)
        return self.resolve

    def _serve(self, reader: Any, writer: Any) -> None:
        profile = self.double.profile
        resolve = {"version": list(profile.version), "name": profile.product, "studio": profile.studio}
        hello = {"protocol": 1, "verb": "restore", "script": "test", "python": "3.11", "platform": "linux"}
        _write(writer, {"hello": {**hello, "resolve": resolve}})
        with reader, writer, suppress(Closed):
            for line in reader:
                said = json.loads(line)
                if "say" in said:
                    self.said.append(said["say"])
                if "bye" in said:
                    break
                if "call" in said:
                    self.before_call(said["call"])
                    _write(writer, {"id": said["id"], **_answered(self.double, said)})


def _answered(double: Double, said: Any) -> dict[str, object]:
    try:
        return {"result": answer(double.resolve, said["call"], said["arguments"])}
    except Refused as refused:
        return {"error": refused.to_json()}


def _write(writer: Any, line: object) -> None:
    writer.write(json.dumps(line).encode("ascii") + b"\n")
    writer.flush()


def probe(path: str, first: int | None = None, last: int | None = None) -> Facts | None:
    """Facts of a real file or sequence, as Resolve finds them when it imports it."""
    return probe_file(path) if first is None or last is None else probe_sequence(path, first, last)


def no_server() -> Client:
    """A client that finds none: what is placed by hand in a test needs none."""

    def find() -> Endpoint:
        raise ServerUnreachable("no server runs in this test")

    return Client(find)


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[str] = []
        self.pictures: list[str] = []
        self.progress: list[object] = []

    def listener(self) -> Listener:
        return Listener(
            progress=self.progress.append,
            report=self.reports.append,
            show=lambda pictures, maps: self.pictures.extend(pictures),
        )


def doubled(profile: Profile, rate: str = "24", **timeline: Any) -> Double:
    """An open project with an empty timeline."""
    double = Double(profile, probe)
    double.open_project("Project", rate=rate)
    double.open_timeline("Edit", **timeline)
    return double
