"""Why a call was not answered, in plain words, in the shape that the bridge turns into its own errors."""

from typing import Dict, Sequence

FAILED = "HOST_FAILED"
OCCUPIED = "TARGET_OCCUPIED"
UNSUPPORTED = "CLIP_UNSUPPORTED"
NOTHING_OPEN = "SELECTION_EMPTY"

CLOSE_DIALOG = "close any dialog that is open in Resolve and try again"


class Refused(Exception):
    """What happened, where, and what to do; nothing half-done is left, or ``what`` says what is."""

    def __init__(self, reason: str, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(reason, what, where, remedy)
        self.reason = reason
        self.what = what
        self.where = where
        self.remedy = remedy
        self.told = False
        """Whether ``what`` says already what is left behind."""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.what, self.where, self.remedy) if part)

    def to_json(self) -> Dict[str, str]:
        """The ``error`` of an answer."""
        return {"reason": self.reason, "what": self.what, "where": self.where, "remedy": self.remedy}

    def leaving(self, remains: Sequence[str]) -> "Refused":
        """The same, and what could not be taken back."""
        if not remains:
            return self
        what = self.what + "; what could not be taken back: " + "; ".join(remains)
        told = Refused(self.reason, what, self.where, self.remedy)
        told.told = True
        return told


def silent(what: str, where: str = "") -> Refused:
    """Resolve says nothing where it always has an answer. Most often a dialog is open in it."""
    return Refused(FAILED, "Resolve does not say " + what, where, CLOSE_DIALOG)


def refused_by_resolve(what: str, where: str = "", remedy: str = CLOSE_DIALOG) -> Refused:
    """Resolve was asked for something and did not do it."""
    return Refused(FAILED, what, where, remedy)


def dialog_open() -> Refused:
    """Resolve answers nothing at all."""
    return Refused(FAILED, "Resolve does not answer", "", "close the dialog that is open in Resolve, then try again")
