"""Component planes out of decoded frames, and frames for encoders out of component planes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from av.video.frame import VideoFrame

from .layout import WIDENED, Layout, Model, Plane, layout_of


def unpacked(frame: VideoFrame) -> VideoFrame:
    """The frame itself, or for palette and 1-bit pictures the same colours as plain 8-bit components."""
    name = WIDENED.get(frame.format.name)
    return frame.reformat(format=name) if name else frame


def notes_of(frame: VideoFrame) -> Mapping[str, str]:
    """What a frame says in words. Scanners write whatever letters they know: what is no UTF-8 says nothing."""
    try:
        return frame.metadata
    except UnicodeDecodeError:
        return {}


def components(frame: VideoFrame) -> tuple[Plane, ...]:
    """Component planes of a frame, as views where its byte order allows."""
    layout = layout_of(frame.format.name)
    return tuple(_component(frame, layout, *slot) for slot in layout.slots)


def _component(frame: VideoFrame, layout: Layout, plane_index: int, first: int, step: int) -> Plane:
    plane = frame.planes[plane_index]
    stored = layout.dtype.newbyteorder(">" if layout.big_endian else "<")
    items = np.frombuffer(plane, dtype=stored)  # type: ignore[call-overload]
    row = plane.line_size // stored.itemsize
    used = _items_used(frame, layout, plane_index, step)
    rows = np.lib.stride_tricks.as_strided(
        items, shape=(plane.height, used), strides=(row * stored.itemsize, stored.itemsize), writeable=False
    )
    picked = rows[:, first::step]
    if layout.big_endian:
        picked = picked.astype(layout.dtype)
    return picked >> layout.shift if layout.shift else picked


def _items_used(frame: VideoFrame, layout: Layout, plane_index: int, step: int) -> int:
    """Items of a row that are picture, without the padding after it."""
    subsampled = layout.model is Model.YUV and plane_index > 0
    across = layout.chroma[0] if subsampled or (step == 4 and layout.model is Model.YUV) else 1
    return -(-frame.width // across) * step


def planes_to_frame(planes: tuple[Plane, ...], name: str) -> VideoFrame:
    """A frame of pixel format ``name`` from component planes in the order of ``layout_of(name)``."""
    layout = layout_of(name)
    height, width = planes[0].shape
    frame = VideoFrame(width, height, name)
    stored = layout.dtype.newbyteorder(">" if layout.big_endian else "<")
    for index, plane in enumerate(frame.planes):
        rows = np.zeros((plane.height, plane.line_size // stored.itemsize), dtype=stored)
        for component, (where, first, step) in zip(planes, layout.slots, strict=True):
            if where == index:
                rows[:, first : first + component.shape[1] * step : step] = component
        plane.update(rows.tobytes())
    return frame
