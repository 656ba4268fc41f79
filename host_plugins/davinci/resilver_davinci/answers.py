"""What the bridge asks of Resolve, and who answers it: docs/bridge-protocol.md."""

from typing import TYPE_CHECKING, Callable, Dict

from . import placing, reading, takes, taking_back, timelines, undoing
from .refused import FAILED, Refused
from .requests import Json

if TYPE_CHECKING:
    from fusionscript import Resolve

__all__ = ["CALLS", "CHANGING", "Refused", "answer"]

CALLS: "Dict[str, Callable[[Resolve, Json], Json]]" = {
    "project": reading.project,
    "edit": reading.edit,
    "place": placing.place,
    "take_back": taking_back.take_back,
    "take": takes.take,
    "new_timeline": timelines.new_timeline,
    "save": reading.save,
}
CHANGING = ("place", "take_back", "take", "new_timeline")
"""Those after which the timeline is another one."""


def answer(resolve: "Resolve", call: str, arguments: Json) -> Json:
    """Answer a call of the bridge. Raises Refused, and then nothing half-done is left, or its ``what`` says what is."""
    if call not in CALLS:
        what = "Resolve's menu entry does not know what it is asked for: " + call
        raise Refused(FAILED, what, "", "install Resilver's menu entries again: resilver davinci install")
    try:
        return CALLS[call](resolve, arguments)
    except Exception as error:  # an edge: whatever Resolve does, the bridge gets an answer
        if isinstance(error, Refused) and error.told:
            raise
        raise undoing.refusal(resolve, error) from error
