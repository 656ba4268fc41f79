"""Opening media: plain local files only, known containers only, one typed error for whatever is wrong with them.

FFmpeg is handed files that are open already, and may open nothing by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from resilver_client.errors import MediaNotFound, MediaUnreadable
from resilver_server.domain.access import NOT_REGULAR, open_file

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,dv,flv,ogg,asf,rm,nut,ivf,yuv4mpegpipe,gif,h264,hevc,m4v,"
    "mpegvideo,ivf,wav,w64,aiff,mp3,flac,aac,ac3,caf,au"
)
"""Demuxers that may be used. None of them opens a second file: playlists, concat scripts and the like are left out."""
PIXELS = 1 << 27
"""Pixels that a picture may have: a frame of 16K. A file of a megabyte can claim as many as it likes."""
_NO_PROTOCOL = "none"
"""The only protocol that FFmpeg may open files with: there is none of that name."""

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


def open_media(path: Path) -> BinaryIO:
    """A regular, non-empty file, open at its beginning. Raises MediaNotFound, MediaUnreadable, PathNotAllowed."""
    try:
        file = open_file(path)
        first = file.read(1)
        file.seek(0)
    except FileNotFoundError as error:
        raise MediaNotFound("no such file", where=str(path), remedy="check the path or relink the clip") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        if getattr(error, "strerror", None) == NOT_REGULAR:
            raise MediaUnreadable(NOT_REGULAR, where=str(path), remedy="copy what it gives into a file") from error
        what = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
        raise MediaUnreadable(what, where=str(path), remedy="check the file and its permissions") from error
    if not first:
        file.close()
        raise MediaUnreadable("the file is empty", where=str(path), remedy="copy it again from its source")
    return file


def existing_file(path: Path) -> Path:
    """The path of what ``open_media`` opens. Raises what it raises."""
    open_media(path).close()
    return path


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A movie or sound file. Raises MediaNotFound, MediaUnreadable, PathNotAllowed."""
    options = {"protocol_whitelist": _NO_PROTOCOL, "format_whitelist": CONTAINERS}
    with open_media(path) as file:
        try:
            container = av.open(file, "r", options=options, metadata_errors="replace")
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
            ensure_decodable(stream.codec_context.width, stream.codec_context.height, path)
            stream.codec_context.options = {"max_pixels": str(PIXELS)}  # for what the stream itself says later
            return stream
    raise MediaUnreadable("there are no pictures in it", where=str(path), remedy="choose a file with a video track")


def sound_streams(container: InputContainer) -> list[AudioStream]:
    """Streams of sound that can be decoded."""
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


def ensure_decodable(width: int, height: int, path: Path) -> None:
    """Raises MediaUnreadable for pictures that would take more memory than any film does."""
    if width * height > PIXELS:
        raise MediaUnreadable(
            f"its pictures claim {width}x{height} pixels", where=str(path), remedy="make them smaller"
        )


def reason(error: BaseException) -> str:
    """What FFmpeg says, without its numbers and paths.

    Raises MemoryError where memory ran out, for a frame or for the thread of a decoder (plain files never have to be
    waited for, so "try again" can mean nothing else): that says nothing of the file.
    """
    if isinstance(error, MemoryError | BlockingIOError):
        raise MemoryError(str(error)) from error
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
