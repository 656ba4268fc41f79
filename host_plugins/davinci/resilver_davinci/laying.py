"""Pieces of media are laid on a timeline, each of them read back, and looked for again once the project is saved.

Resolve never overwrites: where a place is taken, what is laid later is dropped without a word. It counts frames of
media down to whole frames of the timeline, and not every version counts the end alike; so what counts is the start and
the duration that it says afterwards.
"""

from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from . import api, keeping, reading, words
from . import work as works
from .refused import Refused, refused_by_resolve
from .requests import Clip, Place
from .undoing import Undo
from .work import Lying, Work, lying

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Timeline, TimelineItem
    from fusionscript.fusionscript import TrackType

MEDIA_TYPE: "Dict[TrackType, int]" = {api.VIDEO: 1, api.AUDIO: 2}

SAVE_YOURSELF = "Resolve did not save the project: save it yourself"

Dress = Callable[[int, "TimelineItem"], None]
"""Gives the item of a piece, by its number, its colour and the like."""


class Piece(NamedTuple):
    """A piece of media and the place where it is to lie, absolute."""

    name: str
    kind: "TrackType"
    media: "MediaPoolItem"
    media_id: str
    place: Place
    source_start: int
    source_end: int
    frames: Optional[int]
    """In the file; None where that is not known."""


def corrected(piece: Piece, longer: bool) -> Iterator[int]:
    """Ends to try where the one asked for came out too short or too long, within the file: by a frame of the file, then
    by as many as last a frame of the timeline."""
    span = piece.source_end - piece.source_start
    step = -(-span // piece.place.duration)
    for frames in (1, step) if step > 1 else (1,):
        end = piece.source_end + (frames if longer else -frames)
        if end > piece.source_start and (piece.frames is None or end <= piece.frames):
            yield end


def lay(work: Work, piece: Piece, known: List[str]) -> str:
    """Lay a piece exactly where it is to lie; its id. Raises Refused, and then it does not lie there.

    The id of whatever comes onto the timeline is put into ``known`` at once, so that it can be taken away.
    """
    keeping.selected_for(work.pool, work.resolve, piece.media)
    lengths: List[int] = []
    laid = _append(work, piece, piece.source_end, known) or _append(work, piece, piece.source_end, known)
    if laid and _fits(work, piece, laid, lengths):
        return laid.id
    # What was not laid at all may be too long for a gap between two others
    for end in corrected(piece, longer=bool(lengths) and lengths[0] < piece.place.duration):
        laid = _append(work, piece, end, known)
        if laid and _fits(work, piece, laid, lengths):
            return laid.id
    raise _wrong_length(piece, lengths) if lengths else _not_laid(work, piece)


def _fits(work: Work, piece: Piece, laid: Lying, lengths: List[int]) -> bool:
    """Whether it lies as it should. Where only its length is wrong it is taken away again, and its length is noted.

    Raises Refused where it is wrong otherwise, or cannot be taken away.
    """
    if laid.place == piece.place and _shows_the_start(laid.item, piece):
        return True
    stays = remove(work.timeline, piece.kind, [laid.id])
    if stays or laid.place.start != piece.place.start or laid.place.duration == piece.place.duration:
        raise _misplaced(work.timeline, piece, laid.place)
    lengths.append(laid.place.duration)
    return False


def _append(work: Work, piece: Piece, end: int, known: List[str]) -> Optional[Lying]:
    """Ask Resolve once, and look what came onto the track. Its own answer is not believed, either way."""
    track = piece.place.track
    before = {api.identity(item) for item in api.items(work.timeline, piece.kind, track)}
    info = {
        "mediaPoolItem": piece.media,
        "startFrame": piece.source_start,
        "endFrame": end,
        "mediaType": MEDIA_TYPE[piece.kind],
        "trackIndex": track,
        "recordFrame": piece.place.start,
    }
    if not work.is_open():
        work.fresh()
    answered = api.append(work.pool, info)
    if answered and not work.is_open():
        _fetch_back(work, piece, answered)
    came = [item for item in api.items(work.timeline, piece.kind, track) if api.identity(item) not in before]
    ours = [works.lies(item, track) for item in came if shown(item) == piece.media_id]
    new = [one for one in ours if one]
    known.extend(one.id for one in new)
    if len(new) > 1:
        remove(work.timeline, piece.kind, [one.id for one in new])
        raise _not_laid(work, piece)
    return new[0] if new else None


def _fetch_back(work: Work, piece: Piece, answered: Sequence[str]) -> None:
    """Where somebody has opened another timeline just then, the piece lies on that one: take it off again.

    Raises Refused where it stays there.
    """
    for other in api.timelines(work.project):
        if api.identity(other) != work.timeline_id and remove(other, piece.kind, answered):
            what = 'another timeline, "{}", was opened meanwhile, and it lies there now'
            raise refused_by_resolve(what.format(api.text(other.GetName())), piece.name, "remove it there by hand")


def _shows_the_start(item: "TimelineItem", piece: Piece) -> bool:
    """Whether it begins with the right frame. Resolve is at times off by one there, and before 19 says nothing."""
    said = reading.source_start(item)
    return said is None or abs(said - piece.source_start) <= 1


def _misplaced(timeline: "Timeline", piece: Piece, place: Place) -> Refused:
    asked, came = words.at(timeline, piece.place), words.at(timeline, place)
    if asked == came:
        return refused_by_resolve("Resolve lays another part of it than it was asked for", piece.name)
    return refused_by_resolve("Resolve lays it on {} instead of {}".format(came, asked), piece.name)


def _wrong_length(piece: Piece, lengths: Sequence[int]) -> Refused:
    said = " or ".join(str(length) for length in dict.fromkeys(lengths))
    what = "Resolve makes it {} frames long instead of {}".format(said, piece.place.duration)
    return refused_by_resolve(what, piece.name, "lay it by hand, from the bin in the media pool")


def _not_laid(work: Work, piece: Piece) -> Refused:
    """Why Resolve, which says nothing, has not laid a piece, as far as that can be seen."""
    where = words.when(work.timeline, piece.place.start)
    what = "Resolve does not lay it on {} track {} at {}".format(piece.kind, piece.place.track, where)
    if work.timeline.GetIsTrackLocked(piece.kind, piece.place.track):
        return refused_by_resolve(what + ": the track is locked", piece.name, "unlock it, then try again")
    there = [one for one in lying(work.timeline, piece.kind, piece.place.track) if one.place.overlaps(piece.place)]
    if there:
        what += ': "{}" has come there meanwhile'.format(api.text(there[0].item.GetName()))
        return refused_by_resolve(what, piece.name, "move it away, then try again")
    if keeping.needs_selection(work.resolve) and not api.has(work.pool, "SetSelectedClip"):
        return refused_by_resolve(what, piece.name, "select any clip in the media pool, then try again")
    return refused_by_resolve(what, piece.name)


def remove(timeline: "Timeline", kind: "TrackType", wanted: Sequence[str]) -> List[Lying]:
    """Take items away, by id; those that lie there all the same. Looked for and asked twice: Resolve may need it."""
    for _ in range(2 if wanted else 0):
        found = _with_ids(timeline, kind, wanted)
        if found:
            timeline.DeleteClips([one.item for one in found], False)
    return _with_ids(timeline, kind, wanted)


def _with_ids(timeline: "Timeline", kind: "TrackType", wanted: Sequence[str]) -> List[Lying]:
    ids = set(wanted)
    tracks = range(1, api.track_count(timeline, kind) + 1) if ids else ()
    return [one for track in tracks for one in lying(timeline, kind, track) if one.id in ids]


class Laid(object):
    """What is laid of some pieces, so that exactly that can be taken away."""

    def __init__(self, work: Work, kind: "TrackType", pieces: Sequence[Piece]) -> None:
        self._work = work
        self._kind = kind
        self._before = frozenset(_ids(work.timeline, kind))
        self._media = {piece.media_id for piece in pieces}
        self.known: List[str] = []
        """Ids of what was laid and seen on the timeline."""

    def take_away(self) -> List[str]:
        """Also what came onto the timeline without having been seen: what is new there and shows media of these
        pieces. Answers with what remains, for people."""
        if self._work.gone():
            return []
        timeline = self._work.fresh().timeline
        new = [one for one in works.everything(timeline, self._kind).values() if one.id not in self._before]
        ours = [one.id for one in new if one.id in self.known or shown(one.item) in self._media]
        remain = remove(timeline, self._kind, ours)
        return [_where(timeline, self._kind, one) for one in remain]


def _where(timeline: "Timeline", kind: "TrackType", one: Lying) -> str:
    name, place = api.text(one.item.GetName()), one.place
    return '"{}" on {} track {} at {}'.format(name, kind, place.track, words.when(timeline, place.start))


def _ids(timeline: "Timeline", kind: "TrackType") -> List[str]:
    tracks = range(1, api.track_count(timeline, kind) + 1)
    return [api.identity(item) for track in tracks for item in api.items(timeline, kind, track)]


def settle(
    work: Work, pieces: Sequence[Piece], ids: List[str], known: List[str], dress: Dress, notes: List[str], undo: Undo
) -> List[Lying]:
    """Save, list again, and lay again what has vanished, once; then they must all be there. What lies there now."""
    undo.saved = True
    for last in (False, True):
        if not reading.saved(work.resolve) and not last:
            notes.append(SAVE_YOURSELF)
        work = work.fresh()
        there = found(work.timeline, pieces, ids)
        missing = [index for index in range(len(pieces)) if index not in there]
        if not missing:
            return [there[index] for index in range(len(pieces))]
        for index in missing if not last else ():
            remove(work.timeline, pieces[index].kind, [ids[index]])
            ids[index] = lay(work, pieces[index], known)
        laid_again = [ids[index] if index in missing else "" for index in range(len(ids))]
        dress_all(work.timeline, pieces, laid_again, dress)
    names = ", ".join(pieces[index].name for index in missing)
    raise refused_by_resolve("restored clips vanish from the timeline when the project is saved", names)


def dress_all(timeline: "Timeline", pieces: Sequence[Piece], ids: Sequence[str], dress: Dress) -> None:
    """Give all of these their colour and the like."""
    for track, kind in {(piece.place.track, piece.kind) for piece in pieces}:
        there = {one.id: one.item for one in lying(timeline, kind, track)}
        for index, wanted in enumerate(ids):
            if wanted in there:
                dress(index, there[wanted])


def found(timeline: "Timeline", pieces: Sequence[Piece], ids: Sequence[str]) -> Dict[int, Lying]:
    """By number of the piece what lies on its place now: by its id, or, where saving gave it another, by its media."""
    lies: Dict[int, Lying] = {}
    for track, kind in {(piece.place.track, piece.kind) for piece in pieces}:
        there = {one.place: one for one in lying(timeline, kind, track)}
        for index, piece in enumerate(pieces):
            one = there.get(piece.place) if (piece.place.track, piece.kind) == (track, kind) else None
            if one and (one.id == ids[index] or shown(one.item) == piece.media_id):
                lies[index] = one
    return lies


def shown(item: "TimelineItem") -> str:
    """Id of the media that an item shows; "" where it shows none."""
    return api.identity(item.GetMediaPoolItem())


def dress(item: "TimelineItem", clip: Clip, notes: List[str]) -> None:
    """Colour and marker, by which an artist sees what was restored. Where they fail, a note says so."""
    if clip.colour:
        api.untyped(item).SetClipColor(clip.colour)
        if api.text(item.GetClipColor()) != clip.colour:
            notes.append('"{}" could not be coloured {}'.format(clip.name, clip.colour))
    marker = clip.marker
    if marker:
        first = clip.source_start  # markers count the media's frames, and are seen only on those that the item shows
        api.untyped(item).AddMarker(first, marker.colour, marker.name, marker.note, 1, marker.custom)
        if not item.GetMarkerByCustomData(marker.custom):
            notes.append('"{}" could not be given its marker'.format(clip.name))
