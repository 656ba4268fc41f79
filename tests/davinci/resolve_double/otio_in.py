"""Reading OTIO by Resolve's rules."""

from typing import TYPE_CHECKING, Optional

from .handles import Unmodelled
from .model import Timeline

if TYPE_CHECKING:
    from .double import Double


def read(double: "Double", text: str, name: str, source_clips: bool) -> Optional[Timeline]:
    """A new timeline, or None."""
    raise Unmodelled("OTIO import")
