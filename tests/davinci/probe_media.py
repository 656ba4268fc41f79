"""Says as JSON what a media file is: the double of Resolve asks it, from a Python that has PyAV, when it imports.

python probe_media.py FILE
python probe_media.py PATTERN FIRST LAST
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TypedDict

import av

STILLS = {".bmp", ".cin", ".dpx", ".exr", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"}


class Facts(TypedDict):
    """What an editor reads from a file's header."""

    frames: int
    fps: float
    """0 where the editor decides: stills and sequences. Sound: samples a second, as `frames` are samples."""
    start_timecode: str
    width: int
    height: int
    type: str
    """As Resolve says it: "Video", "Video + Audio", "Audio", "Still"."""


def probe_file(path: str) -> Facts | None:
    """A file by itself; None where it is no media."""
    if not Path(path).is_file():
        return None
    try:
        with av.open(path) as container:
            return described(container, Path(path).suffix.lower() in STILLS)
    except av.FFmpegError:
        return None


def probe_sequence(pattern: str, first: int, last: int) -> Facts | None:
    """A sequence; None where a file of it is missing."""
    if any(not Path(pattern % number).is_file() for number in range(first, last + 1)):
        return None
    facts = probe_file(pattern % first)
    return None if facts is None else {**facts, "frames": last - first + 1, "fps": 0.0, "type": "Video"}


def described(container: av.container.InputContainer, still: bool) -> Facts | None:
    """What the container's streams are."""
    if container.streams.video:
        return picture(container, still)
    if container.streams.audio:
        sound = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(sound))
        return Facts(frames=samples, fps=float(sound.rate), start_timecode="", width=0, height=0, type="Audio")
    return None


def picture(container: av.container.InputContainer, still: bool) -> Facts:
    """Of moving or still pictures; frames are counted where the header does not say."""
    stream = container.streams.video[0]
    size = {"width": stream.width, "height": stream.height}
    if still:
        return Facts(frames=1, fps=0.0, start_timecode="", type="Still", **size)
    rate = stream.average_rate or stream.guessed_rate
    kind = "Video + Audio" if container.streams.audio else "Video"
    timecode = start_timecode(container)
    frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
    return Facts(frames=frames, fps=float(rate or 0), start_timecode=timecode, type=kind, **size)


def start_timecode(container: av.container.InputContainer) -> str:
    """The first timecode that any stream or the container names."""
    tables = [stream.metadata for stream in container.streams] + [container.metadata]
    return next((table["timecode"] for table in tables if table.get("timecode")), "")


if __name__ == "__main__":
    asked = sys.argv[1:]
    json.dump(probe_file(asked[0]) if len(asked) == 1 else probe_sequence(asked[0], *map(int, asked[1:])), sys.stdout)
