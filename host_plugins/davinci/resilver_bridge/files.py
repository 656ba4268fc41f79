"""Results as files for import by hand: what remains where Resolve runs no Python script (free edition, 21.1 and later).

An OTIO file alone is written. The FCPXML adapter of OpenTimelineIO was tried and left out (docs/decisions/1011).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from resilver_client.errors import OutputExists, OutputUnwritable
from resilver_otio.for_resolve import for_resolve
from resilver_otio.write import write_timeline

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
_LONGEST = 120


@dataclass(frozen=True)
class WrittenFile:
    """A timeline on disk."""

    path: Path
    report: tuple[str, ...]
    """What was left out or has to be looked after, in sentences for people."""


def write_result(timeline_json: str, folder: str, title: str) -> WrittenFile:
    """Write a result timeline (OTIO JSON, made from an export of Resolve) as Resolve imports it.

    The file is ``TITLE.otio`` in ``folder`` (absolute; made where it is missing), ``TITLE 2.otio`` and so on where
    that exists: complete or not at all, and never over another.

    Raises what ``for_resolve`` raises, and OutputUnwritable.
    """
    shaped = for_resolve(timeline_json)
    parent = _made(Path(folder))
    stem = _stem(title)
    for number in count(1):
        path = parent / f"{stem}{f' {number}' if number > 1 else ''}.otio"
        try:
            write_timeline(shaped.timeline, path)
        except OutputExists:
            continue
        return WrittenFile(path, shaped.report)
    raise AssertionError("numbers do not end")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what, remedy = f"the folder cannot be made ({error.strerror})", "choose another output folder"
        raise OutputUnwritable(what, where=str(folder), remedy=remedy) from error
    return folder


def _stem(title: str) -> str:
    """A title as a file name that every system takes."""
    text = _UNSAFE.sub("_", title).strip(" .")[:_LONGEST].strip(" .")
    if not text.strip("_"):
        return "restored"
    return f"_{text}" if _RESERVED.fullmatch(text) else text
