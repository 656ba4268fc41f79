"""All or nothing: what a call has done is taken back where it cannot be finished."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional, Tuple

from . import api, reading
from .refused import FAILED, Refused, dialog_open

if TYPE_CHECKING:
    from fusionscript import Project, Resolve

Step = Callable[[], List[str]]
"""Takes one thing back; answers with what remains, for people."""


class Undo(object):
    """How to take back what was done so far, last thing first."""

    def __init__(self) -> None:
        self._steps: List[Tuple[str, Step]] = []
        self.saved = False
        """Whether the project was saved meanwhile with what is taken back now."""

    def add(self, what: str, step: Step) -> None:
        """Say before something is done how it is taken back. ``what`` is what remains where the step itself fails."""
        self._steps.append((what, step))

    def run(self, resolve: "Resolve") -> List[str]:
        """Take everything back; what remains, for people. A step that fails does not keep the others from it."""
        remains: List[str] = []
        while self._steps:
            what, step = self._steps.pop()
            try:
                remains += step() if api.answers(resolve) else [what]
            except Exception:  # whatever it was, the other steps must be tried, and this one is told
                remains.append(what)
        return remains


@contextmanager
def all_or_nothing(resolve: "Resolve", project: "Project", timeline: str = "") -> Iterator[Undo]:
    """A block of which nothing is left where it raises. What is left all the same is said in the error.

    It works in ``project`` and, where that is known before, on the timeline of this id. Once all is taken back the
    project is saved: Resolve may have saved by itself (Live Save) while a part lay there.
    """
    known = api.identity(project)
    undo = Undo()
    try:
        yield undo
    except Exception as error:
        remains = undo.run(resolve)
        closed = _closed(resolve, known, timeline)
        if not closed and api.answers(resolve) and not reading.saved(resolve) and undo.saved:
            remains.append("restored clips in the project as it was saved: save it again")
        raise (closed or refusal(resolve, error)).leaving(remains) from error


def _closed(resolve: "Resolve", project: str, timeline: str) -> Optional[Refused]:
    """The one cause, where somebody has closed what was worked on: whatever failed after that, failed by it."""
    try:
        if not api.answers(resolve):
            return None
        manager = api.manager(resolve)
        opened = manager.GetCurrentProject() or manager.GetCurrentProject()
        if api.identity(opened) != project:
            remedy = "open it again, look at its timeline, and take the job up again"
            return Refused(FAILED, "the project was closed while restored clips were being placed in it", "", remedy)
        if timeline and api.is_gone(opened, timeline):
            what = "the timeline was deleted while restored clips were being placed on it"
            return Refused(FAILED, what, api.text(opened.GetName()), "undo its deletion, and take the job up again")
    except Exception:  # what cannot be found out must not hide the error that there is
        pass
    return None


def refusal(resolve: "Resolve", error: Exception) -> Refused:
    """An error as the bridge gets it. While Resolve does not answer at all, nothing else that was read is true."""
    if not api.answers(resolve):
        return dialog_open()
    if isinstance(error, Refused):
        return error
    said = "Resolve answered in an unexpected way ({}: {})".format(type(error).__name__, error)
    return Refused(FAILED, said, "", "try again; if it happens again, tell the makers of Resilver")
