"""Which bytes the frames of media come from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from resilver_client.errors import MediaNotFound, MediaUnreadable
from resilver_server.domain.digests import digest_file
from resilver_server.domain.formats import MediaInfo, MediaKind
from resilver_server.domain.spans import Span


def source_digests(info: MediaInfo, span: Span) -> tuple[str, ...]:
    """sha256 of the files behind ``span``: one a frame for sequences and stills, one of the whole file for a movie.

    A file is read once for as long as its size and its times of change stay the same. Raises MediaNotFound or
    MediaUnreadable.
    """
    return tuple(file_digest(path) for path in source_files(info, span))


def source_files(info: MediaInfo, span: Span) -> tuple[Path, ...]:
    """The files behind the frames of ``span``; a movie or a still is one file."""
    if info.kind is MediaKind.SEQUENCE:
        return tuple(Path(info.path % (info.first_number + index)) for index in span)
    return (Path(info.path),)


def file_digest(path: Path) -> str:
    """sha256 of a file, remembered by path, size and times of change. Raises MediaNotFound or MediaUnreadable."""
    try:
        facts = path.stat()
        return _digest(str(path), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    except FileNotFoundError as error:
        raise MediaNotFound("no such file", where=str(path), remedy="check the path or relink the clip") from error
    except OSError as error:
        raise MediaUnreadable(f"cannot be read ({error.strerror})", where=str(path)) from error


@lru_cache(maxsize=100_000)
def _digest(path: str, size: int, modified: int, changed: int) -> str:
    return digest_file(path)
