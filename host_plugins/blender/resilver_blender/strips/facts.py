"""What the user means, and which frames of which media a strip shows, exactly.

All of it was found by rendering in Blender 4.2 to 5.2, and ``tests/blender/test_facts.py`` renders it again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import bpy

from resilver_client.errors import ClipOffline, ClipUnsupported, ResilverError

from .. import versions
from . import identity
from .metas import MEDIA, Seen, meta_plays_plainly, metas_around, pictures_in, seen_through
from .numbered import NotASequence, sequence_of
from .playing import Copy, Playing, copied
from .rates import exact_rate
from .shown import Shown

_RETIMED = "its speed was changed by retiming"
_UNTIME = "reset the retiming, or render the strip and use that"
_LEAVE_OUT = "leave it out of the selection"
_KINDS = {
    "SCENE": "it is a scene strip, which has no film",
    "MOVIECLIP": "it is a clip strip, which Resilver cannot read",
    "MASK": "it is a mask, which has no film",
    "COLOR": "it is a colour, which has no film",
    "TEXT": "it is a text, which has no film",
}


def scene_rate(scene: Any) -> Fraction:
    """Timeline frames a second, exactly: ``fps / fps_base`` is stored in single precision."""
    return exact_rate(scene.render.fps / scene.render.fps_base)


def selected(context: Any) -> list[Any]:
    """The strips that the user means, in timeline order (start, then channel).

    Selected strips of the level that is open in the sequencer; instead of a meta the pictures that lie in it and are
    seen. Sound is left out. Strips that cannot be restored are in the list: ``shown`` says why.
    """
    scene = versions.edited_scene(context)
    editor = scene.sequence_editor if scene is not None else None
    if editor is None:
        return []
    opened = list(editor.meta_stack)
    found = []
    for strip in versions.strips(opened[-1] if opened else editor):
        if strip.select:
            found += list(pictures_in(strip, (strip,))) if strip.type == "META" else [strip]
    wanted = [strip for strip in found if strip.type != "SOUND" and not identity.role(strip)]
    return sorted(wanted, key=lambda strip: (versions.left(strip), strip.channel))


def shown(scene: Any, strip: Any) -> Shown:
    """What one strip shows. Raises ClipUnsupported or ClipOffline, naming it. Gives the strip its lasting id.

    Not to be called while a panel is drawn (a copy of the scene is made and deleted).
    """
    found = shown_all(scene, [strip])[0]
    if isinstance(found, ResilverError):
        raise found
    return found


def shown_all(scene: Any, strips: Sequence[Any]) -> list[Shown | ResilverError]:
    """The same for several strips with one copy of the scene: what each shows, or why that is not known."""
    sped = {each.input_1.name for each in identity.every(scene) if each.type == "SPEED" and each.input_1 is not None}
    found: list[Shown | ResilverError] = []
    with copied(scene) as copy:
        for strip in strips:
            try:
                found.append(_Reading(scene, strip, copy, sped).shown())
            except ResilverError as error:
                found.append(error)
    return found


def _absolute(path: str) -> Path:
    """A path as Blender stores it (``//`` is the folder of the file), without going through links."""
    return Path(os.path.normpath(bpy.path.abspath(path)))


class _Reading:
    """Everything that is asked of one strip."""

    def __init__(self, scene: Any, strip: Any, copy: Copy, sped: set[str]) -> None:
        self.scene = scene
        self.strip = strip
        self.metas = metas_around(scene, strip)
        self.copy = copy
        self.sped = sped

    def shown(self) -> Shown:
        self._supported()
        media, kind, first_number = self._media()
        seen = seen_through(self.strip, self.metas)
        if seen.start >= seen.stop:
            raise self._unsupported("it lies outside what the meta strip around it shows", _LEAVE_OUT)
        playing = self.copy.playing(self.strip.name)
        if playing.retimed or (kind != "movie" and playing.rate is not None):
            raise self._unsupported(_RETIMED, _UNTIME)
        if kind == "still":
            return self._as_shown(media, kind, None, seen, seen.start, seen.stop, Fraction(0), Fraction(1))
        speed = Fraction(1) if playing.rate is None else playing.rate / scene_rate(self.scene)
        start, stop = self._running(playing, speed)
        start, stop = max(start, seen.start), min(stop, seen.stop)
        if start >= stop or self._frame_at(stop - 1, speed) > self._last(playing):
            raise self._unsupported(
                "it only holds the first or the last frame of its media",
                "move its ends so that the media runs in it, or use a picture",
            )
        return self._as_shown(media, kind, first_number, seen, start, stop, self._frame_at(start, speed), speed)

    def _as_shown(
        self,
        media: str,
        kind: str,
        first_number: int | None,
        seen: Seen,
        start: int,
        stop: int,
        first: Fraction,
        speed: Fraction,
    ) -> Shown:
        strip = self.strip
        element = strip.elements[0]
        return Shown(
            name=strip.name,
            uid=identity.uid_of(self.scene, strip),
            channel=strip.channel,
            start=start,
            stop=stop,
            metas=tuple(meta.name for meta in self.metas),
            media=media,
            kind=kind,
            first=first,
            speed=speed,
            reverse=bool(strip.use_reverse_frames) and kind != "still",
            media_rate=exact_rate(strip.fps) if kind == "movie" else None,
            first_number=first_number,
            width=element.orig_width,
            height=element.orig_height,
            held_before=start - seen.low,
            held_after=seen.high - stop,
        )

    def _supported(self) -> None:
        strip = self.strip
        if strip.type not in MEDIA:
            raise self._unsupported(_KINDS.get(strip.type, "it is an effect, which has no film"), _LEAVE_OUT)
        for each in (strip, *self.metas):
            within = "" if each == strip else f"the meta strip {each.name} around it: "
            if versions.retimed(each) or (each.type == "META" and not meta_plays_plainly(each)):
                raise self._unsupported(within + _RETIMED, _UNTIME)
            if each.strobe > 1:
                raise self._unsupported(f"{within}strobe shows every {each.strobe:g}th frame only", "set strobe to 0")
            if each.name in self.sped:
                raise self._unsupported(within + "a speed control effect changes its speed", "remove the effect")
            if each != strip and each.use_reverse_frames:
                raise self._unsupported(within + "it plays backwards", "reverse the strips in it instead")
        if strip.use_multiview and self.scene.render.use_multiview:
            raise self._unsupported("it has several views (stereoscopy)", "switch them off, or restore each by itself")

    def _media(self) -> tuple[str, str, int | None]:
        """Path or pattern, kind, first number."""
        return self._movie() if self.strip.type == "MOVIE" else self._pictures()

    def _movie(self) -> tuple[str, str, int | None]:
        path = _absolute(self.strip.filepath)
        self._there(path)
        if not self.strip.fps:
            raise ClipOffline(f"Blender cannot read {path}", where=self.strip.name, remedy="relink the strip")
        if self.strip.stream_index:
            raise self._unsupported("it shows another than the file's first picture stream", "extract that stream")
        return str(path), "movie", None

    def _pictures(self) -> tuple[str, str, int | None]:
        folder = _absolute(self.strip.directory)
        names = [element.filename for element in self.strip.elements]
        self._there(folder / names[0])
        if len(names) == 1:
            return str(folder / names[0]), "still", None
        try:
            pattern, number = sequence_of(names)
        except NotASequence as error:
            raise self._unsupported(
                f"its pictures are no sequence: at {error.file} {error.why}", "renumber the files without gaps"
            ) from error
        self._there(folder / names[-1])
        return str(Path(str(folder).replace("%", "%%")) / pattern), "sequence", number

    def _there(self, path: Path) -> None:
        if not path.is_file():
            raise ClipOffline(f"its file is not there: {path}", where=self.strip.name, remedy="relink the strip")

    def _running(self, playing: Playing, speed: Fraction) -> tuple[int, int]:
        """The timeline frames on which the media runs; outside them Blender holds the frame at its end."""
        start, stop = (Fraction(edge) for edge in versions.content_span(self.strip))
        length = playing.frames / speed
        if self.strip.use_reverse_frames:
            return floor(stop - 1 - length) + 1, ceil(stop)
        return ceil(start), ceil(start + length)

    def _frame_at(self, frame: int, speed: Fraction) -> Fraction:
        """Media frame at a timeline frame. Backwards Blender counts from the last timeline frame of the content."""
        start, stop = (Fraction(edge) for edge in versions.content_span(self.strip))
        travel = stop - 1 - frame if self.strip.use_reverse_frames else frame - start
        return versions.media_trims(self.strip)[0] + travel * speed

    def _last(self, playing: Playing) -> int:
        """The last media frame that the strip has. Backwards, slow media begins less than a frame beyond it."""
        start = versions.media_trims(self.strip)[0]
        return start + playing.frames - (1 if self.strip.use_reverse_frames else 0)

    def _unsupported(self, why: str, remedy: str) -> ClipUnsupported:
        return ClipUnsupported(why, where=self.strip.name, remedy=remedy)
