"""What the menu script is asked to place, as the protocol has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from resilver_client.errors import HostFailed
from resilver_otio.locate import cut_frame
from resilver_publish.types import RestoredClip

from .edit import Edit, Item
from .fields import Fields
from .lengths import Range, rate_text
from .originals import Pair

BIN = "Resilver"
_COLOUR, _MARKER = "Teal", "Cyan"
"""Of a clip, and of its marker: Resolve has different ones for the two."""


@dataclass(frozen=True)
class Back:
    """A placed clip as the script read it back."""

    clip: str
    id: str
    track: int
    media: str
    """Of a take, the id of its media; empty otherwise."""


def clip_request(pair: Pair, track: int, start: int, duration: int, shown: Range) -> dict[str, object]:
    """A clip of ``place``, ``take`` and ``new_timeline``."""
    restored, now = pair.restored, pair.now
    return {
        "clip": restored.clip,
        "original": {"track": now.track, "start": now.start, "duration": now.duration},
        "name": restored.name,
        "path": restored.path,
        "is_sequence": restored.is_sequence,
        "first_number": restored.first_number,
        "frames": restored.frames,
        "rate": rate_text(restored.rate),
        "track": track,
        "start": start,
        "duration": duration,
        "source_start": shown.start,
        "source_end": shown.stop,
        "colour": _COLOUR,
        "marker": _marker(restored),
    }


def _marker(restored: RestoredClip) -> dict[str, str]:
    note = f"Restored by Resilver from {restored.name}\njob {restored.job}\nrecipe {restored.recipe[:12]}"
    custom = {"resilver": 1, "job": restored.job, "clip": restored.clip, "recipe": restored.recipe}
    return {"colour": _MARKER, "name": "Resilver", "note": note, "custom": json.dumps(custom, sort_keys=True)}


def read_placed(result: Mapping[str, Any], asked: list[RestoredClip], call: str) -> tuple[Back, ...]:
    """In the order in which they were asked for. Raises HostFailed where one is missing: nothing may be half-placed
    without being told."""
    fields = Fields(dict(result), call)
    found = {
        each.text("clip"): Back(
            each.text("clip"), each.text("id"), each.whole("track"), each.maybe(each.text, "media") or ""
        )
        for each in fields.each("placed")
    }
    missing = [each.name for each in asked if each.clip not in found]
    if missing:
        raise HostFailed(
            f"Resolve does not say where these restored clips lie: {', '.join(missing)}",
            where=f"{len(found)} of {len(asked)} are placed",
            remedy="look at the timeline, and undo there what is not wanted",
        )
    return tuple(found[each.clip] for each in asked)


def notes(result: Mapping[str, Any], call: str) -> tuple[str, ...]:
    """What the script says besides."""
    fields = Fields(dict(result), call)
    return fields.texts("notes") if fields.has("notes") else ()


def sounds(edit: Edit, rate: Fraction, said: list[str]) -> Iterator[dict[str, object]]:
    """The sound of the edit for a timeline at ``rate``: every cut on that grid. What cannot be taken along is named in
    ``said``."""
    shorter = 0
    for track in edit.audio:
        for item in track.items:
            why = "its track is switched off" if not track.enabled else _why_no_sound(item, edit)
            if why:
                said.append(f"the sound {item.name!r} (audio track {track.index}) is not in the new timeline: {why}")
                continue
            request, wanted = _sound(item, edit, rate)
            shorter += request["duration"] != wanted
            if request["duration"] > 0:
                yield request
    if shorter:
        pieces = "a piece of sound ends" if shorter == 1 else f"{shorter} pieces of sound end"
        said.append(f"{pieces} up to one of its own frames earlier, which are longer than those of the new timeline")


def _why_no_sound(item: Item, edit: Edit) -> str:
    media = item.media
    if not item.enabled:
        return "it is switched off"
    if media is None or media.fps is None:
        return "it has no media"
    if item.source_start is None or item.source_seconds is None:
        return "this version of Resolve does not tell what it plays"
    lasts = item.duration / edit.timeline.rate
    if abs(Fraction(item.source_seconds) - lasts) > 1 / media.fps + 1 / edit.timeline.rate:
        return "it is retimed"
    return ""


def _sound(item: Item, edit: Edit, rate: Fraction) -> tuple[dict[str, Any], int]:
    """The request, and the frames that would fill its place; a whole number of its own frames may be a bit less."""
    assert item.media is not None
    assert item.media.fps is not None
    assert item.source_start is not None
    start, stop = (
        cut_frame((frame - edit.timeline.start) / edit.timeline.rate, rate) for frame in (item.start, item.stop)
    )
    count = -(-(stop - start + 1) * item.media.fps // rate) - 1  # the most whose floor is not beyond the place
    if item.media.frames is not None:
        count = min(count, item.media.frames - item.source_start)
    duration = count * rate // item.media.fps
    return {
        "name": item.name,
        "media": item.media.id,
        "track": item.track,
        "start": start,
        "duration": int(duration),
        "source_start": item.source_start,
        "source_end": item.source_start + int(count),
    }, stop - start
