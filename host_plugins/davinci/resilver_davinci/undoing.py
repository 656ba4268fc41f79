"""All or nothing: what a call has done is taken back where it cannot be finished."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator, List, Tuple

from . import api, reading
from .refused import FAILED, Refused, dialog_open

if TYPE_CHECKING:
    from fusionscript import Resolve

Step = Callable[[], List[str]]
"""Takes one thing back; answers with what remains, for people."""


class Undo(object):
    """How to take back what was done so far, last thing first."""

    def __init__(self) -> None:
        self._steps: List[Tuple[str, Step]] = []
        self.saved = False
        """Whether the project was saved meanwhile, and so has to be saved again once all is taken back."""

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
def all_or_nothing(resolve: "Resolve") -> Iterator[Undo]:
    """A block of which nothing is left where it raises. What is left all the same is said in the error."""
    undo = Undo()
    try:
        yield undo
    except Exception as error:
        remains = undo.run(resolve)
        if undo.saved:
            reading.saved(resolve)
        raise refusal(resolve, error).leaving(remains) from error


def refusal(resolve: "Resolve", error: Exception) -> Refused:
    """An error as the bridge gets it. While Resolve does not answer at all, nothing else that was read is true."""
    if not api.answers(resolve):
        return dialog_open()
    if isinstance(error, Refused):
        return error
    said = "Resolve answered in an unexpected way ({}: {})".format(type(error).__name__, error)
    return Refused(FAILED, said, "", "try again; if it happens again, tell the makers of Resilver")
