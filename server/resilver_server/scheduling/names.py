"""Names of results: what people called things, made safe for every file system."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*%]+')
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
_LONGEST, _BYTES = 120, 200
"""Characters, and bytes as file systems count them: 255 with all that is put before and behind a name."""


def safe_stem(name: str) -> str:
    """A file name without suffix: "shot" where nothing of the name can stay. Idempotent."""
    text = _UNSAFE.sub("_", name).strip(" .")[:_LONGEST]
    text = text.encode(errors="replace")[:_BYTES].decode(errors="ignore").strip(" .")
    if not text or set(text) == {"_"}:
        return "shot"
    return f"_{text}" if text.split(".")[0].lower() in _RESERVED else text


def stems(name: str, clips: Sequence[str]) -> tuple[str, ...]:
    """One name a clip, all different also where case is ignored.

    ``name`` for a single clip, ``name-001`` and so on for several; without a name each clip's own, without a
    movie's suffix, and a number where it comes again.
    """
    if name:
        stem = safe_stem(name)
        return (stem,) if len(clips) == 1 else tuple(f"{stem}-{number:03d}" for number in range(1, len(clips) + 1))
    taken: set[str] = set()
    found = []
    for clip in clips:
        stem = _free(safe_stem(_without_suffix(clip)), taken)
        taken.add(stem.lower())
        found.append(stem)
    return tuple(found)


def _free(stem: str, taken: set[str]) -> str:
    number, candidate = 1, stem
    while candidate.lower() in taken:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def _without_suffix(name: str) -> str:
    return re.sub(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", "", name)
