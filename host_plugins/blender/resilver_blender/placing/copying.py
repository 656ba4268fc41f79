"""Strips of one scene put into another that runs at another rate and has another size.

What is carried: movies that play at their own speed, pictures, sounds, colours, texts, adjustment layers, metas. Every
other strip is left out and named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from resilver_client.errors import ClipUnsupported, ResilverError

from .. import versions
from ..strips import facts, identity
from ..strips.restored import file_of
from ..strips.shown import Shown
from . import adding, geometry, look
from .grid import Grid
from .room import parking, settle

_PLAIN = ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM")
_OF_PLACE = ("channel", "duration", "select", "stream_index", "filepath", "directory", "name",
             "lock")  # fmt: skip
_OF_PLACE_STARTS = ("frame_", "left_", "right_", "content_", "animation_offset", "select_", "show_", "use_proxy")
_FAR = 2**20
"""Timeline frames; Blender's timelines end there."""
_RESTORE = "restore it, then it is carried"
_WITHOUT_MEDIA = ("COLOR", "TEXT", "ADJUSTMENT")
_KINDS = {
    "SCENE": "a scene strip", "MOVIECLIP": "a clip strip", "MASK": "a mask", "MULTICAM": "a multicam selector",
    "CROSS": "a dissolve", "GAMMA_CROSS": "a dissolve", "WIPE": "a wipe", "SPEED": "a speed control",
}  # fmt: skip


@dataclass
class Copying:
    """From where to where, and what could not be carried."""

    context: Any
    source: Any
    goal: Any
    grid: Grid
    said: list[str] = field(default_factory=list)
    """For people: what was left out or is not quite the same."""

    @property
    def factor(self) -> float:
        """How much larger the picture is: a scene of another shape shows all of it."""
        one, other = self.source.render, self.goal.render
        return float(min(other.resolution_x / one.resolution_x, other.resolution_y / one.resolution_y))

    @property
    def size(self) -> tuple[int, int]:
        return self.goal.render.resolution_x, self.goal.render.resolution_y

    def copy(self, strip: Any, meta: Any | None) -> None:
        """Put the like of ``strip`` into ``meta`` of the other scene (None: its timeline), or say why not."""
        before = {each.as_pointer() for each in versions.strips(self.owner(meta))}
        try:
            self._make(strip, meta)
        except (ResilverError, RuntimeError) as error:  # RuntimeError: what Blender's own functions raise
            for each in list(versions.strips(self.owner(meta))):
                if each.as_pointer() not in before:
                    adding.remove(self.goal, each)
            self.leave_out(strip, _reason(error))

    def leave_out(self, strip: Any, why: str) -> None:
        """Say that a strip is not carried."""
        self.said.append(f"'{strip.name}' is left out: {why}")

    def _make(self, strip: Any, meta: Any | None) -> None:
        start, stop = self.grid.at(versions.left(strip)), self.grid.at(versions.right(strip))
        if start >= stop:
            raise ClipUnsupported("it is shorter than a frame at the new rate")
        if strip.type == "MOVIE":
            made = self._movie(strip, meta)
        elif strip.type == "IMAGE":
            made = self._picture(strip, meta, start)
        elif strip.type == "SOUND":
            made = self._sound(strip, meta)
        elif strip.type in _WITHOUT_MEDIA:
            channel = self.park(meta, strip)
            made = versions.new_effect(self.owner(meta), strip.name, strip.type, channel, start, stop)
        else:
            raise ClipUnsupported(f"{_KINDS.get(strip.type, 'an effect')} cannot be carried to another rate")
        self.finish(strip, made, start, stop)

    def owner(self, meta: Any | None) -> Any:
        return meta or self.goal.sequence_editor

    def park(self, meta: Any | None, strip: Any) -> int:
        """An empty channel, on which a strip can be moved and trimmed without Blender moving it away."""
        return parking(self.owner(meta), -_FAR, _FAR, strip.name)

    def finish(self, strip: Any, made: Any, start: int, stop: int) -> None:
        """Handles, channel, name and look."""
        versions.set_handles(made, start, stop)
        settle(made, strip.channel)
        made.name, made.color_tag = strip.name, strip.color_tag
        _copy_plain(strip, made)
        for part in ("crop", "transform"):
            if hasattr(strip, part) and hasattr(made, part):
                _copy_plain(getattr(strip, part), getattr(made, part))
        self._enlarge(made)
        if hasattr(strip, "colorspace_settings") and hasattr(made, "colorspace_settings"):
            made.colorspace_settings.name = strip.colorspace_settings.name
        self._modifiers(strip, made)
        lines = dict.fromkeys(("transform.offset_x", "transform.offset_y"), (self.factor, 0.0))
        if strip.type in ("MOVIE", "IMAGE"):
            lines |= dict.fromkeys(("transform.scale_x", "transform.scale_y"), (self.factor, 0.0))
        look.copy_curves(self.source, strip, self.goal, made, lines, self.grid.time_at)

    def _enlarge(self, made: Any) -> None:
        """The same part of the picture at the new size. Colours, texts and metas are as large as the scene anyway."""
        if made.type in ("MOVIE", "IMAGE"):
            look.write(made, geometry.enlarged(look.read(made), (self.factor, self.factor)))
        elif hasattr(made, "transform"):
            made.transform.offset_x *= self.factor
            made.transform.offset_y *= self.factor
        if made.type == "TEXT":
            made.font_size *= self.factor

    def _movie(self, strip: Any, meta: Any | None) -> Any:
        shown = facts.shown(self.source, strip)
        own = shown.speed * self.grid.old
        if own not in (shown.media_rate, self.grid.new):
            raise ClipUnsupported(f"it plays at {float(own):g} frames a second, not its own rate", remedy=_RESTORE)
        if (shown.held_before or shown.held_after) and any(versions.media_trims(strip)):
            self.said.append(f"'{strip.name}': where it held a frame it now runs on")
        channel, at = self.park(meta, strip), self.grid.at(shown.start)
        made = adding.add_movie(self.context, self.goal, meta, file_of(strip), channel, at)
        made.use_reverse_frames = shown.reverse
        self._stand(made, shown, own)
        return made

    def _stand(self, made: Any, shown: Shown, own: Fraction) -> None:
        """Move the content so that it stands at each moment where it stood; within half a frame of the new rate."""
        begin, end = versions.content_span(made)
        into = shown.first * self.grid.new / own
        moment = self.grid.time_at(shown.start)
        wanted = moment + into - (end - 1) if shown.reverse else moment - into - begin
        versions.shift(made, round(wanted))

    def _picture(self, strip: Any, meta: Any | None, start: int) -> Any:
        if len(strip.elements) > 1 and self.grid.new != self.grid.old:
            raise ClipUnsupported("an image sequence cannot run at another rate", remedy=_RESTORE)
        folder = Path(bpy.path.abspath(strip.directory))
        paths = [str(folder / element.filename) for element in strip.elements]
        begin = self.grid.at(round(versions.content_span(strip)[0])) if len(paths) > 1 else start
        return adding.add_pictures(self.goal, meta, paths, strip.name, self.park(meta, strip), begin)

    def _sound(self, strip: Any, meta: Any | None) -> Any:
        if strip.sound is None:
            raise ClipUnsupported("its sound was removed from the file")
        path = str(bpy.path.abspath(strip.sound.filepath))
        adding.require(path)
        at = round(self.grid.time_at(versions.content_span(strip)[0]))
        return versions.strips(self.owner(meta)).new_sound(strip.name, path, self.park(meta, strip), at)

    def _modifiers(self, strip: Any, made: Any) -> None:
        for modifier in strip.modifiers:
            try:
                copied = made.modifiers.new(modifier.name, modifier.type)
            except (TypeError, RuntimeError):
                copied = None
            if copied is None or any(hasattr(modifier, name) for name in ("curve_mapping", "graphic_equalizers")):
                self.said.append(f"'{strip.name}': its modifier '{modifier.name}' is to be set again")
            if copied is not None:
                _copy_plain(modifier, copied)
                if hasattr(modifier, "color_balance"):
                    _copy_plain(modifier.color_balance, copied.color_balance)


def _reason(error: ResilverError | RuntimeError) -> str:
    if isinstance(error, ResilverError):
        return ", ".join(part for part in (error.what, error.remedy) if part)
    return str(error).strip().removeprefix("Error: ")


def _copy_plain(source: Any, target: Any) -> None:
    """Copy numbers, switches, texts and references to data of the file, but not where a strip lies."""
    for setting in source.bl_rna.properties:
        name = setting.identifier
        if setting.is_readonly or name in _OF_PLACE or name.startswith(_OF_PLACE_STARTS) or not hasattr(target, name):
            continue
        value = getattr(source, name)
        if setting.type in _PLAIN or (setting.type == "POINTER" and name == "font"):
            setattr(target, name, value)


def restored_like(copying: Copying, strip: Any, made: Any, shown: Shown, fitted: str) -> None:
    """The restored picture over the place of the original's, at the new size."""
    worn = geometry.enlarged(look.read(strip), (copying.factor, copying.factor))
    size = (made.elements[0].orig_width, made.elements[0].orig_height)
    inside = geometry.inside((shown.width, shown.height), size, fitted)
    worn_now = geometry.carried(worn, size, inside, copying.size)
    look.write(made, worn_now)
    look.carry(strip, made)
    moved = tuple(after - before for after, before in zip(worn_now.offset, worn.offset, strict=True))
    lines = look.lines_of(inside, (moved[0], moved[1]), copying.factor)
    look.copy_curves(copying.source, strip, copying.goal, made, lines, copying.grid.time_at)
    identity.uid_of(copying.goal, made)
