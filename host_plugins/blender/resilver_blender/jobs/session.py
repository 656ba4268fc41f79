"""Blender as the publish plug-ins see it. Lives in a job's thread; what touches Blender is done on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import bpy
from google.protobuf import json_format

from resilver.v1 import types_pb2
from resilver_client.catalogue import KEEP_FRAMES, OWN_KEYS, Input
from resilver_client.errors import (
    Cancelled,
    ClipUnsupported,
    InternalError,
    InvalidRequest,
    ResilverError,
    SelectionEmpty,
)
from resilver_publish.types import (
    ChangeMap,
    HostClip,
    HostTimeline,
    Layout,
    Occupied,
    Placement,
    Progress,
    Remembered,
    RestoredClip,
)

from .. import versions
from ..placing import place, preview, scene4k
from ..placing.clips import Made
from ..sending import mattes, timeline
from ..sending.timeline import Pictures
from ..settings.asking import Channel
from ..strips import facts, identity
from ..strips.shown import Shown
from . import records, words
from .jobs import Job

Result = TypeVar("Result")
_MATTES = [OWN_KEYS[kind] for kind in (Input.MATTE, Input.KEEP, Input.DEFECT_MAP)]


class BlenderSession:
    """The strips of one job in one scene. They are found again by their uid at every step."""

    host = "blender"

    def __init__(self, job: Job, channels: Sequence[Channel] = (), pictures: str = "") -> None:
        """``pictures`` is a folder for what lies on ``channels``, as the server sees it."""
        self._job = job
        self._channels = tuple(channels)
        self._pictures = pictures
        self._ways: dict[str, str | ResilverError] = {}
        """What lies in the way of each clip, until it is asked for."""

    def selection(self) -> Sequence[HostClip]:
        return self._do(self._selection, calm=True)

    def timeline(self, clips: Sequence[HostClip]) -> HostTimeline:
        pictures = timeline.gathered([
            (clip.id, channel, self._baked(clip, channel)) for clip in clips for channel in self._channels
        ])  # fmt: skip
        return self._do(lambda: self._timeline(clips, pictures), calm=True)

    def in_the_way(self, clip: HostClip, layout: Layout) -> str:
        if layout in (Layout.TAKE, Layout.FILE):
            raise InvalidRequest(f"Blender has no layout {layout.value!r}", remedy="choose another layout")
        if layout is Layout.NEW_TIMELINE:
            return ""
        self._shown(clip)
        if clip.id not in self._ways:  # of all clips at once: the main thread comes by only four times a second
            self._ways = self._do(self._all_ways)
        way = self._ways.pop(clip.id)
        if isinstance(way, ResilverError):
            raise way
        return way

    def remember(self, remembered: Remembered) -> None:
        self._do(lambda: self._remember(remembered))

    def place(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Sequence[Placement]:
        return self._do(lambda: self._place(restored, layout, occupied), calm=True)

    def show(self, pictures: Sequence[str], change_maps: Sequence[ChangeMap]) -> None:
        self._do(lambda: preview.show(pictures))

    def progress(self, progress: Progress) -> None:
        self._job.progress = progress

    def report(self, sentence: str) -> None:
        self._job.said.append(sentence)

    def _do(self, function: Callable[[], Result], calm: bool = False) -> Result:
        return self._job.main.call(function, calm=calm)

    def _scene(self) -> Any:
        scene = records.scene_of(self._job.meant.scene)
        if scene is None:
            raise ClipUnsupported("the scene was deleted", where=self._job.meant.title, remedy="undo until it is back")
        return scene

    def _shown(self, clip: HostClip) -> Shown:
        shown = self._job.shown.get(clip.id)
        if shown is None:
            raise InternalError("it is not known what the strip showed", where=clip.name)
        return shown

    def _all_ways(self) -> dict[str, str | ResilverError]:
        """What lies in the way of every strip that was read, or why that cannot be said."""
        scene, found = self._scene(), dict[str, str | ResilverError]()
        for uid, shown in self._job.shown.items():
            try:
                found[uid] = place.in_the_way(scene, shown)
            except ResilverError as error:
                found[uid] = error
        return found

    def _selection(self) -> list[HostClip]:
        """The strips that were selected when the job was asked for. Raises SelectionEmpty."""
        scene = self._scene()
        if not self._job.meant.clips:
            raise SelectionEmpty("no strip is selected", remedy="select movie or image strips")
        strips = [_found(scene, uid) for uid in self._job.meant.clips]
        read = facts.shown_all(scene, strips)
        self._job.shown = {each.uid: each for each in read if isinstance(each, Shown)}
        return [_clip(scene, strip, each) for strip, each in zip(strips, read, strict=True)]

    def _baked(self, clip: HostClip, channel: Channel) -> str:
        """Path of what lies on a channel over a clip, rendered in steps between which Blender goes on."""
        with mattes.Baking(self._shown(clip), channel.channel, self._pictures) as baking:
            while not self._job.asked_to_cancel:
                path = self._do(lambda: baking.step(self._scene()), calm=True)
                if path is not None:
                    return path
        raise Cancelled("cancelled while its mattes were rendered")

    def _timeline(self, clips: Sequence[HostClip], pictures: Mapping[str, Pictures]) -> HostTimeline:
        shown = [self._shown(clip) for clip in clips]
        self._job.mattes = _mattes(pictures)
        return timeline.build(self._scene(), shown, pictures)

    def _remember(self, remembered: Remembered) -> None:
        order = self._job.meant.order
        if order is not None:
            self._job.recipe_json = _as_json(order.recipe)
            own = {clip.id: order.own_of(clip.id).get(KEEP_FRAMES, {}) for clip in remembered.clips}
            self._job.kept = {uid: kept for uid, kept in own.items() if kept}
        self._job.remembered = remembered
        records.write(self._job)

    def _place(self, restored: Sequence[RestoredClip], layout: Layout, occupied: Occupied) -> Sequence[Placement]:
        """Add the strips, note that they are placed, and make both one step of undo."""
        scene, job = self._scene(), self._job
        known = Made(job.recipe_json, job.kept)
        if layout is Layout.NEW_TIMELINE:
            made = scene4k.build(bpy.context, scene, restored, job.shown, known)
            placements, message = made.placements, f"New Scene {made.name}"
            job.said += made.report
        else:
            message = f"Restore {words.shots(len(restored))}"
            placements = place.place(bpy.context, scene, restored, job.shown, layout, occupied, known)
        job.placed = True
        records.write(job)
        push_undo(message)
        return placements


def push_undo(message: str) -> None:
    """Make what was changed since the last one a step of undo."""
    window = bpy.context.window or bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo_push(message=message)


def _found(scene: Any, uid: str) -> Any:
    strip = identity.find(scene, uid)
    if strip is None:
        raise ClipUnsupported("a strip that was selected is no longer there", remedy="select the strips again")
    return strip


def _clip(scene: Any, strip: Any, read: Shown | ResilverError) -> HostClip:
    if isinstance(read, Shown):
        return HostClip(read.uid, read.name, read.channel, read.start, read.stop)
    start, stop = versions.left(strip), versions.right(strip)
    return HostClip(identity.uid_of(scene, strip), strip.name, strip.channel, start, stop, read)


def _mattes(pictures: Mapping[str, Pictures]) -> dict[str, list[str]]:
    """Mattes and defect maps that go along for each clip's stages, by uid."""
    found = {
        uid: sorted({path for kind, paths in kinds.items() if kind in _MATTES for path in paths.values()})
        for uid, kinds in pictures.items()
    }
    return {uid: paths for uid, paths in found.items() if paths}


def _as_json(recipe: types_pb2.Recipe) -> str:
    """The same text for the same recipe, so that strips can be compared by it."""
    return str(json_format.MessageToJson(recipe, indent=None, sort_keys=True))
