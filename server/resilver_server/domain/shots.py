"""A shot: a range of one piece of media, as a timeline (or the command line) asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .formats import FieldFilter
from .rates import Rate


@dataclass(frozen=True)
class Shot:
    """Which frames of which media are shown, when, and how many output frames are asked for.

    Media frame ``i`` (counted from 0, the first frame that can be shown) is shown from ``i / rate`` seconds.
    At ``t`` seconds after the shot's start the media stands at ``start + speed * t`` seconds.
    """

    name: str
    """The clip's name; used in reports and file names."""
    media: str
    """Path of the movie or still; for a sequence the printf pattern."""
    rate: Rate
    """Media frames a second, as they are to be played at speed 1 (``--rate`` overrides the file's)."""
    start: Fraction
    """Media seconds of the shot's first moment: ``in_frame / rate``. For a reversed shot the time of the frame
    that is shown first, which is the last one of the range."""
    duration: Fraction
    """Seconds that the shot lasts on the record side."""
    speed: Fraction = Fraction(1)
    """Media seconds a record second; negative plays backwards, 0 freezes."""
    fields: FieldFilter = FieldFilter.NONE
    output_frames: int | None = None
    """Exactly so many output frames instead of ``ceil(duration * output rate)``."""
    output_offset: Fraction = Fraction(0)
    """Record seconds of the first output frame after the shot's start (hosts round cuts on their own grid)."""
    first_number: int | None = None
    """For a sequence: number of media frame 0; None is the first file there is."""
    handles: bool = True
    """Whether frames of the media beyond the range may be looked at (never shown)."""
    output: str = ""
    """Absolute path of the result, without the profile's suffix."""
