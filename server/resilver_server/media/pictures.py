"""Single picture files: what they are, how large, and their pixels."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from resilver_client.errors import MediaCorrupt, MediaUnreadable

from .files import existing_file, reason

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"\xff\xd8\xff", "mjpeg"),
)


def codec_of(path: Path) -> str | None:
    """Name of the decoder for a picture file, by its first bytes; None if it is no known picture."""
    with existing_file(path).open("rb") as file:
        head = file.read(16)
    return next((codec for magic, codec in _MAGIC if head.startswith(magic)), None)


def decode_picture(path: Path) -> VideoFrame:
    """The picture of a file, in its own depth. Raises MediaNotFound, MediaUnreadable, or MediaCorrupt."""
    codec = codec_of(path)
    if codec is None:
        raise MediaUnreadable("no picture that can be read", where=str(path), remedy="use PNG, TIFF, DPX, EXR or JPEG")
    context = cast(VideoCodecContext, CodecContext.create(codec, "r"))
    context.thread_count = 1
    if codec != "tiff":  # whose decoder then refuses files with any unusual tag, its own encoder's included
        context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
    try:
        frames = [*context.decode(Packet(path.read_bytes())), *context.decode(None)]
    except (FFmpegError, OSError) as error:
        raise MediaCorrupt(f"the picture cannot be decoded ({reason(error)})", where=str(path)) from error
    if len(frames) != 1 or frames[0].is_corrupt:
        raise MediaCorrupt("the picture is incomplete", where=str(path), remedy="copy it again from its source")
    return frames[0]


def picture_size(path: Path) -> tuple[int, int] | None:
    """(width, height) from the header alone, so that thousands of files can be compared. None if it is not there."""
    readers = {"png": _png, "dpx": _dpx, "exr": _exr, "tiff": _tiff, "mjpeg": _jpeg}
    codec = codec_of(path)
    if codec is None:
        raise MediaUnreadable("no picture that can be read", where=str(path), remedy="use PNG, TIFF, DPX, EXR or JPEG")
    try:
        return readers[codec](path)
    except (struct.error, IndexError, ValueError):
        return None


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _png(path: Path) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", _head(path, 24), 16)
    return width, height


def _dpx(path: Path) -> tuple[int, int]:
    """SMPTE 268M: pixels a line and lines at bytes 772 and 776."""
    head = _head(path, 780)
    width, height = struct.unpack_from(">II" if head[:4] == b"SDPX" else "<II", head, 772)
    return width, height


def _exr(path: Path) -> tuple[int, int]:
    head = _head(path, 1 << 16)
    at = head.index(b"displayWindow\0box2i\0") + len(b"displayWindow\0box2i\0") + 4
    left, top, right, bottom = struct.unpack_from("<iiii", head, at)
    return right - left + 1, bottom - top + 1


def _tiff(path: Path) -> tuple[int, int]:
    """Tags 256 (width) and 257 (length) of the first directory, wherever it lies."""
    with path.open("rb") as file:
        order = "<" if file.read(2) == b"II" else ">"
        file.seek(4)
        file.seek(struct.unpack(f"{order}I", file.read(4))[0])
        entries = struct.unpack(f"{order}H", file.read(2))[0]
        found = {}
        for _ in range(entries):
            tag, kind, _count = struct.unpack(f"{order}HHI", file.read(8))
            value = file.read(4)
            if tag in (256, 257):
                found[tag] = struct.unpack(f"{order}H" if kind == 3 else f"{order}I", value[: 2 if kind == 3 else 4])[0]
    return found.get(256, 0), found.get(257, 0)


def _jpeg(path: Path) -> tuple[int, int]:
    """The first start-of-frame marker (ITU-T T.81, B.2.2)."""
    data = path.read_bytes()
    at = 2
    while at < len(data):
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length
    raise ValueError("no frame header")
