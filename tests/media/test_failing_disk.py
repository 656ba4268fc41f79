"""A disk on which reading fails half-way: the file is named, whoever was reading it."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest

from resilver_client.errors import MediaCorrupt, MediaUnreadable
from resilver_server.domain.spans import Span
from resilver_server.media import files, index
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from support.clips import moving, planes_of, write_movie, write_picture


class Failing(io.FileIO):
    """A disk that cannot be read behind its first bytes."""

    good = 0

    def readinto(self, buffer: Any) -> int:
        if self.tell() + len(buffer) > Failing.good:
            raise OSError(errno.EIO, "Input/output error")
        return super().readinto(buffer)


@pytest.mark.parametrize("codec", ["ffv1", "prores_ks", "png"])
def test_a_disk_that_fails_is_told_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    if codec == "png":
        path = write_picture(tmp_path / "a.png", planes_of(moving(0), "rgb24"), "png", "rgb24")
    else:
        frames = [planes_of(moving(k), "yuv422p10le") for k in range(20)]
        path = write_movie(tmp_path / f"a.{'mov' if codec == 'prores_ks' else 'mkv'}", frames, codec, "yuv422p10le")
    info = probe(str(path))
    monkeypatch.setattr(files, "open_file", lambda path: io.BufferedReader(Failing(path), 4096))
    for share in (0, 0.1, 0.5, 0.9):
        Failing.good = int(path.stat().st_size * share)
        for attempt in (lambda: probe(str(path)), lambda: list(Reader(info).read(Span(0, info.frame_count)))):
            index._indexed.cache_clear()
            with pytest.raises((MediaUnreadable, MediaCorrupt), match=path.name):
                attempt()
