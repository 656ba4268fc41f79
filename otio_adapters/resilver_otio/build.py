"""The OTIO objects of a result: references to restored media, clips that show them, and gaps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath

import opentimelineio as otio

from .effects import speed_of
from .fits import Fit, Window
from .foreign import section
from .paths import is_windows, split_pattern
from .request import original_reference
from .times import rational, seconds, time_range, written_rate

_ZERO = Fraction(0)


def overlay_clip(window: Window) -> otio.schema.Clip:
    """A new clip that shows the restored media from its own first moment, retime baked in."""
    fit = window.fit
    origin = fit.restored.start_time or _ZERO
    clip = otio.schema.Clip(
        fit.clip.name,
        restored_reference(fit, origin),
        _shown(window, origin + fit.restored.head),
        {"resilver": provenance(window)},
    )
    return clip


def replaced_clips(window: Window) -> list[otio.schema.Clip]:
    """The clips that take the original's place: the restored one, and what of the original a dissolve still needs."""
    fit = window.fit
    pieces = [_restored_copy(window)]
    if window.cut_head:
        pieces.insert(0, _original_piece(fit, _ZERO, window.cut_head))
    if window.cut_tail:
        pieces.append(_original_piece(fit, fit.duration - window.cut_tail, fit.duration))
    return pieces


def switch_on(fit: Fit, original_key: str, restored_key: str) -> None:
    """Give the clip itself both media, the restored one active, its ``source_range`` valid for both."""
    clip = fit.clip
    original = original_reference(clip)
    others = {
        key: reference
        for key, reference in clip.media_references().items()
        if key not in (clip.active_media_reference_key, original_key, restored_key)
    }
    start = _source_start(fit)
    if clip.source_range is None and original.available_range is not None:
        clip.source_range = original.available_range
    references = {original_key: original, restored_key: restored_reference(fit, start - fit.restored.head), **others}
    clip.set_media_references(references, restored_key)
    clip.metadata["resilver"] = {**section(clip, "resilver"), **provenance(Window(fit))}


def restored_reference(fit: Fit, start: Fraction) -> otio.core.MediaReference:
    """The restored file, its frames counted at its own rate from ``start`` seconds."""
    restored = fit.restored
    rate = written_rate(restored.rate)
    available = otio.opentime.TimeRange(rational(start, rate), otio.opentime.RationalTime(float(restored.frames), rate))
    parts = split_pattern(restored.path) if restored.is_sequence else None
    if parts is None:
        return otio.schema.ExternalReference(_like_original(restored.path, fit), available)
    folder, prefix, padding, suffix = parts
    return otio.schema.ImageSequenceReference(
        target_url_base=_like_original(folder, fit),
        name_prefix=prefix,
        name_suffix=suffix,
        start_frame=restored.first_number,
        frame_step=1,
        rate=rate,
        frame_zero_padding=padding,
        available_range=available,
    )


def gap(duration: Fraction, rate: float) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=time_range(_ZERO, duration, rate))


def provenance(window: Window) -> dict[str, str]:
    """What a restored clip's ``metadata.resilver`` says of where it came from; ``head`` is the record seconds in the
    file before the moment that the clip shows first."""
    restored = window.fit.restored
    return {
        "job": restored.job,
        "recipe": restored.recipe,
        "clip": restored.clip_id,
        "head": str(restored.head + window.cut_head),
    }


def record_rate(fit: Fit) -> float:
    """The record side's rate as this timeline writes it."""
    source = fit.clip.source_range
    if source is not None:
        return float(source.duration.rate)
    available = original_reference(fit.clip).available_range
    return float(available.duration.rate) if available is not None else written_rate(fit.restored.rate)


def is_retimed(fit: Fit) -> bool:
    return speed_of(fit.clip) != 1


def _shown(window: Window, start: Fraction) -> otio.opentime.TimeRange:
    """The window in the record side's rate; an uncut duration exactly as the original writes it."""
    fit = window.fit
    rate = record_rate(fit)
    source = fit.clip.source_range
    duration = rational(window.duration, rate)
    if window.whole and source is not None:
        duration = source.duration
    return otio.opentime.TimeRange(rational(start + window.cut_head, rate), duration)


def _source_start(fit: Fit) -> Fraction:
    """Media seconds of the clip's range as the timeline writes them."""
    available = original_reference(fit.clip).available_range
    source = fit.clip.source_range if fit.clip.source_range is not None else available
    return _ZERO if source is None else seconds(source.start_time)


def _restored_copy(window: Window) -> otio.schema.Clip:
    """The clip with everything it carries, but for its media and the retime, which the new media has baked in."""
    fit = window.fit
    clip = fit.clip.deepcopy()
    origin = fit.restored.start_time or _ZERO
    key = otio.schema.Clip.DEFAULT_MEDIA_KEY
    clip.set_media_references({key: restored_reference(fit, origin)}, key)
    clip.source_range = _shown(window, origin + fit.restored.head)
    clip.effects[:] = [each.deepcopy() for each in fit.clip.effects if not isinstance(each, otio.schema.TimeEffect)]
    _move_markers(clip, fit, origin + fit.restored.head)
    clip.metadata["resilver"] = provenance(window)
    return clip


def _move_markers(clip: otio.schema.Clip, fit: Fit, start: Fraction) -> None:
    """Markers sit in media time: the same moment is another time of the new media."""
    speed, low = speed_of(fit.clip), _source_start(fit)
    for marker in clip.markers:
        moment, length = seconds(marker.marked_range.start_time), seconds(marker.marked_range.duration)
        if speed > 0:
            record = (moment - low) / speed
        elif speed < 0:
            record = fit.duration - (moment + length - low) / -speed
        else:
            record = _ZERO
        rate = marker.marked_range.start_time.rate
        marker.marked_range = time_range(start + record, length / abs(speed) if speed else length, rate)


def _original_piece(fit: Fit, first: Fraction, stop: Fraction) -> otio.schema.Clip:
    """The original clip, trimmed to a part of its record range."""
    piece = fit.clip.deepcopy()
    speed, low, rate = speed_of(fit.clip), _source_start(fit), record_rate(fit)
    start = low - speed * (fit.duration - stop) if speed < 0 else low + speed * first
    piece.source_range = time_range(start, stop - first, rate)
    del piece.markers[:]
    if "head" in section(piece, "resilver"):
        del piece.metadata["resilver"]["head"]
    return piece


def _like_original(path: str, fit: Fit) -> str:
    """The path in the form the original is written in: a plain path, or a ``file:`` URL."""
    original = original_reference(fit.clip)
    url = getattr(original, "target_url", None) or getattr(original, "target_url_base", "")
    if not str(url).startswith("file:"):
        return path
    pure = PureWindowsPath(path) if is_windows(path) else PurePosixPath(path)
    if not pure.is_absolute():
        return path
    return pure.as_uri() + ("/" if path.endswith(("/", "\\")) else "")
