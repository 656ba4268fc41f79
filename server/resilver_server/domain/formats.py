"""What frames look like: geometry, colour tags, and the facts of a piece of media."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from .rates import Rate

PICTURE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".dpx", ".exr", ".jpg", ".jpeg"})
"""Of files that are read as pictures, one a frame."""


class MediaKind(StrEnum):
    MOVIE = "movie"
    SEQUENCE = "sequence"
    STILL = "still"


class FieldOrder(StrEnum):
    PROGRESSIVE = "progressive"
    TOP_FIRST = "top-first"
    BOTTOM_FIRST = "bottom-first"
    PULLDOWN = "pulldown"
    UNKNOWN = "unknown"


class FieldFilter(StrEnum):
    """How interlaced material is made progressive before anything else sees it."""

    NONE = "none"
    BWDIF = "bwdif"
    IVTC = "ivtc"


@dataclass(frozen=True)
class ColourTags:
    """ISO/IEC 23091-2 code points by the names FFmpeg gives them; "unspecified" where the file does not say."""

    primaries: str = "unspecified"
    transfer: str = "unspecified"
    matrix: str = "unspecified"
    full_range: bool = False


@dataclass(frozen=True)
class FrameFormat:
    """Geometry of the frames that pass between stages."""

    width: int
    height: int
    pixel_aspect: Fraction = Fraction(1)

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    duration: Fraction
    """Seconds."""
    start: Fraction = Fraction(0)
    """Seconds after the first video frame."""


@dataclass(frozen=True)
class MediaInfo:
    """What probing found. Counts are of frames that can be decoded and shown, not of the header's claim."""

    path: str
    """A movie or picture file; for a sequence its pattern in printf form, ``/film/scan.%05d.dpx``."""
    kind: MediaKind
    format: FrameFormat
    rate: Rate
    """Frames a second; for sequences and stills the rate they were asked to be played at (24 if nobody said)."""
    frame_count: int
    first_number: int
    """Number of the first file of a sequence; 0 otherwise."""
    colour: ColourTags
    bit_depth: int
    pixel_format: str
    codec: str
    has_alpha: bool
    field_order: FieldOrder
    variable_rate: bool
    start_timecode: str | None
    """``"01:00:00:00"``, with ``;`` before the frames where it is drop-frame."""
    audio: tuple[AudioInfo, ...] = ()

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return self.frame_count / self.rate
