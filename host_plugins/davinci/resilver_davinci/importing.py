"""Restored files come into the media pool, once each, and are what they should be there."""

import os
import time
from typing import TYPE_CHECKING, AbstractSet, Any, Dict, List, NamedTuple, Optional, Sequence

from . import api, rates
from .refused import Refused, refused_by_resolve, silent
from .requests import File
from .undoing import Undo

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem

WAITS = (0.2, 1.0)
"""Seconds before an import is tried again: the first one at times gives nothing."""

INDIVIDUAL = "switch off 'Show Individual Frames' in the menu of the media pool, then try again"


class Media(NamedTuple):
    """A restored file in the media pool."""

    item: "MediaPoolItem"
    id: str


def find_bin(pool: "MediaPool", name: str, undo: Undo) -> "Folder":
    """The bin of this name directly under the root, made where it is missing. Raises Refused."""
    root = pool.GetRootFolder()
    if not root:
        raise refused_by_resolve("Resolve does not show its media pool")
    found = _bin(root, name)
    if not found:
        undo.add("the bin {}".format(name), lambda: _bin_removed(pool, name))
        pool.AddSubFolder(root, name)
        found = _bin(root, name)
    if not found:
        raise refused_by_resolve("Resolve does not make a bin in its media pool", name)
    return found


def _bin(root: "Folder", name: str) -> "Optional[Folder]":
    return next((folder for folder in api.subfolders(root) if api.text(folder.GetName()) == name), None)


def _bin_removed(pool: "MediaPool", name: str) -> List[str]:
    """A bin that was made in vain goes again, where it is empty; what remains, for people."""
    found = _bin(pool.GetRootFolder(), name)
    if found and not api.clips(found) and not api.subfolders(found):
        pool.SetCurrentFolder(pool.GetRootFolder())
        pool.DeleteFolders([found])
    return ["the bin {}".format(name)] if _bin(pool.GetRootFolder(), name) else []


def bring(pool: "MediaPool", folder: "Folder", file: File, there: "Sequence[MediaPoolItem]") -> Media:
    """The file in the pool: what lies in the bin already where it still is the file, otherwise imported.

    ``there`` is what lies in the bin from its path. Raises Refused where Resolve does not import it, or takes it for
    something else than it is.
    """
    for item in there:
        if not _wrong(item, file):
            return _known(item, file)
    item = _import(pool, folder, file)
    wrong = _wrong(item, file)
    if wrong:
        remedy = "look at the file in the media pool, or render it in another format"
        raise refused_by_resolve("Resolve takes a restored file for something else: " + wrong, file.path, remedy)
    return _known(item, file)


def _known(item: "MediaPoolItem", file: File) -> Media:
    known = api.identity(item)
    if not known:
        raise silent("which media it has imported", file.path)
    return Media(item, known)


def paths(file: File) -> List[str]:
    """How Resolve writes the path: of a sequence "output.[1001-1099].exr"."""
    if not file.is_sequence:
        return [file.path]
    before, number, after = _pattern(file.path)
    first, last = number % file.first_number, number % file.last_number
    written = [before + "[" + first + "-" + last + "]" + after]
    return [*written, before + first + after] if file.frames == 1 else written


def _pattern(path: str) -> List[str]:
    """A printf pattern in three: "/a/b.", "%04d", ".exr". Raises Refused where there is none."""
    start = path.rfind("%")
    end = path.find("d", start)
    number = path[start : end + 1]
    if start < 0 or end < 0 or not (number[1:-1] or "0").isdigit():
        raise refused_by_resolve("the restored files are not numbered as a sequence is", path, "restore it again")
    return [path[:start], number, path[end + 1 :]]


def _plain(path: Any) -> str:
    return os.path.normcase(os.path.normpath(api.text(path)))


def _import(pool: "MediaPool", folder: "Folder", file: File) -> "MediaPoolItem":
    if api.identity(pool.GetCurrentFolder()) != api.identity(folder):
        pool.SetCurrentFolder(folder)
        if api.identity(pool.GetCurrentFolder()) != api.identity(folder):
            raise refused_by_resolve("Resolve does not open a bin of its media pool", api.text(folder.GetName()))
    before = {api.identity(item) for item in api.clips(folder)}
    for wait in (0.0, *WAITS):
        time.sleep(wait)
        found = (_new(folder, before) if wait else []) or _asked(pool, file) or _new(folder, before)
        if found:
            return _only(_in_bin(pool, folder, found, file), file)
    raise _not_imported(file)


def _new(folder: "Folder", before: AbstractSet[str]) -> "List[MediaPoolItem]":
    """What came into a bin: also late, or without Resolve having said so. It must not be imported twice."""
    return [item for item in api.clips(folder) if api.identity(item) not in before]


def _asked(pool: "MediaPool", file: File) -> "List[MediaPoolItem]":
    """Ask for a file; what Resolve says it has imported."""
    path = os.path.normpath(file.path)
    if file.is_sequence:
        came = pool.ImportMedia([{"FilePath": path, "StartIndex": file.first_number, "EndIndex": file.last_number}])
    else:
        came = pool.ImportMedia([path])
    return [item for item in came or [] if api.identity(item)]


def _in_bin(pool: "MediaPool", folder: "Folder", came: "List[MediaPoolItem]", file: File) -> "List[MediaPoolItem]":
    """What came, in its bin: it came into another one where somebody has opened that just then. Raises Refused."""
    if not _outside(folder, came):
        return came
    pool.MoveClips(came, folder)
    if _outside(folder, came):
        pool.DeleteClips(came)
        raise refused_by_resolve("Resolve imports it into another bin than it was asked for", file.path, "try again")
    return came


def _outside(folder: "Folder", came: "List[MediaPoolItem]") -> bool:
    inside = {api.identity(item) for item in api.clips(folder)}
    return any(api.identity(item) not in inside for item in came)


def _only(new: "List[MediaPoolItem]", file: File) -> "MediaPoolItem":
    if len(new) > 1:
        raise refused_by_resolve("Resolve imports a sequence as single pictures", file.path, INDIVIDUAL)
    wanted = {_plain(path) for path in paths(file)}
    said = api.text(api.properties(new[0]).get("File Path"))
    if _plain(said) not in wanted:
        what = "Resolve imports something else than it was asked for: " + (said or "a file without a path")
        raise refused_by_resolve(what, file.path, INDIVIDUAL if file.is_sequence else "import the file by hand")
    return new[0]


def _not_imported(file: File) -> Refused:
    first = _pattern(file.path)[1] % file.first_number if file.is_sequence else ""
    path = file.path.replace(_pattern(file.path)[1], first) if file.is_sequence else file.path
    if not os.path.exists(path):
        return refused_by_resolve("the restored file is gone, or not visible from here", path, "restore it again")
    remedy = "import it by hand to see what Resolve says; the free edition on Linux cannot read H.264 and H.265"
    return refused_by_resolve("Resolve does not import the restored file", path, remedy)


def _wrong(item: "MediaPoolItem", file: File) -> str:
    """What Resolve takes it for, where it is not the file; of an unused sequence the rate is set first."""
    said = api.properties(item)
    if file.is_sequence and not rates.same(said.get("FPS"), file.rate):
        item.SetClipProperty("FPS", file.rate)
        said = api.properties(item)
    if not rates.same(said.get("FPS"), file.rate):
        return "{} frames a second instead of {}".format(api.text(said.get("FPS")) or "unknown", file.rate)
    frames = api.whole_or_none(said.get("Frames"))
    if frames != file.frames:
        return "{} frames instead of {}".format("unknown" if frames is None else frames, file.frames)
    return ""


def find_media(folder: "Folder", wanted: str) -> "Optional[MediaPoolItem]":
    """A piece of media by its id, in this bin and those below it."""
    for item in api.clips(folder):
        if api.identity(item) == wanted:
            return item
    for below in api.subfolders(folder):
        found = find_media(below, wanted)
        if found:
            return found
    return None


def bring_all(pool: "MediaPool", name: str, files: Sequence[File], undo: Undo) -> Dict[File, Media]:
    """Every file in the bin of this name, once each. Raises Refused; what came is taken away again then."""
    folder = find_bin(pool, name, undo)
    there: "Dict[str, List[MediaPoolItem]]" = {}
    for item in api.clips(folder):
        there.setdefault(_plain(api.properties(item).get("File Path")), []).append(item)
    before = {api.identity(item) for items in there.values() for item in items}
    undo.add("restored media in the bin {}".format(name), lambda: _taken_away(pool, folder, before, files))
    media: Dict[File, Media] = {}
    for file in files:
        if file not in media:
            same = [item for path in paths(file) for item in there.get(_plain(path), [])]
            media[file] = bring(pool, folder, file, same)
    return media


def _taken_away(pool: "MediaPool", folder: "Folder", before: AbstractSet[str], files: Sequence[File]) -> List[str]:
    """What was imported goes out of the pool again: what is new and from the folders of these files, or without a
    path. Answers with what remains, for people."""
    folders = {os.path.dirname(_plain(file.path)) for file in files} | {os.path.dirname(_plain(""))}

    def ours(item: "MediaPoolItem") -> bool:
        return os.path.dirname(_plain(api.properties(item).get("File Path"))) in folders

    there = [item for item in _new(folder, before) if ours(item)]
    if there:
        pool.DeleteClips(there)
    return ["{} in the media pool".format(api.text(item.GetName())) for item in _new(folder, before) if ours(item)]
