"""The bridge's end of the pipes to the menu script (docs/bridge-protocol.md)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from resilver_client.errors import BY_REASON, HostFailed, InternalError, ResilverError, VersionMismatch
from resilver_davinci.answers import CHANGING

from .host import Hello

PROTOCOL = 1

_HALF = "clips were being placed or taken back just then: look at the timeline, a part of them may lie there"
_AGAIN = 'open "Resilver - Jobs" from Resolve\'s menu, Workspace > Scripts: the jobs are kept'


class Script:
    """The menu script, as something to call. Safe from any thread; calls are made one after another.

    Lines are read by a thread of their own, so that a pipe that closes is noticed at once, also while nothing is asked.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._calling, self._writing = threading.Lock(), threading.Lock()
        self._changed = threading.Condition()
        self._lines: list[dict[str, Any]] = []
        self._why = "the menu script in Resolve has ended"
        self._since: float | None = None
        self._last = 0
        self.gone = threading.Event()
        """Set as soon as the script has gone."""
        self._hello: Hello | None = None
        threading.Thread(target=self._read, name="resilver script", daemon=True).start()

    @property
    def hello(self) -> Hello:
        """Who is there. Raises InternalError before ``greet``."""
        if self._hello is None:
            raise InternalError("the menu script was not greeted yet")
        return self._hello

    def greet(self, version: str) -> Hello:
        """Read who is there and answer it. ``version`` is the bridge's own.

        Raises VersionMismatch for a script of another protocol, which is told so; HostFailed for anything that is no
        hello.
        """
        said = self._next()
        hello = _hello(said.get("hello"))
        protocol = said["hello"].get("protocol")
        if protocol == PROTOCOL:
            self._write({"welcome": {"protocol": PROTOCOL, "version": version}})
            self._hello = hello
            return hello
        error = VersionMismatch(
            f"Resolve's menu entries speak protocol {protocol!r}, this bridge speaks {PROTOCOL}",
            where=f"Resilver {version}",
            remedy='run "resilver davinci install" again, so that both are of one version',
        )
        self.refuse(error)
        raise error

    def call(self, name: str, /, **arguments: object) -> dict[str, Any]:
        """The script's answer. Waits as long as Resolve takes: a dialog that is open there holds it up (``waiting``).

        Raises the class that the script's error names, and HostFailed where the script has gone; where it goes in the
        middle of a change, the error says that a part of it may be there.
        """
        with self._calling:
            self._last += 1
            self._since = time.monotonic()
            try:
                self._write({"id": self._last, "call": name, "arguments": arguments})
                answer = self._next("; " + _HALF if name in CHANGING else "")
            finally:
                self._since = None
            return self._answer(answer, name)

    def say(self, sentence: str) -> None:
        """Let a sentence be printed in Resolve's console; lost where the script has gone."""
        with suppress(HostFailed):
            self._write({"say": sentence})

    def refuse(self, error: ResilverError) -> None:
        """Let the script show why the bridge cannot go on, and end; lost where the script has gone."""
        with suppress(HostFailed):
            self._write({"refused": _as_json(error)})

    def bye(self) -> None:
        """Let the script end."""
        with suppress(HostFailed):
            self._write({"bye": True})

    def waiting(self) -> float:
        """Seconds for which the present call has not been answered; 0 where none is made."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def _answer(self, answer: Mapping[str, Any], name: str) -> dict[str, Any]:
        if answer.get("id") != self._last:
            raise self._end(f"the menu script answered call {answer.get('id')!r} instead of {self._last}")
        if "error" in answer:
            raise _error(answer["error"], name)
        result = answer.get("result")
        if not isinstance(result, dict):
            raise self._end(f"the menu script's answer to {name!r} has no result")
        return result

    def _write(self, line: Mapping[str, object]) -> None:
        data = json.dumps(line).encode("ascii") + b"\n"
        with self._writing:
            if self.gone.is_set():
                raise HostFailed(self._why, remedy=_AGAIN)
            try:
                self._writer.write(data)
                self._writer.flush()
            except (OSError, ValueError) as error:
                raise self._end(self._why) from error

    def _next(self, besides: str = "") -> dict[str, Any]:
        """The next line. Raises HostFailed where none will come; ``besides`` is said then too."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self.gone.is_set())
            if self._lines:
                return self._lines.pop(0)
        raise HostFailed(self._why + besides, remedy=_AGAIN)

    def _end(self, why: str) -> HostFailed:
        with self._changed:
            if not self.gone.is_set():
                self._why = why
                self.gone.set()
            self._changed.notify_all()
        return HostFailed(self._why, remedy=_AGAIN)

    def _read(self) -> None:
        why = self._why
        try:
            for line in self._reader:
                found = _object(line)
                if found is None:
                    why = f"the menu script wrote a line that is none of the protocol: {line[:80]!r}"
                    break
                with self._changed:
                    self._lines.append(found)
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass  # closed while it was read: the end all the same
        self._end(why)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _hello(said: object) -> Hello:
    try:
        resolve = said["resolve"]  # type: ignore[index]
        major, minor, patch = (int(number) for number in resolve["version"][:3])
        return Hello(
            verb=str(said["verb"]),  # type: ignore[index]
            product=str(resolve["name"]),
            version=(major, minor, patch),
            studio=bool(resolve["studio"]),
            python=str(said["python"]),  # type: ignore[index]
            platform=str(said["platform"]),  # type: ignore[index]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HostFailed(
            "the menu script did not say who it is",
            where=repr(said)[:200],
            remedy='run "resilver davinci install" again',
        ) from error


def _error(said: object, name: str) -> ResilverError:
    """The script's error as the class that it names."""
    fields: Mapping[str, object] = said if isinstance(said, dict) else {}
    kind = BY_REASON.get(str(fields.get("reason")), InternalError)
    what = str(fields.get("what") or f"the menu script could not do {name!r} and does not say why")
    return kind(what, where=str(fields.get("where") or ""), remedy=str(fields.get("remedy") or ""))


def _as_json(error: ResilverError) -> dict[str, str]:
    return {"what": error.what, "where": error.where, "remedy": error.remedy}
