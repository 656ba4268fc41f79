"""Moving files to and from a server without a shared disk: by digest, each byte once, whatever cuts the connection."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resilver.v1 import content_pb2 as messages

from .client import Client
from .contact import LOST, Contact
from .disk import sync_folder
from .errors import ContentDamaged, DiskFull, MediaChanged, MediaUnreadable, OutputExists, OutputUnwritable

PIECE = 256 << 10
"""Bytes of a file in one message."""
_MOST = 1000
"""Files of one question."""
_BLOCK = 1 << 20
Progress = Callable[[int, int], None]
"""``(bytes that are there, bytes of all)``."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine, or bytes that were made here, by its content."""

    digest: str
    size: int
    path: Path | None = None
    data: bytes = b""
    """Where there is no path."""


def local_file(path: Path) -> LocalFile:
    """Reads the whole file. Raises MediaUnreadable."""
    sha, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                sha.update(block)
                size += len(block)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise MediaUnreadable(what, where=str(path), remedy="check the path and its permissions") from error
    return LocalFile(sha.hexdigest(), size, path)


def local_bytes(data: bytes) -> LocalFile:
    return LocalFile(hashlib.sha256(data).hexdigest(), len(data), data=data)


class Courier:
    """Uploads and downloads over one client. Goes on after a cut for up to ``patience`` seconds without progress."""

    def __init__(self, client: Client, patience: float = 600.0) -> None:
        self._client, self._patience = client, patience

    def missing(self, files: Iterable[LocalFile]) -> Mapping[str, int]:
        """By digest of what is not there wholly: bytes that are."""
        contents = [messages.Content(digest=file.digest, bytes=file.size) for file in _distinct(files).values()]
        found: dict[str, int] = {}
        for start in range(0, len(contents), _MOST):
            request = messages.FindMissingRequest(contents=contents[start : start + _MOST])
            answer = self._client.call(lambda link: link.content.FindMissing, request)
            found.update((each.digest, each.received) for each in answer.missing)
        return found

    def upload(self, files: Iterable[LocalFile], progress: Progress = lambda done, total: None) -> None:
        """Afterwards all of them are there. What is there already is not sent, and nothing is sent twice.

        Raises QuotaExceeded, DiskFull, MediaChanged for a file that changed since it was digested, ServerUnreachable.
        """
        wanted = _distinct(files)
        total, least = sum(file.size for file in wanted.values()), -1
        contact = Contact(self._patience)
        while True:
            try:
                missing = self.missing(wanted.values())
                left = sum(wanted[digest].size - there for digest, there in missing.items())
                if least < 0 or left < least:
                    contact.made()
                    least = left
                progress(total - left, total)
                if not missing:
                    return
                self._send(
                    [(wanted[digest], there) for digest, there in missing.items()], total - left, total, progress
                )
            except LOST:
                if not contact.wait():
                    raise

    def _send(self, files: Sequence[tuple[LocalFile, int]], done: int, total: int, progress: Progress) -> None:
        pieces = _Pieces(files, lambda sent: progress(done + sent, total))
        try:
            self._client.pour(lambda link: link.content.Upload, iter(pieces))
        finally:
            if pieces.fault is not None:
                raise pieces.fault

    def results(self, job: str) -> list[messages.ResultFile]:
        """Files of a job that has succeeded. Raises JobNotFound, JobStateConflict, ContentMissing."""
        request = messages.ListResultsRequest(job_id=job)
        contact = Contact(self._patience)
        while True:
            try:
                answers = self._client.stream(lambda link: link.content.ListResults, request)
                return [file for answer in answers for file in answer.files]
            except LOST:
                if not contact.wait():
                    raise

    def fetch(
        self, job: str, file: messages.ResultFile, target: Path, progress: Progress = lambda done, total: None
    ) -> Path:
        """The bytes of a result in a file beside ``target`` that has no name for people yet, its digest found right.

        Raises ContentDamaged, OutputUnwritable, ServerUnreachable.
        """
        draft = _draft(file, target)
        contact = Contact(self._patience)
        while True:
            try:
                self._append(job, file, draft, contact, progress)
                break
            except LOST:
                if not contact.wait():
                    raise
            except OSError as error:
                raise _unwritable(error, draft) from error
        if local_file(draft).digest != file.content.digest:
            draft.unlink()
            raise ContentDamaged("what came is not what the server has", where=file.name, remedy="fetch it again")
        return draft

    def _append(self, job: str, file: messages.ResultFile, draft: Path, contact: Contact, progress: Progress) -> None:
        draft.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("ab") as stream:
            while (there := stream.tell()) < file.content.bytes:
                request = messages.DownloadRequest(job_id=job, name=file.name, offset=there)
                for answer in self._client.stream(lambda link: link.content.Download, request):
                    contact.made()
                    stream.write(answer.data)
                    stream.flush()
                    progress(stream.tell(), file.content.bytes)
                if stream.tell() == there:
                    raise ContentDamaged("the server has less of it than it said", where=file.name)
            os.fsync(stream.fileno())


def ensure_open(folder: Path) -> None:
    """Raises OutputUnwritable where ``folder`` is closed, or cannot be made: before anything is sent."""
    there = _existing(folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        remedy = "choose another output, or check its permissions"
        raise OutputUnwritable("nothing can be written there", where=str(there), remedy=remedy)


def ensure_room(folder: Path, size: int) -> None:
    """Raises DiskFull where ``size`` bytes do not fit."""
    free = shutil.disk_usage(_existing(folder)).free
    if size > free:
        what = f"{size} bytes of results are to come, {free} are free"
        raise DiskFull(what, where=str(folder), remedy="make room, then run the same command again")


def to_come(file: messages.ResultFile, target: Path) -> int:
    """Bytes of a result that are not here yet."""
    draft = _draft(file, target)
    if target.exists():
        return 0
    return int(file.content.bytes) - (draft.stat().st_size if draft.exists() else 0)


def _draft(file: messages.ResultFile, target: Path) -> Path:
    """Where a result lies that has no name for people yet."""
    return target.with_name(f".resilver-{file.content.digest[:32]}.part")


def _existing(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)


def put(draft: Path, target: Path) -> None:
    """Give a finished file its name. A file that has it already is never replaced: equal bytes are as good.

    Raises OutputExists, OutputUnwritable.
    """
    try:
        if target.exists() and same(draft, target):
            draft.unlink()
            return
        _link(draft, target)
        sync_folder(target.parent)
    except FileExistsError as error:
        raise OutputExists("the file is there already", where=str(target), remedy="choose another output") from error
    except OSError as error:
        raise _unwritable(error, target) from error


def same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and local_file(one).digest == local_file(other).digest


class _Pieces:
    """Files as the messages of an upload. gRPC swallows what an iterator raises: it is kept in ``fault``."""

    def __init__(self, files: Sequence[tuple[LocalFile, int]], progress: Callable[[int], None]) -> None:
        self._files, self._progress = files, progress
        self.fault: MediaChanged | None = None

    def __iter__(self) -> Iterator[messages.UploadRequest]:
        sent = 0
        for file, offset in self._files:
            content = messages.Content(digest=file.digest, bytes=file.size)
            yield messages.UploadRequest(start=messages.UploadStart(content=content, offset=offset))
            try:
                for data in _blocks(file, offset):
                    yield messages.UploadRequest(data=data)
                    sent += len(data)
                    self._progress(sent)
            except OSError as error:
                self.fault = _changed(file, error.strerror or "")
            except MediaChanged as error:
                self.fault = error
            if self.fault is not None:
                raise self.fault


def _blocks(file: LocalFile, offset: int) -> Iterator[bytes]:
    if file.path is None:
        for start in range(offset, file.size, PIECE):
            yield file.data[start : start + PIECE]
        return
    with file.path.open("rb") as stream:
        stream.seek(offset)
        while offset < file.size:
            data = stream.read(min(PIECE, file.size - offset))
            if not data:
                raise _changed(file, "it has become shorter")
            offset += len(data)
            yield data


def _changed(file: LocalFile, what: str) -> MediaChanged:
    return MediaChanged(f"the file changed while it was sent: {what}", where=str(file.path), remedy="send it again")


def _distinct(files: Iterable[LocalFile]) -> dict[str, LocalFile]:
    return {file.digest: file for file in files}


def _link(draft: Path, target: Path) -> None:
    """A second name never replaces one; file systems without links take a plain move."""
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        if target.exists() or target.is_symlink():
            raise FileExistsError(target) from None
        draft.rename(target)
    else:
        draft.unlink()


def _unwritable(error: OSError, path: Path) -> OutputUnwritable:
    remedy = "check the folder, its permissions and its room, then run the same command again"
    return OutputUnwritable(error.strerror or str(error), where=str(error.filename or path), remedy=remedy)
