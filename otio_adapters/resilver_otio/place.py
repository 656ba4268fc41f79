"""Restored clips -> timeline: on the record range of the clip they were made from, to the frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import opentimelineio as otio

from resilver_client.errors import InvalidRequest

from .build import is_retimed, replaced_clips, switch_on
from .effects import kept_effects
from .exact import keep_floats
from .fits import Fit, Window, find_fits, overlay_window, replace_window
from .grid import to_rate
from .layers import add_overlays
from .parse import parse_timeline, to_json
from .request import ORIGINAL, RESTORED, Overrides, original_reference, timeline_rate
from .resolve_frames import recount
from .times import time_range, written_rate
from .types import Layout, Placed, Restored
from .walk import Place, walk


def place(timeline_json: str, restored: Sequence[Restored], layout: Layout, at_delivery_rate: bool = False) -> Placed:
    """The timeline with the restored clips in it, and what could not be kept.

    ``overlay`` adds a track above the video tracks of each clip's stack and changes nothing else; ``replace`` puts
    the restored media in the clip's place; ``switchable`` gives the clip both media. With ``at_delivery_rate`` the
    result is a timeline at the rate of the restored files, every cut rounded up to that grid. Media that the
    timeline said nothing about (a movie that arrived as a timeline of one clip) gets the range that probing found.

    Raises TimelineUnreadable, InvalidRequest for results that do not belong to the timeline, FrameCountMismatch for
    a file that is too short for its clip.
    """
    timeline = parse_timeline(timeline_json)
    for spot, result in _pairs(timeline, restored):
        _complete(spot.clip, result)
    fits = find_fits(timeline, restored)
    places = list(walk(timeline))
    report: list[str] = []
    overlays: list[Window] = []
    replacements: list[Window] = []
    for fit in fits.values():
        kind = _layout_for(fit, layout, report)
        if kind is Layout.OVERLAY:
            overlays.extend(_overlaid(fit, fits, places, report))
        elif kind is Layout.REPLACE:
            replacements.extend(_replaced(fit, report))
        else:
            switch_on(fit, ORIGINAL, RESTORED)
    add_overlays(overlays, fits)
    _replace(replacements)
    if not (at_delivery_rate and fits):
        return Placed(keep_floats(to_json(timeline), timeline_json), tuple(report))
    before, after = timeline_rate(places[0], timeline), _delivery_rate(restored)
    to_rate(timeline, after)
    text, looked_after = recount(to_json(timeline), before, after)
    return Placed(keep_floats(text, timeline_json), (*report, *looked_after))


def _delivery_rate(restored: Sequence[Restored]) -> Fraction:
    rates = {each.rate for each in restored}
    if len(rates) > 1:
        listed = ", ".join(sorted(map(str, rates)))
        raise InvalidRequest(
            f"restored clips of several rates: {listed}", remedy="ask for one rate, or keep the timeline's"
        )
    return rates.pop()


def _pairs(timeline: otio.schema.Timeline, restored: Sequence[Restored]) -> list[tuple[Place, Restored]]:
    results = {each.clip_id: each for each in restored}
    return [(each, results[each.id]) for each in walk(timeline) if each.id in results]


def _complete(clip: otio.schema.Clip, restored: Restored) -> None:
    """Our own timelines of one clip do not know their media's times until it has been probed."""
    reference = original_reference(clip)
    rate, count = restored.source_rate, restored.source_frames
    if "resilver" not in clip.metadata or reference.available_range is not None or rate is None or count is None:
        return
    reference.available_range = time_range(Fraction(0), count / rate, written_rate(rate))
    if isinstance(reference, otio.schema.ImageSequenceReference) and not reference.rate:
        reference.rate = written_rate(rate)
    first, stop = Overrides.of(clip).frames or (0, None)
    if clip.source_range is None:
        end = count if stop is None else stop
        clip.source_range = time_range(first / rate, (end - first) / rate, written_rate(rate))


def _layout_for(fit: Fit, layout: Layout, report: list[str]) -> Layout:
    if layout is not Layout.SWITCHABLE:
        return layout
    name = fit.place.name
    if is_retimed(fit):
        report.append(f"{name} is retimed, so one range cannot fit both media: the restored clip lies on a track above")
        return Layout.OVERLAY
    if not (fit.fills_before and fit.fills_after):
        report.append(f"{name} is in a dissolve that its restored media does not reach: it lies on a track above")
        return Layout.OVERLAY
    return layout


def _overlaid(fit: Fit, fits: dict[str, Fit], places: list[Place], report: list[str]) -> list[Window]:
    window = overlay_window(fit, fits)
    if window.duration <= 0:
        report.append(f"{fit.place.name} is not placed: dissolves with clips that are not restored cover all of it")
        return []
    _report_cuts(window, report)
    effects = kept_effects(fit.clip)
    if effects:
        report.append(f"{fit.place.name}: {', '.join(effects)} stays on the original; set it on the restored clip too")
    covered = [each.name for each in places if _is_covered(each, fit, fits)]
    if covered:
        report.append(f"{fit.place.name}: its restored clip lies above {', '.join(covered)}, which it may hide")
    return [window]


def _is_covered(other: Place, fit: Fit, fits: dict[str, Fit]) -> bool:
    """A clip of a higher track that plays while the restored one does."""
    mine = fit.place
    if other.track_number <= mine.track_number or not other.shown or other.id in fits:
        return False
    starts = (other.record_start, mine.record_start)
    lengths = (other.record_duration, mine.record_duration)
    if starts[0] is None or starts[1] is None or lengths[0] is None or lengths[1] is None:
        return False
    return starts[0] < starts[1] + lengths[1] and starts[1] < starts[0] + lengths[0]


def _replaced(fit: Fit, report: list[str]) -> list[Window]:
    window = replace_window(fit)
    if window.duration <= 0:
        report.append(f"{fit.place.name} is not replaced: dissolves that its restored media does not reach cover it")
        return []
    _report_cuts(window, report)
    return [window]


def _report_cuts(window: Window, report: list[str]) -> None:
    name = window.fit.place.name
    if window.cut_head:
        report.append(f"{name}: its restored clip begins where the dissolve before it ends")
    if window.cut_tail:
        report.append(f"{name}: its restored clip ends where the dissolve after it begins")


def _replace(windows: list[Window]) -> None:
    """From the last child to the first, so that positions stay true."""
    for window in sorted(windows, key=lambda each: each.fit.place.path, reverse=True):
        parent, position = window.fit.clip.parent(), window.fit.place.path[-1]
        pieces = replaced_clips(window)
        del parent[position]
        for offset, piece in enumerate(pieces):
            parent.insert(position + offset, piece)
