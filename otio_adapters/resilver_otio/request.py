"""One clip of a timeline as a request: its media, its times as exact seconds, and what its metadata asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from resilver_client.errors import ClipOffline, ClipUnsupported, TimelineUnreadable

from .effects import speed_of
from .foreign import section
from .paths import media_path, sequence_pattern, split_pattern
from .stand_ins import stands_for
from .times import seconds, snap_rate
from .types import PICTURES, ClipRequest, Parameter
from .walk import Place

ORIGINAL, RESTORED = "original", "restored"
"""Keys of the media references of a switchable clip."""

_FALLBACK_RATE = Fraction(24)


@dataclass(frozen=True)
class _Media:
    path: str
    start: Fraction | None = None
    duration: Fraction | None = None
    rate: Fraction | None = None
    first_number: int | None = None
    is_sequence: bool = False


def request_for(place: Place, timeline: otio.schema.Timeline, notes: tuple[str, ...] = ()) -> ClipRequest:
    """The request for one clip. Raises ClipUnsupported or ClipOffline, naming the clip."""
    clip = place.clip
    if place.fault or place.record_start is None:
        raise ClipUnsupported(place.fault or "its place is not known", where=place.name)
    unknown = stands_for(clip) or stands_for(original_reference(clip))
    if unknown is not None:
        what = f"{unknown} is a schema that OpenTimelineIO does not know"
        raise ClipUnsupported(what, where=place.name, remedy="leave it out of the selection")
    if place.duration is not None and place.duration <= 0:
        raise ClipUnsupported("it has no length", where=place.name)
    speed = speed_of(clip)
    media = _media(original_reference(clip), place)
    source = clip.source_range
    start = None if source is None else seconds(source.start_time, media.rate, media.start or Fraction(0))
    asked = Overrides.of(clip)
    return ClipRequest(
        id=place.id,
        name=clip.name,
        track=place.track.name if place.track is not None else place.outer_track.name,
        media=media.path,
        source_start=start,
        duration=place.duration if asked.duration is None else asked.duration,
        available_start=media.start,
        available_duration=media.duration,
        media_rate=media.rate,
        timeline_rate=timeline_rate(place, timeline),
        record_start=place.record_start,
        speed=speed,
        first_number=asked.first_number if asked.first_number is not None else media.first_number,
        play_rate=asked.rate,
        fields=asked.fields or Overrides.of(timeline).fields or "none",
        output_frames=asked.output_frames,
        output_offset=asked.output_offset,
        head=seconds(place.before.in_offset) if place.before is not None else Fraction(0),
        tail=seconds(place.after.out_offset) if place.after is not None else Fraction(0),
        frames=asked.frames,
        is_sequence=media.is_sequence,
        grid_start=place.grid_start,
        notes=notes,
        pictures=asked.pictures,
        keep_frames=asked.keep_frames,
        parameters=asked.parameters,
        exact_start=asked.start,
    )


def original_reference(clip: otio.schema.Clip) -> otio.core.MediaReference:
    """The media that is to be restored: the active reference, or "original" of a clip that was restored before."""
    references = clip.media_references()
    if RESTORED in references and ORIGINAL in references:
        return references[ORIGINAL]
    return clip.media_reference


def timeline_rate(place: Place, timeline: otio.schema.Timeline) -> Fraction:
    """Frames a second of the record side: what the timeline says, else its clips, else 24."""
    written = written_timeline_rate(place, timeline)
    return _FALLBACK_RATE if written is None else snap_rate(written)


def written_timeline_rate(place: Place, timeline: otio.schema.Timeline) -> float | None:
    """The same in the form the timeline writes it."""
    if timeline.global_start_time is not None and timeline.global_start_time.rate > 1:
        return float(timeline.global_start_time.rate)
    if place.clip.source_range is not None:
        return float(place.clip.source_range.duration.rate)
    for sibling in place.track or ():
        source = getattr(sibling, "source_range", None)
        if source is not None:
            return float(source.duration.rate)
    available = place.clip.media_reference.available_range
    return None if available is None else float(available.duration.rate)


def _media(reference: otio.core.MediaReference, place: Place) -> _Media:
    if isinstance(reference, otio.schema.ImageSequenceReference):
        return _sequence(reference, place)
    if isinstance(reference, otio.schema.ExternalReference):
        if not reference.target_url:
            raise ClipOffline("its media reference is empty", where=place.name, remedy="relink the clip")
        try:
            path = media_path(reference.target_url)
        except ClipUnsupported as error:
            raise ClipUnsupported(error.what, where=place.name, remedy=error.remedy) from error
        return _Media(path, *_available(reference), is_sequence=split_pattern(path) is not None)
    if isinstance(reference, otio.schema.GeneratorReference):
        raise ClipUnsupported("it is a generator, which has no film", where=place.name, remedy="leave it out")
    raise _missing(reference, place)


def _sequence(reference: otio.schema.ImageSequenceReference, place: Place) -> _Media:
    if reference.frame_step != 1:
        raise ClipUnsupported(
            f"its image sequence takes every {reference.frame_step}th file",
            where=place.name,
            remedy="renumber the files without gaps",
        )
    if reference.start_frame < 0:
        raise ClipUnsupported("its image sequence has negative numbers", where=place.name, remedy="renumber the files")
    path = sequence_pattern(
        reference.target_url_base, reference.name_prefix, reference.frame_zero_padding, reference.name_suffix
    )
    start, duration, rate = _available(reference)
    if reference.rate > 0:
        rate = snap_rate(reference.rate)
    return _Media(path, start, duration, rate, reference.start_frame, True)


def _available(reference: otio.core.MediaReference) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    available = reference.available_range
    if available is None:
        return None, None, None
    return seconds(available.start_time), seconds(available.duration), snap_rate(available.duration.rate)


def _missing(reference: otio.core.MediaReference, place: Place) -> ClipOffline | ClipUnsupported:
    """A title where Resolve wrote the clip and names no media; else media that is offline."""
    resolve = section(reference, "Resolve_OTIO")
    if "Media Url" in resolve:
        return ClipOffline(
            f"its media is offline: {resolve['Media Url']}", where=place.name, remedy="relink the clip and export again"
        )
    from_resolve = any("Resolve_OTIO" in owner.metadata for owner in (place.clip, place.outer_track))
    if from_resolve and reference.available_range is None:
        return ClipUnsupported(
            "it is a title or generator, which has no film", where=place.name, remedy="leave it out of the selection"
        )
    return ClipOffline(
        "the timeline names no media for it", where=place.name, remedy="relink the clip and export again"
    )


@dataclass(frozen=True)
class Overrides:
    """What ``metadata.resilver`` of a clip asks for beyond what OTIO can say; of a timeline: for all its clips."""

    rate: Fraction | None = None
    fields: str | None = None
    output_frames: int | None = None
    output_offset: Fraction = Fraction(0)
    first_number: int | None = None
    frames: tuple[int, int | None] | None = None
    start: Fraction | None = None
    duration: Fraction | None = None
    pictures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keep_frames: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)

    @classmethod
    def of(cls, clip: otio.schema.Clip | otio.schema.Timeline) -> Overrides:
        """Raises ClipUnsupported, naming clip and key, for a value that cannot be meant."""
        found = section(clip, "resilver")
        key = ""
        try:
            key = "rate"
            rate = None if found.get(key) is None else _rate(found[key])
            key = "fields"
            fields = None if found.get(key) is None else _one_of(str(found[key]), ("none", "bwdif", "ivtc"))
            key = "output_frames"
            output_frames = None if found.get(key) is None else _positive(int(found[key]))
            key = "output_offset"
            offset = _fraction(found.get(key, 0))
            key = "first_number"
            first = None if found.get(key) is None else int(found[key])
            key = "frames"
            frames = _frames(found.get(key))
            key = "start"
            start = None if found.get(key) is None else _fraction(found[key])
            key = "duration"
            duration = None if found.get(key) is None else _positive(_fraction(found[key]))
            pictures = {}
            for key in PICTURES:
                if found.get(key) is not None:
                    pictures[key] = _texts(found[key])
            key = "keep_frames"
            keep_frames = _texts(found.get(key) or {})
            key = "parameters"
            parameters = _parameters(found.get(key) or {})
        except (ValueError, TypeError, ArithmeticError, TimelineUnreadable) as error:
            raise ClipUnsupported(f"metadata.resilver.{key} is {found.get(key)!r}", where=clip.name) from error
        return cls(
            rate, fields, output_frames, offset, first, frames, start, duration, pictures, keep_frames, parameters
        )


def _fraction(value: Any) -> Fraction:
    """A power of ten in a few characters would be computed for hours."""
    text = str(value)
    if len(text) > 64 or "e" in text.lower().partition("e-")[0]:
        raise ValueError(value)
    return Fraction(text) if "e" not in text.lower() else Fraction(float(text))


def _rate(value: Any) -> Fraction:
    """A rate written as a fraction (``"24/1"``, ``"1199/50"``) is exact; any other may be a rounded one."""
    written: Fraction = _positive(_fraction(value))
    return written if "/" in str(value) and written <= 1_000_000 else snap_rate(written)


def _positive(value: Any) -> Any:
    if value <= 0:
        raise ValueError(value)
    return value


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(value)
    return value


def _texts(value: Any) -> dict[str, str]:
    """``{stage: text}``, nothing else."""
    if not hasattr(value, "items"):
        raise TypeError(value)
    texts = dict(value.items())
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise TypeError(value)
    return texts


def _parameters(value: Any) -> dict[str, dict[str, Parameter]]:
    """``{stage: {name: value}}``, nothing else."""
    if not hasattr(value, "items") or not all(hasattr(own, "items") for own in value.values()):
        raise TypeError(value)
    found = {stage: dict(own.items()) for stage, own in value.items()}
    if not all(isinstance(each, str | int | float | bool) for own in found.values() for each in own.values()):
        raise TypeError(value)
    return found


def _frames(value: Any) -> tuple[int, int | None] | None:
    if value is None:
        return None
    first, stop = value
    start, end = int(first), None if stop is None else int(stop)
    if start < 0 or (end is not None and end <= start):
        raise ValueError(value)
    return start, end
