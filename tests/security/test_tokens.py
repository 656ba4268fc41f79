"""A token is a secret of one user: files that others know are neither used nor kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from resilver_client.discovery import discover
from resilver_client.errors import Unauthenticated
from resilver_client.home import token_file
from resilver_server.api.tokens import ensure_token

ADDRESS = "127.0.0.1:5"
FOREIGN = 54321
"""A user that nobody is."""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RESILVER_ADDRESS", "RESILVER_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620, 0o610, 0o677])
def test_a_token_that_others_can_read_is_not_sent_and_not_kept(tmp_path: Path, mode: int) -> None:
    token = ensure_token(tmp_path)
    token_file(tmp_path).chmod(mode)
    with pytest.raises(Unauthenticated, match="others may know"):
        discover(ADDRESS, home=tmp_path)
    replaced = ensure_token(tmp_path)
    assert replaced != token
    assert discover(ADDRESS, home=tmp_path).token == replaced


def test_a_token_that_somebody_else_put_there_is_not_sent_and_not_kept(tmp_path: Path) -> None:
    planted = "p" * 43
    token_file(tmp_path).write_text(planted)
    token_file(tmp_path).chmod(0o600)
    if os.geteuid() != 0:
        pytest.skip("only an administrator can give a file away")
    os.chown(token_file(tmp_path), FOREIGN, FOREIGN)
    with pytest.raises(Unauthenticated, match="own it"):
        discover(ADDRESS, home=tmp_path)
    assert ensure_token(tmp_path) != planted
    facts = token_file(tmp_path).stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (os.geteuid(), 0o600)


def test_the_same_without_being_an_administrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = ensure_token(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: FOREIGN)
        with pytest.raises(Unauthenticated, match="own it"):
            discover(ADDRESS, home=tmp_path)
        assert ensure_token(tmp_path) != token


def test_a_link_to_somebody_elses_token_is_taken_for_theirs(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("t" * 43)
    theirs.chmod(0o644)
    token_file(tmp_path).symlink_to(theirs)
    with pytest.raises(Unauthenticated):
        discover(ADDRESS, home=tmp_path)
    token = ensure_token(tmp_path)
    assert token != "t" * 43
    assert not token_file(tmp_path).is_symlink()
    assert theirs.read_text() == "t" * 43


@pytest.mark.parametrize("content", [b"", b" \n", b"a b", b"a\nb", b"\xff" * 40, b"x" * 5000, b"\0" * 43])
def test_what_is_no_token_is_not_sent(tmp_path: Path, content: bytes) -> None:
    token_file(tmp_path).write_bytes(content)
    token_file(tmp_path).chmod(0o600)
    if content == b"x" * 5000:
        assert len(discover(ADDRESS, home=tmp_path).token) < 5000
        return
    with pytest.raises(Unauthenticated):
        discover(ADDRESS, home=tmp_path)
