"""Segments: a run of result frames in the delivery codec."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, cast

import av
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from torch import Tensor

from resilver_client.disk import sync_folder
from resilver_client.errors import DiskFull, FrameCountMismatch, GeometryMismatch, OutputUnwritable, ResilverError
from resilver_server.domain.formats import ColourTags, FrameFormat
from resilver_server.domain.rates import Rate

from .colour import from_rgb
from .files import reason
from .layout import Plane
from .planes import planes_to_frame
from .profiles import Profile, ensure_encodes
from .tagging import fitting, put_tags

FRAME_NAME = "%08d"
"""Number of a frame in the file names of a sequence."""
BIT_EXACT = {"fflags": "+bitexact"}
"""Muxers then write no time, no version and no random id."""


_PROGRESSIVE = 1
"""FFmpeg's number for frames that are no fields."""


@dataclass(frozen=True)
class SegmentInfo:
    """A finished segment."""

    digest: str
    """sha256 over its packets, or over its frame files, in order."""
    frames: int


class _Sink(Protocol):
    def put(self, packet: Packet[VideoStream], index: int) -> None: ...

    def finish(self) -> None: ...


class SegmentWriter:
    """Writes frames as one segment: a movie file, or for sequence profiles a folder of numbered files.

    ``write`` converts and encodes; ``convert`` and ``write_planes`` are its two halves, so that one thread may convert
    while another encodes. Each may be called from one thread at a time. Leaving the context with an exception, or
    without ``close``, removes what was written. Raises GeometryMismatch, OutputUnwritable and DiskFull.
    """

    def __init__(
        self, path: str, profile: Profile, format: FrameFormat, rate: Rate, tags: ColourTags, first_index: int
    ) -> None:
        ensure_encodes(profile, format)
        self._path = Path(path)
        self._profile = profile
        self._tags = fitting(tags, profile.pixel_format, profile.codec)
        self._format = format
        self._time_base = 1 / Fraction(rate)
        self._first = first_index
        self._frames = 0
        self._packets = 0
        self._digest = hashlib.sha256()
        self._done: SegmentInfo | None = None
        self._context, self._sink = self._open(Fraction(rate))

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or self._done is None:
            self.abandon()

    def convert(self, rgb: Tensor) -> tuple[Plane, ...]:
        """Planes of the profile's pixel format for a (3, height, width) RGB frame, 0..1, on any device."""
        if tuple(rgb.shape) != (3, self._format.height, self._format.width):
            raise GeometryMismatch(f"a frame of shape {tuple(rgb.shape)} does not fit {self._format}")
        return from_rgb(rgb, self._profile.pixel_format, self._tags)

    def write(self, rgb: Tensor) -> None:
        """Convert and encode the next frame."""
        self.write_planes(self.convert(rgb))

    def write_planes(self, planes: tuple[Plane, ...]) -> None:
        """Encode the next frame from the planes that ``convert`` made."""
        frame = planes_to_frame(planes, self._profile.pixel_format)
        put_tags(frame, self._tags)
        frame.pts, frame.time_base = self._frames, self._time_base
        self._frames += 1
        with _Typed(self._path):
            for packet in self._context.encode(frame):
                self._put(packet)

    def close(self) -> SegmentInfo:
        """Finish the segment and put it on the disk. Raises FrameCountMismatch if the encoder lost a frame."""
        if self._done is not None:
            return self._done
        with _Typed(self._path):
            for packet in self._context.encode(None):
                self._put(packet)
            self._sink.finish()
        if self._packets != self._frames:
            raise FrameCountMismatch(f"{self._frames} frames became {self._packets} packets", where=str(self._path))
        self._done = SegmentInfo(self._digest.hexdigest(), self._frames)
        return self._done

    def abandon(self) -> None:
        """Remove whatever was written. The writer cannot be used again."""
        with suppress(OSError, FFmpegError, ValueError):  # the file is removed in any case
            self._sink.finish()
        remove(self._path)

    def _put(self, packet: Packet[VideoStream]) -> None:
        if packet.size == 0:
            return
        self._digest.update(bytes(packet))
        self._sink.put(packet, self._first + self._packets)
        self._packets += 1

    def _open(self, rate: Fraction) -> tuple[VideoCodecContext | VideoStream, _Sink]:
        with _Typed(self._path):
            if self._profile.is_sequence:
                return self._configured(None, rate), _Folder(self._path, self._profile)
            movie = _Movie(self._path, self._profile, rate)
            self._configured(movie.stream, rate)
            return movie.stream, movie

    def _configured(self, stream: VideoStream | None, rate: Fraction) -> VideoCodecContext:
        """The encoder with geometry, tags and a fixed number of threads."""
        if stream is None:
            context = cast(VideoCodecContext, CodecContext.create(self._profile.codec, "w"))
            context.options = dict(self._profile.options)
            context.framerate, context.time_base = rate, 1 / rate
        else:
            context = stream.codec_context
        context.width, context.height = self._format.width, self._format.height
        context.pix_fmt = self._profile.pixel_format
        context.sample_aspect_ratio = self._format.pixel_aspect
        context.thread_count = self._profile.threads
        context.field_order = _PROGRESSIVE
        put_tags(context, self._tags)
        if self._profile.codec_tag:
            context.codec_tag = self._profile.codec_tag
        return context


class _Movie:
    """A movie file in the profile's container."""

    def __init__(self, path: Path, profile: Profile, rate: Fraction) -> None:
        self._path = path
        self._container = av.open(str(path), "w", format=profile.container, options=dict(BIT_EXACT))
        stream = self._container.add_stream(profile.codec, rate=rate, options=dict(profile.options))
        self.stream = cast(VideoStream, stream)
        self._open = True

    def put(self, packet: Packet[VideoStream], index: int) -> None:
        self._container.mux_one(packet)

    def finish(self) -> None:
        if self._open:
            self._open = False
            self._container.close()
            sync_file(self._path)


class _Folder:
    """A folder with one file a frame."""

    def __init__(self, path: Path, profile: Profile) -> None:
        path.mkdir()
        self._path, self._suffix = path, profile.suffix

    def put(self, packet: Packet[VideoStream], index: int) -> None:
        path = self._path / f"{FRAME_NAME % index}{self._suffix}"
        with path.open("xb") as file:
            file.write(bytes(packet))
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        sync_folder(self._path)


class _Typed:
    """Turns errors of the disk and of the encoder into typed ones."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FFmpegError | OSError | ValueError):
            raise write_error(error, self._path) from error


def write_error(error: BaseException, path: Path) -> ResilverError:
    """The typed error for a failure to write ``path``."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("the disk is full", where=str(path), remedy="free some space, then retry the job")
    return OutputUnwritable(
        f"cannot be written ({reason(error)})", where=str(path), remedy="check the folder and its permissions"
    )


def remove(path: Path) -> None:
    """Remove a file or folder of ours, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
