"""What of a restored clip can be shown: its own range, less what a dissolve with an unrestored neighbour takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from resilver_client.errors import FrameCountMismatch, InvalidRequest

from .request import Overrides
from .times import seconds
from .types import Restored
from .walk import Place, walk

_ZERO = Fraction(0)


@dataclass(frozen=True)
class Fit:
    """A restored clip and its place. Times are record seconds in the clip's own parent."""

    place: Place
    restored: Restored
    start: Fraction
    duration: Fraction
    """Of the original clip."""

    @property
    def clip(self) -> otio.schema.Clip:
        return self.place.clip

    @property
    def length(self) -> Fraction:
        return self.restored.frames / self.restored.rate

    @property
    def tail(self) -> Fraction:
        """Seconds in the file after the clip's own range."""
        return self.length - self.restored.head - self.duration

    @property
    def fills_before(self) -> bool:
        """Whether the file reaches as far before the range as the transition there shows it."""
        return self.place.before is None or self.restored.head >= seconds(self.place.before.in_offset)

    @property
    def fills_after(self) -> bool:
        frame = 1 / self.restored.rate
        return self.place.after is None or self.tail + frame > seconds(self.place.after.out_offset)


@dataclass(frozen=True)
class Window:
    """The part of a fit that is shown, as seconds cut off at either end."""

    fit: Fit
    cut_head: Fraction = _ZERO
    cut_tail: Fraction = _ZERO

    @property
    def start(self) -> Fraction:
        return self.fit.start + self.cut_head

    @property
    def duration(self) -> Fraction:
        return self.fit.duration - self.cut_head - self.cut_tail

    @property
    def whole(self) -> bool:
        return not (self.cut_head or self.cut_tail)


def find_fits(timeline: otio.schema.Timeline, restored: Sequence[Restored]) -> dict[str, Fit]:
    """Each restored clip by its id. Raises InvalidRequest for an id that is no clip of the timeline or comes twice,
    FrameCountMismatch for a file that is too short for its clip."""
    places = {place.id: place for place in walk(timeline)}
    fits: dict[str, Fit] = {}
    for each in restored:
        place = places.get(each.clip_id)
        if place is None or each.clip_id in fits:
            what = "restored twice" if place is not None else "not a clip of this timeline"
            raise InvalidRequest(what, where=each.clip_id, remedy="place results on the timeline they were made from")
        if each.frames < 1 or each.rate <= 0 or each.head < 0:
            raise InvalidRequest("no frames, rate or head that can be placed", where=each.path)
        fits[each.clip_id] = _fit(place, each)
    return fits


def _fit(place: Place, restored: Restored) -> Fit:
    length = restored.frames / restored.rate
    duration = place.duration if place.duration is not None else length - restored.head
    fit = Fit(place, restored, place.start or _ZERO, duration)
    if fit.tail <= -1 / restored.rate and Overrides.of(place.clip).output_frames is None:
        raise FrameCountMismatch(
            f"{restored.frames} frames at {restored.rate} a second do not fill {float(restored.head + duration):.3f} s",
            where=f"{place.name} ({restored.path})",
        )
    return fit


def overlay_window(fit: Fit, fits: Mapping[str, Fit]) -> Window:
    """On a track above, a dissolve is copied where both its sides are restored and reach; else it is left out."""
    cut_head = _ZERO if joined_before(fit, fits) else _length_in(fit.place.before)
    cut_tail = _ZERO if joined_after(fit, fits) else _length_out(fit.place.after)
    return Window(fit, cut_head, cut_tail)


def replace_window(fit: Fit) -> Window:
    """In the original's own place the dissolve is there already; the new media only has to reach."""
    cut_head = _ZERO if fit.fills_before else _length_in(fit.place.before)
    cut_tail = _ZERO if fit.fills_after else _length_out(fit.place.after)
    return Window(fit, cut_head, cut_tail)


def joined_before(fit: Fit, fits: Mapping[str, Fit]) -> bool:
    """Whether the clip needs no cut before it: no transition, or one to a restored clip that both reach into."""
    if fit.place.before is None:
        return True
    other = fits.get(_sibling(fit, -2))
    return other is not None and fit.fills_before and other.fills_after


def joined_after(fit: Fit, fits: Mapping[str, Fit]) -> bool:
    if fit.place.after is None:
        return True
    other = fits.get(_sibling(fit, +2))
    return other is not None and fit.fills_after and other.fills_before


def _sibling(fit: Fit, steps: int) -> str:
    path = fit.place.path
    return "/".join(map(str, (*path[:-1], path[-1] + steps)))


def _length_in(transition: otio.schema.Transition | None) -> Fraction:
    """How much of the clip after a cut its transition covers."""
    return _ZERO if transition is None else seconds(transition.out_offset)


def _length_out(transition: otio.schema.Transition | None) -> Fraction:
    return _ZERO if transition is None else seconds(transition.in_offset)
