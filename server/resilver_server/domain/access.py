"""Files and folders that somebody names, opened so that nothing outside the allowed folders is ever touched.

What a path leads to may change between a look at it and its use: a link is swapped, a folder renamed. So what counts is
where the file lies that has been opened, asked of the descriptor itself, and the bytes are read through that
descriptor and no other. Standard library only.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from resilver_client.errors import PathNotAllowed

ROOTS = "RESILVER_ROOTS"
"""Environment of a worker: the folders that it may use, as ``os.pathsep`` separates them; none allows every one."""
NOT_REGULAR = "it is no regular file"
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def allowed_roots() -> tuple[Path, ...]:
    """Folders that this process may use; empty where it may use all."""
    return tuple(Path(root) for root in os.environ.get(ROOTS, "").split(os.pathsep) if root)


def written_roots(roots: Iterable[Path]) -> str:
    """What ``allowed_roots`` reads."""
    return os.pathsep.join(str(root) for root in roots)


def open_file(path: str | Path) -> BinaryIO:
    """A regular file for reading. Never waits, as for the other end of a pipe.

    Raises OSError, and PathNotAllowed where it lies outside ``allowed_roots``, whatever links lead there.
    """
    return open(path, "rb", opener=_opened)


def _opened(path: str, flags: int) -> int:
    if not stat.S_ISREG(Path(path).stat().st_mode):  # a device may do something when it is opened
        raise OSError(errno.EINVAL, NOT_REGULAR, path)
    descriptor = os.open(path, flags | _WITHOUT_WAITING)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, NOT_REGULAR, path)
        ensure_below(descriptor, path, allowed_roots())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def held_folder(path: Path, roots: Iterable[Path]) -> Iterator[Path]:
    """A name of the folder that stays the folder's own while the block runs, wherever ``path`` leads meanwhile.

    Without ``roots`` that is ``path``; Linux alone has names of what is open, elsewhere ``path`` is only looked at.
    Raises OSError, PathNotAllowed.
    """
    known = tuple(roots)
    if not known:
        yield path
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _WITHOUT_WAITING)
    try:
        ensure_below(descriptor, path, known)
        yield Path(f"/proc/self/fd/{descriptor}") if sys.platform == "linux" else path
    finally:
        os.close(descriptor)


def ensure_below(descriptor: int, path: str | Path, roots: Iterable[Path]) -> None:
    """Raises PathNotAllowed where what was opened lies below none of ``roots``. Without any, all is allowed."""
    known = tuple(roots)
    if known and not any(place_of(descriptor, path).is_relative_to(root.resolve()) for root in known):
        raise PathNotAllowed(
            "outside the folders this server may use", where=str(path), remedy="choose a file inside of them"
        )


def place_of(descriptor: int, path: str | Path) -> Path:
    """Where an open file or folder lies, links resolved. ``path`` is what it was opened by.

    Raises PathNotAllowed where that cannot be told any more.
    """
    if sys.platform == "linux":
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    if sys.platform == "darwin":
        import fcntl

        return Path(os.fsdecode(fcntl.fcntl(descriptor, 50, bytes(1024)).rstrip(b"\0")))  # F_GETPATH
    place = Path(path).resolve()
    if not os.path.samestat(os.fstat(descriptor), place.stat()):
        raise PathNotAllowed("it was replaced at this moment", where=str(path), remedy="try again")
    return place
