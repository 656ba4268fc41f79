"""Content by key: segments, solved states and measurements. A key names all that decides the bytes.

Files lie under ``KIND/KE/KEY`` (a file or a folder). A file counts only with its row, and a row only with its file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator
from enum import StrEnum
from pathlib import Path

from resilver_client.disk import sync_folder

from .files import make_folder, remove, size_of, sync_tree
from .rows import ContentRow, fetch, insert


class ContentKind(StrEnum):
    SEGMENT = "segment"
    STATE = "state"
    MEASUREMENT = "measurement"
    CHANGES = "changes"
    """The change maps of a segment, under ``changes_key`` of the segment's key."""


CHANGES_SUFFIX = ".changes-1"
"""Its number is raised when the maps would look different."""


def changes_key(key: str) -> str:
    """Where the change maps of a segment lie: what decides the one decides the other."""
    return f"{key}{CHANGES_SUFFIX}"


def maker_key(key: str) -> str:
    """What is held while the content of a key is made: change maps are made with their segment."""
    return key.removesuffix(CHANGES_SUFFIX)


class ContentStore:
    """The files. Its methods block: call them in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the folder, and clear what a killed server left half-written."""
        remove(self.root / "tmp")
        (self.root / "tmp").mkdir(parents=True)

    def temporary(self, key: str, attempt: str) -> Path:
        """Where one attempt may write. Attempts never share a name."""
        return self.root / "tmp" / f"{key}.{attempt}"

    def path(self, kind: ContentKind, key: str) -> Path:
        return self.root / kind / key[:2] / key

    def keep(self, kind: ContentKind, key: str, temporary: Path) -> int:
        """Bring a finished file or folder to the disk and under its key; its bytes. Raises OSError.

        What lies there without a row is the same content, from a server that was killed before it wrote the row.
        """
        sync_tree(temporary)
        target = self.path(kind, key)
        make_folder(target.parent)
        if temporary.is_dir():
            remove(target)
        temporary.replace(target)
        sync_folder(target.parent)
        return size_of(target)

    def sweep(self, names: Collection[tuple[str, str]]) -> list[str]:
        """Remove what has no row, as a server leaves it that was killed between the two. Keys of ``names`` (kind and
        key of every row) that have no file. Only for a server that does nothing else yet. Raises OSError."""
        there = {(kind.value, path.name): path for kind in ContentKind for path in self._files(kind)}
        for name, path in there.items():
            if name not in names:
                remove(path)
        return [key for kind, key in names if (kind, key) not in there]

    def _files(self, kind: ContentKind) -> Iterator[Path]:
        folder = self.root / kind
        for part in sorted(folder.iterdir()) if folder.is_dir() else ():
            yield from part.iterdir() if part.is_dir() else ()

    def holds(self, row: ContentRow) -> bool:
        """Whether the row's file is there with the size it had."""
        path = self.path(ContentKind(row.kind), row.key)
        return path.exists() and size_of(path) == row.bytes

    def drop(self, rows: list[ContentRow]) -> None:
        for row in rows:
            remove(self.path(ContentKind(row.kind), row.key))


def content_row(key: str, kind: ContentKind, digest: str, size: int, detail: str) -> ContentRow:
    now = time.time()
    return ContentRow(key=key, kind=kind, digest=digest, bytes=size, detail=detail, created=now, used=now)


def find_content(connection: sqlite3.Connection, key: str) -> ContentRow | None:
    rows = fetch(connection, ContentRow, "WHERE key = ?", key)
    return rows[0] if rows else None


def put_content(connection: sqlite3.Connection, row: ContentRow) -> None:
    insert(connection, row, or_replace=True)


def take_unused(connection: sqlite3.Connection, keys: set[str]) -> list[ContentRow]:
    """Delete the rows of ``keys`` that no chunk and no shot names any more, change maps with their segments, and return
    them."""
    unused = []
    for key in sorted(keys):
        used = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM chunk WHERE key = ?) OR EXISTS (SELECT 1 FROM shot WHERE state_key = ?)",
            (key, key),
        ).fetchone()[0]
        rows = [] if used else [find_content(connection, name) for name in (key, changes_key(key))]
        for row in filter(None, rows):
            connection.execute("DELETE FROM content WHERE key = ?", (row.key,))
            unused.append(row)
    return unused
