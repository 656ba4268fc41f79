"""Where Resilver keeps what belongs to one user: database, models, segments, token and the address it listens on."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path


def home() -> Path:
    """``RESILVER_HOME`` if set, else the platform's folder for application data. Not created here."""
    chosen = os.environ.get("RESILVER_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "resilver"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/resilver").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "resilver"


def address_file(folder: Path | None = None) -> Path:
    """JSON ``{"address", "pid"}`` of the running server, written when it listens. ``folder`` is the home to look in."""
    return (folder or home()) / "server.json"


def token_file(folder: Path | None = None) -> Path:
    """The token that a client shows; mode 0600. ``folder`` is the home to look in."""
    return (folder or home()) / "token"


def is_shared(facts: os.stat_result) -> bool:
    """Whether others than this user can know what a file says: they may read it, or it is theirs. Windows keeps the
    folders of users apart by itself."""
    if sys.platform == "win32":
        return False
    return bool(facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO)) or facts.st_uid != os.geteuid()
