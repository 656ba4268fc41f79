"""Which frames a movie has and when each is shown, from its packets alone (nothing is decoded)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from resilver_client.errors import MediaCorrupt, MediaUnreadable
from resilver_server.domain.rates import snap_rate

from .files import existing_file, opened, reason, video_stream

_INTRA = frozenset({"prores", "dnxhd", "mjpeg", "v210", "v410", "cfhd", "png", "rawvideo", "qtrle", "ffv1"})
"""Codecs whose frames stand alone and are never reordered."""
_DURATION = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d{1,9})?)", re.ASCII)


@dataclass(frozen=True, eq=False)
class MovieIndex:
    """Presentation stamps of the frames that can be shown, in order; stamps that an edit list discards are out."""

    stamps: npt.NDArray[np.int64]
    """Ticks, strictly increasing. Frame i of the media is the one shown at ``stamps[i]``."""
    keys: npt.NDArray[np.int64]
    """Ticks of the frames at which decoding may begin, increasing; those before the first frame shown too."""
    time_base: Fraction
    """Seconds a tick."""
    stamped: bool
    """False where packets carry no stamps (raw streams, some AVI): frames are then counted in order of decoding."""
    damaged: int | None
    """The first frame whose packet is cut short, if any."""

    def __len__(self) -> int:
        return len(self.stamps)

    def frame_of(self, stamp: int) -> int | None:
        """The frame shown at exactly this stamp."""
        at = int(np.searchsorted(self.stamps, stamp))
        return at if at < len(self.stamps) and int(self.stamps[at]) == stamp else None

    def key_before(self, frame: int, steps: int = 0) -> int | None:
        """Stamp of the key frame at or before ``frame``, or ``steps`` key frames earlier; None for the very start."""
        at = int(np.searchsorted(self.keys, self.stamps[frame], side="right")) - 1 - steps
        return int(self.keys[at]) if at > 0 else None

    def fits(self, rate: Fraction) -> bool:
        """Whether every stamp lies within one tick or one millisecond (and under half a frame) of k / rate.

        Ticks of Matroska are milliseconds; MPEG streams have finer ones, but their muxers round to coarser clocks.
        """
        step = float(1 / (rate * self.time_base))
        slack = min(max(1.0, 0.001 / float(self.time_base)), 0.5 * step)
        even = np.arange(len(self.stamps)) * step
        return bool(np.all(np.abs(self.stamps - self.stamps[0] - even) <= slack + 1e-3))

    def rate(self, claims: tuple[Fraction | None, ...]) -> tuple[Fraction, bool]:
        """Frames a second and whether they are evenly spaced: the first claim that the stamps bear out, or the mean."""
        believable = [claim for claim in claims if claim and 0 < claim <= 1000]
        if len(self.stamps) < 2:
            return (believable[0] if believable else Fraction(24)), True
        if not self.stamped:
            return (believable[0] if believable else Fraction(25)), True
        seconds = (int(self.stamps[-1]) - int(self.stamps[0])) * self.time_base
        mean = Fraction(len(self.stamps) - 1) / seconds
        exact = [rate for claim in believable for rate in (snap_rate(claim), claim)]
        candidates = [*exact, snap_rate(min(mean, Fraction(1000)))]
        fitting = next((claim for claim in candidates if self.fits(claim)), None)
        return (fitting, True) if fitting else (candidates[-1], False)


def movie_index(path: Path) -> MovieIndex:
    """The index of a movie, kept for as long as the file stays the same.

    Raises MediaNotFound, MediaUnreadable or MediaCorrupt.
    """
    facts = existing_file(path).stat()
    return _indexed(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _indexed(path: Path, size: int, modified: int) -> MovieIndex:
    with opened(path) as container:
        stream = video_stream(container, path)
        listed = _from_table(stream, size)
        if listed is not None:
            return listed
        try:
            index, packets = _walk(container.demux(stream), stream, path)
        except (FFmpegError, OSError) as error:
            raise MediaCorrupt(f"cannot be read to its end ({reason(error)})", where=str(path)) from error
        claim = _claimed(stream, index)
    if packets < claim:
        raise MediaCorrupt(
            f"the file is cut short: {packets} of {claim} frames are there",
            where=f"{path}, frame {len(index)}",
            remedy="copy it again from its source, or save what is left of it as a new file",
        )
    return index


def _from_table(stream: VideoStream, size: int) -> MovieIndex | None:
    """The index of a movie without reading its pictures, for intra-only MOV and MP4 whose table lists every packet.

    Such files are as large as disks. Their table is what the demuxer itself goes by; it is believed where it is whole:
    as many entries as the header counts, every one a key frame that lies inside the file. None otherwise.
    """
    if "mp4" not in stream.container.format.name or stream.codec_context.name not in _INTRA:
        return None
    entries = list(stream.index_entries)
    whole = all(
        entry.is_keyframe and not entry.is_discard and 0 <= entry.pos <= size - entry.size and entry.size > 0
        for entry in entries
    )
    stamps = np.array([entry.timestamp for entry in entries], dtype=np.int64)
    if not whole or not entries or len(entries) != stream.frames or not bool(np.all(np.diff(stamps) > 0)):
        return None
    return MovieIndex(stamps, stamps, stream.time_base or Fraction(1, 1000), True, None)


def _claimed(stream: VideoStream, index: MovieIndex) -> int:
    """Frames that the file says it has, as far as such a claim can be trusted; 0 if it makes none."""
    family = stream.container.format.name
    if "mp4" in family:
        return len(stream.index_entries)  # after the edit list; the header's own count is from before it
    if family == "avi":
        return stream.frames
    facts = {key.upper(): value for key, value in stream.metadata.items()}
    if "NUMBER_OF_FRAMES" in facts and facts["NUMBER_OF_FRAMES"].isdigit():
        return int(facts["NUMBER_OF_FRAMES"])
    if "DURATION" in facts and len(index) > 1:
        return _frames_of(facts["DURATION"], index)
    return 0


def _frames_of(duration: str, index: MovieIndex) -> int:
    """Frames in "HH:MM:SS.fffffffff", less two for the ways in which muxers count the last one; 0 for other texts."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        return 0
    hours, minutes, seconds = (float(part) for part in match.groups())
    span = float((int(index.stamps[-1]) - int(index.stamps[0])) * index.time_base)
    step = span / (len(index) - 1)
    begin = float(int(index.stamps[0]) * index.time_base)
    return max(0, round((hours * 3600 + minutes * 60 + seconds - begin) / step) - 2)


def _walk(packets: Iterable[Packet[VideoStream]], stream: VideoStream, path: Path) -> tuple[MovieIndex, int]:
    """The index, and how many packets there were in all."""
    shown: list[int | None] = []
    keys: list[int] = []
    damaged: int | None = None
    total = 0
    for packet in packets:
        if packet.size == 0:
            continue
        total += 1
        if packet.is_keyframe and packet.pts is not None:
            keys.append(packet.pts)
        if packet.is_discard:
            continue
        if packet.is_corrupt and damaged is None:
            damaged = len(shown)
        shown.append(packet.pts)
    if not shown:
        raise MediaUnreadable("there is no frame in it", where=str(path), remedy="copy it again from its source")
    stamps = [stamp for stamp in shown if stamp is not None]
    stamped = len(set(stamps)) == len(shown)
    times = np.array(sorted(stamps) if stamped else range(len(shown)), dtype=np.int64)
    time_base = stream.time_base or Fraction(1, 1000)
    return MovieIndex(times, np.array(sorted(keys), dtype=np.int64), time_base, stamped, damaged), total
