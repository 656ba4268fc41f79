"""How client and server speak of files where they share no disk: by digest, never by path. Standard library only.

``resilver:content/SHA256/NAME`` is one file, ``resilver:folder/SHA256`` a folder whose manifest has that digest,
``resilver:folder/SHA256/NAME`` a file or printf pattern in it, ``resilver:result/KEY/NAME`` a job's result. In front of
each may stand ``file://``; then NAME is percent-encoded, as in any URL.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from .errors import InvalidRequest

CONTENT, FOLDER, RESULT = "content", "folder", "result"
SCHEME = "resilver:"
SERVER = "resilver:server"
"""Stands for any path of the server's own."""
FILE = "file://"
MANIFEST = "folder.1"
"""What a manifest says it is."""
LARGEST_MANIFEST = 64 << 20
"""Bytes: half a million frames."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_REFERENCE = re.compile(r"(file://)?resilver:(content|folder)/([0-9a-f]{64})(?:/([^/]+))?(/?)", re.DOTALL)
_TOKEN = re.compile(r'(?<!\\)"(?:file://)?resilver:(?:[^"\\]|\\.)*"')
"""A string of a JSON text that is a reference."""
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Reference:
    """A reference to what was uploaded."""

    kind: str
    """``CONTENT`` or ``FOLDER``."""
    digest: str
    name: str
    """Decoded; empty for a folder itself."""
    url: bool
    """Whether ``file://`` stands before it."""
    slash: bool = False
    """Whether a folder is written with a slash behind it."""


@dataclass(frozen=True)
class Entry:
    """A file of a manifest. Without a digest only its name is there."""

    name: str
    digest: str
    bytes: int


def parse(text: str) -> Reference | None:
    """The reference that ``text`` is, or None for anything else. Raises InvalidRequest for a name that is none."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    url, kind, digest, name, slash = match.groups()
    plain = unquote(name or "") if url else name or ""
    if kind == CONTENT or plain:
        ensure_name(plain)
    return Reference(kind, digest, plain, bool(url), bool(slash))


def is_digest(text: str) -> bool:
    return bool(_DIGEST.fullmatch(text))


def is_name(name: str) -> bool:
    """Whether a file in a folder can have that name and nothing else."""
    if not name or name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
        return False
    return len(name.encode(errors="replace")) <= _LONGEST_NAME


def ensure_name(name: str) -> None:
    """Raises InvalidRequest."""
    if not is_name(name):
        raise InvalidRequest("not the name of a file", where=repr(name)[:200])


def in_json(text: str, change: Callable[[str], str]) -> str:
    """A JSON text whose strings that are references went through ``change``; all else stays as it is written."""

    def changed(match: re.Match[str]) -> str:
        try:
            value = json.loads(match.group())
        except ValueError:  # whoever reads the text will say what is wrong with it
            return match.group()
        return json.dumps(change(value), ensure_ascii=False)

    return _TOKEN.sub(changed, text) if SCHEME in text else text


def result_key(request_id: str) -> str:
    """What stands for a job in the names of its results: known to the client before the job is."""
    return hashlib.sha256(request_id.encode()).hexdigest()[:32]


def write_manifest(entries: Iterable[Entry]) -> bytes:
    files = sorted([entry.name, entry.digest, entry.bytes] for entry in entries)
    return json.dumps({"resilver": MANIFEST, "files": files}, ensure_ascii=False).encode()


def read_manifest(data: bytes) -> list[Entry]:
    """Raises InvalidRequest for bytes that are no manifest, or name a file in any other way than by its plain name."""
    try:
        found = json.loads(data)
        if found["resilver"] != MANIFEST:
            raise ValueError
        entries = [Entry(name, digest, size) for name, digest, size in found["files"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidRequest("the manifest of a folder cannot be read") from error
    if len({entry.name for entry in entries if _sound(entry)}) != len(entries):
        raise InvalidRequest("the manifest of a folder names a file wrongly, or twice")
    return entries


def _sound(entry: Entry) -> bool:
    texts = isinstance(entry.name, str) and isinstance(entry.digest, str)
    return (
        texts
        and is_name(entry.name)
        and (not entry.digest or is_digest(entry.digest))
        and type(entry.bytes) is int
        and entry.bytes >= 0
    )
