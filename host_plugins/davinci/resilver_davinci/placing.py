"""``place``: restored clips come onto the timeline they came from, all of them or none."""

from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from . import api, importing, keeping, laying, rates, reading, requests, tracks
from . import work as works
from .importing import Media
from .laying import Piece
from .refused import UNSUPPORTED, Refused, refused_by_resolve, silent
from .requests import Clip, File, Json, NewTrack
from .undoing import Undo, all_or_nothing
from .work import Lying, Work

if TYPE_CHECKING:
    from fusionscript import Resolve, TimelineItem


def place(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``place``. Raises Refused, and then the timeline is as it was, or the error says what is not."""
    clips, new = requests.clips(arguments), requests.tracks(arguments)
    project = api.open_project(resolve, arguments["project"])
    with keeping.as_it_was(resolve, project) as notes:
        work = works.on(resolve, project, arguments["timeline"])
        tracks.require_count(work, arguments.get("video_tracks"))
        disable = requests.ids(arguments, "disable")
        found = works.looked_for(work.timeline, api.VIDEO, [*disable, *(clip.original for clip in clips)])
        for clip in clips:
            works.original(work.timeline, found, clip)
        off = _to_switch_off(found, disable)
        require_room(work, clips, new, found)
        with all_or_nothing(resolve, project, work.timeline_id) as undo:
            media = importing.bring_all(work.pool, arguments["bin"], [clip.file for clip in clips], undo)
            added = tracks.add(work, new, undo, notes)
            laid = lay_all(work, clips, media, undo, notes, lambda: _switch_off(work, off, undo))
            notes.extend(_changed_meanwhile(work.fresh(), clips, laid))
            return {
                "placed": [placed(clip, one) for clip, one in zip(clips, laid)],
                "tracks": added,
                "disabled": off,
                "notes": notes,
            }


def _changed_meanwhile(work: Work, clips: Sequence[Clip], laid: Sequence[Lying]) -> Iterator[str]:
    """Originals that no longer lie below their restored clips: people go on editing."""
    found = works.looked_for(work.timeline, api.VIDEO, [clip.original for clip in clips])
    for clip, over in zip(clips, laid):
        now, then = found.get(clip.original), clip.original_place
        if then and (now is None or now.place[1:] != then[1:] or now.place.track >= over.place.track):
            yield '"{}" was changed while its restored clip was laid: look whether they still fit'.format(clip.name)


def _to_switch_off(found: Dict[str, Lying], wanted: Sequence[str]) -> List[str]:
    """Those that are on. Raises Refused where one is gone."""
    if len(works.with_ids(found, wanted)) != len(wanted):
        what = "a clip that is to be switched off is no longer on the timeline"
        raise Refused(UNSUPPORTED, what, "", "restore again as it is now")
    return [one for one in wanted if api.enabled(found[one].item)]


def require_room(work: Work, clips: Sequence[Clip], new: Sequence[NewTrack], found: Mapping[str, Lying]) -> None:
    """Every place is free, on a track that is there (once the new ones are) and not locked. Raises Refused.

    ``found`` is what lies there now, before tracks are added.
    """
    order = tracks.planned(api.track_count(work.timeline, api.VIDEO), new)
    moved = {now: index + 1 for index, now in enumerate(order) if now is not None}
    lying = [one._replace(place=one.place._replace(track=moved[one.place.track])) for one in found.values()]
    for number, clip in enumerate(clips):
        if not 1 <= clip.place.track <= len(order):
            raise refused_by_resolve("there is no video track {}".format(clip.place.track), clip.name, "read anew")
        require_unlocked(work, order[clip.place.track - 1], clip.name)
        for one in lying:
            if one.place.overlaps(clip.place):
                raise works.occupied(work.timeline, clip.name, clip.place, api.text(one.item.GetName()))
        for other in clips[:number]:
            if other.place.overlaps(clip.place):
                raise works.occupied(work.timeline, clip.name, clip.place, other.name)


def require_unlocked(work: Work, track: Optional[int], clip: str) -> None:
    """Raises Refused where the video track is locked; None is one that will be new."""
    if track is not None and work.timeline.GetIsTrackLocked(api.VIDEO, track):
        name = api.text(work.timeline.GetTrackName(api.VIDEO, track))
        what = 'the video track {} ("{}") is locked'.format(track, name)
        raise refused_by_resolve(what, clip, "unlock it, or choose another track")


def pieces(clips: Sequence[Clip], media: Mapping[File, Media]) -> List[Piece]:
    """What to lay for these clips."""
    return [
        Piece(
            clip.name,
            api.VIDEO,
            media[clip.file].item,
            media[clip.file].id,
            clip.place,
            clip.source_start,
            clip.source_end,
            clip.file.frames,
        )
        for clip in clips
    ]


def lay_all(
    work: Work,
    clips: Sequence[Clip],
    media: Mapping[File, Media],
    undo: Undo,
    notes: List[str],
    before_saving: Callable[[], None],
) -> List[Lying]:
    """Lay the clips, each read back, and save; how they lie then, in their order. Raises Refused."""
    wanted = pieces(clips, media)
    laid = laying.Laid(work, api.VIDEO, wanted)
    undo.add("restored clips that were laid already", laid.take_away)
    ids = [""] * len(wanted)
    for index in sorted(range(len(wanted)), key=lambda one: wanted[one].place):
        ids[index] = laying.lay(work, wanted[index], laid.known)
    before_saving()

    def dress(index: int, item: "TimelineItem") -> None:
        laying.dress(item, clips[index], notes)

    laying.dress_all(work.timeline, wanted, ids, dress)
    return laying.settle(work, wanted, ids, laid.known, dress, notes, undo)


def _switch_off(work: Work, wanted: Sequence[str], undo: Undo) -> None:
    """Switch originals off, read back. Raises Refused."""
    found = works.looked_for(work.timeline, api.VIDEO, wanted)
    undo.add("originals that were switched off", lambda: [] if work.gone() else switch_on(work.fresh(), wanted))
    for one in wanted:
        if one not in found:
            raise silent("where the clips are that are to be switched off")
        found[one].item.SetClipEnabled(False)
        if api.enabled(found[one].item):
            raise refused_by_resolve("Resolve does not switch a clip off", api.text(found[one].item.GetName()))


def switch_on(work: Work, wanted: Sequence[str]) -> List[str]:
    """Switch clips on, by id; those that stay off or are gone, for people."""
    found = works.looked_for(work.timeline, api.VIDEO, wanted) if wanted else {}
    off: List[str] = []
    for one in works.with_ids(found, wanted):
        if not api.enabled(one.item):
            one.item.SetClipEnabled(True)
            if not api.enabled(one.item):
                off.append('"{}" is still switched off'.format(api.text(one.item.GetName())))
    gone = sum(1 for one in wanted if one not in found)
    told = "{} of the originals could not be switched on again: no longer on the timeline".format(gone)
    return [*off, told] if gone else off


def placed(clip: Clip, one: Lying) -> Json:
    """How a clip lies, as read back; None for what this version does not say of its source."""
    start, seconds = reading.source_start(one.item), reading.source_seconds(one.item)
    rate = rates.exact(clip.file.rate)
    end = None if start is None or seconds is None or rate is None else start + round(seconds * rate)
    return {
        "clip": clip.original,
        "id": one.id,
        "track": one.place.track,
        "start": one.place.start,
        "duration": one.place.duration,
        "source_start": start,
        "source_end": end,
    }
