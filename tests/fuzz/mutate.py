"""Spoiling sound inputs: the same seed spoils in the same way."""

from __future__ import annotations

import random
import re

_NUMBERS = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WORDS = (
    b"\0", b"\xff\xff\xff\xff", b"null", b"-1", b"1e999", b"NaN", b"999999999999999999999", b"../", b"[" * 500,
    b'{"a":' * 300, b"%s%n", b"%d", b'"', b"\xed\xa0\x80", b"\xf0\x9f\x8e\x9e", b"file://[", b"//", b"\r\n",
    b"OTIO_SCHEMA",
)  # fmt: skip
_VALUE = re.compile(rb"-?\d+(?:\.\d+)?|\"[^\"]{0,40}\"")


def mutated(seed: bytes, choose: random.Random) -> bytes:
    """``seed`` with one to eight places changed; twice in a hundred whatever else."""
    if choose.random() < 0.02:
        return choose.randbytes(choose.randrange(200))
    data = bytearray(seed)
    for _ in range(choose.choice((1, 1, 1, 2, 3, 5, 8))):
        choose.choice(_WAYS)(data, choose)
    return bytes(data)


def _flip(data: bytearray, choose: random.Random) -> None:
    if data:
        data[_place(data, choose)] ^= 1 << choose.randrange(8)


def _byte(data: bytearray, choose: random.Random) -> None:
    if data:
        data[_place(data, choose)] = choose.randrange(256)


def _number(data: bytearray, choose: random.Random) -> None:
    """A number of 1 to 8 bytes that is at the edge of something."""
    width = choose.choice((1, 2, 4, 4, 8))
    at = _place(data, choose)
    value = choose.choice(_NUMBERS) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, choose.choice(("little", "big")))


def _word(data: bytearray, choose: random.Random) -> None:
    at = _place(data, choose)
    data[at:at] = choose.choice(_WORDS)


def _value(data: bytearray, choose: random.Random) -> None:
    """A written number or text becomes another."""
    found = list(_VALUE.finditer(data[:20_000]))
    if found:
        match = choose.choice(found)
        data[match.start() : match.end()] = choose.choice(
            (*_WORDS, b"0", b"-0.5", b"1e308", b'""', b"[]", b"{}", b"true")
        )


def _cut(data: bytearray, choose: random.Random) -> None:
    at = _place(data, choose)
    del data[at : at + choose.choice((1, 2, 4, 16, 256, len(data)))]


def _copy(data: bytearray, choose: random.Random) -> None:
    start, at = _place(data, choose), _place(data, choose)
    data[at:at] = data[start : start + choose.choice((1, 4, 16, 64, 1024))] * choose.choice((1, 1, 2, 16))


def _place(data: bytearray, choose: random.Random) -> int:
    """Heads are where what counts is said."""
    if not data:
        return 0
    return choose.randrange(min(len(data), 512)) if choose.random() < 0.5 else choose.randrange(len(data))


_WAYS = (_flip, _byte, _number, _number, _word, _value, _value, _cut, _copy)
