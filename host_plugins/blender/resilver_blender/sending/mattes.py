"""Pictures from a channel of the timeline as inputs of stages: mattes, masks of what to keep, defect maps.

The artist paints in the scene's frame, over the film as it lies there. What is on the channel is rendered by Blender,
alone and over black, once for each frame of film, and laid onto the film's own pixels.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from resilver_client.errors import ClipUnsupported, InvalidMatte, OutputUnwritable

from .. import versions
from ..strips import identity
from ..strips.metas import metas_around
from ..strips.playing import copy_of
from ..strips.shown import Shown
from ..strips.transform import Look, shown_at
from .registering import Picture, Point, Registration, read_targa, with_last_pixel, write_png

_SLOT = "Resilver"
_MAY_MASK = ("MASK", "META")
"""Kinds of strips that are masks, or may hold some."""

_SLICE = 0.2
"""Seconds of Blender's main thread that one step takes, and what its last frame takes longer."""


class Baking:
    """What lies on a channel over a strip, rendered in steps, so that Blender goes on in between. A context manager.

    The result is a sequence with one picture for each frame of film that the strip shows, in the film's order and size;
    where they are all the same it is one picture. It lies in ``folder`` under a name that its content gives it, so the
    same pictures come to the same place. Strips that are muted are left out; the channel itself may be. Nothing of the
    user's is changed.
    """

    def __init__(self, shown: Shown, channel: int, folder: str) -> None:
        """Raises InvalidMatte where Blender cannot render the frames, OutputUnwritable."""
        self._shown, self._channel, self._folder = shown, channel, Path(folder)
        first, stop = shown.media_span()
        self._frames = [shown.timeline_frame(number) for number in range(first, stop)]
        if min(self._frames) < 0:
            remedy = "move the edit to the right"
            raise InvalidMatte("Blender renders no frames before 0", where=shown.name, remedy=remedy)
        self._left = sorted(set(self._frames))
        self._files: dict[tuple[str, str], Path] = {}
        self._found: dict[int, Path] = {}
        self._names: set[str] = set()
        with self._writing():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._scratch = tempfile.TemporaryDirectory(dir=folder, prefix=".baking-")

    def __enter__(self) -> Baking:
        return self

    def __exit__(self, *exception: object) -> None:
        self._scratch.cleanup()

    def step(self, scene: Any) -> str | None:
        """Render a little more on Blender's main thread: path of the picture, or the printf pattern of the sequence,
        once all is done.

        Raises InvalidMatte where nothing lies on the channel or that changed meanwhile, ClipUnsupported where the strip
        is gone, OutputUnwritable.
        """
        strip = identity.find(scene, self._shown.uid)
        if strip is None:
            raise ClipUnsupported("the strip is gone", where=self._shown.name, remedy="undo until it is back")
        names = _over(scene, self._shown, self._channel)
        if self._names and names != self._names:
            what = f"what lies on channel {self._channel} was changed while it was rendered"
            raise InvalidMatte(what, where=self._shown.name, remedy="restore again")
        self._names = names
        with self._writing():
            self._render(scene, strip)
            if self._left:
                return None
            files = [self._found[frame] for frame in self._frames]
            return _kept(files, self._folder, f"{_plain(self._shown.name)}-channel{self._channel}")

    def _render(self, scene: Any, strip: Any) -> None:
        """One file for each frame of the timeline; the same file again where nothing changed."""
        scratch = Path(self._scratch.name)
        with _rendering(scene, self._names, scratch) as render:
            until = time.monotonic() + _SLICE
            while self._left:
                frame = self._left.pop(0)
                place, raw = _Placed(scene, strip, frame), render(frame)
                key = hashlib.sha256(raw.tobytes()).hexdigest(), repr(place.looks)
                if key not in self._files:
                    self._files[key] = scratch / f"{frame}.png"
                    write_png(self._files[key], place.registration()(raw))
                self._found[frame] = self._files[key]
                if time.monotonic() >= until:
                    return

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputUnwritable(
                f"the pictures of channel {self._channel} cannot be written: {error}",
                where=str(self._folder),
                remedy="choose another folder",
            ) from error


def _over(scene: Any, shown: Shown, channel: int) -> set[str]:
    """Names of the strips on the channel that lie over the strip."""
    names = {
        strip.name
        for strip in versions.strips(scene.sequence_editor)
        if strip.channel == channel and not strip.mute and strip.type != "SOUND" and strip.name != shown.name
        and versions.left(strip) < shown.stop and shown.start < versions.right(strip)
    }  # fmt: skip
    if not names:
        raise InvalidMatte(
            f"nothing lies on channel {channel} over it",
            where=shown.name,
            remedy="put a mask or a picture there, or take the channel out of the panel",
        )
    return names


def _kept(files: Sequence[Path], folder: Path, name: str) -> str:
    """The files under their lasting name."""
    digests = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in set(files)}
    if len(set(digests.values())) == 1:
        still = folder / f"{name}-{digests[files[0]][:16]}.png"
        files[0].replace(still)
        return str(still)
    whole = hashlib.sha256("".join(digests[file] for file in files).encode()).hexdigest()
    target = folder / f"{name}-{whole[:16]}"
    if not target.is_dir():
        ordered = files[0].parent / "ordered"
        ordered.mkdir()
        for number, file in enumerate(files):
            shutil.copyfile(file, ordered / f"{number:06d}.png")
        ordered.replace(target)
    return str(Path(str(target).replace("%", "%%")) / "%06d.png")


def _plain(name: str) -> str:
    """A strip's name as part of a file name."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "strip"


class _Placed:
    """Where the film of a strip lies in the scene on one frame: its transform, and those of the metas around it, whose
    pictures have the scene's size."""

    def __init__(self, scene: Any, strip: Any, frame: int) -> None:
        self.scene = _size(scene)
        self.film = strip.elements[0].orig_width, strip.elements[0].orig_height
        metas = [_look(scene, meta, frame, self.scene) for meta in reversed(metas_around(scene, strip))]
        self.looks = [_look(scene, strip, frame, self.film), *metas]

    def registration(self) -> Registration:
        return Registration(self.point, self.film, self.scene)

    def point(self, point: Point) -> Point:
        """Where a point of the film appears. Blender mirrors the scene's picture after the transform."""
        for at, flips in self.looks:
            x, y = shown_at(at, point, self.scene)
            point = (self.scene[0] - x if flips[0] else x, self.scene[1] - y if flips[1] else y)
        return point


def _look(scene: Any, strip: Any, frame: int, size: tuple[int, int]) -> tuple[Look, tuple[bool, bool]]:
    """Transform of a strip on a frame, whose picture has ``size``, and whether it is mirrored."""
    start = f"{strip.path_from_id()}.transform."
    moving = {curve.data_path: curve.evaluate(frame) for curve in versions.curves(scene)}
    transform = strip.transform
    names = ("scale_x", "scale_y", "offset_x", "offset_y", "rotation")
    found = {name: moving.get(start + name, getattr(transform, name)) for name in names}
    at = Look(
        *size,
        scale=(found["scale_x"], found["scale_y"]),
        offset=(found["offset_x"], found["offset_y"]),
        rotation=found["rotation"],
        origin=(transform.origin[0], transform.origin[1]),
    )
    return at, (bool(strip.use_flip_x), bool(strip.use_flip_y))


def _size(scene: Any) -> tuple[int, int]:
    return scene.render.resolution_x, scene.render.resolution_y


@contextmanager
def _rendering(scene: Any, names: set[str], scratch: Path) -> Iterator[Any]:
    """A function that renders a timeline frame of nothing but the strips of these names, over black."""
    with copy_of(scene) as copy, _own_slot():
        for strip in versions.strips(copy.sequence_editor):
            strip.mute = strip.name not in names
            if not strip.mute:
                strip.blend_type = "ALPHA_OVER"  # multiplied with the black below it would be black
                copy.sequence_editor.channels[strip.channel].mute = False
        _plain_output(copy, scratch / "frame")
        masked = any(strip.type in _MAY_MASK for strip in versions.strips(copy.sequence_editor) if not strip.mute)

        def render(frame: int) -> Picture:
            copy.frame_start = copy.frame_end = frame  # a still would be of the frame that the user's window is on
            bpy.ops.render.render(animation=True, scene=copy.name)
            file = Path(copy.render.frame_path(frame=frame))
            picture = read_targa(file)
            file.unlink()
            return with_last_pixel(picture) if masked else picture

        yield render


def _plain_output(copy: Any, path: Path) -> None:
    """White is to come out white, and nothing is to be added."""
    settings, view = copy.render, copy.view_settings
    copy.frame_step = 1
    copy.display_settings.display_device = "sRGB"
    view.view_transform, view.look, view.exposure, view.gamma, view.use_curve_mapping = "Standard", "None", 0, 1, False
    settings.use_border = settings.use_stamp = settings.use_multiview = settings.use_compositing = False
    settings.use_sequencer = settings.use_overwrite = settings.use_file_extension = True
    settings.use_placeholder, settings.dither_intensity, settings.resolution_percentage = False, 0, 100
    versions.writes_pictures(settings.image_settings)
    settings.image_settings.file_format = "TARGA_RAW"
    settings.image_settings.color_mode = "RGB"
    settings.image_settings.color_management = "FOLLOW_SCENE"
    settings.filepath = str(path)


@contextmanager
def _own_slot() -> Iterator[None]:
    """Keep the user's last render: ours goes to a slot of its own."""
    result = bpy.data.images.get("Render Result")
    if result is None:
        yield
        return
    slots, active = result.render_slots, result.render_slots.active_index
    slots.active = next((slot for slot in slots if slot.name == _SLOT), None) or slots.new(name=_SLOT)
    try:
        yield
    finally:
        slots.active_index = active
