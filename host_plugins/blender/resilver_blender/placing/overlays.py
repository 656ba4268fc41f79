"""What belongs to a restored clip besides itself comes in on request, muted: pictures and movies of what was changed,
mattes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from resilver_client.errors import ClipUnsupported, MediaNotFound
from resilver_publish.types import ChangeMap, Occupied

from .. import versions
from ..strips import facts, identity
from ..strips.metas import meta_around
from ..strips.shown import Shown
from . import adding, clips, geometry, look
from .room import channels_in, parking, settle

MAP_COLOUR = "COLOR_06"
"""Tag of change maps: purple in Blender's own theme."""
MATTE_COLOUR = "COLOR_03"
"""Tag of mattes: yellow."""


def place_change_maps(context: Any, scene: Any, maps: Sequence[ChangeMap], shown: Mapping[str, Shown]) -> list[str]:
    """Put pictures of changes above the restored strips, muted, each for the one frame that it was made of.

    Maps of frames that the restored strip does not show (any more) are left out, those that lie there already stay.

    Returns:
        Names of the strips.

    Raises ClipUnsupported where a clip is not placed, MediaNotFound, TargetOccupied; then nothing is added.
    """
    goals = [(each, _restored(scene, each, shown)) for each in maps]
    for each in maps:
        adding.require(each.path)
    made: list[Any] = []
    with adding.kept(scene):
        try:
            for each, restored in goals:
                frame = _frame_of(scene, restored, each.output_frame)
                if versions.left(restored) <= frame < versions.right(restored) and not _lies(scene, each.path):
                    made.append(_add_map(scene, each, restored, frame))
        except BaseException:
            for strip in made:
                adding.remove(scene, strip)
            raise
    return [strip.name for strip in made]


def place_changes(context: Any, scene: Any, restored: Sequence[Any]) -> list[str]:
    """Put the movies of what was changed above their restored strips, muted, frame over frame, all or none. Strips
    without one, and those whose movie lies there already, are left out.

    Returns:
        Names of the strips.

    Raises MediaNotFound, MediaUnreadable, TargetOccupied.
    """
    meant = [strip for strip in restored if strip.resilver.changes and not identity.changes_of(scene, strip)]
    for strip in meant:
        adding.require(strip.resilver.changes)
    made: list[Any] = []
    with adding.kept(scene):
        try:
            for strip in meant:
                _add_changes(context, scene, strip, made)
        except BaseException:
            for strip in made:
                adding.remove(scene, strip)
            raise
    return [strip.name for strip in made]


def _add_changes(context: Any, scene: Any, restored: Any, made: list[Any]) -> None:
    meta, left, right = meta_around(scene, restored), versions.left(restored), versions.right(restored)
    content, channel = round(versions.content_span(restored)[0]), _channel_above(scene, meta, restored, left, right)
    parked = parking(meta or scene.sequence_editor, min(content, left), right, restored.name)
    strip = adding.add_movie(context, scene, meta, restored.resilver.changes, parked, content)
    made.append(strip)
    versions.set_handles(strip, left, right)
    settle(strip, channel)
    strip.name = f"{restored.name.removesuffix(clips.SUFFIX)} [changes]"
    _lay_over(scene, restored, strip)
    strip.blend_type, strip.blend_alpha = "ALPHA_OVER", 1.0
    _mark(scene, strip, identity.CHANGE_MAP, restored.resilver.source, MAP_COLOUR)
    strip.resilver.job, strip.resilver.changes = restored.resilver.job, restored.resilver.changes


def place_mattes(context: Any, scene: Any, mattes: Sequence[tuple[Shown, str]]) -> list[str]:
    """Put several in place, all or none; returns the strips' names. Raises what ``place_matte`` raises."""
    names: list[str] = []
    try:
        for shown, path in mattes:
            names.append(place_matte(context, scene, path, shown))
    except BaseException:
        for name in names:
            adding.remove(scene, identity.named(scene, name))
        raise
    return names


def place_matte(context: Any, scene: Any, path: str, shown: Shown) -> str:
    """Put a matte (movie, picture, or printf pattern of pictures) above its original, muted, over the same frames.

    Returns:
        The strip's name.

    Raises ClipUnsupported where the original is gone, MediaNotFound, MediaUnreadable, TargetOccupied.
    """
    original = identity.find(scene, shown.uid)
    if original is None:
        raise ClipUnsupported("the strip that the matte belongs to is no longer there", where=shown.name)
    meta = meta_around(scene, original)
    with adding.kept(scene):
        channel = _channel_above(scene, meta, original, shown.start, shown.stop)
        name = f"{original.name} [matte]"
        if Path(path).suffix.lower() in adding.PICTURES:
            strip = adding.add_pictures(scene, meta, _as_played(_files(path), shown), name, channel, shown.start)
        else:
            strip = adding.add_movie(context, scene, meta, path, channel, shown.start)
        versions.set_handles(strip, shown.start, shown.stop)
        strip.name = name
        _lay_over(scene, original, strip)
        _mark(scene, strip, identity.MATTE, shown.uid, MATTE_COLOUR)
        return str(strip.name)


def _as_played(files: list[str], shown: Shown) -> list[str]:
    """Pictures of every film frame as the strip plays them, which may be faster or backwards; others as they are."""
    first, stop = shown.media_span()
    return shown.played(files) if len(files) == stop - first > 1 else files


def _add_map(scene: Any, each: ChangeMap, restored: Any, frame: int) -> Any:
    meta = meta_around(scene, restored)
    channel = _channel_above(scene, meta, restored, frame, frame + 1)
    original = restored.name.removesuffix(clips.SUFFIX)
    name = f"{original} [{each.stage}, frame {each.output_frame}]"
    strip = adding.add_pictures(scene, meta, [each.path], name, channel, frame)
    _lay_over(scene, restored, strip)
    _mark(scene, strip, identity.CHANGE_MAP, each.clip, MAP_COLOUR)
    strip.resilver.job = restored.resilver.job
    return strip


def _restored(scene: Any, each: ChangeMap, shown: Mapping[str, Shown]) -> Any:
    found = identity.restored_of(scene, each.clip)
    if not found:
        name = shown[each.clip].name if each.clip in shown else each.clip
        raise ClipUnsupported("there is no restored strip for the change maps", where=name, remedy="place it first")
    return found[-1]


def _frame_of(scene: Any, restored: Any, output_frame: int) -> int:
    """The timeline frame on which the restored strip shows this frame, or the nearest to it."""
    begins = Fraction(versions.content_span(restored)[0])
    per_frame = facts.scene_rate(scene) / Fraction(restored.resilver.rate)
    return round(begins + output_frame * per_frame)


def _lies(scene: Any, path: str) -> bool:
    there = (strip for strip in identity.every(scene) if identity.role(strip) == identity.CHANGE_MAP)
    return any(Path(strip.directory, strip.elements[0].filename) == Path(path) for strip in there)


def _channel_above(scene: Any, meta: Any | None, strip: Any, start: int, stop: int) -> int:
    channels = channels_in(meta or scene.sequence_editor)
    return channels.put("\0", strip.channel, start, stop, Occupied.ABOVE)


def _lay_over(scene: Any, like: Any, strip: Any) -> None:
    """The whole picture over the whole picture of the other, as that is shown."""
    worn, element = look.read(like), strip.elements[0]
    size = (element.orig_width, element.orig_height)
    inside = geometry.inside((worn.width, worn.height), size, "stretch")
    worn_now = geometry.carried(worn, size, inside, (scene.render.resolution_x, scene.render.resolution_y))
    look.carry(like, strip)
    look.write(strip, worn_now)
    moved = (worn_now.offset[0] - worn.offset[0], worn_now.offset[1] - worn.offset[1])
    look.carry_animation(scene, like, strip, inside, moved)
    strip.mute = True


def _mark(scene: Any, strip: Any, role: str, source: str, colour: str) -> None:
    strip.color_tag = colour
    strip.resilver.role, strip.resilver.source, strip.resilver.made = role, source, identity.now()
    identity.uid_of(scene, strip)


def _files(path: str) -> list[str]:
    """The files of a pattern as far as they are there, in order, or the one picture."""
    folder, name = Path(path).parent, Path(path).name
    if "%" not in name:
        return [path]
    if not folder.is_dir():
        folder = Path(str(folder).replace("%%", "%"))  # as printf wants it written
    head, tail = name.split("%")[0], Path(name).suffix
    digits = (file.name[len(head) : -len(tail)] for file in folder.glob("*") if file.name.startswith(head))
    files = [folder / (name % number) for number in sorted(int(each) for each in digits if each.isdigit())]
    there = [str(file) for file in files if file.is_file()]
    if not there:
        raise MediaNotFound("no file of the sequence is there", where=path)
    return there
