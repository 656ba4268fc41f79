"""Timelines that carry their media in a zip (``.otioz``): unpacked beside themselves, once, replacing nothing."""

from __future__ import annotations

import lzma
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from resilver_client.errors import DiskFull, TimelineUnreadable
from resilver_client.limits import TIMELINE_BYTES

_CONTENT = "content.otio"
_BLOCK = 1 << 20
_UNSOUND = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError,
    IndexError, ValueError, struct.error,
)  # fmt: skip
"""What the standard library raises for archives that are none."""


def open_bundle(file: Path, folder: Path | None = None) -> tuple[bytes, Path]:
    """The timeline's JSON, and the folder its relative media paths count from.

    Media are written to ``folder``, by default ``FILE.media`` beside the bundle. A file that is there with the
    right size is taken as it is.

    Raises TimelineUnreadable for anything that is not a sound bundle, or whose member would land outside the
    folder or on a different file; DiskFull before writing if the media do not fit.
    """
    target = folder if folder is not None else file.with_name(file.name + ".media")
    try:
        with zipfile.ZipFile(file) as archive:
            members = [entry for entry in archive.infolist() if not entry.is_dir()]
            content = _content(archive, members, file)
            missing = [entry for entry in members if entry.filename != _CONTENT and _is_missing(entry, target, file)]
            _check_room(missing, target, file)
            for entry in missing:
                _unpack(archive, entry, target)
    except _UNSOUND as error:
        raise TimelineUnreadable(f"not a sound bundle ({error})", where=str(file), remedy="export it again") from error
    except OSError as error:
        raise TimelineUnreadable(
            f"its media cannot be unpacked ({error})", where=str(target), remedy="name a folder that can be written"
        ) from error
    return content, target


def _content(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], file: Path) -> bytes:
    entry = next((each for each in members if each.filename == _CONTENT), None)
    if entry is None:
        raise TimelineUnreadable(f"the bundle has no {_CONTENT}", where=str(file), remedy="export it again")
    if entry.file_size > TIMELINE_BYTES:
        raise TimelineUnreadable("its timeline is too large", where=str(file))
    with archive.open(entry) as stream:
        return stream.read(TIMELINE_BYTES + 1)


def _is_missing(entry: zipfile.ZipInfo, target: Path, file: Path) -> bool:
    path = _landing(entry, target, file)
    if not path.exists():
        return True
    if path.stat().st_size != entry.file_size:
        raise TimelineUnreadable(
            f"{path} exists and is not the file in the bundle",
            where=str(file),
            remedy="move it away, or name another folder",
        )
    return False


def _landing(entry: zipfile.ZipInfo, target: Path, file: Path) -> Path:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in entry.filename:
        raise TimelineUnreadable(f"the bundle's member {entry.filename!r} points outside of it", where=str(file))
    return target.joinpath(*name.parts)


def _check_room(entries: list[zipfile.ZipInfo], target: Path, file: Path) -> None:
    if not entries:
        return
    needed = sum(entry.file_size for entry in entries)
    parent = next(each for each in (target, *target.parents) if each.exists())
    if needed > shutil.disk_usage(parent).free:
        raise DiskFull(
            f"the bundle's media need {needed >> 20} MiB", where=str(target), remedy=f"free space to open {file}"
        )


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    path = _landing(entry, target, Path(archive.filename or ""))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    left = entry.file_size
    try:
        with archive.open(entry) as source, part.open("xb") as out:
            while left >= 0 and (block := source.read(_BLOCK)):
                left -= len(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if left != 0:
            raise zipfile.BadZipFile(f"{entry.filename} is not as long as the bundle says")
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
