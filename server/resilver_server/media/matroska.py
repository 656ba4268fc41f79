"""Pixel aspect in Matroska, which FFmpeg's muxer only takes from a field that PyAV does not reach.

The muxer is given a track name as a placeholder; afterwards its bytes are turned into DisplayWidth and DisplayHeight
(RFC 9559, 5.1.4.1.28) inside the same track entry, so that no other position in the file changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from resilver_client.errors import InternalError

PLACEHOLDER = "pixel-aspect"
_HEAD = 1 << 20
_SEGMENT, _TRACKS, _ENTRY, _VIDEO, _NAME, _CRC = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0x536E, 0xBF
_WIDTH, _HEIGHT, _UNIT = b"\x54\xb0", b"\x54\xba", b"\x54\xb2"
_ASPECT_UNIT = 3
"""DisplayUnit: the two numbers are an aspect ratio."""


def set_pixel_aspect(path: Path, width: int, height: int, aspect: Fraction) -> None:
    """Write the pixel aspect into a file whose picture track is named ``PLACEHOLDER``. Raises InternalError."""
    with path.open("rb+") as file:
        head = bytearray(file.read(_HEAD))
        start, stop = _descend(head, (_SEGMENT, _TRACKS))
        tracks = _renewed(bytes(head[start:stop]), aspect * width / height)
        if len(tracks) != stop - start:
            raise InternalError("the track entry changed its length", where=str(path))
        file.seek(start)
        file.write(tracks)


def _renewed(tracks: bytes, display: Fraction) -> bytes:
    """The body of Tracks with the display size in place of the name, and its checksum made right."""
    body = b""
    for kind, head, content in _elements(tracks):
        if kind == _ENTRY and PLACEHOLDER.encode() in content:
            content = _with_display(content, display)
        body += b"" if kind == _CRC else head + content
    if any(kind == _CRC for kind, _, _ in _elements(tracks)):
        body = b"\xbf\x84" + zlib.crc32(body).to_bytes(4, "little") + body
    return body


def _with_display(entry: bytes, display: Fraction) -> bytes:
    name = next(head + content for kind, head, content in _elements(entry) if kind == _NAME)
    room = len(name) - 6
    wide, high = room // 2, room - room // 2
    added = _unsigned(_WIDTH, display.numerator, wide) + _unsigned(_HEIGHT, display.denominator, high)
    parts = []
    for kind, head, content in _elements(entry):
        if kind == _VIDEO:
            content = content.replace(_UNIT + b"\x81\x04", _UNIT + bytes([0x81, _ASPECT_UNIT])) + added
            head = bytes([_VIDEO, 0x80 | len(content)])
            if len(content) > 126:
                raise InternalError("the track entry is longer than expected")
        parts.append(b"" if kind == _NAME else head + content)
    return b"".join(parts)


def _unsigned(kind: bytes, value: int, size: int) -> bytes:
    return kind + bytes([0x80 | size]) + value.to_bytes(size, "big")


def _descend(data: bytes | bytearray, path: tuple[int, ...]) -> tuple[int, int]:
    """Bounds of the content of an element that lies within others."""
    start, stop = 0, len(data)
    for wanted in path:
        at = start
        while at < stop:
            kind, begin, end = _element(data, at)
            if kind == wanted:
                start, stop = begin, min(end, len(data))
                break
            at = end
        else:
            raise InternalError("there is no track entry where it was expected")
    return start, stop


def _elements(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(id, its head as written, content) of elements one after the other."""
    at = 0
    while at < len(data):
        kind, begin, end = _element(data, at)
        yield kind, data[at:begin], data[begin:end]
        at = end


def _element(data: bytes | bytearray, at: int) -> tuple[int, int, int]:
    """Id, begin and end of the content of the element at ``at`` (RFC 8794)."""
    after_id = at + _length(data[at])
    kind = int.from_bytes(data[at:after_id], "big")
    begin = after_id + _length(data[after_id])
    size = int.from_bytes(data[after_id:begin], "big") & ((1 << 7 * (begin - after_id)) - 1)
    return kind, begin, begin + size


def _length(first: int) -> int:
    return 9 - first.bit_length()
