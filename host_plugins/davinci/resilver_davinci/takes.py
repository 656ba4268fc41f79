"""``take``: restored clips come as takes of their originals; place, length, grade and transform stay."""

from typing import TYPE_CHECKING, List, NamedTuple, Sequence

from . import api, importing, keeping, laying, placing, reading, requests
from . import work as works
from .importing import Media
from .laying import Piece
from .refused import refused_by_resolve
from .requests import Clip, Json
from .undoing import Undo, all_or_nothing
from .work import Lying, Work

if TYPE_CHECKING:
    from fusionscript import Resolve, TimelineItem

ABOVE = "put the restored clips on a track above instead"


class Before(NamedTuple):
    """What an item was before it got a take."""

    takes: int
    """How many; 0: it was no take selector."""
    selected: int
    """Which one was shown; 0: it was no take selector."""


def take(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``take``. Raises Refused, and then all clips are as they were, or the error says which are not."""
    clips = requests.clips(arguments)
    project = api.open_project(resolve, arguments["project"])
    with keeping.as_it_was(resolve, project) as notes:
        work = works.on(resolve, project, arguments["timeline"])
        found = works.looked_for(work.timeline, api.VIDEO, [clip.original for clip in clips])
        for clip in clips:
            works.original(work.timeline, found, clip)
            placing.require_unlocked(work, found[clip.original].place.track, clip.name)
        with all_or_nothing(resolve, project, work.timeline_id) as undo:
            media = importing.bring_all(work.pool, arguments["bin"], [clip.file for clip in clips], undo)
            pieces = placing.pieces(clips, media)
            for clip, piece in zip(clips, pieces):
                _add(work, clip, piece, found[clip.original], undo)
            laid = _settle(work, clips, pieces, notes, undo)
            return {
                "placed": [_placed(clip, media[clip.file], one) for clip, one in zip(clips, laid)],
                "notes": notes,
            }


def _placed(clip: Clip, media: Media, one: Lying) -> Json:
    """How it lies, and which media it shows: by that the take is found again."""
    return dict(placing.placed(clip, one), media=media.id)


def _before(item: "TimelineItem") -> Before:
    return Before(api.whole_or_none(item.GetTakesCount()) or 0, api.whole_or_none(item.GetSelectedTakeIndex()) or 0)


def _add(work: Work, clip: Clip, piece: Piece, one: Lying, undo: Undo) -> None:
    """Give an original its take, shown, and everything else as it was. Raises Refused."""
    _clear(one.item, piece.media_id)
    before = _before(one.item)

    def take_back() -> List[str]:
        if work.gone():
            return []
        there = works.looked_for(work.fresh().timeline, api.VIDEO, [clip.original])[clip.original]
        return _dropped(there.item, piece.media_id, before)

    undo.add('a restored take of "{}"'.format(clip.name), take_back)
    ends = [piece.source_end]
    lengths: List[int] = []
    while ends:
        if not _try(one.item, piece, ends.pop(0), before):
            raise refused_by_resolve("Resolve does not make the restored clip a take", clip.name, ABOVE)
        now = api.start(one.item), api.duration(one.item)
        if now == one.place[1:]:
            return
        lengths.append(now[1] or 0)
        if _dropped(one.item, piece.media_id, before) or (api.start(one.item), api.duration(one.item)) != one.place[1:]:
            break
        if len(lengths) == 1:
            ends = list(laying.corrected(piece, longer=lengths[0] < one.place.duration))
    said = " or ".join(str(length) for length in dict.fromkeys(lengths))
    what = "with the restored take the clip would be {} frames long instead of {}".format(said, one.place.duration)
    raise refused_by_resolve(what, clip.name, ABOVE)


def _clear(item: "TimelineItem", media: str) -> None:
    """Drop what a call that was broken off has left: takes of this very file that are not shown."""
    count = api.whole_or_none(item.GetTakesCount()) or 0
    selected = api.whole_or_none(item.GetSelectedTakeIndex()) or 0
    ours = [index for index in range(count, 1, -1) if index != selected and of_take(item, index) == media]
    for index in ours:
        item.DeleteTakeByIndex(index)
    if ours and api.whole_or_none(item.GetTakesCount()) == 1:
        item.FinalizeTake()


def _try(item: "TimelineItem", piece: Piece, end: int, before: Before) -> bool:
    """Add the take and show it; whether it is shown."""
    item.AddTake(piece.media, piece.source_start, end)
    index = api.whole_or_none(item.GetTakesCount()) or 0
    if index != max(before.takes, 1) + 1:
        return False
    item.SelectTakeByIndex(index)
    return api.whole_or_none(item.GetSelectedTakeIndex()) == index and laying.shown(item) == piece.media_id


def _dropped(item: "TimelineItem", media: str, before: Before) -> List[str]:
    """Delete what was added and show what was shown; what remains, for people."""
    for index in range(api.whole_or_none(item.GetTakesCount()) or 0, max(before.takes, 1), -1):
        if of_take(item, index) == media:
            item.SelectTakeByIndex(before.selected or 1)
            item.DeleteTakeByIndex(index)
    count = api.whole_or_none(item.GetTakesCount()) or 0
    if before.takes == 0 and count == 1:
        item.FinalizeTake()
    elif before.selected and api.whole_or_none(item.GetSelectedTakeIndex()) != before.selected:
        item.SelectTakeByIndex(before.selected)
    return [] if _before(item) == before else ['the takes of "{}"'.format(api.text(item.GetName()))]


def of_take(item: "TimelineItem", index: int) -> str:
    """Id of a take's media."""
    said = item.GetTakeByIndex(index)
    return api.identity(said.get("mediaPoolItem")) if isinstance(said, dict) else ""


def _settle(work: Work, clips: Sequence[Clip], pieces: Sequence[Piece], notes: List[str], undo: Undo) -> List[Lying]:
    """Save and look again: every original still shows its restored take where it lay. Raises Refused."""
    undo.saved = True
    if not reading.saved(work.resolve):
        notes.append(laying.SAVE_YOURSELF)
    found = works.looked_for(work.fresh().timeline, api.VIDEO, [clip.original for clip in clips])
    for clip, piece in zip(clips, pieces):
        one = found.get(clip.original)
        if one is None or one.place != clip.original_place or laying.shown(one.item) != piece.media_id:
            raise refused_by_resolve("the restored take is gone once the project is saved", clip.name, ABOVE)
    return [found[clip.original] for clip in clips]
