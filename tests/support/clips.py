"""Small movies and picture files made on the spot, with every pixel known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import CodecContext
from av.video.frame import VideoFrame

from resilver_server.domain.formats import ColourTags
from resilver_server.media.layout import chroma_shape, layout_of
from resilver_server.media.planes import planes_to_frame
from resilver_server.media.tagging import put_tags

Plane = npt.NDArray[np.generic]
BT709 = ColourTags("bt709", "bt709", "bt709", False)


def moving(time: float, width: int = 128, height: int = 96) -> npt.NDArray[np.float64]:
    """A smooth picture (0..1) in steady movement."""
    y, x = np.mgrid[0:height, 0:width]
    return 0.5 + 0.25 * np.sin((x + 3 * time) / 5.0) + 0.15 * np.sin((2 * y + x - 2 * time) / 7.0)


def numbered(k: int, width: int = 128, height: int = 96) -> npt.NDArray[np.float64]:
    """A picture whose 8 coarse blocks spell ``k`` in binary, readable after any codec (see ``number_of``)."""
    picture = 0.4 + 0.1 * moving(k, width, height)
    for bit in range(8):
        picture[: height // 2, bit * width // 8 : (bit + 1) * width // 8] = 0.9 if k >> bit & 1 else 0.1
    return picture


def number_of(luma: Plane, peak: float) -> int:
    """The number that ``numbered`` wrote."""
    height, width = luma.shape
    centres = [float(luma[height // 4, (2 * bit + 1) * width // 16]) / peak for bit in range(8)]
    return sum((level > 0.5) << bit for bit, level in enumerate(centres))


def planes_of(grey: npt.NDArray[np.float64], pixel_format: str) -> tuple[Plane, ...]:
    """Planes of a pixel format whose first plane (or all of RGB) is ``grey``; chroma is a slope across."""
    layout = layout_of(pixel_format)
    codes = np.round(np.clip(grey, 0, 1) * layout.peak).astype(layout.dtype)
    if layout.model == "grey":
        return (codes,)
    if layout.model == "rgb":
        return codes, codes[::-1].copy(), codes[:, ::-1].copy()
    height, width = chroma_shape((codes.shape[0], codes.shape[1]), layout.chroma)
    slope = np.linspace(layout.peak * 0.3, layout.peak * 0.7, width).round().astype(layout.dtype)
    return codes, np.tile(slope, (height, 1)), np.tile(slope[::-1], (height, 1))


def write_movie(
    path: Path,
    frames: Sequence[tuple[Plane, ...]],
    codec: str,
    pixel_format: str,
    rate: Fraction = Fraction(24),
    tags: ColourTags = BT709,
    stamps: Sequence[int] | None = None,
    field_order: int = 1,
    **options: str,
) -> Path:
    """Encode component planes as a movie. ``stamps`` are in frames of ``rate``; "_" in option names reads "-"."""
    with av.open(str(path), "w") as container:
        named = {key.replace("_", "-") if key.startswith("x26") else key: text for key, text in options.items()}
        stream = container.add_stream(codec, rate=rate, options=named)
        height, width = frames[0][0].shape
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.field_order = field_order
        put_tags(stream.codec_context, tags)
        for k, planes in enumerate(frames):
            frame = planes_to_frame(planes, pixel_format)
            put_tags(frame, tags)
            frame.pts, frame.time_base = (stamps[k] if stamps else k), 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_picture(path: Path, planes: tuple[Plane, ...], codec: str, pixel_format: str, **options: str) -> Path:
    """Encode component planes as one picture file."""
    context = CodecContext.create(codec, "w")
    height, width = planes[0].shape
    context.width, context.height, context.pix_fmt = width, height, pixel_format
    context.framerate, context.time_base = Fraction(24), Fraction(1, 24)
    context.options, context.thread_count = options, 1
    frame = planes_to_frame(planes, pixel_format)
    frame.pts, frame.time_base = 0, Fraction(1, 24)
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))
    return path


def every_frame(path: Path) -> list[VideoFrame]:
    """All frames by plain sequential decoding, to compare with."""
    with av.open(str(path)) as container:
        return list(container.decode(container.streams.video[0]))
