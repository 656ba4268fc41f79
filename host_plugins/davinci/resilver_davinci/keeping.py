"""What the artist sees is as it was, after a call has worked on it."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Tuple

from . import api
from .refused import CLOSE_DIALOG, refused_by_resolve

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Resolve, Timeline
    from fusionscript.fusionscript import PageName

EDIT: "PageName" = "edit"
"""The page on which every call works: on Fairlight's, nothing can be deleted."""


@contextmanager
def as_it_was(resolve: "Resolve", project: "Project") -> "Iterator[List[str]]":
    """Page, timeline, bin and selected media are those of before after the block. Yields a list for sentences.

    What cannot be turned back is said in that list and is no error: the work is done by then.
    """
    pool = api.media_pool(project)
    page, timeline, folder = resolve.GetCurrentPage(), project.GetCurrentTimeline(), pool.GetCurrentFolder()
    selected = api.call(pool, "GetSelectedClips") or []
    notes: List[str] = []
    try:
        yield notes
    finally:
        back: List[Tuple[str, Any, Callable[[], Any], Callable[[Any], Any]]] = [
            ("the timeline", timeline, project.GetCurrentTimeline, project.SetCurrentTimeline),
            ("the bin", folder, pool.GetCurrentFolder, pool.SetCurrentFolder),
        ]
        for what, before, now, turn in back:
            if not _turned(before, now, turn):
                notes.append("{} that was open before could not be opened again".format(what))
        if len(selected) == 1 and selected[0]:
            api.call(pool, "SetSelectedClip", selected[0])
        if page and resolve.GetCurrentPage() != page and not resolve.OpenPage(page):
            notes.append("the page that was open before could not be opened again: {}".format(page))


def _turned(before: Any, now: Callable[[], Any], turn: Callable[[Any], Any]) -> bool:
    if not before or api.identity(now()) == api.identity(before):
        return True
    turn(before)
    return api.identity(now()) == api.identity(before)


def edit_page(resolve: "Resolve") -> None:
    """Open the edit page. Raises Refused where Resolve does not."""
    if resolve.GetCurrentPage() != EDIT:
        resolve.OpenPage(EDIT)
        if resolve.GetCurrentPage() != EDIT:
            raise refused_by_resolve("Resolve does not open its edit page")


def current(project: "Project", wanted: str) -> "Timeline":
    """The timeline with this id, made the one that is open: only there can something be laid."""
    timeline = api.timeline_of(project, wanted)
    if api.identity(project.GetCurrentTimeline()) != wanted:
        project.SetCurrentTimeline(timeline)
    opened = project.GetCurrentTimeline()
    if api.identity(opened) != wanted:
        raise refused_by_resolve("Resolve does not open the timeline", api.text(timeline.GetName()), CLOSE_DIALOG)
    return opened


def selected_for(pool: "MediaPool", resolve: "Resolve", media: Any) -> None:
    """Up to 20.3.1 nothing can be appended while no media is selected."""
    if api.version(resolve) <= (20, 3, 1):
        api.call(pool, "SetSelectedClip", media)
