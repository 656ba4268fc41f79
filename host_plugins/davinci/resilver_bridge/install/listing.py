"""``installed.json``: every file that was installed, with its digest, so that no other is ever touched."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from resilver_client.errors import OutputUnwritable

NAME = "installed.json"


@dataclass(frozen=True)
class Listing:
    """What was installed into one own folder."""

    version: str = ""
    files: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    """SHA-256 of each as it was written; two while an update is under way."""
    folders: tuple[Path, ...] = ()
    """Those that were made for it, outer ones first."""
    later: tuple[Path, ...] = ()
    """Files that the menu script writes while it runs: its log."""

    def has(self, path: Path) -> bool:
        """Whether what lies there is ours, as we wrote it."""
        return digest(path) in self.files.get(path, ())


def digest(path: Path) -> str:
    """SHA-256 of a file; "" of anything that is none, links included."""
    if path.is_symlink() or not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(folder: Path) -> Listing | None:
    """The list in an own folder; None where nothing is installed. Raises OutputUnwritable where it is damaged."""
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Listing(
            version=str(found["version"]),
            files={Path(name): frozenset(map(str, digests)) for name, digests in found["files"].items()},
            folders=tuple(map(Path, found["folders"])),
            later=tuple(map(Path, found["later"])),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputUnwritable(
            f"the list of what is installed is damaged ({error!r}), so nothing can be told to be Resilver's",
            where=str(path),
            remedy='remove it and the menu entries named "Resilver - ..." by hand, then install again',
        ) from error


def write(listing: Listing, folder: Path) -> None:
    """Keep the list in an own folder."""
    said = {
        "version": listing.version,
        "files": {str(path): sorted(digests) for path, digests in listing.files.items()},
        "folders": [str(path) for path in listing.folders],
        "later": [str(path) for path in listing.later],
    }
    replace(folder / NAME, json.dumps(said, indent=1).encode("ascii"))


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for everybody to read."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".resilver-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
