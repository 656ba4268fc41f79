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
    back: List[Tuple[str, Callable[[], bool]]] = [
        ("the timeline", lambda: _turned(timeline, project.GetCurrentTimeline, project.SetCurrentTimeline)),
        ("the bin", lambda: _turned(folder, pool.GetCurrentFolder, pool.SetCurrentFolder)),
        ("the selected media", lambda: _selected_again(pool, selected)),
        ("the page", lambda: not page or resolve.GetCurrentPage() == page or bool(resolve.OpenPage(page))),
    ]
    try:
        yield notes
    finally:
        notes.extend(
            "{} that was open before could not be opened again".format(what) for what, turn in back if not _done(turn)
        )


def _done(turn: Callable[[], bool]) -> bool:
    """Whether it could be turned back. What was done is done: nothing that happens here may undo or hide it."""
    try:
        return turn()
    except Exception:  # whatever Resolve answers, it is told and the others are tried
        return False


def _turned(before: Any, now: Callable[[], Any], turn: Callable[[Any], Any]) -> bool:
    if not before or api.identity(now()) == api.identity(before):
        return True
    turn(before)
    return api.identity(now()) == api.identity(before)


def _selected_again(pool: "MediaPool", selected: List[Any]) -> bool:
    """Only one can be selected by a script."""
    if len(selected) == 1 and selected[0]:
        api.call(pool, "SetSelectedClip", selected[0])
    return True


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


def needs_selection(resolve: "Resolve") -> bool:
    """Whether nothing can be appended while no media is selected, as it was up to 20.3.1."""
    return api.version(resolve) <= (20, 3, 1)


def selected_for(pool: "MediaPool", resolve: "Resolve", media: Any) -> None:
    """Select media where that is needed, and where a script can."""
    if needs_selection(resolve):
        api.call(pool, "SetSelectedClip", media)
