"""A database has one server, by whatever name it is reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faults import walled
from support.serving import SERVE, environment, server_process


def refused(home: Path, *walls: str) -> str:
    """What a server that does not come up says."""
    serve = [sys.executable, *SERVE]
    command = [sys.executable, walled.__file__, *walls, "--", *serve] if walls else serve
    run = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    return run.stderr.splitlines()[-1]


def test_over_a_link_to_the_home(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("home")
    with server_process(tmp_path / "home") as first:
        said = refused(tmp_path / "link")
        assert said.startswith("error: SERVER_ALREADY_RUNNING:")
        assert f"process {first.process.pid} at {first.address}" in said


def test_over_a_link_to_the_database_alone(tmp_path: Path) -> None:
    """Each home has a lock of its own then, so the lock lies beside the file that the link leads to."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/jobs.sqlite3").symlink_to(tmp_path / "home/jobs.sqlite3")
    with server_process(tmp_path / "home"):
        assert refused(tmp_path / "other").startswith("error: SERVER_ALREADY_RUNNING:")


def test_over_a_second_mount_of_the_folder(tmp_path: Path) -> None:
    if not walled.available():
        pytest.skip("needs mount namespaces")
    (tmp_path / "mounted").mkdir()
    with server_process(tmp_path / "home"):
        said = refused(tmp_path / "mounted", f"bind:{tmp_path / 'mounted'}:{tmp_path / 'home'}")
        assert said.startswith("error: SERVER_ALREADY_RUNNING:")


def test_two_homes_with_one_store(tmp_path: Path) -> None:
    """The one that comes second would clear away what the first is writing."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/content").symlink_to(tmp_path / "home/content")
    with server_process(tmp_path / "home"):
        assert refused(tmp_path / "other").startswith("error: SERVER_ALREADY_RUNNING:")
