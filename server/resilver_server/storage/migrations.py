"""The schema, as numbered steps that are only ever added to."""

from __future__ import annotations

import sqlite3

from resilver_client.errors import DatabaseUnusable

_FIRST = (
    """CREATE TABLE job (
        id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, request_digest TEXT NOT NULL, title TEXT NOT NULL,
        state TEXT NOT NULL, created REAL NOT NULL, started REAL, ended REAL, sequence INTEGER NOT NULL,
        request TEXT NOT NULL, refusals TEXT NOT NULL, failure TEXT, result TEXT)""",
    """CREATE TABLE shot (
        job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, number INTEGER NOT NULL,
        clip TEXT NOT NULL, plan TEXT NOT NULL, stamp TEXT NOT NULL, phase TEXT NOT NULL, output TEXT NOT NULL,
        state_key TEXT NOT NULL, result TEXT, PRIMARY KEY (job, number))""",
    """CREATE TABLE chunk (
        job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, shot INTEGER NOT NULL, kind TEXT NOT NULL,
        number INTEGER NOT NULL, key TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, PRIMARY KEY (job, shot, kind, number))""",
    "CREATE INDEX chunk_key ON chunk (key)",
    "CREATE INDEX shot_state_key ON shot (state_key)",
    """CREATE TABLE event (
        job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, sequence INTEGER NOT NULL, time REAL NOT NULL,
        kind TEXT NOT NULL, state TEXT NOT NULL, shot INTEGER, chunk INTEGER, message TEXT NOT NULL, failure TEXT,
        PRIMARY KEY (job, sequence))""",
    """CREATE TABLE content (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL,
        detail TEXT NOT NULL, created REAL NOT NULL)""",
    """CREATE TABLE model_fit (
        key TEXT PRIMARY KEY, tile INTEGER NOT NULL, batch INTEGER NOT NULL, learned REAL NOT NULL)""",
)

_PRIORITIES_AND_WAITING = (
    "ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN waiting TEXT",
    "CREATE INDEX job_state ON job (state)",
)

_COLLECTING = (
    "ALTER TABLE content ADD COLUMN used REAL NOT NULL DEFAULT 0",
    "UPDATE content SET used = created",
    "CREATE INDEX content_used ON content (used, key)",
    "CREATE INDEX content_size ON content (kind, bytes)",
    "ALTER TABLE shot ADD COLUMN findings TEXT NOT NULL DEFAULT '{}'",
    """UPDATE shot SET findings = coalesce(
        (SELECT json_extract(detail, '$.findings') FROM content WHERE key = shot.state_key), '{}')""",
    "CREATE INDEX job_unfinished ON job (id) WHERE ended IS NULL",
    "CREATE INDEX job_newest ON job (state, id)",
    "DROP INDEX job_state",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _PRIORITIES_AND_WAITING, _COLLECTING)
"""Step n brings a database from version n to n + 1."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in a transaction of its own.

    Raises DatabaseUnusable where the database was written by a newer program.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    version = current_version(connection)
    if version > len(MIGRATIONS):
        raise DatabaseUnusable(
            f"the database has version {version}, this program knows {len(MIGRATIONS)}",
            remedy="start the newer resilver that wrote it, or choose another RESILVER_HOME",
        )
    for number in range(version, len(MIGRATIONS)):
        connection.execute("BEGIN IMMEDIATE")
        for statement in MIGRATIONS[number]:
            connection.execute(statement)
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (?)", (number + 1,))
        connection.execute("COMMIT")


def current_version(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    return int(row[0]) if row else 0
