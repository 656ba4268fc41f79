"""Whole clips as streams of frames: reading for measurements, writing what was made of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from resilver_client.errors import InvalidRequest
from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.rates import Rate
from resilver_server.domain.spans import Span
from resilver_server.media.colour import to_rgb
from resilver_server.media.join import move_new
from resilver_server.media.profiles import profile
from resilver_server.media.reader import Reader
from resilver_server.media.writer import SegmentWriter

REC709 = ColourTags("bt709", "bt709", "bt709", False)
"""Tags of clips that the laboratory makes."""


def frames(info: MediaInfo, span: Span | None = None) -> Iterator[torch.Tensor]:
    """(3, height, width) float32 RGB frames, 0..1, one after the other. Raises what reading raises."""
    with Reader(info) as reader:
        for picture in reader.read(span or Span(0, info.frame_count)):
            yield to_rgb(picture, torch.device("cpu"), torch.float32)


def write_clip(path: Path, pictures: Iterable[torch.Tensor], rate: Rate, profile_name: str = "ffv1") -> int:
    """Write frames as one movie, complete or not at all; the number of frames.

    Raises OutputExists where the file is there, InvalidRequest where there is no frame.
    """
    stream = iter(pictures)
    first = next(stream, None)
    if first is None:
        raise InvalidRequest("there is no frame to write", where=str(path))
    form = FrameFormat(first.shape[-1], first.shape[-2])
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    with SegmentWriter(str(part), profile(profile_name), form, rate, REC709, 0) as writer:
        for frame in itertools.chain([first], stream):
            writer.write(frame)
        written = writer.close().frames
    move_new(part, path)
    return written
