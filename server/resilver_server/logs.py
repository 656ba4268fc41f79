"""The server's log: lines of text or of JSON, each with the job and the shot that it is about.

Paths are told at DEBUG only: a log is what people hand to others who are to help. What is told at INFO and above
names jobs, shots and chunks by number. Standard library only.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from pathlib import Path
from typing import Any

_JOB: ContextVar[str] = ContextVar("job", default="")
_SHOT: ContextVar[int | None] = ContextVar("shot", default=None)
_FACTS = "resilver_facts"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@contextmanager
def about(job: str | None = None, shot: int | None = None) -> Iterator[None]:
    """Whatever is logged inside, also by tasks that begin there, carries the id of the job and the shot's number."""
    before = _JOB.set(_JOB.get() if job is None else job), _SHOT.set(_SHOT.get() if shot is None else shot)
    try:
        yield
    finally:
        _JOB.reset(before[0])
        _SHOT.reset(before[1])


def facts(**values: str | int | float | None) -> dict[str, Any]:
    """For ``extra=``: fields of their own in JSON, ``name=value`` behind the sentence in text."""
    return {_FACTS: {name: value for name, value in values.items() if value is not None}}


def set_up(level: int, form: LogFormat, stream: Any = None) -> None:
    """Log of this process to ``stream``, standard error if not given, from ``level`` on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(level) if form is LogFormat.JSON else TextFormatter(level))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Job and shot of the record, and the facts that were given with it."""
    about_: dict[str, Any] = {"job": _JOB.get(), "shot": _SHOT.get()}
    return {name: value for name, value in about_.items() if value not in ("", None)} | getattr(record, _FACTS, {})


class _Formatter(logging.Formatter):
    def __init__(self, level: int) -> None:
        super().__init__()
        self._paths = level <= logging.DEBUG

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """ISO 8601 with milliseconds, UTC."""
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Where it happened and of which class it was. What it says may name a file: that is for DEBUG, as are the
        full paths of the program's files."""
        if self._paths:
            return super().formatException(ei)
        frames = traceback.extract_tb(ei[2])
        places = [f"  {'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} in {frame.name}" for frame in frames]
        return "\n".join([*places, ei[0].__name__])


class TextFormatter(_Formatter):
    """``TIME LEVEL NAME: message (job=… shot=… …)``, tracebacks below."""

    def format(self, record: logging.LogRecord) -> str:
        told = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        head = f"{self.formatTime(record)} {record.levelname} {record.name}: {record.getMessage()}"
        lines = [f"{head} ({told})" if told else head]
        if record.exc_info and record.exc_info[0] is not None:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)


class JsonFormatter(_Formatter):
    """One object a line: ``time``, ``level``, ``logger``, ``message``, ``job``, ``shot``, the facts, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {"time": self.formatTime(record), "level": record.levelname, "logger": record.name}
        entry |= {"message": record.getMessage(), **fields_of(record)}
        if record.exc_info and record.exc_info[0] is not None:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
