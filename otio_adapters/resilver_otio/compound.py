"""The container of AAF files (MS-CFB, "Compound File Binary Format"), looked through before it is read.

Its sectors are chained by a table, and a table that leads in circles, or claims to be larger than its file, would keep
a reader busy for ever, and fill memory.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from resilver_client.errors import TimelineUnreadable

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST = 0xFFFFFFFA
"""Numbers from here on stand for the end of a chain, and for sectors that are none."""
_IN_HEADER = 109


def check_compound(file: Path) -> None:
    """Raises TimelineUnreadable for a container whose tables do not fit the file, or lead in circles."""
    try:
        with file.open("rb") as stream:
            _Tables(stream, file.stat().st_size).check()
    except (struct.error, OverflowError, ValueError) as error:
        raise TimelineUnreadable(
            f"an AAF reader cannot read it ({error})", where=str(file), remedy="export it again"
        ) from error


class _Tables:
    def __init__(self, stream: BinaryIO, size: int) -> None:
        """Raises struct.error, ValueError."""
        head = stream.read(512)
        if not head.startswith(_MAGIC):
            raise ValueError("another signature")
        self._stream = stream
        self._sector = 1 << (struct.unpack_from("<H", head, 30)[0] & 31)
        if self._sector not in (512, 4096):
            raise ValueError(f"sectors of {self._sector} bytes")
        self._count = size // self._sector
        """Sectors of the file; its header is one of them."""
        self._directories = struct.unpack_from("<I", head, 48)[0]
        self._mini_start, _, self._more_start, self._more = struct.unpack_from("<IIII", head, 60)
        self._first = struct.unpack_from(f"<{_IN_HEADER}I", head, 76)

    def check(self) -> None:
        entries = self._sector // 4
        if self._more * (entries - 1) * entries > self._count + 2 * entries * entries:
            raise ValueError("it claims more sectors than it has")
        table = array("I")
        for sector in self._table_sectors():
            table.extend(self._read(sector))
            if len(table) > self._count + 2 * entries * (1 + self._more):
                raise ValueError("its table of sectors is larger than it")
        self._follow(table, {self._directories, self._mini_start})
        minis = array("I")
        for sector in self._chain(table, self._mini_start):
            minis.extend(self._read(sector))
        self._follow(minis, set())

    def _table_sectors(self) -> Iterator[int]:
        """Sectors of the table of chains."""
        yield from (sector for sector in self._first if sector < _LAST)
        sector = self._more_start
        for _ in range(self._more):
            if sector >= _LAST:
                return
            *named, sector = self._read(sector)
            yield from (each for each in named if each < _LAST)

    def _read(self, sector: int) -> tuple[int, ...]:
        self._stream.seek((sector + 1) * self._sector)
        return struct.unpack(f"<{self._sector // 4}I", self._stream.read(self._sector))

    def _chain(self, table: array[int], sector: int) -> Iterator[int]:
        while sector < _LAST:
            if sector >= len(table):
                raise ValueError("a chain leads out of its table")
            yield sector
            sector = table[sector]

    def _follow(self, table: array[int], starts: set[int]) -> None:
        """Raises ValueError where any chain of the table comes back to itself."""
        seen = bytearray(len(table))
        for start in range(len(table)):
            at, mark = start, []
            while at < len(table) and not seen[at]:
                seen[at] = 1
                mark.append(at)
                at = table[at]
            if at < len(table) and seen[at] == 1:
                raise ValueError("its sectors are chained in a circle")
            for each in mark:
                seen[each] = 2
        if any(start < _LAST and start >= len(table) for start in starts):
            raise ValueError("a chain leads out of its table")
