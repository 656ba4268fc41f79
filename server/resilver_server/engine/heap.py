"""Memory that threads have freed goes back to the system, so that a worker does not grow with the film.

Every chunk brings new threads, and glibc gives each its own arena: frames freed in one are not reused in another.
Measured on ten seconds at 640x360: with arenas left alone the worker grew from 405 to 454 MiB over four chunks; with
two of them, and freed pages returned after each chunk, it stays at 400.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

_M_ARENA_MAX = -8
_ARENAS = 2


def give_back() -> None:
    """Return freed pages to the system. Does nothing where the C library is not glibc."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library, told to keep few arenas."""
    if platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    library.mallopt(_M_ARENA_MAX, _ARENAS)
    return library
