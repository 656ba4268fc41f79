"""Uploads as files under names that jobs can open: ``content/DIGEST/NAME``, and ``folder/DIGEST/`` for a manifest.

They are symbolic links inside the uploads (copies where the system has none): the files themselves stay as they are, so
that nobody who compares their times thinks them changed. A file of a manifest without a digest is there by name alone:
half of the folder's first frame, so that what compares headers finds it alike and what decodes it fails. All functions
block: call them in a thread.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from resilver_client.disk import sync_folder
from resilver_client.errors import ContentMissing
from resilver_client.references import CONTENT as FILE
from resilver_client.references import LARGEST_MANIFEST, Entry, Reference, read_manifest

from .uploads import Uploads

_HALF = ".half"
_UPLOAD = "upload it again"


def materialise(uploads: Uploads, reference: Reference) -> Path:
    """The path that a reference stands for. Raises ContentMissing, InvalidRequest for a manifest that is none."""
    place = uploads.root / reference.kind / reference.digest
    if not uploads.holds(reference.digest):
        raise ContentMissing("it is not on the server", where=_shown(reference.digest), remedy=_UPLOAD)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    if reference.kind == FILE:
        _name(uploads.path(reference.digest), place / reference.name)
    else:
        _fill(uploads, place, manifest(uploads, reference.digest))
    sync_folder(place)
    return place / reference.name if reference.name else place


def manifest(uploads: Uploads, digest: str) -> list[Entry]:
    """The files of a folder. Raises ContentMissing, InvalidRequest."""
    path = uploads.path(digest)
    if not path.exists():
        raise ContentMissing("its manifest is not on the server", where=_shown(digest), remedy=_UPLOAD)
    return read_manifest(path.read_bytes()) if path.stat().st_size <= LARGEST_MANIFEST else read_manifest(b"")


def contents(uploads: Uploads, references: Iterable[tuple[str, str]]) -> set[str]:
    """Digests of all files behind ``(kind, digest)``, manifests with what they name."""
    found = set()
    for kind, digest in references:
        found.add(digest)
        if kind != FILE and uploads.path(digest).exists():
            found.update(entry.digest for entry in manifest(uploads, digest) if entry.digest)
    return found


def _fill(uploads: Uploads, place: Path, entries: list[Entry]) -> None:
    missing = [entry for entry in entries if entry.digest and not uploads.holds(entry.digest)]
    if missing:
        shown = ", ".join(entry.name for entry in missing[:4])
        raise ContentMissing(f"{len(missing)} files of a folder are not on the server", where=shown, remedy=_UPLOAD)
    for entry in entries:
        if entry.digest:
            _name(uploads.path(entry.digest), place / entry.name)
    first = next((entry for entry in entries if entry.digest), None)
    if first is not None and any(not entry.digest for entry in entries):
        half = uploads.root / FILE / f"{first.digest}{_HALF}"
        _halve(uploads.path(first.digest), half)
        for entry in entries:
            if not entry.digest:
                _name(half, place / entry.name)


def _halve(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{secrets.token_hex(8)}.draft")
    with source.open("rb") as file:
        draft.write_bytes(file.read(source.stat().st_size // 2))
    draft.replace(target)


def _name(source: Path, target: Path) -> None:
    """Another name for a file, written in one step."""
    if target.exists():
        return
    draft = target.with_name(f".{secrets.token_hex(8)}.draft")
    try:
        draft.symlink_to(os.path.relpath(source, target.parent))
    except OSError:
        shutil.copyfile(source, draft)
    draft.replace(target)


def _shown(digest: str) -> str:
    return f"sha256 {digest}"
