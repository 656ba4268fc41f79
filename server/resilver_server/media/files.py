"""Opening media: plain local files only, known containers only, one typed error for whatever is wrong with them."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from resilver_client.errors import MediaNotFound, MediaUnreadable

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,dv,flv,ogg,asf,rm,nut,ivf,yuv4mpegpipe,gif,h264,hevc,m4v,"
    "mpegvideo,ivf,wav,w64,aiff,mp3,flac,aac,ac3,caf,au"
)
"""Demuxers that may be used. None of them opens a second file: playlists, concat scripts and the like are left out."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|(?:concat|subfile|data|pipe|crypto|cache|async|tee):")


def local_path(text: str) -> Path:
    """The absolute path of local media. Raises MediaUnreadable for a URL or an FFmpeg protocol."""
    if _URL.match(text):
        raise MediaUnreadable("media is read from plain files only", where=text, remedy="give the path of a local file")
    return Path(text).absolute()


def is_there(path: Path) -> bool:
    """Whether a path can be seen; one in a closed folder cannot."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def existing_file(path: Path) -> Path:
    """The path of a regular, non-empty file that may be read. Raises MediaNotFound or MediaUnreadable."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, a device never ends
            raise MediaUnreadable("it is no regular file", where=str(path), remedy="copy what it gives into a file")
        with path.open("rb") as file:
            first = file.read(1)
    except FileNotFoundError as error:
        raise MediaNotFound("no such file", where=str(path), remedy="check the path or relink the clip") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        what = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
        raise MediaUnreadable(what, where=str(path), remedy="check the file and its permissions") from error
    if not first:
        raise MediaUnreadable("the file is empty", where=str(path), remedy="copy it again from its source")
    return path


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A movie or sound file, held to plain files. Raises MediaNotFound or MediaUnreadable."""
    existing_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    try:
        container = av.open(str(path), "r", options=options, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        raise MediaUnreadable(
            f"no media that can be read ({reason(error)})",
            where=str(path),
            remedy="check that it plays; playlists are not followed",
        ) from error
    with container:
        yield container


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures (cover art is none). Raises MediaUnreadable where there is none."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic and stream.codec_context is not None:
            return stream
    raise MediaUnreadable("there are no pictures in it", where=str(path), remedy="choose a file with a video track")


def reason(error: BaseException) -> str:
    """What FFmpeg says, without its numbers and paths."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
