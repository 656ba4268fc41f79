"""Items of the timeline as clips to restore, or why one cannot be, in words for people."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import opentimelineio as otio

from resilver_client.errors import ClipOffline, ClipUnsupported, ResilverError
from resilver_otio.effects import kept_effects
from resilver_otio.locate import locate
from resilver_otio.request import request_for
from resilver_otio.types import ClipRequest, Located
from resilver_publish.types import HostClip

from . import host
from .agreement import refuse_disagreement
from .edit import Item
from .timeline import Matched, Matching

Exists = Callable[[str], bool]

_LEAVE_OUT = "leave it out of the selection"
_NESTED = "decompose it in place, or open it and restore the clips inside"
_NO_FILM = (
    ("multicam", "a multicam clip", "flatten it, then restore the angle that is left"),
    ("compound", "a compound clip", _NESTED),
    ("timeline", "a timeline inside the timeline", _NESTED),
    ("fusion", "a Fusion clip", "render it in place and restore that, or leave it out of the selection"),
    ("adjustment", "an adjustment clip, which has no film", _LEAVE_OUT),
    ("subtitle", "a subtitle, which has no film", _LEAVE_OUT),
    ("title", "a title, which has no film", _LEAVE_OUT),
    ("generator", "a generator, which has no film", _LEAVE_OUT),
    ("stereo", "a stereoscopic clip", "use the clip of one eye"),
)
"""A word of Resolve's own for the kind, what it is, and what to do. Resolve may say kinds in the user's language: one
that is not known is film where it has a file, and the server looks into that."""


@dataclass(frozen=True)
class Shown:
    """A clip of the timeline with all that is known of it."""

    clip: HostClip
    item: Item
    matched: Matched
    media: host.Media | None = None
    """None for titles and the like."""
    request: ClipRequest | None = None
    located: Located | None = None
    """None where the media's length is not known here."""

    @property
    def speed(self) -> Fraction:
        return self.request.speed if self.request is not None else Fraction(1)


def shown_clips(matching: Matching, exists: Exists = os.path.exists) -> tuple[Shown, ...]:
    """All clips of the video tracks, refused ones included, in the order of the timeline. Transitions are none."""
    return tuple(_shown(each, matching, exists) for each in matching.matched.values())


def _shown(matched: Matched, matching: Matching, exists: Exists) -> Shown:
    item = matched.item
    request: ClipRequest | None = None
    located: Located | None = None
    refusal: ResilverError | None = None
    try:
        _refuse_what_is_no_film(matched)
        request = _request(matched, matching)
        located = _located(request, item)
        _refuse_missing(request, item, exists)
        refuse_disagreement(request, located, item)
    except ResilverError as error:
        refusal = error
    clip = HostClip(item.id, item.name, item.track, item.start, item.stop, refusal)
    return Shown(clip, item, matched, _media(item, request, located, exists), request, located)


def _refuse_what_is_no_film(matched: Matched) -> None:
    item = matched.item
    kind = f"{item.media.type if item.media else _adjustment(item)} {item.type or ''}"
    for word, what, remedy in _NO_FILM:
        if word in kind.lower():
            raise ClipUnsupported(f"it is {what}", where=item.name, remedy=remedy)
    if item.media is None:
        if isinstance(getattr(matched.child, "media_reference", None), otio.schema.GeneratorReference):
            raise ClipUnsupported("it is a generator, which has no film", where=item.name, remedy=_LEAVE_OUT)
        if not _names_media(matched):
            what = "it is a title, a generator or an adjustment clip, which has no film"
            raise ClipUnsupported(what, where=item.name, remedy=_LEAVE_OUT)
        return  # media that was taken out of the pool: the export says whether it is there
    if item.media.type.lower() == "audio":
        raise ClipUnsupported("it is sound only", where=item.name, remedy=_LEAVE_OUT)
    if "offline" in item.media.status.lower():
        raise ClipOffline("its media is offline", where=item.name, remedy="relink the clip in the media pool")
    if not item.media.path:
        what = f"it has no file of its own (Resolve calls it {item.media.type or 'nothing'!r})"
        raise ClipUnsupported(what, where=item.name, remedy=_NESTED)


def _adjustment(item: Item) -> str:
    """Before 21.1 an adjustment clip is told from a title by its name only, as long as nobody changed that."""
    return "adjustment" if item.name.lower().startswith("adjustment clip") else ""


def _names_media(matched: Matched) -> bool:
    reference = getattr(matched.child, "media_reference", None)
    return reference is not None and ("Media Url" in _resolve(reference) or reference.available_range is not None)


def _resolve(reference: otio.core.MediaReference) -> dict[str, object]:
    found = reference.metadata.get("Resolve_OTIO")
    return dict(found) if found else {}


def _request(matched: Matched, matching: Matching) -> ClipRequest:
    item = matched.item
    if matched.child is None:
        raise ClipUnsupported(
            "the exported timeline has nothing where it lies",
            where=f"{item.name}, track {item.track}, frames {item.start} to {item.stop}",
            remedy="look at the timeline again; where that does not help, render the clip in place and restore that",
        )
    if matched.place is None:
        raise ClipUnsupported("it holds a timeline of its own", where=item.name, remedy=_NESTED)
    if not matched.track.enabled:
        raise ClipUnsupported("its track is switched off", where=item.name, remedy=f"switch track {item.track} on")
    request = request_for(matched.place, matching.timeline, kept_effects(matched.place.clip))
    return replace(request, name=item.name)  # the export calls a clip by its file


def _located(request: ClipRequest, item: Item) -> Located | None:
    """Where the clip lies in media of the length that Resolve says; the server looks into the file itself."""
    media = item.media
    if media is None or media.fps is None or media.frames is None:
        return None
    try:
        return locate(request, request.media_rate or media.fps, media.frames)
    except ResilverError:
        return None  # the server says what is wrong with the file as it really is


def _refuse_missing(request: ClipRequest, item: Item, exists: Exists) -> None:
    path = request.media
    if request.is_sequence:
        path = path % (request.first_number or 0)
    if not exists(path):
        raise ClipOffline(f"its media is not there: {path}", where=item.name, remedy="relink the clip")


def _media(item: Item, request: ClipRequest | None, located: Located | None, exists: Exists) -> host.Media | None:
    if request is None:
        return None if item.media is None or not item.media.path else host.Media(item.media.name, "")
    name = item.media.name if item.media else item.name
    first = Fraction(0)
    if located is not None:
        first = (located.start + located.speed * located.head) * located.rate
    number = request.first_number or 0
    there = exists(request.media % number if request.is_sequence else request.media)
    path, rate = request.media if there else "", located.rate if located is not None else None
    return host.Media(name, path, max(first, Fraction(0)), request.is_sequence, number, rate)
