"""How strongly a stage works where: its strength, times its matte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import torch

from resilver_client.errors import InvalidMatte, ResilverError
from resilver_server.domain.formats import FrameFormat, MediaInfo, MediaKind
from resilver_server.domain.spans import Span
from resilver_server.media import colour
from resilver_server.media.identity import source_digests
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from resilver_server.stages.upscale.geometry import Placement
from resilver_server.stages.upscale.resample import Resampler

NEAR = 1 / 131070
"""Half a step of 16 bits: white and black mean 1 and 0, whatever rounding they went through."""


@dataclass(frozen=True)
class Mix:
    """The share of the staged frame: a number, or (1, height, width)."""

    share: float | torch.Tensor
    kept: torch.Tensor | None = None
    """(1, height, width) of flags where the share is none, whatever it says."""

    def mixed(self, plain: Callable[[], torch.Tensor], staged: torch.Tensor) -> torch.Tensor:
        """``plain`` where the share is 0 and ``staged`` where it is 1, exactly; ``plain`` is only made if needed."""
        mixed = self._shared(plain, staged)
        return mixed if self.kept is None else torch.where(self.kept, plain(), mixed)

    def _shared(self, plain: Callable[[], torch.Tensor], staged: torch.Tensor) -> torch.Tensor:
        if isinstance(self.share, float):
            return staged if self.share == 1 else torch.lerp(plain(), staged, self.share)
        return torch.lerp(plain(), staged, self.share.expand_as(staged))


class Weight(Protocol):
    def at(self, index: int) -> Mix | None:
        """The mix for a frame of the stage's domain; None where the stage does nothing at all."""


@dataclass(frozen=True)
class Constant:
    strength: float

    def at(self, index: int) -> Mix | None:
        return Mix(self.strength) if self.strength else None


class Matte:
    """A still, clip or sequence whose luma scales the strength.

    A still lies over every frame. A clip as long as the media lies over it frame by frame; any other begins with the
    first frame of the shot's range, and its first and last frames stand for those outside.
    """

    def __init__(self, path: str, media_frames: int, first_shown: int) -> None:
        try:
            self.info: MediaInfo = probe(path)
        except ResilverError as error:
            raise InvalidMatte(error.what, where=path, remedy=error.remedy) from error
        still = self.info.kind is MediaKind.STILL
        self._offset = 0 if still or self.info.frame_count == media_frames else first_shown
        self._reader = Reader(self.info)

    def close(self) -> None:
        self._reader.close()

    def frame(self, media_frame: int) -> int:
        """Number of the matte's frame that lies over a media frame."""
        return min(max(0, media_frame - self._offset), self.info.frame_count - 1)

    def luma(self, frame: int) -> torch.Tensor:
        """(1, height, width) of one of the matte's frames, 0..1."""
        (picture,) = self._reader.read(Span(frame, frame + 1))
        return torch.from_numpy(colour.luma(picture).copy())[None]

    def digest(self, frame: int) -> str:
        """sha256 of what the frame comes from."""
        if self.info.kind is MediaKind.SEQUENCE:
            return source_digests(self.info, Span(frame, frame + 1))[0]
        return f"{source_digests(self.info, Span(0, 1))[0]} {frame}"


class Matted:
    """Strength times matte, resized to the stage's output."""

    def __init__(
        self,
        strength: float,
        matte: Matte,
        media_frame: Callable[[int], int],
        size: FrameFormat,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._strength, self._matte, self._media_frame = strength, matte, media_frame
        self._size, self._device, self._dtype = size, device, dtype
        self._last: tuple[int, Mix | None] | None = None

    def at(self, index: int) -> Mix | None:
        frame = self._matte.frame(self._media_frame(index))
        if self._last is None or self._last[0] != frame:
            self._last = (frame, self._load(frame))
        return self._last[1]

    def _load(self, frame: int) -> Mix | None:
        share = laid(self._matte.luma(frame), self._size, self._device) * self._strength
        return Mix(share.to(self._dtype)) if bool(share.any()) else None


def laid(light: torch.Tensor, size: FrameFormat, device: torch.device) -> torch.Tensor:
    """A (1, rows, columns) picture at a stage's size, (1, height, width), 0..1: white and black exactly so."""
    light = light.to(device)
    height, width = light.shape[-2:]
    if (height, width) != (size.height, size.width):
        whole = Placement(Fraction(0), Fraction(0), Fraction(width), Fraction(height), 0, 0, size.width, size.height)
        light = Resampler(height, width, whole, device, light.dtype)(light)
    return torch.where(light > 1 - NEAR, 1, torch.where(light < NEAR, 0, light))
