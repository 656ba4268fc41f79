"""Encoders that need a device."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from av.codec.context import CodecContext
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame


def encodes(codec: str, pixel_format: str, options: dict[str, str]) -> bool:
    """Whether an encoder really works on this machine: it is asked for one frame."""
    try:
        context = cast(VideoCodecContext, CodecContext.create(codec, "w"))
        context.width, context.height, context.pix_fmt = 256, 256, pixel_format
        context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
        context.options = options
        frame = VideoFrame(256, 256, pixel_format)
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        return bool([*context.encode(frame), *context.encode(None)])
    except (FFmpegError, ValueError, OSError):
        return False
