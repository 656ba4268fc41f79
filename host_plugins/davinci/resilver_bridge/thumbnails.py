"""Small pictures of clips: the frame that a clip shows first, read by PyAV in a background thread when asked for."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from fractions import Fraction

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from resilver_client.errors import ClipOffline, MediaUnreadable, RangeOutsideMedia, ResilverError

from .host import Media

WIDTH = 160
"""Pixels."""
_ENDLESS = 600
"""Frames after a key frame within which the one that is wanted must come."""
_DISPLAYED = {"apply_trc": "iec61966_2_1"}
"""OpenEXR is scene-linear: FFmpeg shall give what a screen shows."""


class Thumbnails:
    """Pictures are kept as long as this object lives."""

    def __init__(self) -> None:
        self._made: dict[Media, Future[bytes]] = {}
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[tuple[Media, Future[bytes]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="resilver thumbnails", daemon=True)
        self._thread.start()

    def of(self, media: Media, patience: float) -> bytes:
        """JPEG. Raises TimeoutError where it is not there after so many seconds: it is still being made, ask again.
        Raises ResilverError classes with why there is none."""
        with self._lock:
            future = self._made.get(media)
            if future is None:
                future = self._made[media] = Future()
                self._asked.put((media, future))
        return future.result(patience)

    def close(self) -> None:
        """Make no more."""
        self._asked.put(None)

    def _work(self) -> None:
        while (task := self._asked.get()) is not None:
            media, future = task
            try:
                future.set_result(picture(media))
            except ResilverError as error:
                future.set_exception(error)
            except (FFmpegError, OSError, ValueError) as error:  # PyAV's own, and what it says of odd media
                future.set_exception(MediaUnreadable(f"it cannot be read: {error}", where=media.path))


def picture(media: Media) -> bytes:
    """The frame as a JPEG. Raises ClipOffline, MediaUnreadable, RangeOutsideMedia, and what PyAV raises."""
    if not media.path:
        raise ClipOffline("its media is offline", where=media.name)
    number = int(media.first_frame)  # rounded down: the frame that is still shown
    path = media.path % (media.first_number + number) if media.is_sequence else media.path
    with av.open(path) as container:
        stream = _video(container, path)
        frame = _moment(container, stream, 0 if media.is_sequence else number, path)
        return _jpeg(frame, stream.sample_aspect_ratio or Fraction(1))


def _moment(container: InputContainer, stream: VideoStream, number: int, path: str) -> VideoFrame:
    """Frame ``number`` of a movie; a still shows its only one whatever the number is."""
    rate, step, began = stream.average_rate, stream.time_base, stream.start_time or 0
    if number == 0 or rate is None or step is None or stream.frames == 1 or container.format.name.endswith("_pipe"):
        number, rate, step = 0, Fraction(1), Fraction(1)
    else:
        container.seek(began + round(number / rate / step), stream=stream)
    earliest = began + (number - Fraction(1, 2)) / rate / step
    for count, frame in enumerate(container.decode(stream)):
        if number == 0 or (frame.pts is not None and frame.pts > earliest):
            return frame
        if count > _ENDLESS:
            break
    raise RangeOutsideMedia(f"frame {number} is not in its media", where=path, remedy="relink the clip, or trim it")


def _video(container: InputContainer, path: str) -> VideoStream:
    if not container.streams.video:
        raise MediaUnreadable("there is no picture in it", where=path)
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    if stream.codec_context.name == "exr":
        stream.codec_context.options = _DISPLAYED
    return stream


def _jpeg(frame: VideoFrame, aspect: Fraction) -> bytes:
    """As wide as WIDTH; ``aspect`` is that of its pixels, which are made square."""
    height = max(2, 2 * round(WIDTH * frame.height / (frame.width * aspect) / 2))
    plain = frame.reformat(format="rgb24").reformat(WIDTH, height, "yuvj420p", dst_color_range="JPEG")
    plain.pts, plain.time_base = 0, Fraction(1, 25)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"q": "4"}
    return b"".join(bytes(packet) for packet in [*encoder.encode(plain), *encoder.encode(None)])
