"""Copies the menu entries and what they need into their folders, and takes exactly that out again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from resilver_client.errors import OutputExists, OutputUnwritable

from . import folders, listing
from .folders import System
from .listing import Listing

PACKAGE = "resilver_davinci"
_LOG = "bridge.log"
_KEPT = ("RESILVER_HOME",)
"""Set where "resilver davinci install" runs, they hold for the bridge too: a Resolve that is started from the desktop
does not know what a terminal's profile sets."""


@dataclass(frozen=True)
class Changes:
    """What was done to the files."""

    written: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()
    """They were changed by somebody since they were installed, and stay."""


def install(system: System, command: Sequence[str], version: str, all_users: bool = False) -> Changes:
    """Install, or bring what is installed up to date. ``command`` starts the bridge.

    Raises OutputExists, before anything is written, where a file that is not ours has the name of one; OutputUnwritable
    where a folder does not take a file.
    """
    own = folders.own(system, all_users)
    before = listing.read(own) or Listing()
    files = wanted(system, command, version, all_users)
    _refuse_foreign(files, before)
    made = tuple(dict.fromkeys((*before.folders, *_missing(files))))
    digests = {path: frozenset({hashlib.sha256(content).hexdigest()}) for path, content in files.items()}
    both = {
        path: digests.get(path, frozenset()) | before.files.get(path, frozenset()) for path in {**before.files, **files}
    }
    now = Listing(version, digests, made, _written_later(own, all_users))
    with _writing(all_users):
        for folder in dict.fromkeys(path.parent for path in (own / listing.NAME, *files)):
            folder.mkdir(parents=True, exist_ok=True)
        listing.write(replace(now, files=both), own)  # first: whatever happens now, uninstall knows the files
        written = [path for path, content in files.items() if _bring(path, content)]
        removed, left = _remove(before, [path for path in before.files if path not in files])
        listing.write(now, own)
    return Changes(tuple(written), tuple(removed), tuple(left))


def uninstall(system: System, all_users: bool = False) -> Changes | None:
    """Remove what was installed, as far as it is as it was written; None where nothing is installed.

    Folders that were made for it go where they are empty. Raises OutputUnwritable where a file cannot be removed.
    """
    own = folders.own(system, all_users)
    before = listing.read(own)
    if before is None:
        return None
    with _writing(all_users):
        removed, left = _remove(before, before.files)
        for path in (*before.later, own / listing.NAME):
            path.unlink(missing_ok=True)
    for folder in sorted(before.folders, key=lambda each: len(each.parts), reverse=True):
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()
    return Changes(removed=tuple(removed), left=tuple(left))


def wanted(system: System, command: Sequence[str], version: str, all_users: bool) -> dict[Path, bytes]:
    """Every file to install with its content."""
    own, menu = folders.own(system, all_users), folders.menu(system, all_users)
    source = resources.files(PACKAGE)
    modules = {own / PACKAGE / each.name: each.read_bytes() for each in source.iterdir() if each.name.endswith(".py")}
    entries = {menu / each.name: each.read_bytes() for each in (source / "menu").iterdir() if each.name.endswith(".py")}
    settings = {
        "command": [_as_text(part) for part in command],
        "version": version,
        "log": _log(system, all_users),
        "environment": {name: _as_text(system.environment[name]) for name in _KEPT if system.environment.get(name)},
    }
    return {**modules, own / "settings.json": json.dumps(settings, indent=1).encode("ascii"), **entries}


def _as_text(native: str) -> str:
    """A path's own bytes as UTF-8, whatever encoding this Python believes in (``resilver_davinci.settings.native``)."""
    return native if os.name == "nt" else os.fsencode(native).decode("utf-8", "surrogateescape")


def _log(system: System, all_users: bool) -> str:
    """In the own folder; where that belongs to all users, in a folder of each one's own."""
    if not all_users:
        return _as_text(str(folders.own(system) / _LOG))
    bare = replace(system, environment={})
    return "~/" + (folders.own(bare).relative_to(system.home) / _LOG).as_posix()


def _written_later(own: Path, all_users: bool) -> tuple[Path, ...]:
    return () if all_users else (own / _LOG, own / f"{_LOG}.1")


def _refuse_foreign(files: Mapping[Path, bytes], before: Listing) -> None:
    for path, content in files.items():
        there = path.is_symlink() or path.exists()
        if not there or before.has(path) or listing.digest(path) == hashlib.sha256(content).hexdigest():
            continue
        known = path in before.files
        raise OutputExists(
            "a file of Resilver's was changed since it was installed"
            if known
            else "there is a file with this name already, and it is not Resilver's",
            where=str(path),
            remedy="move it away, then install again",
        )


def _missing(files: Mapping[Path, bytes]) -> list[Path]:
    """Folders that have to be made for the files, outer ones first."""
    found = {folder for path in files for folder in path.parents if not folder.exists()}
    return sorted(found, key=lambda folder: len(folder.parts))


def _bring(path: Path, content: bytes) -> bool:
    """Whether it had to be written."""
    if listing.digest(path) == hashlib.sha256(content).hexdigest():
        return False
    listing.replace(path, content)
    return True


def _remove(before: Listing, paths: Sequence[Path] | Mapping[Path, object]) -> tuple[list[Path], list[Path]]:
    """Remove those that are as we wrote them; what was removed, and what was left."""
    there = [path for path in paths if path.is_symlink() or path.exists()]
    ours = [path for path in there if before.has(path)]
    for path in ours:
        path.unlink()
    return ours, [path for path in there if path not in ours]


@contextmanager
def _writing(all_users: bool) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "run it as an administrator, or without --all-users" if all_users else "check who may write there"
        raise OutputUnwritable(error.strerror or str(error), where=str(error.filename or ""), remedy=remedy) from error
