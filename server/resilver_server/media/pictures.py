"""Single picture files: what they are, how large, and their pixels."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO, cast

from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from resilver_client.errors import MediaCorrupt, MediaUnreadable

from .files import PIXELS, ensure_decodable, open_media, reason
from .notes import LARGEST_NOTES, notes_fit

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"\xff\xd8\xff", "mjpeg"),
)
_LARGEST_FILE = (1 << 31) - 4096
"""Bytes; FFmpeg counts them in 31 bits."""


def codec_of(path: Path) -> str | None:
    """Name of the decoder for a picture file, by its first bytes; None if it is no known picture."""
    with open_media(path) as file:
        return _codec(file.read(16))


def _codec(head: bytes) -> str | None:
    return next((codec for magic, codec in _MAGIC if head.startswith(magic)), None)


def decode_picture(path: Path) -> VideoFrame:
    """The picture of a file, in its own depth. Raises MediaNotFound, MediaUnreadable, MediaCorrupt, PathNotAllowed."""
    data = _content(path)
    codec = _codec(data)
    if codec is None:
        raise _no_picture(path)
    size = _size_in(codec, io.BytesIO(data))
    if size is not None:
        ensure_decodable(*size, path)
    if codec == "png" and not notes_fit(data):
        raise MediaUnreadable(f"its notes unpack to more than {LARGEST_NOTES >> 20} MiB", where=str(path))
    context = cast(VideoCodecContext, CodecContext.create(codec, "r"))
    context.thread_count = 1
    context.options = {"max_pixels": str(PIXELS)}
    if codec != "tiff":  # whose decoder then refuses files with any unusual tag, its own encoder's included
        context.options |= {"err_detect": "crccheck+bitstream+buffer+explode"}
    try:
        frames = [*context.decode(Packet(data)), *context.decode(None)]
    except (FFmpegError, OSError) as error:
        raise MediaCorrupt(f"the picture cannot be decoded ({reason(error)})", where=str(path)) from error
    if len(frames) != 1 or frames[0].is_corrupt:
        raise MediaCorrupt("the picture is incomplete", where=str(path), remedy="copy it again from its source")
    return frames[0]


def _content(path: Path) -> bytes:
    with open_media(path) as file:
        try:
            data = file.read(_LARGEST_FILE + 1)
        except OSError as error:
            raise MediaUnreadable(f"cannot be read to its end ({error.strerror})", where=str(path)) from error
    if len(data) > _LARGEST_FILE:
        raise MediaUnreadable(f"a picture of more than {_LARGEST_FILE >> 20} MiB", where=str(path))
    return data


def _no_picture(path: Path) -> MediaUnreadable:
    return MediaUnreadable("no picture that can be read", where=str(path), remedy="use PNG, TIFF, DPX, EXR or JPEG")


def picture_size(path: Path) -> tuple[int, int] | None:
    """(width, height) from the header alone, so that thousands of files can be compared. None if it is not there."""
    with open_media(path) as file:
        codec = _codec(file.read(16))
        if codec is None:
            raise _no_picture(path)
        return _size_in(codec, file)


def _size_in(codec: str, file: BinaryIO) -> tuple[int, int] | None:
    readers = {"png": _png, "dpx": _dpx, "exr": _exr, "tiff": _tiff, "mjpeg": _jpeg}
    file.seek(0)
    try:
        return readers[codec](file)
    except (struct.error, IndexError, ValueError, OSError):
        return None


def _png(file: BinaryIO) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", file.read(24), 16)
    return width, height


def _dpx(file: BinaryIO) -> tuple[int, int]:
    """SMPTE 268M: pixels a line and lines at bytes 772 and 776."""
    head = file.read(780)
    width, height = struct.unpack_from(">II" if head[:4] == b"SDPX" else "<II", head, 772)
    return width, height


def _exr(file: BinaryIO) -> tuple[int, int]:
    head = file.read(1 << 16)
    at = head.index(b"displayWindow\0box2i\0") + len(b"displayWindow\0box2i\0") + 4
    left, top, right, bottom = struct.unpack_from("<iiii", head, at)
    return right - left + 1, bottom - top + 1


def _tiff(file: BinaryIO) -> tuple[int, int]:
    """Tags 256 (width) and 257 (length) of the first directory, wherever it lies."""
    head = file.read(8)
    order = "<" if head[:2] == b"II" else ">"
    file.seek(struct.unpack_from(f"{order}I", head, 4)[0])
    entries = struct.unpack(f"{order}H", file.read(2))[0]
    found = {}
    for _ in range(entries):
        tag, kind, _count = struct.unpack(f"{order}HHI", file.read(8))
        value = file.read(4)
        if tag in (256, 257):
            found[tag] = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", value)[0]
    return found.get(256, 0), found.get(257, 0)


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    """The first start-of-frame marker (ITU-T T.81, B.2.2)."""
    at = 2
    while True:
        file.seek(at)
        head = file.read(9)
        marker, length = head[1], struct.unpack_from(">H", head, 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, 5)
            return width, height
        at += 2 + length
