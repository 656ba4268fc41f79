"""What may go from the content store: rows that no unfinished job needs, the least recently used first.

A job needs what its unfinished shots name. What is finished or given up keeps its content for as long as there is
room: the next job may find it there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from .content import CHANGES_SUFFIX
from .rows import ContentRow, fetch

_OPEN = "FROM job JOIN shot ON shot.job = job.id AND shot.phase <> 'done'"
_CHUNKS = f"{_OPEN} JOIN chunk ON chunk.job = shot.job AND chunk.shot = shot.number WHERE job.ended IS NULL"
_NEEDED = f"""SELECT chunk.key {_CHUNKS}
    UNION SELECT chunk.key || '{CHANGES_SUFFIX}' {_CHUNKS} AND chunk.kind = 'render'
    UNION SELECT shot.state_key {_OPEN} WHERE job.ended IS NULL"""
_AT_ONCE = 500
"""Rows in one transaction: others wait for the database meanwhile."""


@dataclass(frozen=True)
class KindUsage:
    """What one kind of content takes."""

    kind: str
    items: int
    bytes: int
    needed_bytes: int
    """Of these, what an unfinished job needs."""


def usage(connection: sqlite3.Connection) -> tuple[KindUsage, ...]:
    """By kind, those that there are."""
    query = f"""SELECT kind, count(*), sum(bytes), coalesce(sum(bytes) FILTER (WHERE key IN ({_NEEDED})), 0)
        FROM content GROUP BY kind ORDER BY kind"""
    return tuple(KindUsage(*row) for row in connection.execute(query))


def stored_bytes(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM content").fetchone()[0])


def take_oldest(connection: sqlite3.Connection, most: int) -> list[ContentRow]:
    """Delete rows until at most ``most`` bytes remain, or none that may go, and return them: some of them at a time,
    and an empty list at the end."""
    over = stored_bytes(connection) - most
    taken: list[ContentRow] = []
    if over <= 0:
        return taken
    for row in fetch(connection, ContentRow, f"WHERE key NOT IN ({_NEEDED}) ORDER BY used, key LIMIT {_AT_ONCE}"):
        if over <= 0:
            break
        connection.execute("DELETE FROM content WHERE key = ?", (row.key,))
        taken.append(row)
        over -= row.bytes
    return taken


def touch(connection: sqlite3.Connection, keys: Collection[str], now: float) -> None:
    """They were used, their change maps with them."""
    for key in keys:
        connection.execute("UPDATE content SET used = ? WHERE key IN (?, ?)", (now, key, key + CHANGES_SUFFIX))


def touch_solved(connection: sqlite3.Connection, state_key: str, now: float) -> None:
    """A job begins whose shot was solved before: its chunks are wanted next, though it does not name them yet."""
    query = """SELECT json_extract(chunk.value, '$.key')
        FROM content, json_each(content.detail, '$.chunks') AS chunk WHERE content.key = ?"""
    touch(connection, [state_key, *(row[0] for row in connection.execute(query, (state_key,)))], now)


def names(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Kind and key of everything that is there by its row."""
    return set(connection.execute("SELECT kind, key FROM content"))


def drop_rows(connection: sqlite3.Connection, keys: Collection[str]) -> None:
    """Their files are gone."""
    connection.executemany("DELETE FROM content WHERE key = ?", [(key,) for key in keys])
