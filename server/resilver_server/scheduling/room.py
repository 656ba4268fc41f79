"""Room on disks. It is looked at before every piece of work, so that a job waits instead of failing half-way."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import DiskFull
from resilver_server.domain.failures import Failure

from .records import Shortage

_GIGABYTE = 1e9


class NoRoom(Exception):
    """Unwinds a job's flow before it writes. Not an error: nobody outside the scheduler sees it."""

    def __init__(self, shortage: Shortage) -> None:
        super().__init__(shortage)
        self.shortage = shortage


@dataclass(frozen=True)
class Disks:
    """The disks that a server writes to. The methods block: call them in a thread."""

    own: tuple[Path, ...]
    """Folders of the store and of the database."""
    reserve: int
    """Bytes that are to stay free on each; 0 looks at nothing beforehand."""

    def ensure(self, writes: Mapping[Path, int]) -> None:
        """Raises NoRoom where a disk would be left with less than the reserve, once the bytes of ``writes`` are written
        to its folders. A folder need not be there yet."""
        if not self.reserve:
            return
        for folder, size in {**dict.fromkeys(self.own, 0), **writes}.items():
            there = existing(folder)
            free = shutil.disk_usage(there).free
            if free < self.reserve + size:
                raise NoRoom(Shortage(str(there), free, self.reserve + size))

    def after(self, error: DiskFull, size: int) -> Shortage:
        """What a disk lacks that has just refused a write: room for the reserve and ``size`` bytes. Where there is as
        much already (a quota, somebody who made room in that moment) only trying again tells."""
        folder = existing(Path(error.where)) if error.where else self.own[0]
        free, needed = shutil.disk_usage(folder).free, self.reserve + size
        return Shortage(str(folder), free, needed if free < needed else 0)


def existing(path: Path) -> Path:
    """The folder itself, or the nearest one above that is there."""
    return next((place for place in (path, *path.parents) if place.is_dir()), Path("/"))


def is_over(shortage: Shortage) -> bool:
    """Whether there is room again; one ``statvfs``. A folder that is gone, with its disk, keeps the job waiting."""
    try:
        return shutil.disk_usage(shortage.folder).free >= shortage.needed
    except OSError:
        return False


def sentence(shortage: Shortage) -> str:
    """For people. What is shown of it where there is little room are the numbers."""
    return f"waiting for disk space: {_lack(shortage)}, {shortage.folder}"


def failure(shortage: Shortage) -> Failure:
    """The same for those who read a job's error."""
    return Failure(DiskFull.reason, _lack(shortage), shortage.folder, "make room: the job goes on by itself")


def _lack(shortage: Shortage) -> str:
    needed = f"{_size(shortage.needed)} needed" if shortage.needed else "but no more can be written"
    return f"{_size(shortage.free)} free, {needed}"


def _size(size: int) -> str:
    return f"{size / _GIGABYTE:.1f} GB" if size >= _GIGABYTE / 10 else f"{size / 1e6:.1f} MB"
