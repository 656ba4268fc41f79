"""A disk whose power can be cut: a small ext4 in a file. What nobody had brought to the disk is lost, as in a real cut.

The file system above keeps in memory what was written and not synced; the file below has only what reached the disk. A
copy of that file, mounted, is what a machine finds that starts again: the journal is replayed, the rest is gone.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_MEGABYTES = 96
_LAZY = "loop,commit=300"
"""Nothing goes to the disk on its own for five minutes, so that only what is asked for does."""


class Disk:
    """Mounted at ``folder`` while ``mounted``."""

    def __init__(self, files: Path, folder: Path) -> None:
        self._files = files
        self._image = files / "disk0"
        self._cuts = 0
        self.folder = folder
        self.mounted = False

    @contextlib.contextmanager
    def power(self) -> Iterator[None]:
        """On inside the block. Raises CalledProcessError or OSError where this system cannot."""
        self._files.mkdir(parents=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._image.open("wb") as image:
            image.truncate(_MEGABYTES << 20)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        try:
            yield
        finally:
            self._unmount()

    def cut(self) -> None:
        """Off and on again. No process may have a file open any more."""
        self._cuts += 1
        after = self._files / f"disk{self._cuts}"
        _run("cp", "--sparse=always", str(self._image), str(after))
        self._unmount()
        self._image.unlink()
        self._image = after
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", _LAZY, str(self._image), str(self.folder))
        self.mounted = True

    def _unmount(self) -> None:
        if self.mounted:
            _run("umount", str(self.folder))
            self.mounted = False


def available(folder: Path) -> bool:
    """Whether this user can mount such a disk here; leaves nothing."""
    if not all(map(shutil.which, ("mkfs.ext4", "mount", "umount", "cp"))):
        return False
    disk = Disk(folder / "try", folder / "mounted")
    try:
        with disk.power():
            disk.cut()
    except (subprocess.CalledProcessError, OSError):
        return False
    finally:
        shutil.rmtree(folder / "try", ignore_errors=True)
    return True


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
