"""The secret that clients show: 256 random bits in a file that only its owner can read."""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
from pathlib import Path

from resilver_client.home import is_shared, token_file
from resilver_server.storage.files import make_folder

log = logging.getLogger(__name__)
_TOKEN = re.compile(rb"[\w-]{32,}", re.ASCII)
"""Short ones could be guessed."""


def ensure_token(home: Path) -> str:
    """The token of ``home``, made at the first call. Two servers that start at once get the same one.

    A file that others could read, or that somebody else put there, is replaced: its token is no secret. So is one that
    holds no token.
    """
    make_folder(home, 0o700)
    file = token_file(home)
    if file.exists() and _exposed(file):
        log.warning("others could read the token's file: a new one is made")
        file.unlink()
    elif file.exists() and not _TOKEN.fullmatch(file.read_bytes().strip()):
        log.warning("the token's file holds none: a new one is made")
        file.unlink()
    if not file.exists():
        _create(file)
    return file.read_text().strip()


def _exposed(file: Path) -> bool:
    return sys.platform != "win32" and is_shared(file.stat())


def private_draft(file: Path, data: bytes) -> Path:
    """A whole new file beside ``file``, on the disk, that only its owner can read: to be moved or linked into place, so
    that ``file`` never exists half-written or with another mode."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def _create(file: Path) -> None:
    draft = private_draft(file, f"{secrets.token_urlsafe(32)}\n".encode())
    try:
        os.link(draft, file)
    except FileExistsError:
        log.debug("another process made %s first", file)
    finally:
        draft.unlink()
