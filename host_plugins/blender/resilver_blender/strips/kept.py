"""Frames of the film that stages are to leave alone: noted on the restored strip, sent when it is made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from resilver_client.errors import ClipUnsupported, InvalidRecipe, ResilverError
from resilver_client.frames import format_frames, merged, parse_frames

from .. import versions
from . import facts
from .marks import mark
from .shown import Shown


def stages_of(strip: Any) -> list[str]:
    """Stages that a restored strip was made with."""
    recipe = json.loads(strip.resilver.recipe_json or "{}")
    return [str(stage["stage"]) for stage in recipe.get("stages", ())]


def frames_of(strip: Any) -> dict[str, str]:
    """Frames to keep by stage, as a restored strip has them now; those of stages that it was made without included."""
    return {item.name: _tidy(item.frames) for item in strip.resilver.keeps if item.frames.strip()}


def changed(strip: Any) -> bool:
    """Whether a restored strip was made with other frames kept than it has now."""
    stages = stages_of(strip)
    return {name: frames for name, frames in frames_of(strip).items() if name in stages} != made_with(strip)


def made_with(strip: Any) -> dict[str, str]:
    """Frames by stage that were kept when the strip was made."""
    return {name: _tidy(frames) for name, frames in json.loads(strip.resilver.kept or "{}").items()}


def keep(scene: Any, pairs: list[tuple[Any, Any]], stage: str, start: int, stop: int) -> dict[str, str]:
    """Note for restored strips (each with its original) that a stage is to leave alone what they show at
    ``start <= timeline frame < stop``. Strips that are not there, or were made without the stage, are left out.

    Returns:
        Media frames that were noted, by name of the strip.

    Raises ClipUnsupported where an original shows other frames now than were restored, and what ``facts.shown``
    raises; then nothing is noted.
    """
    meant = [pair for pair in pairs if stage in stages_of(pair[0]) and _overlap(pair[0], start, stop)]
    found: list[tuple[Any, tuple[int, int]]] = []
    shown = facts.shown_all(scene, [original for _, original in meant]) if meant else []
    for (restored, _), read in zip(meant, shown, strict=True):
        now = _readable(restored, read)
        left, right = max(start, versions.left(restored)), min(stop, versions.right(restored))
        found.append((restored, now.media_frames(left, right, _between(scene, restored, now))))
    said = {}
    for restored, span in found:
        item = restored.resilver.keeps.get(stage) or _added(restored, stage)
        item.frames = format_frames(merged([*_spans(item.frames), span]))
        said[str(restored.name)] = format_frames([span])
    return said


def clear(strip: Any, stage: str) -> None:
    """Keep no frames of that stage."""
    item = strip.resilver.keeps.get(stage)
    if item is not None:
        item.frames = ""


def carry(former: Any | None, strip: Any, kept: Mapping[str, str]) -> None:
    """Write on a new strip what was kept when it was made, and what is to be kept from now on: what the one has whose
    place it takes, on which the user may have worked meanwhile."""
    strip.resilver.kept = json.dumps(dict(kept))
    frames = dict(kept) if former is None else frames_of(former)
    for stage in dict.fromkeys((*stages_of(strip), *frames)):
        _added(strip, stage).frames = frames.get(stage, "")


def _readable(restored: Any, now: Shown | ResilverError) -> Shown:
    if isinstance(now, ResilverError):
        raise now
    if mark(now) != restored.resilver.source_mark:
        remedy = "restore it again first"
        raise ClipUnsupported(
            "its original shows other frames now than were restored", where=restored.name, remedy=remedy
        )
    return now


def _between(scene: Any, restored: Any, now: Shown) -> bool:
    """Whether frames of the result were computed from two of the film."""
    return now.kind != "still" and restored.resilver.rate != str(facts.scene_rate(scene) * now.speed)


def _overlap(strip: Any, start: int, stop: int) -> bool:
    return versions.left(strip) < stop and start < versions.right(strip)


def _added(strip: Any, stage: str) -> Any:
    item = strip.resilver.keeps.get(stage) or strip.resilver.keeps.add()
    item.name = stage
    return item


def _spans(text: str) -> tuple[tuple[int, int], ...]:
    """What cannot be read as frames gives way to what is noted now."""
    try:
        return parse_frames(text)
    except InvalidRecipe:
        return ()


def _tidy(text: str) -> str:
    """The same frames in one writing; what cannot be read stays as it is, and the server says why."""
    try:
        return format_frames(parse_frames(text))
    except InvalidRecipe:
        return text.strip()
