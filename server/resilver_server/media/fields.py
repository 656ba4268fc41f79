"""Interlaced and pulled-down material: telling it, and making it progressive with FFmpeg's filters.

Metadata is believed where it says progressive. Where it is silent or claims interlace a few passages are looked at with
FFmpeg's idet: film that was only labelled interlaced is progressive all the same, and video in which one field repeats
every fifth frame in each parity is film after 3:2 pull-down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from av.container import InputContainer
from av.error import EOFError as AvEOFError
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from resilver_server.domain.formats import FieldFilter, FieldOrder
from resilver_server.domain.spans import Span

from .files import opened, video_stream
from .layout import Model, layout_of
from .planes import components, notes_of, planes_to_frame, unpacked

CYCLE = 5
"""Frames in a cycle of 3:2 pull-down; four of them are film."""
_PROGRESSIVE, _TOP, _BOTTOM = 1, (2, 4), (3, 5)
_NEVER_WOVEN = frozenset({"hevc", "vp8", "vp9", "av1", "vvc", "gif", "dnxhd"})
"""Codecs whose frames say themselves if they are interlaced, so that silence means they are not."""
_WINDOWS = 3
_WINDOW_FRAMES = 30
_ENOUGH = 10
"""Frames with movement that a verdict needs."""


class Frames(Protocol):
    def frames(self, span: Span) -> Iterator[VideoFrame]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Look:
    """What idet counted over some frames."""

    top: int
    bottom: int
    progressive: int
    repeated_top: int
    repeated_bottom: int

    @property
    def moving(self) -> int:
        return self.top + self.bottom + self.progressive

    @property
    def top_first(self) -> bool:
        return self.top >= self.bottom

    def verdict(self) -> FieldOrder:
        """The field order seen; UNKNOWN where too little moves."""
        if self.moving < _ENOUGH:
            return FieldOrder.UNKNOWN
        combed = (self.top + self.bottom) / self.moving
        repeated = min(self.repeated_top, self.repeated_bottom) / self.moving
        if combed > 0.2 and repeated > 0.1:
            return FieldOrder.PULLDOWN
        if combed > 0.25:
            return FieldOrder.TOP_FIRST if self.top_first else FieldOrder.BOTTOM_FIRST
        return FieldOrder.PROGRESSIVE


def field_order(path: Path, stream: VideoStream, first: VideoFrame) -> FieldOrder:
    """How the frames of a movie are made up of fields."""
    claim = int(stream.codec_context.field_order)
    claimed = FieldOrder.TOP_FIRST if claim in _TOP else FieldOrder.BOTTOM_FIRST if claim in _BOTTOM else None
    silent = claimed is None and not first.interlaced_frame
    if silent and (claim == _PROGRESSIVE or stream.codec_context.name in _NEVER_WOVEN):
        return FieldOrder.PROGRESSIVE
    seen = look(path).verdict()
    if seen is not FieldOrder.UNKNOWN:
        return seen
    if claimed is None and first.interlaced_frame:
        return FieldOrder.TOP_FIRST
    return claimed or FieldOrder.UNKNOWN


def look(path: Path) -> Look:
    """Run idet over a few passages spread over a movie. Passages that cannot be decoded are left out."""
    counts: Counter[str] = Counter()
    with opened(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        length = stream.duration or 0
        start = stream.start_time or 0
        places = range(_WINDOWS) if length else range(1)
        for place in places:
            counts += _window(container, stream, start + length * place // _WINDOWS)
    return Look(counts["tff"], counts["bff"], counts["progressive"], counts["top"], counts["bottom"])


def _window(container: InputContainer, stream: VideoStream, at: int) -> Counter[str]:
    """Counts of single-frame and repeated-field findings in the passage from ``at`` (ticks) on."""
    counts: Counter[str] = Counter()
    try:
        container.seek(at, stream=stream, backward=True)
        frames = list(islice(container.decode(stream), _WINDOW_FRAMES))
        for frame in filtered(frames, (("idet", ""),), Fraction(25)):
            notes = notes_of(frame)
            counts[notes.get("lavfi.idet.single.current_frame", "")] += 1
            counts[notes.get("lavfi.idet.repeated.current_frame", "")] += 1
    except (FFmpegError, OSError):
        return Counter()
    return counts


def filtered(frames: Iterable[VideoFrame], chain: tuple[tuple[str, str], ...], rate: Fraction) -> Iterator[VideoFrame]:
    """Frames through a chain of FFmpeg filters, (name, arguments) each."""
    graph: Graph | None = None
    for count, frame in enumerate(frames):
        graph = graph or _graph(frame, chain, rate)
        frame.pts, frame.time_base = count, 1 / rate
        graph.push(frame)
        yield from _ready(graph)
    if graph is not None:
        graph.push(None)
        yield from _ready(graph)


def _graph(frame: VideoFrame, chain: tuple[tuple[str, str], ...], rate: Fraction) -> Graph:
    graph = Graph()
    geometry = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:pixel_aspect=1/1"
    time = f"time_base={rate.denominator}/{rate.numerator}:frame_rate={rate.numerator}/{rate.denominator}"
    last = graph.add("buffer", f"{geometry}:{time}")
    for name, arguments in (*chain, ("buffersink", "")):
        node = graph.add(name, arguments) if arguments else graph.add(name)
        last.link_to(node)
        last = node
    graph.configure()
    return graph


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield cast(VideoFrame, graph.pull())
        except (BlockingIOError, AvEOFError):
            return


def decimated_count(frames: int) -> int:
    """Frames that inverse telecine leaves of so many: one of every full cycle of five goes."""
    return frames - frames // CYCLE


class Deinterlaced:
    """bwdif, one frame for each that goes in: what stands still keeps both fields, what moves one."""

    _REACH = 2
    """Frames on either side that a frame is made from, and one to spare."""

    def __init__(self, source: Frames, count: int, top_first: bool) -> None:
        self._source, self._whole = source, Span(0, count)
        self._chain = (("bwdif", f"mode=send_frame:parity={'tff' if top_first else 'bff'}:deint=all"),)

    def frames(self, span: Span) -> Iterator[VideoFrame]:
        needed = span.grow(self._REACH, self._whole)
        made = filtered(self._source.frames(needed), self._chain, Fraction(25))
        yield from islice(made, span.start - needed.start, span.stop - needed.start)

    def close(self) -> None:
        self._source.close()


class Untelecined:
    """fieldmatch and decimate: the film frames behind 3:2 pull-down. What stays combed goes through bwdif.

    The filters know 8 bits only, so they are shown an 8-bit luma whose chroma carries the number of the frame. The rows
    of what they give back tell which frame each field is to be taken from, and the fields are woven in full depth.
    Cycles are counted from the first frame of the media, and each is worked out with the whole cycle before and after
    it, so that a frame is the same wherever reading begins.
    """

    def __init__(self, source: Frames, count: int, top_first: bool) -> None:
        order = "tff" if top_first else "bff"
        self._source, self._whole = source, Span(0, count)
        self._match = (("fieldmatch", f"order={order}:combmatch=full:mchroma=0"), ("decimate", "chroma=0"))
        self._deinterlace = (("bwdif", f"mode=send_frame:parity={order}:deint=all"),)

    def frames(self, span: Span) -> Iterator[VideoFrame]:
        film = CYCLE - 1
        first = max(0, span.start // film - 1)
        last = -(-span.stop // film) + 1
        needed = Span(first * CYCLE, max(last, first) * CYCLE).intersect(self._whole)
        held: dict[int, VideoFrame] = {}
        matched = filtered(self._marked(needed, held), self._match, Fraction(30000, 1001))
        for found in islice(matched, span.start - first * film, span.stop - first * film):
            top, bottom = (needed.start + _mark_of(found, row) for row in (0, 1))
            woven = _woven(held[top], held[bottom])
            yield self._without_comb(woven, held, max(top, bottom)) if found.interlaced_frame else woven

    def close(self) -> None:
        self._source.close()

    def _marked(self, needed: Span, held: dict[int, VideoFrame]) -> Iterator[VideoFrame]:
        for index, frame in zip(needed, self._source.frames(needed), strict=True):
            held[index] = unpacked(frame)
            held.pop(index - _HELD, None)
            yield _mark(held[index], index - needed.start)

    def _without_comb(self, woven: VideoFrame, held: dict[int, VideoFrame], index: int) -> VideoFrame:
        before, after = held.get(index - 1, woven), held.get(index + 1, woven)
        return list(filtered((before, woven, after), self._deinterlace, Fraction(25)))[1]


_HELD = 4 * CYCLE
"""Frames kept while the filters make up their minds."""
_MARKS = 250


def _mark(frame: VideoFrame, number: int) -> VideoFrame:
    """The luma (or green) of a frame in 8 bits, with ``number`` written into the chroma planes."""
    layout = layout_of(frame.format.name)
    plane = components(frame)[1 if layout.model is Model.RGB else 0]
    luma = np.right_shift(plane, max(0, layout.bits - 8), dtype=plane.dtype, casting="unsafe").astype(np.uint8)
    low, high = (np.full(plane.shape, part, np.uint8) for part in (number % _MARKS, number // _MARKS % _MARKS))
    return planes_to_frame((luma, low, high), "yuv444p")


def _mark_of(frame: VideoFrame, row: int) -> int:
    """The number of the frame from which a row comes."""
    _, low, high = components(frame)
    return int(low[row, 0]) + _MARKS * int(high[row, 0])


def _woven(top: VideoFrame, bottom: VideoFrame) -> VideoFrame:
    """The even rows of one frame and the odd rows of another."""
    if top is bottom:
        return top
    planes = []
    for upper, lower in zip(components(top), components(bottom), strict=True):
        rows = upper.copy()
        rows[1::2] = lower[1::2]
        planes.append(rows)
    return planes_to_frame(tuple(planes), top.format.name)


def progressive(source: Frames, count: int, fields: FieldFilter, path: Path, order: FieldOrder) -> Frames:
    """``source`` (of ``count`` frames) through the filter asked for."""
    if fields is FieldFilter.NONE:
        return source
    top_first = order is FieldOrder.TOP_FIRST
    if order not in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST):
        top_first = look(path).top_first
    if fields is FieldFilter.BWDIF:
        return Deinterlaced(source, count, top_first)
    return Untelecined(source, count, top_first)
