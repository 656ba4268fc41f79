"""Sound by time: the passage of a source that belongs to a result, trimmed to the sample."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError

from resilver_client.errors import MediaCorrupt, MediaUnreadable

from .files import opened, reason, sound_streams
from .index import movie_index

_BLOCK = 1024
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
Samples = npt.NDArray[np.float32]
"""(channels, samples)."""


@dataclass(frozen=True)
class AudioPlan:
    """The passage of a file's sound that belongs under a result."""

    path: str
    start: Fraction
    """Seconds after the file's first picture; after its beginning where it has none."""
    duration: Fraction
    """Seconds."""


def _rate_for(codec: str, rate: int) -> int:
    """The source's samples a second, or 48000 where the codec has no such rate."""
    return rate if codec != "aac" or rate in _AAC_RATES else 48000


class AudioTracks:
    """Every sound track of a file, carried into a result. Silence where the source has none."""

    def __init__(self, out: OutputContainer, plan: AudioPlan, codec: str) -> None:
        path = Path(plan.path)
        with opened(path) as container:
            streams = [stream.index for stream in sound_streams(container)]
            pictures = bool(container.streams.video)
        if not streams:
            raise MediaUnreadable("there is no sound in it", where=plan.path, remedy="choose a file with a sound track")
        origin = Fraction(0)
        if pictures:
            index = movie_index(path)
            origin = int(index.stamps[0]) * index.time_base if index.stamped else origin
        begin = origin + plan.start
        self._tracks = [_Track(out, path, index, begin, plan.duration, codec) for index in streams]

    def write_until(self, time: Fraction) -> None:
        """Write the samples before ``time`` (seconds from the result's start)."""
        for track in self._tracks:
            track.write_until(time)

    def finish(self) -> None:
        for track in self._tracks:
            track.finish()


class _Track:
    def __init__(
        self, out: OutputContainer, path: Path, index: int, begin: Fraction, duration: Fraction, codec: str
    ) -> None:
        self._source = _Passage(path, index, begin, codec)
        self._out = out
        rate = self._source.rate
        self._stream = cast(AudioStream, out.add_stream(codec, rate=rate))
        self._stream.codec_context.layout = self._source.layout
        if codec == "aac":
            self._stream.codec_context.bit_rate = 160_000 * max(1, len(self._source.layout_channels) // 2 + 1) // 2
        self._total = round(duration * rate)
        self._sent = 0

    def write_until(self, time: Fraction) -> None:
        goal = min(self._total, int(time * self._source.rate))
        while self._sent < goal:
            self._send(self._source.read(min(_BLOCK, goal - self._sent)))

    def finish(self) -> None:
        while self._sent < self._total:
            self._send(self._source.read(min(_BLOCK, self._total - self._sent)))
        self._out.mux(self._stream.encode(None))
        self._source.close()

    def _send(self, samples: Samples) -> None:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._source.layout)
        frame.sample_rate = self._source.rate
        frame.pts, frame.time_base = self._sent, Fraction(1, self._source.rate)
        self._sent += samples.shape[1]
        self._out.mux(self._stream.encode(frame))


class _Passage:
    """Samples of one stream from a moment on, placed by their stamps: gaps and the time before are silence."""

    def __init__(self, path: Path, index: int, begin: Fraction, codec: str) -> None:
        self._path = path
        self._stack = ExitStack()
        container = self._stack.enter_context(opened(path))
        self._stream = cast(AudioStream, container.streams[index])
        context = self._stream.codec_context
        if not context.channels or not context.sample_rate:
            self._stack.close()
            raise MediaUnreadable("its sound has no channels", where=str(path), remedy="give the sound as another file")
        self.rate: int = _rate_for(codec, context.sample_rate)
        self._converted = self.rate != context.sample_rate
        self.layout: str = context.layout.name
        self.layout_channels = context.layout.channels
        self._begin = round(begin * self.rate)
        self._position = 0
        self._held: Samples = np.zeros((len(self.layout_channels), 0), dtype=np.float32)
        self._silence = 0
        """Samples to the next ones, which are ``_behind`` it: an hour of nothing is counted, not held."""
        self._behind: Samples | None = None
        self._ended = False
        self._resampler = AudioResampler(format="fltp", layout=self.layout, rate=self.rate)
        time_base = self._stream.time_base or Fraction(1, self.rate)
        target = max(Fraction(0), begin - 1) / time_base
        if begin > 1:
            container.seek(int(target), stream=self._stream, backward=True)
        self._frames = container.decode(self._stream)

    def read(self, count: int) -> Samples:
        """The next ``count`` samples."""
        while self._held.shape[1] < count and not (self._ended and self._behind is None):
            self._advance(count - self._held.shape[1])
        block = self._held[:, :count]
        self._held = self._held[:, count:]
        self._position += count
        missing = count - block.shape[1]
        return np.pad(block, ((0, 0), (0, missing))) if missing else block

    def close(self) -> None:
        self._stack.close()

    def _advance(self, missing: int) -> None:
        """Hold more: silence, what lies behind it, or what the stream has next."""
        if self._silence:
            count = min(self._silence, missing)
            self._silence -= count
            self._held = np.pad(self._held, ((0, 0), (0, count)))
        elif self._behind is not None:
            self._held, self._behind = np.concatenate([self._held, self._behind], axis=1), None
        else:
            self._fill()

    def _fill(self) -> None:
        """Hold one decoded frame more, at the place its stamp names."""
        try:
            frame = next(self._frames, None)
            self._ended = frame is None
            parts = [] if frame is None and not self._converted else self._resampler.resample(frame)
        except (FFmpegError, OSError) as error:
            second = float((self._begin + self._position) / self.rate)
            raise MediaCorrupt(
                f"sound cannot be decoded ({reason(error)})", where=f"{self._path}, second {second:.2f}"
            ) from error
        for part in parts:
            self._place(part if self._converted or frame is None else frame, cast(Samples, part.to_ndarray()))

    def _place(self, frame: AudioFrame, samples: Samples) -> None:
        behind = 0 if self._behind is None else self._behind.shape[1]
        reached = self._begin + self._position + self._held.shape[1] + self._silence + behind
        at = reached
        if frame.pts is not None and frame.time_base is not None:
            at = round(frame.pts * frame.time_base * self.rate)
        if abs(at - reached) <= 2 and (self._held.shape[1] or behind):
            at = reached  # stamps in coarse ticks jitter by a sample; the samples themselves do not
        samples = samples[:, max(0, reached - at) :]
        if self._behind is not None:
            self._behind = np.concatenate([self._behind, samples], axis=1)
        elif at > reached:
            self._silence, self._behind = at - reached, samples
        else:
            self._held = np.concatenate([self._held, samples], axis=1)
