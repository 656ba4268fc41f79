"""A server whose own files were damaged: it says which and what to do, or writes them afresh."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from resilver_client.discovery import discover
from resilver_client.errors import DatabaseUnusable, DiskFull, OutputUnwritable, ServerAlreadyRunning, Unauthenticated
from resilver_client.home import token_file
from resilver_client.launch import ensure_server
from resilver_server.api.tokens import ensure_token
from resilver_server.scheduling.outline import refuse_unwritable
from resilver_server.storage.database import Database
from resilver_server.storage.lock import DatabaseLock


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RESILVER_ADDRESS", "RESILVER_TOKEN", "RESILVER_COMMAND"):
        monkeypatch.delenv(name, raising=False)


def test_a_database_of_garbage_is_named_by_who_started_the_server(tmp_path: Path) -> None:
    garbage = tmp_path / "jobs.sqlite3"
    garbage.write_bytes(b"no database" * 1000)
    with pytest.raises(DatabaseUnusable) as refused:
        ensure_server(home=tmp_path)
    assert str(garbage) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert garbage.read_bytes() == b"no database" * 1000


def test_a_full_disk_rolls_back_and_is_named(tmp_path: Path) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE large (value TEXT)")
        connection.executemany("INSERT INTO large VALUES (?)", [("x" * 4000,)] * 100)

    async def run() -> None:
        database = Database(tmp_path / "jobs.sqlite3")
        await database.open()
        with pytest.raises(DiskFull):
            await database.call(fill)
        assert await database.call(lambda link: link.execute("SELECT count(*) FROM job").fetchone()) == (0,)
        await database.close()

    asyncio.run(run())


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("precious")
    with pytest.raises(OutputUnwritable):
        ensure_server(home=file)
    with pytest.raises(DatabaseUnusable):
        DatabaseLock(file / "jobs.sqlite3.lock").acquire()


def test_a_lock_with_odd_text_still_locks(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = DatabaseLock(path)
    holder.acquire()
    path.write_text("5")
    with pytest.raises(ServerAlreadyRunning):
        DatabaseLock(path).acquire()
    holder.release()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"short\n", b"two words of more than thirty-two characters"])
def test_what_is_no_token_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = token_file(tmp_path)
    file.write_bytes(content)
    file.chmod(0o600)
    token = ensure_token(tmp_path)
    assert len(token) >= 32
    assert ensure_token(tmp_path) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_token_is_told(tmp_path: Path) -> None:
    token_file(tmp_path).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Unauthenticated, match="damaged"):
        discover(address="127.0.0.1:5", home=tmp_path)


def test_a_closed_output_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unwritable(tmp_path / "new" / "folder")
    (tmp_path / "film.mov").write_text("a film")
    for folder in (tmp_path / "film.mov", tmp_path / "film.mov" / "clips"):
        with pytest.raises(OutputUnwritable, match="not a folder"):
            refuse_unwritable(folder)
    asked = []

    def closed(path: Path, mode: int) -> bool:  # an administrator who runs the tests may write everywhere
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", closed)
    with pytest.raises(OutputUnwritable, match="nothing can be written"):
        refuse_unwritable(tmp_path / "new")
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]
