"""Enlarging, on tensors."""

from __future__ import annotations

import torch

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.contract import StageContext, Window

from .geometry import Placement, place
from .resample import Resampler
from .spec import NONE, Parameters


class UpscaleSession:
    """A network (or none), then the exact resample; ``plain`` is the resample alone."""

    def __init__(self, parameters: Parameters, context: StageContext) -> None:
        self._context = context
        self._fit = parameters.fit
        self._network = None if parameters.model == NONE else context.networks.get(parameters.model)
        self._resamplers: dict[int, Resampler] = {}

    def process(self, window: Window) -> torch.Tensor:
        """(3, output height, output width) of the centre frame."""
        frame = window.frames[window.centre]
        if self._network is None:
            return self.plain(frame)
        enlarged = _untinted(frame, self._network.module(frame[None])[0])
        return self._fitted(enlarged, self._network.scale)

    def plain(self, frame: torch.Tensor) -> torch.Tensor:
        """The frame at the output's geometry without the network: (3, output height, output width)."""
        return self._fitted(frame, 1)

    def _fitted(self, frame: torch.Tensor, scale: int) -> torch.Tensor:
        placement = self._placement(scale)
        output = self._context.output
        if _is_identity(placement, frame):
            return frame
        if scale not in self._resamplers:
            self._resamplers[scale] = Resampler(
                frame.shape[1], frame.shape[2], placement, self._context.device, self._context.dtype
            )
        content = self._resamplers[scale](frame)
        if (placement.rows, placement.columns) == (output.height, output.width):
            return content
        canvas = frame.new_zeros((3, output.height, output.width))
        canvas[:, placement.y : placement.y + placement.rows, placement.x : placement.x + placement.columns] = content
        return canvas

    @property
    def placement(self) -> Placement:
        """Where the frame that comes in lies in the one that goes out."""
        return self._placement(1)

    def _placement(self, scale: int) -> Placement:
        given = self._context.input
        grown = FrameFormat(given.width * scale, given.height * scale, given.pixel_aspect)
        return place(grown, self._context.output, self._fit)


def _untinted(frame: torch.Tensor, enlarged: torch.Tensor) -> torch.Tensor:
    """What was grey stays grey: networks trained on colour tint it by a code value or two. Decided on the device."""
    grey = (frame[0] == frame[1]).all() & (frame[1] == frame[2]).all()
    return torch.where(grey, enlarged.mean(dim=0, keepdim=True), enlarged)


def _is_identity(placement: Placement, frame: torch.Tensor) -> bool:
    size = tuple(frame.shape[1:])
    moved = placement.left or placement.top or placement.x or placement.y
    given = (int(placement.height), int(placement.width))
    return not moved and given == size and (placement.rows, placement.columns) == size


def open_session(parameters: Parameters, context: StageContext) -> UpscaleSession:
    return UpscaleSession(parameters, context)
