"""A second scene with the same edit at the delivery's size and rate.

Metas are kept as metas. Positions on a timeline are frame numbers, so every cut gets a new one; all go through one
rounding, so that shots that met still meet. Restored clips take the place of their originals, frame for frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy

from resilver_client.errors import ClipUnsupported, FrameCountMismatch, InvalidRequest
from resilver_publish.types import Placement, RestoredClip

from .. import versions
from ..strips import facts, identity
from ..strips.marks import mark
from ..strips.shown import Shown
from . import clips, copying, fits
from .clips import NOTHING_KNOWN, Made
from .copying import Copying
from .grid import Grid
from .room import settle

_MARKS = (identity.CHANGE_MAP, identity.MATTE)


@dataclass(frozen=True)
class NewScene:
    """What was made."""

    name: str
    placements: list[Placement]
    report: list[str]
    """For people: what was left out or is not quite the same."""


def build(
    context: Any, scene: Any, restored: Sequence[RestoredClip], shown: Mapping[str, Shown], made: Made = NOTHING_KNOWN
) -> NewScene:
    """The new scene at the size and rate that the clips have; the largest size where they differ.

    Raises what ``new_scene`` raises, and InvalidRequest where the clips have several rates.
    """
    rates = {clip.rate for clip in restored}
    if len(rates) != 1:
        raise InvalidRequest(
            "the clips have several rates: " + ", ".join(sorted(f"{float(rate):g}" for rate in rates)),
            remedy="name a rate in the recipe's interpolation",
        )
    width, height = max((clip.width, clip.height) for clip in restored)
    return new_scene(context, scene, restored, shown, width, height, rates.pop(), made)


def new_scene(
    context: Any,
    scene: Any,
    restored: Sequence[RestoredClip],
    shown: Mapping[str, Shown],
    width: int,
    height: int,
    rate: Fraction,
    made: Made = NOTHING_KNOWN,
) -> NewScene:
    """Make a second scene with the same edit at ``width`` x ``height`` and ``rate``, restored clips in it.

    Raises:
        MediaNotFound, MediaUnreadable: a restored file is missing or broken.
        ClipUnsupported: an original is gone, or lies elsewhere than when it was handed over.
        FrameCountMismatch: a clip has not exactly the frames from its cut to the next one.

    Then no scene is made. The caller makes it one step of undo.
    """
    grid = Grid(scene.frame_start, facts.scene_rate(scene), rate)
    recipe = clips.read_recipe(made.recipe_json)
    _check(scene, restored, shown, grid, recipe.delivery.tail_frames if recipe else 0)
    goal = bpy.data.scenes.new(f"{scene.name} {title(width, height, rate)}"[:58])
    work = _Building(Copying(context, scene, goal, grid), restored, shown, made)
    try:
        _set_up(goal, scene, width, height, grid)
        work.fill(scene.sequence_editor, None)
    except BaseException:
        bpy.data.scenes.remove(goal)
        raise
    for strip in identity.every(goal):
        strip.select = False
    return NewScene(goal.name, work.placements, work.copying.said)


def title(width: int, height: int, rate: Fraction) -> str:
    """ "4K60", or "3840x2160@59.94"."""
    if (width, height, rate) == (3840, 2160, Fraction(60)):
        return "4K60"
    return f"{width}x{height}@{float(rate):.5g}"


def _check(scene: Any, restored: Sequence[RestoredClip], shown: Mapping[str, Shown], grid: Grid, tail: int) -> None:
    for clip, _, now in clips.with_originals(scene, restored, shown):
        _check_clip(clip, shown[clip.clip], now, grid, tail)


def _check_clip(clip: RestoredClip, then: Shown, now: Shown, grid: Grid, tail: int) -> None:
    fit = fits.fit(then, now)
    if fit.remark or (then.start, then.stop) != (now.start, now.stop) or fit.content != now.start:
        raise ClipUnsupported(
            "it was moved or trimmed while it was restored", where=now.name, remedy="undo that, or restore it again"
        )
    wanted = grid.at(now.stop) - grid.at(now.start)
    if not clips.is_still(clip) and clip.frames - tail != wanted:
        raise FrameCountMismatch(
            f"{clip.frames - tail} frames were restored, from cut to cut there are {wanted}",
            where=now.name,
            remedy="restore it again into a new scene",
        )


def _set_up(goal: Any, scene: Any, width: int, height: int, grid: Grid) -> None:
    """The new scene's settings, markers and channels."""
    render = goal.render
    render.fps = -(-grid.new.numerator // grid.new.denominator)
    render.fps_base = float(render.fps / grid.new)
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    for part in ("view_settings", "display_settings", "sequencer_colorspace_settings"):
        _copy_settings(getattr(scene, part), getattr(goal, part))
    goal.sync_mode = scene.sync_mode
    goal.frame_start, goal.frame_end = 1, max(1, grid.at(scene.frame_end + 1) - 1)
    goal.frame_set(max(1, grid.at(scene.frame_current)))
    for marker in scene.timeline_markers:
        goal.timeline_markers.new(marker.name, frame=grid.at(marker.frame))
    if goal.sequence_editor is None:
        goal.sequence_editor_create()
    _copy_channels(scene.sequence_editor, goal.sequence_editor)


def _copy_settings(source: Any, target: Any) -> None:
    """View transform before look: which looks there are depends on it."""
    for name in ("display_device", "view_transform", "look", "exposure", "gamma", "name"):
        if hasattr(source, name) and getattr(source, name) != getattr(target, name):
            setattr(target, name, getattr(source, name))


def _copy_channels(source: Any, target: Any) -> None:
    for old, new in zip(source.channels, target.channels, strict=True):
        new.name, new.mute, new.lock = old.name, old.mute, old.lock


class _Building:
    """Fills the new scene, meta by meta."""

    def __init__(
        self, copying: Copying, restored: Sequence[RestoredClip], shown: Mapping[str, Shown], made: Made
    ) -> None:
        self.copying = copying
        self.placements: list[Placement] = []
        self._restored = {clip.clip: clip for clip in restored}
        self._shown = shown
        self._made = made

    def fill(self, owner: Any, meta: Any | None) -> None:
        """Everything that lies in ``owner``, into ``meta`` of the new scene."""
        for strip in sorted(versions.strips(owner), key=lambda strip: (strip.channel, versions.left(strip))):
            clip = self._restored.get(strip.resilver.uid)
            if clip is not None and identity.find(self.copying.source, clip.clip) == strip:
                self._place(strip, clip, meta)
            elif identity.role(strip) in _MARKS or strip.resilver.source in self._restored:
                continue
            elif strip.type == "META":
                self._meta(strip, meta)
            else:
                self.copying.copy(strip, meta)

    def _meta(self, strip: Any, meta: Any | None) -> None:
        grid, owner = self.copying.grid, self.copying.owner(meta)
        start, stop = grid.at(versions.left(strip)), grid.at(versions.right(strip))
        if start >= stop:
            self.copying.leave_out(strip, "it is shorter than a frame at the new rate")
            return
        made = versions.strips(owner).new_meta(strip.name, self.copying.park(meta, strip), start)
        _copy_channels(strip, made)
        self.fill(strip, made)
        self.copying.finish(strip, made, start, stop)

    def _place(self, strip: Any, clip: RestoredClip, meta: Any | None) -> None:
        """The restored clip where its original would be."""
        shown, grid, goal = self._shown[clip.clip], self.copying.grid, self.copying.goal
        at, start, stop = grid.at(shown.start), grid.at(versions.left(strip)), grid.at(versions.right(strip))
        channel = self.copying.park(meta, strip)
        made = clips.add(self.copying.context, goal, meta, clip, strip.name, channel, at)
        versions.set_handles(made, start, stop)
        settle(made, strip.channel)
        made.name, made.color_tag = strip.name, clips.COLOUR
        copying.restored_like(
            self.copying, strip, made, shown, clips.fitting(clips.read_recipe(self._made.recipe_json))
        )
        self._unmute(strip, made)
        clips.store(made, clip, self._made, mark(shown))
        self.placements.append(Placement(clip.clip, f"channel {made.channel} of the scene '{goal.name}'"))

    def _unmute(self, strip: Any, made: Any) -> None:
        """An original that is muted because its restored strip is shown is not what the edit shows."""
        shown = [each for each in identity.restored_of(self.copying.source, strip.resilver.uid) if not each.mute]
        if shown:
            made.mute = False
