"""What a restored clip is: its files, its original, the strip that shows it, and what is written on that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from resilver.v1 import types_pb2
from resilver_client.errors import ClipUnsupported, ResilverError
from resilver_publish.types import RestoredClip

from ..strips import facts, identity, kept
from ..strips.shown import Shown
from . import adding

COLOUR = "COLOR_05"
"""Tag of restored strips: blue in Blender's own theme."""
SUFFIX = " [restored]"


def with_originals(
    scene: Any, restored: Sequence[RestoredClip], shown: Mapping[str, Shown]
) -> Iterator[tuple[RestoredClip, Any, Shown]]:
    """Each clip with its original and what that shows now; ``shown`` is what it showed when it was handed over.

    Raises MediaNotFound where a file of a clip is missing, ClipUnsupported where an original is gone, and what
    ``facts.shown`` raises.
    """
    for clip in restored:
        for path in files_of(clip):
            adding.require(path)
    originals = [original_of(scene, clip.clip, shown[clip.clip].name) for clip in restored]
    for clip, original, now in zip(restored, originals, facts.shown_all(scene, originals), strict=True):
        if isinstance(now, ResilverError):
            raise now
        yield clip, original, now


def original_of(scene: Any, uid: str, name: str) -> Any:
    """The strip with this uid. Raises ClipUnsupported, naming it, where it is gone."""
    strip = identity.find(scene, uid)
    if strip is None:
        raise ClipUnsupported(
            "the strip that was restored is no longer there",
            where=name,
            remedy="undo until it is back, then place the result again",
        )
    return strip


def add(context: Any, scene: Any, meta: Any | None, clip: RestoredClip, name: str, channel: int, start: int) -> Any:
    """Add the strip that shows a clip, as ``adding`` does; ``name`` is for pictures, movies are named by their file."""
    if clip.is_sequence or is_still(clip):
        return adding.add_pictures(scene, meta, files_of(clip), name, channel, start)
    return adding.add_movie(context, scene, meta, clip.path, channel, start)


@dataclass(frozen=True)
class Made:
    """What restored clips of one job were made with."""

    recipe_json: str = ""
    """The recipe as protobuf JSON."""
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Frames that stages left alone, by uid of the original and stage."""


NOTHING_KNOWN = Made()


def store(strip: Any, clip: RestoredClip, made: Made, source_mark: str, former: Any | None = None) -> None:
    """Write on a strip what it is; ``former`` is the restored strip whose place it takes."""
    stored = strip.resilver
    stored.role, stored.source, stored.job, stored.made = identity.RESTORED, clip.clip, clip.job, identity.now()
    stored.recipe, stored.recipe_json, stored.source_mark = clip.recipe, made.recipe_json, source_mark
    stored.frames, stored.rate, stored.changes = str(clip.frames), str(clip.rate), clip.changes
    kept.carry(former, strip, made.kept.get(clip.clip, {}))


def is_still(clip: RestoredClip) -> bool:
    """Whether the result is a single picture, to be held as long as the original is shown."""
    return clip.frames == 1 and (clip.is_sequence or Path(clip.path).suffix.lower() in adding.PICTURES)


def files_of(clip: RestoredClip) -> list[str]:
    """The files of a result in order."""
    if not clip.is_sequence:
        return [clip.path]
    return [clip.path % number for number in range(clip.first_number, clip.first_number + clip.frames)]


def read_recipe(recipe_json: str) -> types_pb2.Recipe | None:
    """The recipe of its protobuf JSON; None where it is not known."""
    return json_format.Parse(recipe_json, types_pb2.Recipe()) if recipe_json else None


def fitting(recipe: types_pb2.Recipe | None) -> str:
    """How the server fitted the picture into its new size: "letterbox", "crop" or "stretch".

    Only where width and height are both asked for can the shapes differ; else the picture fills its frame, whatever
    the shape of its pixels.
    """
    if recipe is None:
        return "letterbox"
    given = next((stage.parameters for stage in recipe.stages if stage.stage == "upscale"), None)
    if given is None or not all(name in given and given[name].integer for name in ("width", "height")):
        return "stretch"
    return given["fit"].text if "fit" in given else "letterbox"
