"""Digests name content: sha256, in lower-case hex."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from .access import open_file
from .serial import canonical

_BLOCK = 1 << 20


def digest_of(value: object) -> str:
    """sha256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest_file(path: str | Path, check: Callable[[], None] | None = None) -> str:
    """sha256 of a file's bytes, read in blocks; between them ``check`` may raise. Raises OSError, PathNotAllowed."""
    sha = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            if check is not None:
                check()
    return sha.hexdigest()
