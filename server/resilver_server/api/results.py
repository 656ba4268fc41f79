"""Results of a job on a server without a shared disk: which files there are, and their bytes. Blocking."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from resilver.v1 import content_pb2 as messages
from resilver_client.errors import ContentMissing, InvalidRequest
from resilver_client.references import is_name
from resilver_server.domain.digests import digest_bytes, digest_file

SIDECAR = ".resilver.json"
Digests = dict[tuple[str, int, int], str]
"""sha256 by path, size and time of change: a film is read once for it."""


class Results:
    """The files below one job's folder. Sidecars name the server's paths: they are read through ``veil``."""

    def __init__(self, folder: Path, veil: Callable[[str], str], digests: Digests) -> None:
        self._folder, self._veil, self._digests = folder, veil, digests

    def names(self) -> list[str]:
        """With "/" between folders; sidecars last. Raises ContentMissing where the results have been removed."""
        found = [file.relative_to(self._folder).as_posix() for file in self._folder.rglob("*") if file.is_file()]
        shown = [name for name in found if not any(part.startswith(".") for part in name.split("/"))]
        if not shown:
            remedy = "`resilver jobs delete` the job, then restore the film anew"
            raise ContentMissing("the job's results were removed from the server", remedy=remedy)
        return sorted(shown, key=lambda name: (name.endswith(SIDECAR), name))

    def files(self, names: Iterable[str]) -> list[messages.ResultFile]:
        return [messages.ResultFile(name=name, content=self._content(self._folder / name)) for name in names]

    def open(self, name: str, offset: int) -> BinaryIO:
        """The bytes of a file from ``offset`` on. Raises ContentMissing, InvalidRequest."""
        file = self._folder / name
        inside = all(map(is_name, name.split("/")))
        if not inside or not file.is_file() or not file.resolve().is_relative_to(self._folder.resolve()):
            raise ContentMissing("the job has no such result", where=name[:200])
        source: BinaryIO = io.BytesIO(self._veiled(file)) if name.endswith(SIDECAR) else file.open("rb")
        if not 0 <= offset <= source.seek(0, io.SEEK_END):
            source.close()
            raise InvalidRequest(f"the file does not have {offset} bytes", where=name)
        source.seek(offset)
        return source

    def _content(self, file: Path) -> messages.Content:
        if file.name.endswith(SIDECAR):
            data = self._veiled(file)
            return messages.Content(digest=digest_bytes(data), bytes=len(data))
        status = file.stat()
        key = (str(file), status.st_size, status.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = digest_file(file)
        return messages.Content(digest=self._digests[key], bytes=status.st_size)

    def _veiled(self, file: Path) -> bytes:
        return self._veil(file.read_text(encoding="utf-8")).encode()
