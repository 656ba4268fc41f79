"""Where Resilver keeps what belongs to one user: database, models, segments, token and the address it listens on."""

from __future__ import annotations

import os
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
