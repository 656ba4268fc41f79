"""The typed hand-over between a timeline and everything else. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

PICTURES = ("mattes", "keep_mattes", "key_frames", "defect_maps")
"""Keys of ``metadata.resilver`` under which a clip brings pictures of its own for stages."""

Parameter = str | int | float | bool
"""The value of a stage's parameter."""


class Layout(StrEnum):
    """How restored clips come back."""

    OVERLAY = "overlay"
    """On a track above; the original stays untouched below."""
    REPLACE = "replace"
    SWITCHABLE = "switchable"
    """Several media references on the clip, "original" and "restored"."""


@dataclass(frozen=True)
class Selection:
    """Which clips are meant. Conditions of different kinds must all hold, those of one kind are alternatives;
    nothing given means every clip of every video track."""

    names: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()
    """Position among the video clips of the timeline: tracks bottom-up, then time; from 0."""
    tracks: tuple[str, ...] = ()
    """Names, or numbers from 1 bottom-up."""
    markers: tuple[str, ...] = ()
    """Names of markers on the clip, or on the timeline over it."""
    colours: tuple[str, ...] = ()
    """Marker or clip colours, case ignored."""
    range: tuple[Fraction, Fraction] | None = None
    """Timeline seconds from its first frame, half-open: clips that overlap it, whole."""


@dataclass(frozen=True)
class ClipRequest:
    """One selected clip, with the timeline's facts as exact seconds and nothing guessed about its media."""

    id: str
    """Where it lies in the timeline, e.g. ``"0/3"``: track index and child index (deeper for nested stacks)."""
    name: str
    track: str
    media: str
    """OS path; for an image sequence the printf pattern."""
    source_start: Fraction | None
    """Seconds as written in ``source_range`` (timecode-absolute or 0-based: ``locate`` decides); None = whole media."""
    duration: Fraction | None
    """Record seconds; None = whole media."""
    available_start: Fraction | None
    available_duration: Fraction | None
    media_rate: Fraction | None
    """Rate of the available range or the image sequence; None where the timeline does not say."""
    timeline_rate: Fraction
    record_start: Fraction
    """Seconds after the timeline's first frame."""
    speed: Fraction = Fraction(1)
    first_number: int | None = None
    play_rate: Fraction | None = None
    """Rate at which the media's frames are to be played instead of their own (``metadata.resilver.rate``)."""
    fields: str = "none"
    output_frames: int | None = None
    output_offset: Fraction = Fraction(0)
    """Record seconds of the first output frame after the start of what ``locate`` returns (``head`` included)."""
    head: Fraction = Fraction(0)
    """Record seconds before the clip's range that a transition shows of it."""
    tail: Fraction = Fraction(0)
    """The same after its range."""
    frames: tuple[int, int | None] | None = None
    """Half-open range of media frames counted from 0, for clips whose times the timeline does not say
    (``metadata.resilver.frames``); None as the end is the end of the media."""
    is_sequence: bool = False
    grid_start: Fraction = Fraction(0)
    """Seconds from which ``on_grid`` counts: ``record_start``, but in a retimed nest the time inside that nest."""
    notes: tuple[str, ...] = ()
    """What stays on the original and is not on the restored clip, in plain sentences."""
    pictures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For this clip alone, by ``PICTURES`` and name of the stage: paths of mattes and the like."""
    keep_frames: Mapping[str, str] = field(default_factory=dict)
    """For this clip alone, by name of the stage: media frames that it leaves alone, as in ``"120-139, 200"``."""
    parameters: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)
    """For this clip alone, by name of the stage: parameters laid over the recipe's."""
    exact_start: Fraction | None = None
    """Media seconds after the first frame at the clip's first moment (``metadata.resilver.start``): exact, where the
    floats of a source range are not. For a reversed clip that is the time of the frame that is shown first."""


@dataclass(frozen=True)
class Refusal:
    """A clip that cannot be mapped, and why."""

    clip: str
    reason: str
    """Reason of the typed error, e.g. ``CLIP_UNSUPPORTED``."""
    message: str
    clip_id: str = ""
    """Its place, as in ``ClipRequest.id``."""


@dataclass(frozen=True)
class Collected:
    clips: tuple[ClipRequest, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class Located:
    """A clip's place in its media, in media seconds after the first frame."""

    start: Fraction
    """Of the frame shown first (for a reversed clip the last of the range); ``head`` is included."""
    duration: Fraction
    """Record seconds, ``head`` and ``tail`` included."""
    speed: Fraction
    rate: Fraction
    """Media frames a second as the timeline plays them: what ``Shot.rate`` is to be."""
    head: Fraction = Fraction(0)
    """Record seconds before the clip's own range, for a transition, as far as the media has them.
    ``Restored.head`` is to be this."""
    tail: Fraction = Fraction(0)


@dataclass(frozen=True)
class Restored:
    """A finished clip that is to be placed."""

    clip_id: str
    path: str
    rate: Fraction
    frames: int
    width: int
    height: int
    job: str
    recipe: str
    """Digest of the recipe."""
    is_sequence: bool = False
    """``path`` is then a printf pattern."""
    head: Fraction = Fraction(0)
    """Record seconds in the file before the clip's own range (``Located.head``)."""
    start_time: Fraction | None = None
    """Seconds that the file's start timecode stands for; None where it has none."""
    first_number: int = 0
    """Number of the first file of a sequence."""
    source_rate: Fraction | None = None
    """Of the original media as it was played (``Located.rate``); with ``source_frames``, its frame count, it completes
    a clip whose timeline said nothing of its times."""
    source_frames: int | None = None


@dataclass(frozen=True)
class Placed:
    """Result timeline as OTIO JSON, and what could not be kept, in plain sentences naming clips."""

    timeline: str
    report: tuple[str, ...]
