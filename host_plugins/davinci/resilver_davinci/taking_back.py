"""``take_back``: what was placed is taken off the timeline again, and nothing else."""

from typing import TYPE_CHECKING, Dict, List, Sequence

from . import api, keeping, laying, placing, reading, requests, takes, tracks, undoing, words
from . import work as works
from .requests import Json
from .work import Lying, Work

if TYPE_CHECKING:
    from fusionscript import Resolve, TimelineItem

BIN = "Resilver"


def take_back(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``take_back``. What cannot be taken back is said in the notes: the rest is done all the same.

    Raises Refused where project or timeline are gone.
    """
    project = api.open_project(resolve, arguments["project"])
    with keeping.as_it_was(resolve, project) as notes:
        work = works.on(resolve, project, arguments["timeline"])
        tracks.require_count(work, arguments.get("video_tracks"))
        try:
            removed = _taken_back(work, arguments, notes)
            if not reading.saved(resolve):
                notes.append(laying.SAVE_YOURSELF)
        except Exception as error:  # whatever Resolve answers: by now a part may be taken back, and that is told
            raise undoing.refusal(resolve, error).leaving(["what still lies there; take back once more"]) from error
        return {"removed": removed, "notes": notes}


def _taken_back(work: Work, arguments: Json, notes: List[str]) -> List[str]:
    removed = _remove(work, requests.ids(arguments, "items"), notes)
    notes.extend(placing.switch_on(work, requests.ids(arguments, "enable")))
    removed += _drop_takes(work, arguments, notes)
    _remove_tracks(work, arguments.get("tracks") or (), notes)
    return removed


def _remove(work: Work, wanted: Sequence[str], notes: List[str]) -> List[str]:
    """Ids of what is gone now and lay there. What had gone before needs no word: it is as it should be."""
    lay = works.with_ids(works.looked_for(work.timeline, api.VIDEO, wanted), wanted)
    remain = {one.id: one for one in laying.remove(work.timeline, api.VIDEO, wanted)}
    for one in remain.values():
        notes.append(_still_there(work, one))
    return [one.id for one in lay if one.id not in remain]


def _still_there(work: Work, one: Lying) -> str:
    where = '"{}" on {}'.format(api.text(one.item.GetName()), words.at(work.timeline, one.place))
    if work.timeline.GetIsTrackLocked(api.VIDEO, one.place.track):
        return where + " could not be removed: its track is locked"
    return where + " could not be removed: delete it by hand"


def _drop_takes(work: Work, arguments: Json, notes: List[str]) -> List[str]:
    """Ids of the originals that have lost their restored take."""
    wanted = requests.ids(arguments, "takes")
    found = works.looked_for(work.timeline, api.VIDEO, wanted) if wanted else {}
    gone = sum(1 for one in wanted if one not in found)
    if gone:
        notes.append("{} of the originals with a restored take are no longer on the timeline".format(gone))
    media: Dict[str, str] = arguments.get("media") or {}
    ours = _in_bin(work, arguments.get("bin") or BIN) if wanted else []
    dropped: List[str] = []
    for one in works.with_ids(found, wanted):
        if _drop(one.item, [media[one.id]] if one.id in media else ours):
            dropped.append(one.id)
        else:
            notes.append('the restored take of "{}" could not be removed'.format(api.text(one.item.GetName())))
    return dropped


def _in_bin(work: Work, name: str) -> List[str]:
    """Ids of the media in the bin of restored clips."""
    bins = [folder for folder in api.subfolders(work.pool.GetRootFolder()) if api.text(folder.GetName()) == name]
    return [api.identity(item) for folder in bins for item in api.clips(folder)]


def _drop(item: "TimelineItem", ours: Sequence[str]) -> bool:
    """Delete the newest take that shows one of these; whether it is gone. Where one take is left, the clip is a plain
    one again. The first take is the original and never deleted."""
    count = api.whole_or_none(item.GetTakesCount()) or 0
    for index in range(count, 1, -1):
        if takes.of_take(item, index) in ours:
            if api.whole_or_none(item.GetSelectedTakeIndex()) == index:
                item.SelectTakeByIndex(1)
            item.DeleteTakeByIndex(index)
            left = api.whole_or_none(item.GetTakesCount()) or 0
            if left == 1:
                item.FinalizeTake()
            return left < count
    return count < 2


def _remove_tracks(work: Work, wanted: Sequence[int], notes: List[str]) -> None:
    """Delete these tracks where they are empty, the highest first, so that the others keep their indices."""
    for index in sorted(set(wanted), reverse=True):
        if index <= api.track_count(work.timeline, api.VIDEO) and not tracks.remove(work.timeline, index):
            notes.append("the video track {} was left: it is not empty, or Resolve does not delete it".format(index))
