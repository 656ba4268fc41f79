"""The rows of the database as frozen dataclasses: field names are column names. Structured columns are JSON text."""

from __future__ import annotations

import dataclasses
import sqlite3
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar


@dataclass(frozen=True)
class Row:
    TABLE: ClassVar[str]


@dataclass(frozen=True)
class JobHead(Row):
    """A job without its two large columns: a page of jobs must not read a hundred timelines."""

    TABLE: ClassVar[str] = "job"
    id: str
    request_id: str
    request_digest: str
    title: str
    state: str
    created: float
    started: float | None
    ended: float | None
    sequence: int
    refusals: str
    failure: str | None
    priority: int
    waiting: str | None
    """The Shortage that a waiting job waits to see the end of."""


@dataclass(frozen=True)
class JobRow(JobHead):
    request: str
    result: str | None


@dataclass(frozen=True)
class ShotRow(Row):
    TABLE: ClassVar[str] = "shot"
    job: str
    number: int
    clip: str
    plan: str
    stamp: str
    """Identity of the media's files when it was planned."""
    phase: str
    output: str
    state_key: str
    result: str | None
    findings: str = "{}"
    """JSON object of texts: what the analysis found. Stays when the analysis itself is gone from the store."""


@dataclass(frozen=True)
class ChunkRow(Row):
    TABLE: ClassVar[str] = "chunk"
    job: str
    shot: int
    kind: str
    """"analyse" or "render"."""
    number: int
    key: str
    plan: str
    state: str
    attempts: int


@dataclass(frozen=True)
class EventRow(Row):
    TABLE: ClassVar[str] = "event"
    job: str
    sequence: int
    time: float
    kind: str
    state: str
    shot: int | None
    chunk: int | None
    message: str
    failure: str | None


@dataclass(frozen=True)
class ContentRow(Row):
    TABLE: ClassVar[str] = "content"
    key: str
    kind: str
    digest: str
    bytes: int
    detail: str
    """JSON of the result that made it."""
    created: float
    used: float = 0.0
    """Unix seconds when a job last made or found it."""


@dataclass(frozen=True)
class FitRow(Row):
    TABLE: ClassVar[str] = "model_fit"
    key: str
    tile: int
    batch: int
    learned: float


R = TypeVar("R", bound=Row)


def columns(kind: type[Row]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def fetch(connection: sqlite3.Connection, kind: type[R], tail: str = "", *values: Any) -> list[R]:
    """Rows of ``kind``; ``tail`` is what stands after the table's name, ``WHERE job = ? ORDER BY number``."""
    names = columns(kind)
    cursor = connection.execute(f"SELECT {', '.join(names)} FROM {kind.TABLE} {tail}", values)
    return [kind(**dict(zip(names, row, strict=True))) for row in cursor]


def insert(connection: sqlite3.Connection, row: Row, or_replace: bool = False) -> None:
    """Raises sqlite3.IntegrityError where the key is taken, unless ``or_replace``."""
    names = columns(type(row))
    verb = "INSERT OR REPLACE" if or_replace else "INSERT"
    marks = ", ".join("?" * len(names))
    values = tuple(getattr(row, name) for name in names)
    connection.execute(f"{verb} INTO {row.TABLE} ({', '.join(names)}) VALUES ({marks})", values)


def update(connection: sqlite3.Connection, kind: type[Row], where: str, keys: tuple[Any, ...], **changes: Any) -> int:
    """Set columns in the rows that ``where`` names; how many there were."""
    assert set(changes) <= set(columns(kind)), changes
    sets = ", ".join(f"{name} = ?" for name in changes)
    cursor = connection.execute(f"UPDATE {kind.TABLE} SET {sets} WHERE {where}", (*changes.values(), *keys))
    return cursor.rowcount
