"""Database, lock, files and content store."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from resilver_client.errors import DatabaseUnusable, OutputExists, ServerAlreadyRunning
from resilver_server.storage.content import ContentKind, ContentStore, content_row, put_content, take_unused
from resilver_server.storage.database import Database
from resilver_server.storage.files import move_new
from resilver_server.storage.lock import DatabaseLock
from resilver_server.storage.migrations import MIGRATIONS, current_version
from resilver_server.storage.rows import ChunkRow, FitRow, JobHead, JobRow, Row, columns, fetch, insert


def with_database(path: Path, test: Callable[[Database], Awaitable[None]]) -> None:
    async def go() -> None:
        database = Database(path)
        await database.open()
        try:
            await test(database)
        finally:
            await database.close()

    asyncio.run(go())


def fit(key: str) -> FitRow:
    return FitRow(key, 256, 1, 0.0)


def test_the_schema_is_made_once_and_durable(tmp_path: Path) -> None:
    async def check(database: Database) -> None:
        assert await database.call(current_version) == len(MIGRATIONS)
        pragma = "SELECT (SELECT * FROM pragma_journal_mode), (SELECT * FROM pragma_synchronous)"
        assert await database.call(lambda c: c.execute(pragma).fetchone()) == ("wal", 2)

    with_database(tmp_path / "jobs.sqlite3", check)
    with_database(tmp_path / "jobs.sqlite3", check)


def test_rows_have_the_columns_of_their_tables(tmp_path: Path) -> None:
    from resilver_server.storage import rows

    kinds = [kind for kind in vars(rows).values() if isinstance(kind, type) and issubclass(kind, Row) and kind != Row]

    async def check(database: Database) -> None:
        for kind in kinds:
            table = kind.TABLE
            found = await database.call(lambda c, t=table: [r[1] for r in c.execute(f"PRAGMA table_info({t})")])
            assert set(columns(kind)) == set(found) or kind is JobHead, table
            assert set(columns(kind)) <= set(found), table

    assert len(kinds) == 7
    with_database(tmp_path / "jobs.sqlite3", check)


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    async def make(database: Database) -> None:
        await database.call(lambda c: c.execute("UPDATE schema_version SET version = 99"))

    async def never(database: Database) -> None:
        raise AssertionError

    with_database(tmp_path / "jobs.sqlite3", make)
    with pytest.raises(DatabaseUnusable, match="99"):
        with_database(tmp_path / "jobs.sqlite3", never)


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        insert(connection, fit("half"))
        raise ValueError

    async def check(database: Database) -> None:
        with pytest.raises(ValueError):
            await database.call(half)
        await database.call(lambda c: insert(c, fit("whole")))
        assert [row.key for row in await database.call(lambda c: fetch(c, FitRow))] == ["whole"]

    with_database(tmp_path / "jobs.sqlite3", check)


def test_a_cancelled_caller_does_not_lose_the_commit_or_its_signal(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)
        insert(connection, fit("kept"))

    async def check(database: Database) -> None:
        told = asyncio.Event()
        call = asyncio.create_task(database.call(work, told.set))
        await asyncio.to_thread(begun.wait, 5)
        call.cancel()
        go_on.set()
        await asyncio.wait_for(told.wait(), 5)
        assert call.cancelled()
        assert await database.call(lambda c: fetch(c, FitRow)) == [fit("kept")]

    with_database(tmp_path / "jobs.sqlite3", check)


def test_deleting_a_job_takes_its_rows_along(tmp_path: Path) -> None:
    job = JobRow("j", "r", "d", "t", "queued", 0.0, None, None, 0, "[]", None, 0, None, "{}", None)
    chunk = ChunkRow("j", 0, "render", 0, "k", "{}", "pending", 0)

    async def check(database: Database) -> None:
        await database.call(lambda c: [insert(c, row) for row in (job, chunk)])
        await database.call(lambda c: c.execute("DELETE FROM job WHERE id = 'j'"))
        assert await database.call(lambda c: fetch(c, ChunkRow)) == []

    with_database(tmp_path / "jobs.sqlite3", check)


def test_content_that_another_job_names_is_not_unused(tmp_path: Path) -> None:
    job = JobRow("j", "r", "d", "t", "queued", 0.0, None, None, 0, "[]", None, 0, None, "{}", None)
    chunk = ChunkRow("j", 0, "render", 0, "shared", "{}", "done", 1)

    async def check(database: Database) -> None:
        content = [content_row(key, ContentKind.SEGMENT, "d", 1, "{}") for key in ("shared", "alone")]
        await database.call(lambda c: [insert(c, row) for row in (job, chunk)])
        await database.call(lambda c: [put_content(c, row) for row in content])
        taken = await database.call(lambda c: take_unused(c, {"shared", "alone", "unknown"}))
        assert [row.key for row in taken] == ["alone"]

    with_database(tmp_path / "jobs.sqlite3", check)


HOLDER = """
import sys
from pathlib import Path
from resilver_server.storage.lock import DatabaseLock
lock = DatabaseLock(Path(sys.argv[1]))
lock.acquire()
lock.describe("unix:/run/resilver")
print(flush=True)
sys.stdin.read()
"""


def test_the_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3.lock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], **pipes) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ServerAlreadyRunning, match=f"process {holder.pid} at unix:/run/resilver"):
            DatabaseLock(path).acquire()
        assert json.loads(path.read_text())["pid"] == holder.pid, "who is refused writes nothing"
        holder.kill()
    lock = DatabaseLock(path)
    lock.acquire()
    assert json.loads(path.read_text())["pid"] == os.getpid()
    lock.release()
    DatabaseLock(path).acquire()


def test_content_is_kept_under_its_key(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    store.prepare()
    temporary = store.temporary("abcd", "1")
    temporary.write_bytes(b"frames")
    row = content_row("abcd", ContentKind.SEGMENT, "d", store.keep(ContentKind.SEGMENT, "abcd", temporary), "{}")
    assert row.bytes == 6
    assert not temporary.exists()
    assert store.holds(row)
    store.path(ContentKind.SEGMENT, "abcd").write_bytes(b"fra")
    assert not store.holds(row), "a truncated file is no content"
    store.drop([row])
    assert not store.holds(row)


def test_a_folder_takes_the_place_of_one_that_has_no_row(tmp_path: Path) -> None:
    """A server that was killed between the rename and the row leaves such a folder."""
    store = ContentStore(tmp_path)
    store.prepare()
    for attempt in ("1", "2"):
        temporary = store.temporary("abcd", attempt)
        temporary.mkdir()
        (temporary / "00000001.png").write_bytes(b"frame" * int(attempt))
        assert store.keep(ContentKind.SEGMENT, "abcd", temporary) == 5 * int(attempt)


def test_preparing_clears_what_was_half_written(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    store.prepare()
    store.temporary("abcd", "1").write_bytes(b"half")
    store.prepare()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("folder", [False, True])
def test_moving_never_replaces(tmp_path: Path, folder: bool) -> None:
    def make(path: Path, text: str) -> Path:
        if folder:
            path.mkdir()
        (path / "frame" if folder else path).write_text(text)
        return path

    source, target = make(tmp_path / "new", "ours"), make(tmp_path / "there", "theirs")
    with pytest.raises(OutputExists):
        move_new(source, target)
    assert (target / "frame" if folder else target).read_text() == "theirs"
    free = tmp_path / "free"
    move_new(source, free)
    assert not source.exists()
    move_new(source, free)  # again, as after a crash
    assert (free / "frame" if folder else free).read_text() == "ours"


def test_moving_goes_on_after_a_crash_between_its_two_names(tmp_path: Path) -> None:
    source, target = tmp_path / "new", tmp_path / "there"
    source.write_text("ours")
    target.hardlink_to(source)
    move_new(source, target)
    assert not source.exists()
    assert target.read_text() == "ours"


def test_a_link_into_nowhere_is_a_name_that_is_taken(tmp_path: Path) -> None:
    source, target = tmp_path / "new", tmp_path / "there"
    source.write_text("ours")
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputExists):
        move_new(source, target)
