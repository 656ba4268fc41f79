"""What a stage leaves as it got it, bit for bit: frames that are listed, and places that a keep matte shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch.nn import functional

from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.spans import Span

from .mattes import NEAR, Matte, Mix, Weight

NOTHING = ""
"""Name of a frame of which nothing is kept."""
_WHOLE = torch.ones((1, 1), dtype=torch.bool)
"""A frame that is listed, at any size."""


class Keep:
    """What of each media frame is kept."""

    def __init__(self, frames: Sequence[Span], matte: Matte | None) -> None:
        self._frames, self._matte = frames, matte
        self._last: tuple[int, torch.Tensor | None] | None = None
        self._names: dict[str, str] = {}

    def kept(self, frame: int) -> torch.Tensor | None:
        """(rows, columns) of flags at the matte's own size; None where nothing is kept."""
        if any(frame in span for span in self._frames):
            return _WHOLE
        return None if self._matte is None else self._painted(self._matte, self._matte.frame(frame))

    def name(self, frame: int) -> str:
        """By content, so that a matte which is black over a chunk leaves the chunk's key as it is without one.

        Each of the matte's frames is looked at, but equal files of a sequence only once.
        """
        if self._matte is None or any(frame in span for span in self._frames):
            return _named(self.kept(frame))
        number = self._matte.frame(frame)
        source = self._matte.digest(number)
        if source not in self._names:
            self._names[source] = _named(self._painted(self._matte, number))
        return self._names[source]

    def _painted(self, matte: Matte, number: int) -> torch.Tensor | None:
        """Remembers the last frame: a still lies over all of them."""
        if self._last is None or self._last[0] != number:
            flags = matte.luma(number)[0] > NEAR
            self._last = (number, flags if bool(flags.any()) else None)
        return self._last[1]


class Kept:
    """A weight where nothing is kept; what is kept does not pass the stage at all."""

    def __init__(
        self,
        weight: Weight,
        keep: Keep,
        media_frame: Callable[[int], int],
        size: FrameFormat,
        device: torch.device,
    ) -> None:
        self._weight, self._keep, self._media_frame = weight, keep, media_frame
        self._size, self._device = size, device
        self._last: tuple[torch.Tensor, torch.Tensor | None] | None = None

    def at(self, index: int) -> Mix | None:
        flags = self._keep.kept(self._media_frame(index))
        if flags is None:
            return self._weight.at(index)
        kept = self._resized(flags)
        mix = None if kept is None else self._weight.at(index)
        return None if mix is None else replace(mix, kept=kept)

    def _resized(self, flags: torch.Tensor) -> torch.Tensor | None:
        """(1, height, width) at the stage's size; None where the whole frame is kept."""
        if self._last is None or self._last[0] is not flags:
            kept = covering(flags, self._size.height, self._size.width)
            self._last = (flags, None if bool(kept.all()) else kept[None].to(self._device))
        return self._last[1]


def covering(flags: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(height, width) of flags: set where a set one of ``flags`` (rows, columns) covers any part of the pixel."""
    if flags.shape == (height, width):
        return flags
    return functional.adaptive_max_pool2d(flags.float()[None], (height, width))[0] > 0


def _named(flags: torch.Tensor | None) -> str:
    if flags is None:
        return NOTHING
    if bool(flags.all()):
        return "whole"
    content = repr(tuple(flags.shape)).encode() + flags.numpy().tobytes()
    return hashlib.sha256(content).hexdigest()
