"""What shall be done to a shot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .spans import Span

Scalar = str | int | float | bool
"""A parameter's value; rates are written "60" or "60000/1001"."""


@dataclass(frozen=True)
class StageSettings:
    """One stage of a recipe with its parameters, as the catalogue's JSON Schema describes them."""

    stage: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    strength: float = 1.0
    """0 leaves the frame as it was, 1 is the stage's full effect."""
    matte: str | None = None
    """Path of a still, clip or sequence; white is where the stage works. Its luma scales the strength."""
    keep_matte: str | None = None
    """The same; wherever it is not black, the stage leaves the frame as it got it, bit for bit."""
    keep_frames: tuple[Span, ...] = ()
    """Media frames that the stage leaves as it got them."""
    defect_map: str | None = None
    """The same as a matte; white is where a scanner saw a defect."""
    key_frames: str | None = None
    """Path of frames as they shall look: a folder or a printf pattern of pictures that bear the numbers of the media's
    frames, some or all; or one picture, which is a reference for every frame."""


@dataclass(frozen=True)
class Delivery:
    """The form in which the result is written."""

    profile: str = "prores-422hq"
    audio: str | None = None
    """A sound track to lay under the result instead of the source's own."""
    keep_audio: bool = True
    tail_frames: int = 0
    """Further output frames after the last, held or from the media's handle, for hosts that round up."""
    change_maps: bool = False
    """Whether a movie of what the stages changed is written beside the result."""


@dataclass(frozen=True)
class Recipe:
    """Stages in the order of the catalogue, and the delivery. The size is a parameter of ``upscale``, the rate
    one of ``interpolate``; without these stages a shot keeps its size and its rate."""

    stages: tuple[StageSettings, ...] = ()
    delivery: Delivery = Delivery()

    def stage(self, name: str) -> StageSettings | None:
        return next((settings for settings in self.stages if settings.stage == name), None)
