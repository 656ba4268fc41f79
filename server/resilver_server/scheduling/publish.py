"""Results into place: beside it first, then under its name, without ever replacing anything. Blocking: use a thread."""

from __future__ import annotations

import secrets
from pathlib import Path

from resilver_server.storage.files import move_new, remove, sync_tree


def new_staging(output: Path, job: str, shot: int) -> Path:
    """An empty hidden folder beside the result, on the same file system. What earlier attempts left is cleared."""
    output.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".resilver-{job}-{shot}-"
    for left in output.parent.glob(f"{prefix}*"):
        remove(left)
    staging = output.parent / f"{prefix}{secrets.token_hex(4)}"
    staging.mkdir()
    return staging


def publish(staging: Path, output: Path, last: str = "") -> bool:
    """Move what was staged beside ``output``, the file named ``last`` at the end. Doing it again is the same.

    False where neither the staged result nor the result is there any more. Raises OutputExists, OSError.
    """
    staged = sorted(staging.iterdir(), key=lambda path: (path.name == last, path.name)) if staging.is_dir() else []
    for path in staged:
        sync_tree(path)
        move_new(path, output.parent / path.name)
    remove(staging)
    return output.exists()
