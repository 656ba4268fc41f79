"""Restored clips come back into the timeline: above their originals, with their handles and their look.

All of a call's clips are placed or none. Everything that can be known is known before the first strip is added; what
fails after that is taken back. The caller makes it one step of undo (``place`` pushes none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from resilver.v1 import types_pb2
from resilver_client.errors import ClipUnsupported, InternalError, TargetOccupied
from resilver_publish.types import Layout, Occupied, Placement, RestoredClip

from .. import versions
from ..strips import facts, identity
from ..strips.marks import mark
from ..strips.metas import meta_around, metas_around
from ..strips.shown import Shown
from . import adding, clips, fits, geometry, look
from .channels import Channels, in_words
from .clips import NOTHING_KNOWN, Made
from .room import channels_in, parking, settle

_NAME_BYTES = 57
"""Blender keeps 61; four are for its ".001"."""


@dataclass
class _Planned:
    """A clip of which everything is known, and then what was added for it."""

    clip: RestoredClip
    original: Any
    meta: Any | None
    then: Shown
    fit: fits.Fit
    source_mark: str
    older: list[Any]
    channel: int = 0
    strip: Any = None
    remarks: list[str] = field(default_factory=list)

    @property
    def like(self) -> Any:
        """The strip whose look is carried over: the older restored one, which the user may have worked on."""
        return self.older[-1] if self.older else self.original


def place(
    context: Any,
    scene: Any,
    restored: Sequence[RestoredClip],
    shown: Mapping[str, Shown],
    layout: Layout,
    occupied: Occupied,
    made: Made = NOTHING_KNOWN,
) -> list[Placement]:
    """Put restored clips above their originals, all or none.

    Args:
        shown: what each original (by uid) showed when it was handed over.
        layout: OVERLAY or REPLACE.
        made: it is stored with the strips; its recipe says how pictures were fitted.

    Raises:
        MediaNotFound, MediaUnreadable: a restored file is missing or broken.
        ClipUnsupported: an original is gone or shows something else now; a sequence has another rate than the scene.
        FrameCountMismatch: a file is too short.
        TargetOccupied: there is no room, or ``occupied`` forbids to make it.
    """
    recipe = clips.read_recipe(made.recipe_json)
    planned = _plan_all(scene, restored, shown, recipe)
    rooms = _find_room(scene, planned, occupied)
    with adding.kept(scene), ExitStack() as back:
        for each in planned:
            _add(context, scene, each, clips.fitting(recipe), back)
        _settle(planned, rooms, back)
        for each in planned:
            _mute(scene, each, layout, back)
        back.pop_all()
        for each in planned:
            _finish(scene, each, made)
    return [Placement(each.clip.clip, _where(each)) for each in planned]


def in_the_way(scene: Any, shown: Shown) -> str:
    """What lies where the restored clip would go, for people; empty where it is free."""
    original = clips.original_of(scene, shown.uid, shown.name)
    meta = meta_around(scene, original)
    channels = channels_in(meta or scene.sequence_editor)
    left, right = _handles(scene, original)
    start, stop = max(shown.start - shown.held_before, left), min(shown.stop + shown.held_after, right)
    older = _older(scene, shown.uid, meta, start, stop)
    for strip in older:
        channels.take(strip.name)
    if older and channels.is_free(older[-1].channel, start, stop):
        return ""
    return in_words(channels.between(original.channel, start, stop))


def _plan_all(
    scene: Any, restored: Sequence[RestoredClip], shown: Mapping[str, Shown], recipe: types_pb2.Recipe | None
) -> list[_Planned]:
    return [
        _plan(scene, clip, original, shown[clip.clip], now, recipe)
        for clip, original, now in clips.with_originals(scene, restored, shown)
    ]


def _plan(
    scene: Any, clip: RestoredClip, original: Any, then: Shown, now: Shown, recipe: types_pb2.Recipe | None
) -> _Planned:
    fit = fits.fit(then, now).within(*_handles(scene, original))
    rate = facts.scene_rate(scene)
    if clip.is_sequence and clip.frames > 1 and clip.rate != rate:
        raise ClipUnsupported(
            f"an image sequence is shown at the scene's rate ({float(rate):g}), and this one has {float(clip.rate):g}",
            where=clip.name,
            remedy="choose a movie profile, or give the scene that rate",
        )
    if clips.is_still(clip):
        fit = fits.Fit(fit.start, fit.start, fit.stop, fit.stop, fit.remark)
    else:
        fits.check_length(clip, then, fit, rate, recipe.delivery.tail_frames if recipe else None)
    meta = meta_around(scene, original)
    older = _older(scene, clip.clip, meta, fit.start, fit.stop)
    source_mark = mark(then if fit.remark else now)
    return _Planned(clip, original, meta, then, fit, source_mark, older, remarks=[fit.remark] if fit.remark else [])


def _handles(scene: Any, strip: Any) -> tuple[int, int]:
    """The strip's own handles, cut to those of the metas around it. Only a meta shows the strip beyond them: it then
    holds one of its frames, and does so with the restored strip too."""
    each = (strip, *metas_around(scene, strip))
    return max(map(versions.left, each)), min(map(versions.right, each))


def _older(scene: Any, uid: str, meta: Any | None, start: int, stop: int) -> list[Any]:
    """Restored strips of the same original that the new one takes the place of, the newest last."""
    beside = {strip.name for strip in versions.strips(meta or scene.sequence_editor)}
    return [
        strip
        for strip in identity.restored_of(scene, uid)
        if strip.name in beside and versions.left(strip) < stop and start < versions.right(strip)
    ]


@dataclass
class _Room:
    """One sequence of channels, by the meta whose it is."""

    owner: Any
    channels: Channels


def _find_room(scene: Any, planned: Sequence[_Planned], occupied: Occupied) -> list[_Room]:
    """Decide every clip's channel, before anything is changed."""
    rooms: dict[str, _Room] = {}
    for each in planned:
        key = each.meta.name if each.meta else ""
        if key not in rooms:
            owner = each.meta or scene.sequence_editor
            rooms[key] = _Room(owner, channels_in(owner))
        for strip in each.older:
            rooms[key].channels.take(strip.name)
    for each in planned:
        _choose(each, rooms[each.meta.name if each.meta else ""].channels, occupied)
    return list(rooms.values())


def _choose(each: _Planned, channels: Channels, occupied: Occupied) -> None:
    start, stop, key = each.fit.start, each.fit.stop, f"\0{each.clip.clip}"
    if each.older and channels.is_free(each.older[-1].channel, start, stop):
        channels.put_on(key, each.older[-1].channel, start, stop)
        return
    try:
        channels.put(key, channels.where(each.original.name), start, stop, occupied)
    except TargetOccupied as error:
        raise TargetOccupied(error.what, where=each.original.name, remedy=error.remedy) from None


def _add(context: Any, scene: Any, each: _Planned, fitted: str, back: ExitStack) -> None:
    """Add the strip on a channel that is free now, trim it, and give it its look."""
    clip, fit = each.clip, each.fit
    parked = parking(each.meta or scene.sequence_editor, fit.content, fit.stop, each.original.name)
    strip = clips.add(context, scene, each.meta, clip, clip.name, parked, fit.content)
    back.callback(adding.remove, scene, strip)
    each.strip = strip
    versions.set_handles(strip, fit.start, fit.stop)
    _dress(context, scene, each, fitted)
    if (versions.left(strip), versions.right(strip)) != (fit.start, fit.stop):
        raise InternalError("Blender did not trim the restored strip as asked", where=each.original.name)


def _dress(context: Any, scene: Any, each: _Planned, fitted: str) -> None:
    strip, like = each.strip, each.like
    size = (strip.elements[0].orig_width, strip.elements[0].orig_height)
    worn = look.read(like)
    inside = geometry.inside((each.then.width, each.then.height), size, fitted)
    if like != each.original:
        former = geometry.inside((each.then.width, each.then.height), (worn.width, worn.height), fitted)
        inside = geometry.from_to(former, inside)
    worn_now = geometry.carried(worn, size, inside, (scene.render.resolution_x, scene.render.resolution_y))
    look.write(strip, worn_now)
    look.carry(like, strip)
    look.carry_colour_space(each.original, strip, each.clip.path)
    moved = (worn_now.offset[0] - worn.offset[0], worn_now.offset[1] - worn.offset[1])
    look.carry_animation(scene, like, strip, inside, moved)
    if len(like.modifiers):
        adding.copy_modifiers(context, scene, each.meta, like, strip)


def _settle(planned: Sequence[_Planned], rooms: Sequence[_Room], back: ExitStack) -> None:
    """Bring every strip to its channel: older ones out of the way, then what makes room, then the new ones."""
    for each in planned:
        for strip in each.older:
            owner = each.meta or strip.id_data.sequence_editor
            span = (versions.left(strip), versions.right(strip))
            _move(strip, parking(owner, *span, each.original.name), back)
    for room in rooms:
        moved = [strip for strip in versions.strips(room.owner) if strip.name in room.channels.moved]
        for strip in sorted(moved, key=lambda strip: -strip.channel):
            _move(strip, room.channels.moved[strip.name], back)
    for each in planned:
        room = next(room for room in rooms if room.owner == (each.meta or each.strip.id_data.sequence_editor))
        each.channel = room.channels.where(f"\0{each.clip.clip}")
        _move(each.strip, each.channel, back)


def _move(strip: Any, channel: int, back: ExitStack) -> None:
    back.callback(setattr, strip, "channel", strip.channel)
    settle(strip, channel)


def _mute(scene: Any, each: _Planned, layout: Layout, back: ExitStack) -> None:
    """Mute the original where it was asked for, and where it would shine through the restored picture."""
    original = each.original
    shines = not look.covers(scene, each.strip)
    if original.mute or (layout is not Layout.REPLACE and not shines):
        return
    back.callback(setattr, original, "mute", False)
    original.mute = True
    if layout is not Layout.REPLACE:
        each.remarks.append(f"'{original.name}' is muted, since it would shine through")


def _finish(scene: Any, each: _Planned, made: Made) -> None:
    """What cannot fail: the new strip gets what is stored with it, the older ones go, with the movies of what they
    changed, and it takes their name."""
    former = each.older[-1] if each.older else None
    tag = former.color_tag if former is not None else clips.COLOUR
    strip = each.strip
    clips.store(strip, each.clip, made, each.source_mark, former)
    for older in each.older:
        for laid in identity.changes_of(scene, older):
            adding.remove(scene, laid)
        adding.hand_over(scene, older, strip)
        adding.remove(scene, older)
    strip.name, strip.color_tag = _named(each.original.name), tag
    identity.uid_of(scene, strip)


def _named(original: str) -> str:
    """The original's name with the suffix, cut to what Blender keeps."""
    room = _NAME_BYTES - len(clips.SUFFIX)
    return original.encode()[:room].decode(errors="ignore").rstrip() + clips.SUFFIX


def _where(each: _Planned) -> str:
    place = f"channel {each.channel}" + (f" in '{each.meta.name}'" if each.meta else "")
    return "; ".join([place, *each.remarks])
