"""What a matte's file is, without opening it."""

from __future__ import annotations

import re
from pathlib import Path

from resilver_client.errors import InvalidMatte
from resilver_server.domain.digests import digest_file, digest_of

_PATTERN = re.compile(r"%0?\d*d")


def matte_files(path: str) -> list[Path]:
    """The matte's files, in order: one, or those of a folder or of a sequence given as a printf pattern.

    Raises InvalidMatte.
    """
    if Path(path).is_dir():
        inside = sorted(file for file in Path(path).iterdir() if file.is_file())
        if not inside:
            raise InvalidMatte("the matte's folder is empty", where=path, remedy="put its pictures there")
        return inside
    pattern = Path(path)
    if pattern.is_file() or not _PATTERN.search(pattern.name):
        if not pattern.is_file():
            raise InvalidMatte("the matte is not there", where=path, remedy="give the path of a picture or a movie")
        return [pattern]
    numbered = fitting(pattern)
    if not numbered:
        raise InvalidMatte("no file fits the matte's pattern", where=path, remedy="check folder and numbering")
    return numbered


def fitting(pattern: Path) -> list[Path]:
    """The files that a printf pattern names, in order of their names."""
    if not _PATTERN.search(pattern.name):
        return []
    # a folder's "%" may be written twice, as printf wants it
    folder = pattern.parent if pattern.parent.is_dir() else Path(str(pattern.parent).replace("%%", "%"))
    found = sorted(folder.glob(_PATTERN.sub("*", pattern.name)))
    return [file for file in found if re.fullmatch(_expression(pattern.name), file.name)]


def matte_digest(path: str | None) -> str:
    """sha256 that changes when the matte does; empty for none. Raises InvalidMatte."""
    if path is None:
        return ""
    files = matte_files(path)
    try:
        digests = [digest_file(file) for file in files]
    except OSError as error:
        raise InvalidMatte(f"the matte cannot be read: {error}", where=path) from error
    return digests[0] if len(digests) == 1 else digest_of(digests)


def _expression(name: str) -> str:
    before, after = _PATTERN.split(name, maxsplit=1)
    return re.escape(before) + r"\d+" + re.escape(after)
