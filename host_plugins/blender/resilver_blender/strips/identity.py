"""What Resilver writes on strips, and strips found again by it.

A strip is told by its uid, never by a reference (which dangles after undo) and never by its name alone (which the user
changes). Duplicating or splitting a strip copies its uid: the strip whose name is ``owner`` keeps it, the copies are
given their own when they are asked for one.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import bpy

from .. import versions

RESTORED = "restored"
CHANGE_MAP = "change_map"
MATTE = "matte"

_GIVEN: dict[str, tuple[int, str]] = {}
"""uid -> scene (``session_uid``: another after a file is opened) and strip that it was given to, because undoing beyond
that moment takes the uid off the strip."""


class ResilverKept(bpy.types.PropertyGroup):
    """Frames of the film that a stage, whose name this has, leaves as they are."""

    frames: bpy.props.StringProperty(
        name="Kept frames", description="Frames of the film, counted from 0, that this stage leaves alone: 120-139, 200"
    )


class ResilverStrip(bpy.types.PropertyGroup):
    """Stored with the strip in the .blend file."""

    uid: bpy.props.StringProperty(name="Lasting id")
    owner: bpy.props.StringProperty(name="Name of the strip that the id belongs to")
    role: bpy.props.StringProperty(name="Restored, change_map, matte, or empty")
    source: bpy.props.StringProperty(name="Id of the original")
    job: bpy.props.StringProperty(name="Job that made it")
    recipe: bpy.props.StringProperty(name="Digest of the recipe")
    recipe_json: bpy.props.StringProperty(name="The recipe as protobuf JSON")
    source_mark: bpy.props.StringProperty(name="What the original showed then")
    frames: bpy.props.StringProperty(name="Frames of the file")
    rate: bpy.props.StringProperty(name="Frames a second of the file, a fraction")
    original_muted: bpy.props.BoolProperty(name="Whether the original is muted while this is shown")
    made: bpy.props.StringProperty(name="When it was placed, seconds since 1970")
    changes: bpy.props.StringProperty(name="Movie of what the stages changed")
    keeps: bpy.props.CollectionProperty(type=ResilverKept, name="Frames to keep, by stage")
    kept: bpy.props.StringProperty(name="Frames that were kept when it was made, as JSON by stage")
    key_frames: bpy.props.StringProperty(
        name="Key frames",
        subtype="FILE_PATH",
        description="Folder of pictures of this film as it shall look, each named by the number of its frame, counted "
        "from 0, or one picture as a reference for all frames",
    )


def register() -> None:
    """Give every strip its ``resilver``."""
    bpy.utils.register_class(ResilverKept)
    bpy.utils.register_class(ResilverStrip)
    versions.STRIP_TYPE.resilver = bpy.props.PointerProperty(type=ResilverStrip)


def unregister() -> None:
    """What is stored in files stays there."""
    del versions.STRIP_TYPE.resilver
    bpy.utils.unregister_class(ResilverStrip)
    bpy.utils.unregister_class(ResilverKept)


def every(scene: Any) -> list[Any]:
    """All strips of the scene, those inside metas included."""
    return list(versions.all_strips(scene.sequence_editor)) if scene.sequence_editor else []


def named(scene: Any, name: str) -> Any | None:
    """The strip of that name; names are unique within a scene."""
    return next((strip for strip in every(scene) if strip.name == name), None)


def uid_of(scene: Any, strip: Any) -> str:
    """The strip's uid; one is given where it has none, or has only the copy of another strip's.

    Writes to the file: not to be called while a panel is drawn.
    """
    mine = strip.resilver
    if not mine.uid:
        _give(scene, strip, _given_before(scene, strip) or uuid.uuid4().hex)
        return str(mine.uid)
    keeper = _keeper([other for other in every(scene) if other.resilver.uid == mine.uid])
    if keeper == strip:
        _give(scene, strip, str(mine.uid))
        return str(mine.uid)
    former = str(mine.uid)
    _give(scene, strip, uuid.uuid4().hex)
    _take_along(scene, former, keeper, strip)
    return str(mine.uid)


def find(scene: Any, uid: str) -> Any | None:
    """The strip with that uid, or None where it is gone. Only reads."""
    if not uid:
        return None
    keeper = _keeper([strip for strip in every(scene) if strip.resilver.uid == uid])
    if keeper is not None:
        return keeper
    where, name = _GIVEN.get(uid, (0, ""))
    strip = named(scene, name) if where == scene.session_uid else None
    return strip if strip is not None and not strip.resilver.uid else None


def anywhere(scene: Any, uid: str) -> tuple[Any, Any] | None:
    """The scene and the strip with that uid, sought in ``scene`` first: a restored strip in a scene of its own has its
    original in another."""
    for each in (scene, *(other for other in bpy.data.scenes if other != scene)):
        strip = find(each, uid)
        if strip is not None:
            return each, strip
    return None


def role(strip: Any) -> str:
    """ "restored", "change_map", "matte", or empty for a strip of the user's own."""
    return str(strip.resilver.role)


def restored_of(scene: Any, uid: str) -> list[Any]:
    """The restored strips of an original, the newest last."""
    if not uid:
        return []
    found = [strip for strip in every(scene) if role(strip) == RESTORED and strip.resilver.source == uid]
    return sorted(found, key=lambda strip: (float(strip.resilver.made or 0), strip.channel))


def changes_of(scene: Any, restored: Any) -> list[Any]:
    """The strips that show the movie of what was changed in a restored one."""
    path = restored.resilver.changes
    laid = [strip for strip in every(scene) if path and role(strip) == CHANGE_MAP and strip.type == "MOVIE"]
    return [strip for strip in laid if strip.resilver.changes == path]


def now() -> str:
    """The time as ``made`` keeps it."""
    return repr(time.time())


def _give(scene: Any, strip: Any, uid: str) -> None:
    if strip.resilver.uid != uid:
        strip.resilver.uid = uid
    if strip.resilver.owner != strip.name:
        strip.resilver.owner = strip.name
    _GIVEN[uid] = (scene.session_uid, strip.name)


def _given_before(scene: Any, strip: Any) -> str:
    """The uid that undo took off this strip; empty where it never had one, or where another carries it."""
    taken = {other.resilver.uid for other in every(scene)}
    there = [uid for uid, where in _GIVEN.items() if where == (scene.session_uid, strip.name) and uid not in taken]
    return there[-1] if there else ""


def _keeper(having: list[Any]) -> Any | None:
    """Of the strips with one uid the one that it belongs to: the strip of its owner's name; where that was renamed
    and then copied, the strip with the shortest name, since copies get ".001" behind theirs."""
    if not having:
        return None
    owners = [strip for strip in having if strip.name == strip.resilver.owner]
    return min(owners or having, key=lambda strip: (len(strip.name), strip.name))


def _take_along(scene: Any, former: str, keeper: Any, strip: Any) -> None:
    """Restored strips that were copied or split together with their original follow the copy."""
    for restored in restored_of(scene, former):
        if not _together(restored, keeper) and _together(restored, strip):
            restored.resilver.source = strip.resilver.uid


def _together(one: Any, other: Any) -> bool:
    return versions.left(one) < versions.right(other) and versions.left(other) < versions.right(one)
