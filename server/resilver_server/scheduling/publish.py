"""Results into place: beside it first, then under its name, without ever replacing anything. Blocking: use a thread."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from resilver_server.domain.access import held_folder
from resilver_server.storage.files import make_folder, move_new, remove, sync_tree


def new_staging(output: Path, job: str, shot: int, roots: Sequence[Path] = ()) -> Path:
    """An empty hidden folder beside the result, on the same file system. What earlier attempts left is cleared.

    With ``roots`` it is made inside of them and nowhere else, and nobody else can put anything into it. Raises OSError,
    PathNotAllowed.
    """
    make_folder(output.parent)
    name = f"{_prefix(job, shot)}{secrets.token_hex(8)}"
    with held_folder(output.parent, roots) as parent:
        for left in _left(parent, job, shot):
            remove(left)
        (parent / name).mkdir(mode=0o700)
    return output.parent / name


def clear_staging(output: Path, job: str, shot: int, kept: str = "") -> None:
    """Remove what attempts at a shot have left beside its result, but the folder named ``kept``. Raises OSError."""
    for left in _left(output.parent, job, shot):
        if left.name != kept:
            remove(left)


def _left(folder: Path, job: str, shot: int) -> list[Path]:
    """What earlier attempts left there. Patterns of a job's own would stay in Python's caches."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.name.startswith(_prefix(job, shot))]


def _prefix(job: str, shot: int) -> str:
    return f".resilver-{job}-{shot}-"


def publish(staging: Path, output: Path, last: str = "", roots: Sequence[Path] = ()) -> bool:
    """Move what was staged beside ``output``, the file named ``last`` at the end. Doing it again is the same.

    False where neither the staged result nor the result is there any more. Raises OutputExists, OSError, and
    PathNotAllowed where the folder leads out of ``roots`` by now.
    """
    with held_folder(output.parent, roots) as parent:
        inside = parent / staging.name
        staged = sorted(inside.iterdir(), key=lambda path: (path.name == last, path.name)) if inside.is_dir() else []
        for path in staged:
            sync_tree(path)
            move_new(path, parent / path.name)
        remove(inside)
        return (parent / output.name).exists()
