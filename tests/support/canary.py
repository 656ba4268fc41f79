"""Canaries: files and addresses that tell whether anybody touched them."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_OPENED_OR_READ = 0x00000020 | 0x00000001


@contextmanager
def watched(folder: Path) -> Iterator[list[str]]:
    """Names of the files in ``folder`` that anybody opens or reads meanwhile, known at the end of the block."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells who opens a file")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0
    assert libc.inotify_add_watch(descriptor, os.fsencode(folder), _OPENED_OR_READ) >= 0
    touched: list[str] = []
    try:
        yield touched
        touched.extend(_names(descriptor))
    finally:
        os.close(descriptor)


def _names(descriptor: int) -> Iterator[str]:
    with suppress(BlockingIOError):
        while True:
            events, at = os.read(descriptor, 1 << 16), 0
            while at < len(events):
                length = struct.unpack_from("iIII", events, at)[3]
                name = events[at + 16 : at + 16 + length].rstrip(b"\0")
                at += 16 + length
                if name:
                    yield os.fsdecode(name)


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and who connected to it, known at the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        calls: list[str] = []
        yield server.getsockname()[1], calls
        with suppress(BlockingIOError):
            while True:
                connection, address = server.accept()
                connection.close()
                calls.append(str(address))
