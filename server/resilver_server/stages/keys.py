"""Key frames: pictures of frames as they shall look. What is given is told without opening it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from resilver_client.errors import InvalidKeyFrame
from resilver_server.domain.digests import digest_file, digest_of
from resilver_server.domain.formats import PICTURE_SUFFIXES

from .mattes import fitting

KEYS = "keys"
"""A stage with key frames (``StageInput.KEY_FRAMES``) reads under this name, in its measurements, (k,) int64 numbers of
the media frames of which the artist gave pictures, or REFERENCE; and leaves under it, in its state, (entries, n) int64
numbers of those that rendering an entry wants: any media frames of the shot, given or not, REFERENCE if it was given,
or NO_KEY. The engine puts their contents into the names of chunks, and the pictures into windows."""
CONTENTS = "key_contents"
"""Name of the rows (entries, n, 32) uint8 that the engine adds to a state with key frames: sha256 of each."""
NO_KEY = -1
"""Number of a key frame that is not wanted."""
REFERENCE = -2
"""Number of the one picture that stands for all frames, where an artist gave one instead of key frames."""

_NUMBER = re.compile(r"\d{1,9}(?!.*\d)", re.DOTALL)
"""The last number of a file's name."""


def key_files(path: str) -> Mapping[int, Path]:
    """Pictures by the number in their names, increasing; of a single picture by REFERENCE.

    A folder may hold other files, but what is a picture has to be numbered. Raises InvalidKeyFrame.
    """
    given = Path(path)
    if given.is_file():
        return {REFERENCE: given}
    found: dict[int, Path] = {}
    for file in _pictures(given) if given.is_dir() else fitting(given):
        number = _number(file)
        if number in found:
            what = f"{file.name} and {found[number].name} have the same number"
            raise InvalidKeyFrame(what, where=path, remedy="leave one of them")
        found[number] = file
    if not found:
        raise InvalidKeyFrame(
            "no key frames are there", where=path, remedy="put pictures there, named as scan.0060.png"
        )
    return dict(sorted(found.items()))


def keys_digest(path: str | None) -> str:
    """sha256 that changes when a picture or its number does; empty for none. Raises InvalidKeyFrame."""
    if path is None:
        return ""
    return digest_of([(number, key_digest(file)) for number, file in key_files(path).items()])


def key_digest(file: Path) -> str:
    """sha256 of a picture. Raises InvalidKeyFrame."""
    try:
        return digest_file(file)
    except OSError as error:
        raise InvalidKeyFrame(f"the key frame cannot be read: {error.strerror}", where=str(file)) from error


def _pictures(folder: Path) -> list[Path]:
    suited = (file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    return sorted(file for file in suited if not file.name.startswith("."))


def _number(file: Path) -> int:
    match = _NUMBER.search(file.stem)
    if match is None:
        remedy = "name it after its frame, as scan.0060.png"
        raise InvalidKeyFrame("the picture has no number", where=str(file), remedy=remedy)
    return int(match[0])
