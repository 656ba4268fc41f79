"""What a PNG says beside its pixels: text and a colour profile, packed.

FFmpeg unpacks them whole, however large they become: a file of one megabyte took two gigabytes of memory. So they are
unpacked here before, to no more than is allowed, and thrown away.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

LARGEST_NOTES = 64 << 20
"""Bytes of all of them together; the largest colour profiles in use have three million."""
_PACKED = (b"iCCP", b"zTXt")
"""Kinds of chunks whose content is a keyword, a zero, the method, and a zlib stream (PNG specification, 11.3)."""
_PIECE = 1 << 12
"""Bytes that are unpacked at a time, to four megabytes at most."""
_KEYWORD = 80
"""Bytes of the longest keyword, with its zero."""


def notes_fit(data: bytes) -> bool:
    """Whether all packed notes of a PNG unpack to ``LARGEST_NOTES`` at most. What cannot be unpacked counts nothing: it
    stops the decoder too."""
    left = LARGEST_NOTES
    for packed in _notes(data):
        left -= _unpacked(packed, left + 1)
        if left < 0:
            return False
    return True


def _notes(data: bytes) -> Iterator[memoryview]:
    """Zlib streams of whatever looks like such a chunk."""
    view = memoryview(data)
    for kind in _PACKED:
        at = data.find(kind)
        while at >= 0:
            length = struct.unpack(">I", data[at - 4 : at])[0] if at >= 4 else 0
            keyword = data.find(b"\0", at + 4, at + 4 + _KEYWORD)
            if 0 <= keyword < at + 4 + length:
                yield view[keyword + 2 : at + 4 + length]
            at = data.find(kind, at + 4)


def _unpacked(packed: memoryview, most: int) -> int:
    """Bytes that a zlib stream unpacks to, counted no further than ``most`` and some."""
    unpacker, total = zlib.decompressobj(), 0
    try:
        for start in range(0, len(packed), _PIECE):
            total += len(unpacker.decompress(packed[start : start + _PIECE]))
            if total > most or unpacker.eof:
                break
    except zlib.error:
        return total
    return total
