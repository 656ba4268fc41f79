"""The checksums inside FFV1 (RFC 9043), which FFmpeg's decoder reports in its log and then passes over.

A slice ends in its size (3 bytes) and, where the stream is protected, a status byte and a CRC-32 that makes the
checksum of the whole slice zero (RFC 9043, 4.9). The polynomial is that of zlib, most significant bit first.
"""

from __future__ import annotations

import zlib

_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_STARTS = (0, 0x7A8C4079)
"""Register at the start: streams of version 3, and those of later ones."""
_PLAIN, _PROTECTED = 3, 8
"""Bytes after a slice without and with a checksum."""


def damaged(packet: bytes) -> bool:
    """Whether a packet of FFV1 version 3 or later contradicts its own slice sizes or checksums."""
    slices = _slices(packet, _PROTECTED)
    if slices is not None:
        return not any(all(_crc(part, start) == 0 for part in slices) for start in _STARTS)
    return _slices(packet, _PLAIN) is None


def _slices(packet: bytes, trailer: int) -> list[bytes] | None:
    """The slices, last one first, if their sizes add up to the packet."""
    parts = []
    end = len(packet)
    while end > 0:
        size_at = end - trailer
        size = int.from_bytes(packet[size_at : size_at + 3], "big") + trailer if size_at >= 0 else 0
        if not 0 < size <= end:
            return None
        parts.append(packet[end - size : end])
        end -= size
    return parts


def _crc(data: bytes, start: int) -> int:
    """CRC-32, most significant bit first, no final inversion, from zlib's mirrored one."""
    register = int(f"{start:032b}"[::-1], 2)
    return zlib.crc32(data.translate(_MIRROR), register ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
