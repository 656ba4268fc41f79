"""Moves that survive a crash: everything on the disk first, then the name, then the folder that holds the name."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from resilver_client.disk import sync_folder
from resilver_client.errors import OutputExists


def sync_tree(path: Path) -> None:
    """Force a file, or every file of a folder and the folder, to the disk. Raises OSError."""
    if path.is_dir():
        for child in sorted(path.iterdir()):
            sync_tree(child)
        sync_folder(path)
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing, each brought to the disk by its name: what is synced inside of
    it later is not lost with it. Raises OSError."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(mode=mode, exist_ok=True)
    sync_folder(path.parent)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(size_of(child) for child in path.iterdir())
    return path.stat().st_size


def remove(path: Path) -> None:
    """A file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def move_new(source: Path, target: Path) -> None:
    """Move into place without ever replacing anything; doing it again after a crash half-way is the same. The folder
    that it comes from need not reach the disk: the old name may come back, the new one is there.

    Raises OutputExists where something else has the name; OSError.
    """
    if target.exists() or target.is_symlink():
        if not source.exists():
            return
        if target.is_symlink() or not target.samefile(source):
            raise OutputExists("the file is there already", where=str(target), remedy="choose another name")
        source.unlink()
    elif source.is_dir():
        source.rename(target)
    else:
        _link(source, target)
    sync_folder(target.parent)


def _link(source: Path, target: Path) -> None:
    """A second name never replaces one; file systems without links take a plain move."""
    try:
        target.hardlink_to(source)
    except FileExistsError as error:
        raise OutputExists("the file is there already", where=str(target), remedy="choose another name") from error
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES):
            raise
        source.rename(target)
    else:
        source.unlink()
