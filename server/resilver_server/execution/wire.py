"""Messages between server and worker: one JSON object a line, plain data only (no pickle)."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass

from resilver_client.errors import InvalidRequest
from resilver_server.domain.failures import Failure
from resilver_server.domain.serial import canonical, from_json, to_json
from resilver_server.planning import tasks
from resilver_server.planning.tasks import Progress, Result, Task

LARGEST_LINE = 1 << 28
"""Bytes. A day of film at 24 frames a second is 2 million source digests of 64 characters."""


@dataclass(frozen=True)
class Run:
    """Server to worker: do this."""

    id: int
    task: Task


@dataclass(frozen=True)
class Cancel:
    """Server to worker: stop task ``id`` within one window, if it still runs."""

    id: int


@dataclass(frozen=True)
class Ready:
    """Worker to server: the engine is imported."""

    pid: int


@dataclass(frozen=True)
class Alive:
    """Worker to server, every few seconds while a task runs: it is slow, not stuck."""


@dataclass(frozen=True)
class Report:
    """Worker to server, while task ``id`` runs."""

    id: int
    progress: Progress


@dataclass(frozen=True)
class Answer:
    """Worker to server: the task's result."""

    id: int
    result: Result


@dataclass(frozen=True)
class Failed:
    """Worker to server: the task's error; ``id`` 0 means that the worker cannot work at all."""

    id: int
    failure: Failure


Message = Run | Cancel | Ready | Alive | Report | Answer | Failed

_MESSAGES: dict[str, type] = {kind.__name__: kind for kind in typing.get_args(Message)}
_PAYLOADS: dict[str, type] = {
    kind.__name__: kind for union in (tasks.Task, tasks.Result) for kind in typing.get_args(union)
}


def encode(message: Message) -> bytes:
    """One line, with its line end."""
    fields = typing.cast(dict[str, object], to_json(message))
    for name in ("task", "result"):
        if name in fields:
            fields["kind"] = type(getattr(message, name)).__name__
    return (canonical({"message": type(message).__name__, **fields}) + "\n").encode()


def decode(line: bytes) -> Message:
    """Raises InvalidRequest for a line that ``encode`` did not write."""
    try:
        return _message(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest(f"not a line between server and worker ({type(error).__name__})") from error


def _message(fields: dict[str, typing.Any]) -> Message:
    kind = _MESSAGES[fields.pop("message")]
    if kind is Run:
        return Run(int(fields["id"]), _payload(fields["kind"], fields["task"]))
    if kind is Answer:
        return Answer(int(fields["id"]), _payload(fields["kind"], fields["result"]))
    return typing.cast(Message, from_json(kind, fields, kind.__name__))


def _payload(kind: str, fields: object) -> typing.Any:
    return from_json(_PAYLOADS[kind], fields, kind)
