"""Frames of media, exact at any offset. Decoding never guesses: a frame that cannot be had is an error naming it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from resilver_client.errors import MediaChanged, MediaCorrupt, RangeOutsideMedia
from resilver_server.domain.formats import FieldFilter, MediaInfo, MediaKind
from resilver_server.domain.spans import Span

from . import ffv1
from .fields import Frames, progressive
from .files import opened, reason, video_stream
from .identity import source_files
from .index import movie_index
from .layout import layout_of
from .picture import Picture
from .pictures import decode_picture
from .planes import components, unpacked
from .tagging import resolved

_AHEAD = 3
"""Picture files that are decoded ahead, each in a thread."""
_RETREATS = (0, 1, 4, None)
"""Key frames to go further back where decoding from the nearest one does not give the frame; None is the very start."""


class Reader:
    """Reads spans of one piece of media. A span that goes on where the last one ended is decoded without seeking.

    Not for several threads at once. ``fields`` must be what the media was probed with.
    """

    def __init__(self, info: MediaInfo, fields: FieldFilter = FieldFilter.NONE) -> None:
        self._info = info
        self._colour = resolved(info.colour, info.format, layout_of(info.pixel_format).model)
        self._source = _source(info, fields)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._source.close()

    def read(self, span: Span) -> Iterator[Picture]:
        """The frames of ``span`` in order.

        Raises RangeOutsideMedia, MediaNotFound, MediaUnreadable, MediaChanged, and MediaCorrupt naming file and frame
        where one cannot be decoded or the media ends before its last frame.
        """
        if not Span(0, self._info.frame_count).covers(span):
            raise RangeOutsideMedia(
                f"frames {span.start} to {span.stop} are asked for, the media has {self._info.frame_count}",
                where=self._info.path,
            )
        if len(span):
            for index, frame in zip(span, self._source.frames(span), strict=True):
                yield self._picture(index, frame)

    def _picture(self, index: int, frame: VideoFrame) -> Picture:
        plain = unpacked(frame)
        expected = self._info.format
        if (plain.width, plain.height) != (expected.width, expected.height):
            raise MediaChanged(
                f"the picture is {plain.width}x{plain.height} instead of {expected.width}x{expected.height}",
                where=frame_name(self._info, index),
                remedy="cut the media where its size changes",
            )
        return Picture(index, components(plain), plain.format.name, self._colour, self._info.codec == "mjpeg")


def frame_name(info: MediaInfo, index: int) -> str:
    """File and frame for an error text."""
    if info.kind is MediaKind.SEQUENCE:
        return str(source_files(info, Span(index, index + 1))[0])
    return f"{info.path}, frame {index}"


def _source(info: MediaInfo, fields: FieldFilter) -> Frames:
    if info.kind is not MediaKind.MOVIE:
        return PictureSource(info)
    movie = MovieSource(info)
    return progressive(movie, len(movie), fields, Path(info.path), info.field_order)


class PictureSource:
    """Stills and sequences: each file by itself, a few ahead in threads."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="pictures")

    def frames(self, span: Span) -> Iterator[VideoFrame]:
        files = iter(source_files(self._info, span))
        pending: deque[Future[VideoFrame]] = deque()
        for path in files:
            pending.append(self._pool.submit(decode_picture, path))
            if len(pending) > _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class MovieSource:
    """A movie file: seeks to a key frame and decodes forward, knowing each frame by its stamp."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._path = Path(info.path)
        self._index = movie_index(self._path)
        self._stack = ExitStack()
        self._container, self._stream = self._open()
        self._flow: Iterator[tuple[int, VideoFrame]] | None = None
        self._next = 0

    def __len__(self) -> int:
        """Frames in the file, before any filter."""
        return len(self._index)

    def frames(self, span: Span) -> Iterator[VideoFrame]:
        if self._index.damaged is not None and self._index.damaged < span.stop:
            raise MediaCorrupt(
                "the file is cut short",
                where=frame_name(self._info, self._index.damaged),
                remedy="copy it again from its source",
            )
        if len(self._index) < span.stop:
            raise MediaChanged("the file has fewer frames than when it was probed", where=self._info.path)
        yield self._first(span.start)
        for index in range(span.start + 1, span.stop):
            yield self._following(index)

    def close(self) -> None:
        self._flow = None
        self._stack.close()

    def _first(self, index: int) -> VideoFrame:
        """Frame ``index``, going on from where decoding stands if no key frame is nearer."""
        if self._flow is not None and self._next <= index and not self._key_between(self._next, index):
            return self._following(index)
        for retreat in _RETREATS:
            self._seek(index, retreat)
            try:
                return self._following(index)
            except MediaCorrupt:
                if retreat is None:
                    raise
        raise AssertionError("the last retreat is the start of the file")

    def _key_between(self, reached: int, wanted: int) -> bool:
        key = self._index.key_before(wanted)
        return key is not None and key > int(self._index.stamps[reached])

    def _open(self) -> tuple[InputContainer, VideoStream]:
        self._stack.close()
        container = self._stack.enter_context(opened(self._path))
        stream = video_stream(container, self._path)
        stream.thread_type = "AUTO"
        stream.codec_context.options |= {"err_detect": "crccheck+bitstream+buffer+explode"}
        return container, stream

    def _seek(self, index: int, retreat: int | None) -> None:
        """Stand at a key frame before ``index``; opening the file again is the one sure way to its start."""
        key = self._index.key_before(index, retreat) if retreat is not None and self._index.stamped else None
        if key is not None:
            self._container.seek(key, stream=self._stream, backward=True)
        else:
            self._container, self._stream = self._open()
        self._flow = self._decoded()

    def _following(self, index: int) -> VideoFrame:
        """The next frame of the flow that is ``index``; frames before it are dropped."""
        assert self._flow is not None
        try:
            for found, frame in self._flow:
                if found == index and not frame.is_corrupt:
                    self._next = index + 1
                    return frame
                if found >= index:
                    break
        except (FFmpegError, OSError) as error:
            self._lost(index, f"cannot be decoded ({reason(error)})", error)
        self._lost(index, "the frame is missing or damaged", None)
        raise AssertionError("unreachable")

    def _lost(self, index: int, what: str, cause: Exception | None) -> None:
        self._flow = None
        raise MediaCorrupt(what, where=frame_name(self._info, index), remedy="copy it again from its source") from cause

    def _decoded(self) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from the point of seeking on, with their numbers; frames that are not to be shown are left out."""
        counted = 0
        checked = self._info.codec == "ffv1" and bool(self._stream.codec_context.extradata)
        for packet in self._container.demux(self._stream):
            if checked and packet.size and ffv1.damaged(bytes(packet)):
                number = self._index.frame_of(packet.pts) if packet.pts is not None else None
                self._lost(counted if number is None else number, "a checksum does not match", None)
            for frame in packet.decode():
                number = self._index.frame_of(frame.pts) if self._index.stamped and frame.pts is not None else counted
                counted += 1
                if number is not None:
                    yield number, frame
